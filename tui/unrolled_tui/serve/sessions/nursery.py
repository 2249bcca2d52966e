"""The front's side of the nursery: the process that makes the sessions' processes.

It is forked while the front has neither threads nor a loop, makes the app once to have everything in memory, and forks
a process for each session. So a session starts in the time of a fork, and shares with the others what it only reads.
"""

import asyncio
import os
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from signal import SIGKILL, Signals
from typing import Self

from unrolled_tui.serve.errors import ServeError
from unrolled_tui.serve.limits import Limits
from unrolled_tui.serve.part import AppFactory
from unrolled_tui.serve.sessions.child import GRACE, Child
from unrolled_tui.serve.sessions.line import Line, Message
from unrolled_tui.serve.sessions.terminals import USUAL, Terminal, open_terminal, term_of
from unrolled_tui.serve.stage import LONGEST_PLACE

__all__ = ["GRACE", "Child", "Nursery", "Terminal"]


class Nursery:
    """The nursery's process, as the front knows it. `start` makes one.

    Args:
        pid: The process.
        line: Our end of the line to it.
    """

    def __init__(self, pid: int, line: Line) -> None:
        self.pid = pid
        self._line = line
        self._children: dict[int, Child] = {}
        self._orphans: list[int] = []
        self._count = 0
        self._is_listening = self._is_closing = False
        self._told = asyncio.Event()
        self._gone = asyncio.Event()
        self._why = ""
        self._died: asyncio.Future[str] | None = None

    @classmethod
    def start(cls, make_app: AppFactory, limits: Limits, log: int = 2) -> Self:
        """Forks the nursery, which gets ready while the front goes on.

        Call it before there are threads or loops. Textual reads the environment when it is imported, and the nursery's
        is neutral: do not import it before.

        Args:
            make_app: Makes the app of one session.
            limits: What a session may take.
            log: A descriptor for what is to be told of sessions that fail.

        Raises:
            ServeError: If no process is to be had.
        """
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()  # or both processes write what is in it
        ours, theirs = Line.pair()
        try:
            pid = os.fork()
        except OSError as error:
            raise ServeError(f"no process is to be had: {error.strerror}") from error
        if pid == 0:
            from unrolled_tui.serve.sessions.forking import nurse  # noqa: PLC0415  # the front needs none of it

            nurse(make_app, limits, theirs, log)
        theirs.close()
        return cls(pid, ours)

    async def ready(self) -> None:
        """Waits until the nursery can make sessions.

        Raises:
            ServeError: If it never will, with the reason.
        """
        self._listen()
        await self._told.wait()
        if self._why:
            raise ServeError(self._why)

    @property
    def died(self) -> "asyncio.Future[str]":
        """A sentence, if the nursery ends and was not asked to."""
        if self._died is None:
            self._died = asyncio.get_running_loop().create_future()
            self._listen()
            if self._gone.is_set() and not self._is_closing:
                self._died.set_result(self._why)
        return self._died

    async def spawn(
        self, terminal: Terminal, *, place: str = "", may_follow: bool = False, presents: bool = False
    ) -> Child:
        """Begins a session in a pseudo-terminal of its own.

        Args:
            terminal: Where it is shown.
            place: Where the app is to begin.
            may_follow: Whether its user may leave for the presenter's screen.
            presents: Whether it is the presenter's: drawn in 256 colours, whatever the terminal.

        Raises:
            ServeError: If it cannot be.
        """
        if (size := len(place.encode())) > LONGEST_PLACE:
            raise ServeError(f"place: expected at most {LONGEST_PLACE} bytes, got {size}")
        await self.ready()
        ours, theirs = open_terminal(terminal.columns, terminal.rows)
        given = [theirs]
        line = None
        if presents:
            line, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
            line.setblocking(False)
            given.append(far.detach())
        term = USUAL if presents else term_of(terminal.term)
        order = {"do": "fork", "term": term, "place": place, "may_follow": may_follow}
        try:
            return await self._fork(self._new_child(ours, line), order, given)
        finally:
            for descriptor in given:
                os.close(descriptor)

    async def spawn_piped(self, environment: Mapping[str, str], descriptors: tuple[int, int, int]) -> Child:
        """Begins a session that speaks through pipes, as Textual's driver for browsers does.

        Args:
            environment: COLUMNS and ROWS, the size to begin with. Nothing else is taken from it.
            descriptors: Its standard input, output and error. They stay the caller's.

        Raises:
            ServeError: If it cannot be.
        """
        await self.ready()
        try:
            columns, rows = int(environment.get("COLUMNS", "80")), int(environment.get("ROWS", "24"))
        except ValueError as error:
            raise ServeError(f"size: expected columns and rows, got {error}") from error
        order = {"do": "fork_piped", "columns": columns, "rows": rows}
        return await self._fork(self._new_child(-1, None), order, descriptors)

    async def close(self) -> None:
        """Ends all sessions, then the nursery. Each may put its terminal back, and relays carry that out meanwhile.

        No process is left when it returns.
        """
        self._listen()
        self._is_closing = True
        self._end_orphans()
        self._say({"do": "close"})
        try:
            async with asyncio.timeout(3 * GRACE):
                await self._gone.wait()
        except TimeoutError:
            os.kill(self.pid, SIGKILL)
            await self._gone.wait()

    def _new_child(self, descriptor: int, line: socket.socket | None) -> Child:
        self._count += 1
        return Child(self._count, descriptor, line, self._signal)

    async def _fork(self, child: Child, order: Message, given: Sequence[int]) -> Child:
        self._children[child.number] = child
        try:
            self._line.send({**order, "number": child.number}, given)
            await child.begun()
        except OSError as error:
            child.hang_up()
            raise ServeError(self._why or "the process that makes the sessions has ended") from error
        except BaseException:
            child.hang_up()
            raise
        return child

    def _signal(self, child: Child, number: Signals) -> None:
        """Has the nursery send a signal: only there a process's number is surely its own."""
        self._say({"do": "signal", "number": child.number, "signal": int(number)})

    # The line.

    def _say(self, order: Message) -> None:
        if not self._gone.is_set():
            with suppress(OSError):  # it has ended, which is heard next
                self._line.send(order)

    def _listen(self) -> None:
        if not self._is_listening:
            self._is_listening = True
            asyncio.get_running_loop().add_reader(self._line, self._hear)

    def _hear(self) -> None:
        messages = self._line.receive()
        for message, _ in messages or ():
            self._take(message)
        if messages is None:
            self._lose()

    def _take(self, news: Message) -> None:
        match news:
            case {"is": "ready"}:
                self._told.set()
            case {"is": "unfit", "why": str(why)}:
                self._why = why
                self._told.set()
            case {"is": "forked", "number": int(number), "pid": int(pid)}:
                self._children[number].begin(pid)
            case {"is": "ended", "number": int(number), "code": int(code), "why": str(why)}:
                self._children.pop(number).end(code, why)

    def _lose(self) -> None:
        """The nursery has ended. The sessions that are left are lost: none has put its terminal back."""
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._line)
        self._line.close()
        _, status = os.waitpid(self.pid, 0)
        code = os.waitstatus_to_exitcode(status)
        self._why = self._why or f"the process that makes the sessions has ended: {_told_of(code)}"
        self._gone.set()
        self._told.set()
        for child in self._children.values():
            if child.pid:
                self._orphans.append(child.pid)
            child.hang_up()
            child.end(128 + SIGKILL, self._why)
        if self._died is not None and not self._died.done() and not self._is_closing:
            self._died.set_result(self._why)

    def _end_orphans(self) -> None:
        """Ends what outlived the nursery. A number may be another process's by now, but hardly a session leader's."""
        for pid in self._orphans:
            with suppress(OSError):
                if os.getsid(pid) == pid:
                    os.kill(pid, SIGKILL)
        self._orphans.clear()


def _told_of(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"signal {-code}"
