"""One session: a person's terminal at the far end of an SSH channel, and what is shown on it."""

import asyncio
from collections.abc import Callable
from signal import SIGHUP, SIGINT, SIGTERM
from typing import TYPE_CHECKING

import asyncssh

from unrolled_tui.serve.errors import ServeError
from unrolled_tui.serve.following.console import PUT_BACK
from unrolled_tui.serve.following.follower import Wish
from unrolled_tui.serve.following.podium import ENDED, Podium
from unrolled_tui.serve.outlet import Showing
from unrolled_tui.serve.part import FOLLOW
from unrolled_tui.serve.sessions.nursery import GRACE, Child
from unrolled_tui.serve.sessions.relay import Relay
from unrolled_tui.serve.sessions.terminals import Terminal, within_reason
from unrolled_tui.serve.ssh.connection import Connection

if TYPE_CHECKING:
    from unrolled_tui.serve.ssh.front import Front

MOST_WAITING = 1 << 16
"""Bytes that may wait for the client to want them before no more is written to it."""

PATIENCE = 30.0
"""Seconds that a client may take for what is left to read at the end."""

NO_TERMINAL = "this needs a terminal: leave out the command, or type ssh -t"
SERVER_ENDED = "the server has ended"

_CLEAN = tuple(128 + number for number in (SIGHUP, SIGINT, SIGTERM))
"""Exit codes of an app that was asked to end, and has put its terminal back. Others above 128 have not."""


class Session(asyncssh.SSHServerSession[bytes]):
    """A session, which is an `Outlet` for what it shows.

    Args:
        front: What all connections share.
        line: The connection that its channel is on.
        user: The name that the client gave.
        address: Where it is from.
        on_begin: Called when somebody asks for the app.
        on_end: Called when its channel is closed.
    """

    def __init__(
        self,
        front: "Front",
        line: Connection,
        user: str,
        address: str,
        on_begin: Callable[[], None],
        on_end: Callable[["Session"], None],
    ) -> None:
        self._front, self._line, self._user, self._address = front, line, user, address
        self._on_begin, self._on_end = on_begin, on_end
        self._loop = asyncio.get_running_loop()
        self._channel: asyncssh.SSHServerChannel[bytes]
        self._terminal, self._has_terminal = Terminal(), False
        self._showing: Showing | None = None
        self._child: Child | None = None
        self._is_slow = self._is_gone = self._is_ending = False
        self._last_key = 0.0
        self._why = ""  # it ended, if that was not its person's wish
        self.task: asyncio.Task[None] | None = None

    # The channel.

    def connection_made(self, chan: "asyncssh.SSHServerChannel[bytes]") -> None:
        """Takes the channel."""
        self._channel, self._line.session = chan, self
        chan.set_write_buffer_limits(high=MOST_WAITING)

    def pty_requested(self, term_type: str, term_size: tuple[int, int, int, int], term_modes: object) -> bool:  # noqa: ARG002
        """Takes the terminal."""
        columns, rows = term_size[:2]
        self._terminal = Terminal(term_type, within_reason(columns or 80), within_reason(rows or 24))
        self._has_terminal = True
        return True

    def shell_requested(self) -> bool:
        """Gives the app to whoever asks for a shell."""
        return True

    def exec_requested(self, command: str) -> bool:
        """Runs no command. A key that has one in the file of keys gets what every key gets."""
        return command == self._line.get_key_option("command")

    def session_started(self) -> None:
        """Begins."""
        self._on_begin()
        self.task = self._loop.create_task(self._run())
        self._front.sessions.add(self)
        self.task.add_done_callback(lambda _: self._front.sessions.discard(self))

    def data_received(self, data: bytes, datatype: object) -> None:  # noqa: ARG002  # clients send one kind
        """Takes keys."""
        self._last_key = self._loop.time()
        if self._showing is not None:
            self._showing.keys(data)

    def eof_received(self) -> bool:
        """Goes on without a keyboard, as a shell would."""
        return True

    def terminal_size_changed(self, width: int, height: int, pixwidth: int, pixheight: int) -> None:  # noqa: ARG002
        """Takes the terminal's new size."""
        columns, rows = within_reason(width or 80), within_reason(height or 24)
        self._terminal = Terminal(self._terminal.term, columns, rows)
        if self._showing is not None:
            self._showing.resize(columns, rows)

    def pause_writing(self) -> None:
        """The client wants no more for now."""
        self._is_slow = True

    def resume_writing(self) -> None:
        """It wants more."""
        self._is_slow = False
        self.resume()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # gone is gone
        """The person is gone."""
        self._is_gone = True
        if self._showing is not None:
            self._showing.leave()
        if self._line.session is self:
            self._line.session = None
        self._on_end(self)

    @property
    def is_over(self) -> bool:
        """Whether it has told its exit code."""
        return self.task is not None and self.task.done()

    @property
    def environment(self) -> int:
        """How many bytes of environment the client has sent."""
        return sum(len(name) + len(value) for name, value in self._channel.get_environment_bytes().items())

    # The outlet.

    def write(self, data: bytes) -> None:
        """Sends bytes, unless nobody is there any more."""
        if data and not self._channel.is_closing():
            self._channel.write(data)

    @property
    def full(self) -> bool:
        """Whether the client wants no more, or the line takes no more."""
        return self._is_slow or self._line.is_slow

    def hold(self) -> None:
        """Takes no more keys: they wait in the client, which may send no more than a window of them."""
        self._channel.pause_reading()

    def let_go(self) -> None:
        """Takes keys again."""
        self._channel.resume_reading()

    def resume(self) -> None:
        """Goes on writing, if both the client and the line take more."""
        if self._showing is not None and not self.full:
            self._showing.resume()

    # What is shown.

    def end(self) -> None:
        """Asks the app to put the terminal back and to end."""
        self._is_ending = True
        self._end_child()

    def _end_child(self) -> None:
        if self._child is not None:
            self._child.terminate()
            self._loop.call_later(GRACE, self._child.kill)

    async def _run(self) -> None:
        code = 1
        try:
            code = await self._seated()
        except ServeError as error:
            self._front.log(f"refused {self._user} from {self._address}: {error}")
            self._say(str(error))
        finally:
            if not self._is_gone:
                self._channel.exit(code)
                self._loop.call_later(PATIENCE, self._channel.abort)

    async def _seated(self) -> int:
        if not self._has_terminal:
            raise ServeError(NO_TERMINAL)
        seats, log = self._front.seats, self._front.log
        seats.take(self._address)
        log(f"in {self._user} from {self._address}, {len(seats)} here")
        try:
            return await self._show()
        finally:
            seats.leave(self._address)
            log(f"out {self._user} from {self._address}, {len(seats)} here{self._why and ': '}{self._why}")

    async def _show(self) -> int:
        podium = self._front.podium
        while not self._is_gone and not self._is_ending:
            if podium is not None and await self._follow(podium) is not Wish.OWN:
                return 0
            code = await self._own()
            if code != FOLLOW or podium is None:
                return code
        if self._is_ending:
            self._end_as(self._why_ended)
        return 0

    async def _follow(self, podium: Podium) -> Wish:
        """Shows the presentation, until something else is wished."""
        self._showing = follower = podium.follow(self, self._terminal.columns, self._terminal.rows)
        try:
            return await follower.wish
        finally:
            self._showing = None

    async def _own(self) -> int:
        """Shows an app of its own, and returns its exit code."""
        podium, terminal = self._front.podium, self._terminal
        place = "" if podium is None else podium.place
        child = await self._front.nursery.spawn(terminal, place=place, may_follow=podium is not None)
        self._child, self._showing = child, (relay := Relay(child, self))
        if self._is_gone:
            relay.leave()
        if self._is_ending:
            self.end()
        if self._terminal != terminal:
            relay.resize(self._terminal.columns, self._terminal.rows)
        idle = self._loop.create_task(self._end_when_idle())
        try:
            code = await relay.ended()
        finally:
            self._child = self._showing = None
            idle.cancel()
        if code > 128 and code not in _CLEAN:
            self.write(PUT_BACK)
        if idle.done() and not idle.cancelled():
            self._end_as(f"no key for {_minutes(self._front.limits.idle)}: the session has ended")
            return 1
        if child.why:
            self._end_as(child.why)
        elif self._is_ending:
            self._end_as(self._why_ended)
            return code if podium is None else 0
        elif code not in (0, FOLLOW) and not self._is_gone:
            self._why = f"exit code {code}"
            if code > 128:  # others have said themselves why
                self._say(f"the session was ended (code {code}): the server's log may say why")
        return code

    def _end_as(self, why: str) -> None:
        self._why = why
        self._say(why)

    @property
    def _why_ended(self) -> str:
        return SERVER_ENDED if self._front.podium is None else ENDED

    async def _end_when_idle(self) -> None:
        """Ends the app when no key has come for long."""
        self._last_key = self._loop.time()
        while (rest := self._last_key + self._front.limits.idle - self._loop.time()) > 0:
            await asyncio.sleep(rest)
        self._end_child()

    def _say(self, sentence: str) -> None:
        if not self._channel.is_closing():
            self._channel.write_stderr(f"{sentence}\r\n".encode())


def _minutes(seconds: float) -> str:
    minutes = f"{seconds / 60:g}"
    return f"{minutes} minute" if minutes == "1" else f"{minutes} minutes"
