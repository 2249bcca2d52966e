"""How much of it is served: to how many, and for how long."""

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from unrolled_tui.serve.errors import ServeError


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a server.

    Attributes:
        sessions: Sessions at a time.
        per_address: Sessions at a time from one address. As many as in all, as a class may share one behind a router.
        attempts: Wrong passwords from one address within a minute; then it waits. No key is guessed: they do not count.
        idle: Seconds without a key after which a session ends.
        memory: MiB that a session may take beside what it shares with the others.
    """

    sessions: int = 128
    per_address: int = 128
    attempts: int = 30
    idle: float = 3600.0
    memory: int = 256


class Seats:
    """The sessions that there are, in all and by address.

    Args:
        limits: How many there may be.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._by_address: Counter[str] = Counter()

    def __len__(self) -> int:
        """How many are taken."""
        return self._by_address.total()

    def take(self, address: str) -> None:
        """Takes a seat.

        Raises:
            ServeError: If there is none left, or none for this address.
        """
        if len(self) >= self._limits.sessions:
            raise ServeError(f"all {self._limits.sessions} sessions are taken: try again later")
        if self._by_address[address] >= self._limits.per_address:
            raise ServeError(f"this address has its {self._limits.per_address} sessions already: leave one first")
        self._by_address[address] += 1

    def leave(self, address: str) -> None:
        """Gives a seat back."""
        self._by_address[address] -= 1
        self._by_address += Counter()  # drops the addresses that have none


class Attempts:
    """The wrong passwords of the last minute, by address.

    Args:
        limits: How many there may be.
        clock: The time in seconds.
    """

    def __init__(self, limits: Limits, clock: Callable[[], float] = monotonic) -> None:
        self._most, self._clock = limits.attempts, clock
        self._by_address: dict[str, deque[float]] = {}

    def may_try(self, address: str) -> bool:
        """Whether one from this address may try now."""
        self._forget()
        return len(self._by_address.get(address, ())) < self._most

    def fail(self, address: str) -> None:
        """Takes that one from this address was wrong."""
        self._by_address.setdefault(address, deque(maxlen=self._most)).append(self._clock())

    def _forget(self) -> None:
        then = self._clock() - 60
        for address, times in list(self._by_address.items()):
            while times and times[0] <= then:
                times.popleft()
            if not times:
                del self._by_address[address]
