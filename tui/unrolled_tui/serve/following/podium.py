"""The presenter: an app on the server's own terminal, and all who follow it."""

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from typing import Self

from unrolled_tui.serve.following.console import Console
from unrolled_tui.serve.following.follower import Follower
from unrolled_tui.serve.following.picture import END, Picture
from unrolled_tui.serve.outlet import Outlet, Showing
from unrolled_tui.serve.sessions.nursery import GRACE, Child, Nursery, Terminal
from unrolled_tui.serve.sessions.relay import Relay
from unrolled_tui.serve.stage import LONGEST_PLACE

PAUSE = 0.005
"""Seconds without a byte from the app after which its frame is taken for whole, unless it says so."""

INTERVAL, LONGEST_FRAME = 1 / 60, 0.1
"""Seconds between two frames at least, and for one frame at most."""

ENDED = "the teacher has ended the presentation"
"""What followers read at the end."""


class Podium(Showing):
    """Shows an app on a console and to those who follow. `open` makes one, `close` it in every case.

    Args:
        child: The app's process.
        console: The presenter's terminal.
        own: What a follower may have of the own, for the lines that say which keys there are.
    """

    def __init__(self, child: Child, console: Console, own: str) -> None:
        self._child, self._console = child, console
        self._own = own
        self._hint = f"you follow the teacher · o {own} of your own, and back · q leave"
        self._loop = asyncio.get_running_loop()
        self._picture = Picture(*console.size)
        self._followers: set[Follower] = set()
        self._told = -1
        self._place = ""
        self._is_resized = False
        self._last = self._since = 0.0
        self._cut_timer: asyncio.TimerHandle | None = None
        self._relay = Relay(child, _Tee(console, self._take))
        self._end = self._loop.create_task(self._finish())
        if child.line is not None:
            self._loop.add_reader(child.line, self._hear)
        console.take(self)
        self._tell()

    @classmethod
    async def open(cls, nursery: Nursery, *, own: str = "a screen", console: Console | None = None) -> Self:
        """Begins the presentation.

        Args:
            nursery: Makes the app's process.
            own: What a follower may have of the own.
            console: The presenter's terminal, if it is not this process's.

        Raises:
            ServeError: If this process has no terminal, or there is no session to be had.
        """
        console = Console.open() if console is None else console
        try:
            columns, rows = console.size
            child = await nursery.spawn(Terminal(os.environ.get("TERM", ""), columns, rows), presents=True)
        except BaseException:
            console.close()
            raise
        return cls(child, console, own)

    @property
    def place(self) -> str:
        """Where the app is, as it has told its stage last."""
        return self._place

    @property
    def followers(self) -> int:
        """How many follow."""
        return len(self._followers)

    def follow(self, outlet: Outlet, columns: int, rows: int) -> Follower:
        """Shows the presentation on one more terminal. Its `wish` says when it does not any more.

        Args:
            outlet: The terminal.
            columns: Its width.
            rows: Its height.
        """
        follower = Follower(outlet, self._picture, columns, rows, self._hint, self._own, self._loop, self._lose)
        self._followers.add(follower)
        follower.begin()
        if self._end.done():
            follower.end(ENDED)
        self._tell()
        return follower

    async def ended(self) -> int:
        """Waits for the end of the app, and returns its exit code. All terminals are put back by then."""
        return await asyncio.shield(self._end)

    async def close(self) -> None:
        """Ends the presentation, if it has not ended, and puts all terminals back."""
        if not self._end.done():
            self._child.terminate()
            kill = self._loop.call_later(GRACE, self._child.kill)
            await self.ended()
            kill.cancel()

    # What the presenter's terminal tells.

    def keys(self, data: bytes) -> None:
        """Types into the app."""
        self._relay.keys(data)

    def resize(self, columns: int, rows: int) -> None:
        """Takes another size, for the app and for the picture."""
        if (columns, rows) != self._picture.size:
            self._picture.resize(columns, rows)
            self._is_resized = True
            self._relay.resize(columns, rows)
            self._cut_in(LONGEST_FRAME)

    def resume(self) -> None:
        """Goes on showing."""
        self._relay.resume()

    def leave(self) -> None:
        """Ends: the terminal is gone."""
        self._relay.leave()

    # Frames.

    def _take(self, data: bytes) -> None:
        """Takes what the app has written, and shows it once its frame is whole."""
        self._picture.feed(data)
        now = self._loop.time()
        if self._cut_timer is None:
            self._since = now
        pause = 0.0 if data.endswith(END) else PAUSE
        soonest = max(now + pause, self._last + INTERVAL)
        self._cut_in(min(soonest, max(self._since + LONGEST_FRAME, now)) - now)

    def _cut_in(self, seconds: float) -> None:
        if self._cut_timer is not None:
            self._cut_timer.cancel()
            self._cut_timer = None
        if seconds > 0:
            self._cut_timer = self._loop.call_later(seconds, self._cut)
        else:
            self._cut()

    def _cut(self) -> None:
        self._cut_timer = None
        self._last = self._loop.time()
        frame = self._picture.delta()
        for follower in tuple(self._followers):
            if self._is_resized:
                follower.redraw()
            elif frame:
                follower.show(frame)
        self._is_resized = False
        self._tell()

    # The line to the app.

    def _hear(self) -> None:
        line = self._child.line
        if line is None:
            return
        try:
            while True:
                self._place = line.recv(LONGEST_PLACE).decode(errors="replace")
        except BlockingIOError:
            pass
        except OSError:  # the app has hung up
            self._loop.remove_reader(line)

    def _tell(self) -> None:
        """Tells the app how many follow, if it does not know. A line that is full is tried again at the next frame."""
        if self._child.line is not None and self._told != self.followers:
            with suppress(OSError):
                self._child.line.send(b"%d" % self.followers)
                self._told = self.followers

    # The end.

    def _lose(self, follower: Follower) -> None:
        self._followers.discard(follower)
        self._tell()

    async def _finish(self) -> int:
        try:
            return await self._relay.ended()
        finally:
            if self._cut_timer is not None:
                self._cut_timer.cancel()
            self._console.give_back(self._picture.alternate)
            for follower in tuple(self._followers):
                follower.end(ENDED)


class _Tee(Outlet):
    """The presenter's terminal, and whoever is to have the same bytes."""

    def __init__(self, console: Console, taken: Callable[[bytes], None]) -> None:
        self._console, self._taken = console, taken

    def write(self, data: bytes) -> None:
        """Shows bytes, and passes them on."""
        self._console.write(data)
        self._taken(data)

    @property
    def full(self) -> bool:
        """Whether the presenter's terminal is slow."""
        return self._console.full

    def hold(self) -> None:
        """Takes no more keys for now."""
        self._console.hold()

    def let_go(self) -> None:
        """Takes keys again."""
        self._console.let_go()
