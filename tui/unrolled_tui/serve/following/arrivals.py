"""How much is on its way to a terminal: what it was asked about and has not answered.

After a frame the terminal is asked where its cursor is (`CSI 6 n`). It answers when it has drawn what came before. A
lone frame is not asked about, as long as few bytes were sent since the last question: a hundred answers take as much
time as sending the frame did.
"""

from collections import deque
from collections.abc import Callable

QUESTION = b"\x1b[6n"
MOST_FRAMES, MOST_BYTES = 3, 1 << 15
"""The most that may be on its way, and asked about, before the next frame."""

LONE, FEW_BYTES = 0.5, 1 << 14
"""Seconds without a frame that make the next one a lone one, and how many bytes go out without a question."""

SLOW = 0.25
"""A line that takes so many seconds for a frame has one on its way at a time."""

PATIENCE, LONG_PATIENCE = 1.5, 10.0
"""Seconds after which a question counts as answered: of a terminal that never has, and of one that has."""


class Arrivals:
    """What has arrived.

    Args:
        clock: The time in seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._asked: deque[tuple[float, int]] = deque()
        self._bytes = self._unasked = 0
        self._last = clock()
        self._slow = self._answers = False

    def sent(self, size: int) -> bytes:
        """Takes that a frame of so many bytes is sent now, and returns the question to send behind it, if any."""
        now = self._clock()
        is_lone, self._last = now - self._last > LONE, now
        self._unasked += size
        if is_lone and self._unasked <= FEW_BYTES:
            return b""
        self._asked.append((now, self._unasked))
        self._bytes, self._unasked = self._bytes + self._unasked, 0
        return QUESTION

    def answered(self) -> None:
        """Takes one answer."""
        if self._asked:
            self._answers = True
            self._slow = self._clock() - self._asked[0][0] > SLOW
            self._drop()

    @property
    def due(self) -> float:
        """When the oldest question counts as answered, whether it is or not; now, if there is none."""
        if not self._asked:
            return self._clock()
        return self._asked[0][0] + (LONG_PATIENCE if self._answers else PATIENCE)

    @property
    def all_in(self) -> bool:
        """Whether nothing is on its way."""
        while self._asked and self.due <= self._clock():
            self._drop()
        return not self._asked

    @property
    def room(self) -> bool:
        """Whether another frame may be sent."""
        if self.all_in:
            return True
        waiting = self._clock() - self._asked[0][0]
        return (
            not self._slow
            and waiting <= SLOW
            and len(self._asked) < MOST_FRAMES
            and self._bytes + self._unasked < MOST_BYTES
        )

    def _drop(self) -> None:
        self._bytes -= self._asked.popleft()[1]
