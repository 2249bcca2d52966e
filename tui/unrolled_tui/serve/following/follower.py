"""One who follows: the presenter's picture on another terminal, never later than the line can carry it.

Nothing is queued. A terminal that has not answered for what it was sent (`arrivals`) misses frames, and gets the newest
whole screen when it has. What is typed there goes no further than this file.
"""

import asyncio
from collections.abc import Callable
from enum import Enum, auto
from functools import partial
from textwrap import wrap
from typing import Protocol

from unrolled_tui.serve.following.arrivals import Arrivals
from unrolled_tui.serve.following.picture import Picture
from unrolled_tui.serve.following.typed import Reader, Typed
from unrolled_tui.serve.outlet import Outlet, Showing

OPENING = b"\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[m\x1b[2J"
"""The alternate screen, no cursor, no wrapping, cleared."""

CLOSING = b"\x1b[m\x1b[?7h\x1b[?1049l\x1b[?25h"
"""The terminal as it was."""

HINT_SECONDS, FIRST_HINT_SECONDS = 3.0, 4.0
MOST_TYPED, HELD_SECONDS = 1 << 13, 1.0
"""How much may be typed within so many seconds before no more is taken for as long."""


class Wish(Enum):
    """Why somebody follows no longer."""

    OWN = auto()
    LEAVE = auto()
    ENDED = auto()


class Timer(Protocol):
    """What is to happen."""

    def cancel(self) -> None:
        """Has it not happen."""


class Clock(Protocol):
    """Time: an event loop has it."""

    def time(self) -> float:
        """The time in seconds."""

    def call_later(self, delay: float, callback: Callable[[], object], /) -> Timer:
        """Calls something in so many seconds."""


class Follower(Showing):
    """Shows a picture on somebody's terminal, until there is a `wish`.

    Args:
        outlet: The terminal.
        picture: What is shown.
        columns: The terminal's width.
        rows: The terminal's height.
        hint: One line that says which keys there are.
        own: What there is of the own instead, for a terminal that is too small.
        clock: The running loop's time.
        on_end: Called when it ends.

    Attributes:
        wish: What somebody wants instead; the terminal is put back by then.
    """

    def __init__(
        self,
        outlet: Outlet,
        picture: Picture,
        columns: int,
        rows: int,
        hint: str,
        own: str,
        clock: Clock,
        on_end: Callable[["Follower"], None],
    ) -> None:
        self.wish: asyncio.Future[Wish] = asyncio.get_running_loop().create_future()
        self._outlet, self._picture = outlet, picture
        self._size = columns, rows
        self._hint, self._own, self._hint_until = hint, own, 0.0
        self._clock, self._on_end = clock, on_end
        self._arrivals = Arrivals(clock.time)
        self._reader = Reader()
        self._typed, self._held = 0, False
        self._behind = False
        self._timers: dict[str, Timer] = {}

    # What the podium tells.

    def begin(self) -> None:
        """Takes the terminal, and shows the whole picture on it."""
        self._outlet.write(OPENING)
        self._show_hint(FIRST_HINT_SECONDS)
        self._draw_all()

    def show(self, frame: bytes) -> None:
        """Shows what changed in the picture, or remembers that it has not."""
        if not self._fits or self.wish.done():
            return
        if self._behind or self._outlet.full or not self._arrivals.room:
            self._fall_behind()
        else:
            self._send(frame)

    def redraw(self) -> None:
        """Shows the whole picture: it has another size."""
        self._draw_all()

    def end(self, sentence: str) -> None:
        """Ends, with a sentence for the person."""
        self._finish(Wish.ENDED, CLOSING + sentence.encode() + b"\r\n")

    # What the person's line tells.

    def keys(self, data: bytes) -> None:
        """Takes what the person typed, and what the terminal answered."""
        if self.wish.done():
            return
        self._typed += len(data)
        self._after("typed", HELD_SECONDS, self._take_keys)
        if self._typed > MOST_TYPED and not self._held:
            self._held = True
            self._outlet.hold()
        for typed in self._reader.read(data, self._clock.time()):
            if self.wish.done():
                return
            self._take(typed)

    def resize(self, columns: int, rows: int) -> None:
        """Takes the terminal's new size."""
        self._size = columns, rows
        self._draw_all()

    def resume(self) -> None:
        """Goes on: the line takes bytes again."""
        self._catch_up()

    def leave(self) -> None:
        """Ends: the person is gone."""
        self._finish(Wish.LEAVE, b"")

    # Drawing.

    @property
    def _fits(self) -> bool:
        columns, rows = self._picture.size
        return self._size[0] >= columns and self._size[1] >= rows

    def _draw_all(self) -> None:
        if self.wish.done():
            return
        if self._outlet.full or not self._arrivals.room:
            self._fall_behind()
        else:
            self._send_newest()

    def _fall_behind(self) -> None:
        self._behind = True
        self._after("patience", max(0.0, self._arrivals.due - self._clock.time()), self._catch_up)

    def _catch_up(self) -> None:
        """Shows the newest, once everything before it has arrived."""
        if not self._behind or self._outlet.full or self.wish.done():
            return
        if self._arrivals.all_in:
            self._send_newest()
        else:
            self._fall_behind()

    def _send_newest(self) -> None:
        self._behind = False
        self._send(self._picture.whole() if self._fits else self._too_small())

    def _send(self, frame: bytes) -> None:
        if self._hint_until:
            frame += self._hint_line()
        self._outlet.write(frame + self._arrivals.sent(len(frame)))

    def _too_small(self) -> bytes:
        columns, rows = self._picture.size
        own_columns, own_rows = self._size
        sentence = (
            f"The teacher's screen has {columns} columns and {rows} rows, this terminal {own_columns} and {own_rows}: "
            f"make it larger, or its letters smaller. o gives {self._own} of your own, q leaves."
        )
        lines = wrap(sentence, max(1, own_columns))[:own_rows]
        return b"\x1b[m\x1b[2J\x1b[1;1H" + "\r\n".join(lines).encode()

    # The hint.

    def _show_hint(self, seconds: float) -> None:
        if self._outlet.full or self.wish.done():
            return
        is_new = not self._hint_until
        self._hint_until = self._clock.time() + seconds
        if is_new:
            self._outlet.write(self._hint_line())
            self._after("hint", seconds, self._hide_hint)

    def _hint_line(self) -> bytes:
        columns, rows = self._size
        return f"\x1b[{rows};1H\x1b[0;7m{self._hint[:columns]:{columns}}\x1b[m".encode()

    def _hide_hint(self) -> None:
        left = self._hint_until - self._clock.time()
        if left > 0:
            self._after("hint", left, self._hide_hint)
            return
        self._hint_until = 0.0
        rows = self._size[1]
        if not self._fits or self._outlet.full:
            self._draw_all()
        elif rows == self._picture.size[1]:
            self._outlet.write(self._picture.row(rows - 1))
        else:
            self._outlet.write(b"\x1b[m\x1b[%d;1H\x1b[2K" % rows)

    # Keys.

    def _take(self, typed: Typed) -> None:
        match typed:
            case Typed.ANSWER:
                self._arrivals.answered()
                self._catch_up()
            case Typed.OWN:
                self._finish(Wish.OWN, CLOSING)
            case Typed.LEAVE:
                self._finish(Wish.LEAVE, CLOSING)
            case Typed.OTHER:
                self._show_hint(HINT_SECONDS)

    def _take_keys(self) -> None:
        self._typed = 0
        if self._held:
            self._held = False
            self._outlet.let_go()

    # Its end, and its timers.

    def _finish(self, wish: Wish, closing: bytes) -> None:
        if self.wish.done():
            return
        for timer in self._timers.values():
            timer.cancel()
        self._take_keys()
        if closing:
            self._outlet.write(closing)
        self.wish.set_result(wish)
        self._on_end(self)

    def _after(self, name: str, seconds: float, callback: Callable[[], None]) -> None:
        """Calls something later, if it is not to be called anyway."""
        if name not in self._timers:
            self._timers[name] = self._clock.call_later(seconds, partial(self._call, name, callback))

    def _call(self, name: str, callback: Callable[[], None]) -> None:
        del self._timers[name]
        callback()
