"""A session, as the front knows it."""

import asyncio
import os
import socket
from collections.abc import Callable
from signal import SIGKILL, SIGTERM, Signals
from typing import TypeAlias

from unrolled_tui.serve.errors import ServeError
from unrolled_tui.serve.sessions.terminals import set_size

GRACE = 2.0
"""Seconds that a session has to end by itself."""

Send: TypeAlias = Callable[["Child", Signals], None]
"""Sends a signal to a session's process."""


class Child:
    """A session's process, and our side of what it reads and writes.

    Attributes:
        number: What the nursery knows it by.
        pid: Its process, once it has begun.
        descriptor: Our side of its pseudo-terminal, which does not block; -1 once closed, or if it has none.
        line: The server's end of the line to an app that presents.
        why: Why it has ended or never began, if that is known.
    """

    def __init__(self, number: int, descriptor: int, line: socket.socket | None, send: Send) -> None:
        self.number, self.pid, self.descriptor, self.line = number, 0, descriptor, line
        self.why = ""
        self._send = send
        self._loop = asyncio.get_running_loop()
        self._begun: asyncio.Future[None] = self._loop.create_future()
        self._code: asyncio.Future[int] = self._loop.create_future()

    @property
    def has_ended(self) -> bool:
        """Whether the process has ended."""
        return self._code.done()

    async def ended(self) -> int:
        """Waits for the end of the process, and returns its exit code, 128 + n if it was ended by signal n."""
        return await asyncio.shield(self._code)

    def resize(self, columns: int, rows: int) -> None:
        """Tells it the size of its terminal."""
        if self.descriptor >= 0:
            set_size(self.descriptor, columns, rows)

    def hang_up(self) -> None:
        """Closes its terminal, or terminates it if it has none. If it lives on, it is killed after `GRACE`."""
        if self.descriptor >= 0:
            self._loop.remove_reader(self.descriptor)
            self._loop.remove_writer(self.descriptor)
            os.close(self.descriptor)
            self.descriptor = -1
        else:
            self.terminate()
        if self.line is not None:
            self._loop.remove_reader(self.line)
            self.line.close()
            self.line = None
        if not self.has_ended:
            self._loop.call_later(GRACE, self.kill)

    def terminate(self) -> None:
        """Asks it to put its terminal back and to end."""
        if not self.has_ended:
            self._send(self, SIGTERM)

    def kill(self) -> None:
        """Ends it."""
        if not self.has_ended:
            self._send(self, SIGKILL)

    # What the nursery tells of it.

    async def begun(self) -> None:
        """Waits for its process.

        Raises:
            ServeError: If it gets none.
        """
        await self._begun

    def begin(self, pid: int) -> None:
        """It has a process."""
        self.pid = pid
        if not self._begun.done():
            self._begun.set_result(None)

    def end(self, code: int, why: str = "") -> None:
        """It has no process any more, or never will: `why`."""
        self.why = why
        if not self._begun.done():
            self._begun.set_exception(ServeError(why))
        if not self._code.done():
            self._code.set_result(code)
