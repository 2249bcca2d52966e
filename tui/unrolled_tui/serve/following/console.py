"""The terminal that the server was started in, as a presenter's terminal: keys as they are, and bytes that may wait."""

import asyncio
import os
import select
import signal
import sys
import termios
import tty
from contextlib import suppress
from typing import Any, Self

from unrolled_tui.serve.errors import ServeError
from unrolled_tui.serve.outlet import Outlet, Showing
from unrolled_tui.serve.sessions.terminals import within_reason

PUT_BACK = (
    b"\x1b[?2026l\x1b[<u\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[?1004l\x1b[?2004l\x1b[?2048l"
    b"\x1b[?7h\x1b[m\x1b[?1049l\x1b[?25h"
)
"""What undoes what a Textual app asks of a terminal, for an app that ended without doing so."""

MOST_WAITING = 1 << 16
"""Bytes that may wait for the terminal before no more are taken from the app."""

_LAST_SECONDS = 0.5


class Console(Outlet):
    """A terminal of this process. `take` it, and `give_back` in every case.

    Args:
        descriptor: The terminal, opened for this alone: it is made non-blocking, and closed at the end.
    """

    def __init__(self, descriptor: int) -> None:
        os.set_blocking(descriptor, False)
        self._descriptor = descriptor
        self._before: list[Any] | None = None
        self._waiting = bytearray()
        self._showing: Showing | None = None

    @classmethod
    def open(cls) -> Self:
        """The terminal of standard output. What else uses it is not made non-blocking.

        Raises:
            ServeError: If standard input or output is no terminal.
        """
        for name, stream in (("input", sys.stdin), ("output", sys.stdout)):
            if stream is None or stream.closed or not stream.isatty():
                raise ServeError(f"the presenter needs a terminal, and standard {name} is none")
        try:
            return cls(os.open(os.ttyname(sys.stdout.fileno()), os.O_RDWR | os.O_NOCTTY))
        except OSError as error:
            raise ServeError(f"the presenter's terminal cannot be opened: {error.strerror}") from error

    @property
    def size(self) -> tuple[int, int]:
        """Columns and rows."""
        columns, rows = os.get_terminal_size(self._descriptor)
        return within_reason(columns or 80), within_reason(rows or 24)

    def take(self, showing: Showing) -> None:
        """Passes keys and sizes on to what is shown from now on, in the running loop."""
        self._showing = showing
        self._before = termios.tcgetattr(self._descriptor)
        tty.setraw(self._descriptor, termios.TCSANOW)
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGWINCH, self._resize)
        self.let_go()

    def give_back(self, put_back: bool) -> None:
        """Puts the terminal back as it was.

        Args:
            put_back: Whether to undo what an app has asked of it, which it did not do itself.
        """
        if self._before is None:
            return
        loop = asyncio.get_running_loop()
        loop.remove_signal_handler(signal.SIGWINCH)
        self.hold()
        loop.remove_writer(self._descriptor)
        self._waiting += PUT_BACK if put_back else b""
        self._write_the_rest(loop.time() + _LAST_SECONDS, loop)
        with suppress(termios.error):  # it is gone
            termios.tcflush(self._descriptor, termios.TCIFLUSH)  # answers to what the app asked last
            termios.tcsetattr(self._descriptor, termios.TCSANOW, self._before)
        self._before = None
        self.close()

    def close(self) -> None:
        """Lets go of a terminal that is not taken."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    # As an outlet.

    def write(self, data: bytes) -> None:
        """Shows bytes, or keeps them until the terminal takes them."""
        if self._before is None:
            return
        was_waiting = bool(self._waiting)
        self._waiting += data
        if not was_waiting:
            self._write_on()
            if self._waiting:
                asyncio.get_running_loop().add_writer(self._descriptor, self._write_on)

    @property
    def full(self) -> bool:
        """Whether the terminal is slow."""
        return len(self._waiting) > MOST_WAITING

    def hold(self) -> None:
        """Reads no keys for now."""
        asyncio.get_running_loop().remove_reader(self._descriptor)

    def let_go(self) -> None:
        """Reads keys again."""
        if self._before is not None:
            asyncio.get_running_loop().add_reader(self._descriptor, self._read)

    # Its workings.

    def _read(self) -> None:
        try:
            data = os.read(self._descriptor, 1 << 12)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if self._showing is None:
            return
        if data:
            self._showing.keys(data)
        else:  # the terminal is gone
            self.hold()
            self._showing.leave()

    def _resize(self) -> None:
        if self._showing is not None:
            with suppress(OSError):
                self._showing.resize(*self.size)

    def _write_on(self) -> None:
        was_full = self.full
        try:
            del self._waiting[: os.write(self._descriptor, self._waiting)]
        except BlockingIOError:
            return
        except OSError:
            self._waiting.clear()
        if not self._waiting:
            asyncio.get_running_loop().remove_writer(self._descriptor)
        if was_full and not self.full and self._showing is not None:
            self._showing.resume()

    def _write_the_rest(self, deadline: float, loop: asyncio.AbstractEventLoop) -> None:
        while self._waiting and (left := deadline - loop.time()) > 0:
            select.select([], [self._descriptor], [], left)
            self._write_on()
