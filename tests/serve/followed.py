"""A terminal that follows, at the end of a line of any speed, in a time that passes when it is told to."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import pyte
from pyte.screens import Char

from unrolled_tui.serve.following.arrivals import QUESTION
from unrolled_tui.serve.following.follower import FIRST_HINT_SECONDS, Follower
from unrolled_tui.serve.following.follower import Clock as TimeLike
from unrolled_tui.serve.following.picture import Picture

ANSWER = b"\x1b[1;1R"
COLUMNS, ROWS = 60, 20
OWN = "a stepper"
HINT = f"o {OWN} of your own · q leave"


def cells(screen: pyte.Screen) -> list[tuple[Char, ...]]:
    """What a screen shows."""
    return [tuple(screen.buffer[row][column] for column in range(screen.columns)) for row in range(screen.lines)]


@dataclass
class Timer:
    """What is to happen at a time."""

    at: float
    callback: Callable[[], object]
    is_cancelled: bool = False

    def cancel(self) -> None:
        self.is_cancelled = True


class Clock:
    """Time that passes when `passes` is called."""

    def __init__(self) -> None:
        self.now = 100.0
        self.timers: list[Timer] = []

    def time(self) -> float:
        return self.now

    def call_later(self, delay: float, callback: Callable[[], object], /) -> Timer:
        assert delay >= 0
        self.timers.append(Timer(self.now + delay, callback))
        return self.timers[-1]

    def passes(self, seconds: float) -> None:
        end = self.now + seconds
        while due := sorted((timer for timer in self.timers if timer.at <= end), key=lambda timer: timer.at):
            self.timers.remove(due[0])
            if not due[0].is_cancelled:
                self.now = max(self.now, due[0].at)
                due[0].callback()
        self.now = end


class Line:
    """An outlet whose bytes arrive at a rate, on a terminal that answers what it is asked.

    Args:
        clock: The time.
        columns: The terminal's width.
        rows: The terminal's height.
        rate: Bytes a second; None if they arrive at once.
        answers: Whether the terminal answers.

    Attributes:
        on_keys: Takes the answers.
        full: Whether no more should be written.
        holds: When keys were held and let go, in turn.
        sent: All that was written.
        writes: The same, as it was written.
        waiting: What has not arrived.
        most_waiting: How much of it there was at most.
        screen: What has arrived.
    """

    def __init__(
        self, clock: TimeLike, columns: int = 80, rows: int = 24, rate: float | None = None, answers: bool = True
    ) -> None:
        self.on_keys: Callable[[bytes], None] | None = None
        self.full = False
        self.holds: list[str] = []
        self.sent, self.waiting, self.most_waiting = bytearray(), bytearray(), 0
        self.writes: list[bytes] = []
        self.screen = pyte.Screen(columns, rows)
        self.answers = answers
        self._clock, self._rate = clock, rate
        self._stream = pyte.ByteStream(self.screen)
        self._is_moving = False
        self._tail = b""

    def hold(self) -> None:
        self.holds.append("hold")

    def let_go(self) -> None:
        self.holds.append("let go")

    def write(self, data: bytes) -> None:
        self.sent += data
        self.writes.append(data)
        if self._rate is None:
            self._arrive(data)
        else:
            self.waiting += data
            self.most_waiting = max(self.most_waiting, len(self.waiting))
            self._move(self._rate)

    def _move(self, rate: float) -> None:
        if self.waiting and not self._is_moving:
            self._is_moving = True
            piece = bytes(self.waiting[:256])
            self._clock.call_later(len(piece) / rate, partial(self._moved, piece, rate))

    def _moved(self, piece: bytes, rate: float) -> None:
        self._is_moving = False
        del self.waiting[: len(piece)]
        self._arrive(piece)
        self._move(rate)

    def _arrive(self, data: bytes) -> None:
        self._stream.feed(data)
        *whole, rest = (self._tail + data).split(QUESTION)
        self._tail = rest[1 - len(QUESTION) :]
        if self.answers and self.on_keys is not None:
            for _ in whole:
                self._clock.call_later(0.0, partial(self.on_keys, ANSWER))

    @property
    def shown(self) -> list[str]:
        return [row.rstrip() for row in self.screen.display]


class Room:
    """A picture, and one who follows it.

    Args:
        columns: The follower's width.
        rows: The follower's height.
        rate: What the line carries, in bytes a second; None for at once.
        answers: Whether the follower's terminal answers.
    """

    def __init__(
        self, columns: int = COLUMNS, rows: int = ROWS, rate: float | None = None, answers: bool = True
    ) -> None:
        self.picture = Picture(COLUMNS, ROWS)
        self.picture.feed(b"\x1b[?1049h")
        self.turn(0)
        self.clock = Clock()
        self.line = Line(self.clock, columns, rows, rate, answers)
        self.ended: list[Follower] = []
        self.follower = Follower(self.line, self.picture, columns, rows, HINT, OWN, self.clock, self.ended.append)
        self.line.on_keys = self.follower.keys
        self.follower.begin()

    def turn(self, number: int) -> bytes:
        """Draws another page: every row is other text."""
        for row in range(ROWS):
            text = f"{number} page {number * (row + 7)} ".ljust(COLUMNS, "abcdefg"[(number + row) % 7])[:COLUMNS]
            coloured = "".join(
                f"\x1b[38;5;{(number + row + at) % 256}m{text[at : at + 4]}" for at in range(0, COLUMNS, 4)
            )
            self.picture.feed(f"\x1b[{row + 1};1H{coloured}".encode())
        return self.picture.delta()

    def play(self, frames: int, interval: float) -> None:
        for number in range(1, frames + 1):
            self.follower.show(self.turn(number))
            self.clock.passes(interval)

    @property
    def is_fresh(self) -> bool:
        return cells(self.line.screen) == [self.picture.cells(row) for row in range(ROWS)]

    @property
    def words(self) -> str:
        """All that is on the terminal, in one line."""
        return " ".join("".join(self.line.screen.display).split())

    def settle_hint(self) -> None:
        self.clock.passes(FIRST_HINT_SECONDS + 1)
