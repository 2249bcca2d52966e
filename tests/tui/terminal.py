"""A terminal for tests: runs a program in a pseudo-terminal, types into it, and reads its screen.

It answers what a modern terminal is asked: where the cursor is, and whether it shows frames whole (mode 2026).
"""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import sysconfig
import termios
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import monotonic, sleep
from types import TracebackType
from typing import Any, Self

import pyte

UNROLLED = str(Path(sysconfig.get_path("scripts")) / "unrolled")
"""The installed program."""

ALTERNATE_SCREEN, CURSOR, BRACKETED_PASTE, FOCUS = 1049, 25, 2004, 1004
MOUSE = (1000, 1003, 1006, 1015)
FRAME_BEGIN, FRAME_END = b"\x1b[?2026h", b"\x1b[?2026l"

KEYS = {
    "right": b"\x1b[C",
    "left": b"\x1b[D",
    "up": b"\x1b[A",
    "down": b"\x1b[B",
    "home": b"\x1b[H",
    "end": b"\x1b[F",
    "pageup": b"\x1b[5~",
    "pagedown": b"\x1b[6~",
    "tab": b"\t",
    "shift+tab": b"\x1b[Z",
    "enter": b"\r",
    "escape": b"\x1b",
    "space": b" ",
    "ctrl+c": b"\x03",
    "ctrl+p": b"\x10",
}
"""What a terminal sends for keys that are not a character."""

_QUERIES = re.compile(rb"\x1b\[(?:6n|\?(\d+)\$p)")
_LONGEST_QUERY = 16
_UNKNOWN_TO_PYTE = re.compile(rb"\x1b\[[<=>][0-9;]*[a-zA-Z]|\x1b\[\?\d+\$p")
_UNFINISHED = re.compile(rb"\x1b(?:\[[0-?]*\$?)?\Z")
_INHERITED = ("HOME", "LD_LIBRARY_PATH", "PATH", "PYTHONPATH", "TMPDIR", "VIRTUAL_ENV")


def plain_environment(changes: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a truecolor UTF-8 terminal, and nothing that the tests were started with.

    Args:
        changes: What differs; an empty value leaves the variable out.
    """
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    usual = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}
    return {name: value for name, value in (inherited | usual | dict(changes or {})).items() if value}


class Terminal:
    """A program in a pseudo-terminal of its own, ended when the `with` block is left.

    Args:
        command: The program, by its path, and its arguments.
        columns: The width.
        lines: The height.
        environment: What differs from `plain_environment`.
        stdin: The file that is standard input, if it is not the terminal.
        answers: Whether it answers queries.

    Attributes:
        sent: Everything that the program has sent.
        frames: How many whole frames have come.
        exit_code: The program's exit code, once it is known to have ended.
        usage: What it has used by then, as `os.wait4` has it.
        pid: The process.
    """

    def __init__(
        self,
        command: Sequence[str],
        columns: int = 80,
        lines: int = 24,
        environment: Mapping[str, str] | None = None,
        stdin: int | None = None,
        answers: bool = True,
    ) -> None:
        self.sent = bytearray()
        self.frames = 0
        self.exit_code: int | None = None
        self.usage: Any = None
        self._answers = answers
        self._answered = self._drawn = 0
        self._screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self._screen)
        self._master, self._slave = pty.openpty()
        self._set_size(columns, lines)
        self.attributes_before = termios.tcgetattr(self._slave)
        # A session leader's first open terminal is its controlling one.
        name = os.ttyname(self._slave)
        self.pid = os.posix_spawn(
            command[0],
            list(command),
            plain_environment(environment),
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 2, name, os.O_RDWR, 0),
                (os.POSIX_SPAWN_DUP2, 2, 1),
                (os.POSIX_SPAWN_DUP2, 2 if stdin is None else stdin, 0),
            ],
            setsid=True,
        )

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends the program, whatever it does."""
        self.close()

    # Typing.

    def press(self, *keys: str) -> None:
        """Sends keys, by their names in `KEYS` or as characters, in one write."""
        self.write(b"".join(KEYS.get(key, key.encode()) for key in keys))

    def click(self, column: int, line: int) -> None:
        """Clicks on a cell, counted from 0 as `find` does."""
        self.write(f"\x1b[<0;{column + 1};{line + 1}M\x1b[<0;{column + 1};{line + 1}m".encode())

    def write(self, data: bytes) -> None:
        """Sends bytes."""
        while data:
            data = data[os.write(self._master, data) :]

    def resize(self, columns: int, lines: int) -> None:
        """Changes the size, of which the kernel tells the program by SIGWINCH."""
        self._draw()
        self._screen.resize(lines, columns)
        self._set_size(columns, lines)

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal."""
        os.kill(self.pid, number)

    # Reading.

    def read(self, seconds: float, most: int = 1 << 16) -> bytes:
        """The next bytes that come within so many seconds, none if there are none."""
        if not select.select([self._master], [], [], max(0.0, seconds))[0]:
            return b""
        data = os.read(self._master, most)
        before = len(self.sent)
        self.sent += data
        self.frames += self.sent.count(FRAME_END, max(0, before + 1 - len(FRAME_END)))
        if self._answers:
            self._answer(before)
        return data

    def until(self, holds: Callable[[], bool], seconds: float = 20.0) -> None:
        """Reads until something holds.

        Raises:
            AssertionError: If it does not come to hold in time, with what is on the screen.
        """
        end = monotonic() + seconds
        while not holds():
            if monotonic() > end:
                raise AssertionError(f"after {seconds} s the screen is\n{self.text}\nexit code {self.exit_code}")
            self.read(0.05)

    def see(self, *texts: str) -> None:
        """Reads until all these texts are on the screen."""
        self.until(lambda: all(text in self.text for text in texts))

    def settle(self, quiet: float = 0.15) -> None:
        """Reads until nothing has come for so many seconds.

        Raises:
            AssertionError: If the program never stops sending.
        """
        self.until(lambda: not self.read(quiet))

    def wait(self) -> int:
        """Reads until the program has ended, and returns its exit code: minus the signal's number if that ended it."""
        self.until(self._ended)
        self.settle(0.0)
        if self.exit_code is None:
            raise AssertionError("ended without an exit code")
        return self.exit_code

    def wait_without_reading(self, seconds: float = 20.0) -> int | None:
        """The exit code once the program has ended; None if it does not."""
        end = monotonic() + seconds
        while not self._ended() and monotonic() < end:
            sleep(0.02)
        return self.exit_code

    def hang_up(self) -> None:
        """Closes the line: the program loses its terminal."""
        if self._master >= 0:
            os.close(self._master)
            os.close(self._slave)
            self._master = self._slave = -1

    def close(self) -> None:
        """Ends the program if it has not ended."""
        if not self._ended():
            os.kill(self.pid, signal.SIGKILL)
            self._reap(0)
        self.hang_up()

    # What there is to see.

    @property
    def rows(self) -> list[str]:
        """The lines of the screen."""
        self._draw()
        return [row.rstrip() for row in self._screen.display]

    @property
    def text(self) -> str:
        """The screen as text."""
        return "\n".join(self.rows)

    def find(self, text: str) -> tuple[int, int]:
        """The column and line, from 0, where a text begins that is on the screen."""
        return next((row.index(text), line) for line, row in enumerate(self.rows) if text in row)

    def foreground(self, column: int, line: int) -> str:
        """The colour of a character, as pyte names it: a name, six digits, or `default`."""
        self._draw()
        colour: str = self._screen.buffer[line][column].fg
        return colour

    def mode(self, number: int, at_first: bool = False) -> bool:
        """Whether a private mode is on, from what the program has sent."""
        switches: list[bytes] = re.findall(rb"\x1b\[\?%d([hl])" % number, bytes(self.sent))
        return switches[-1] == b"h" if switches else at_first

    @property
    def attributes(self) -> list[Any]:
        """The terminal's attributes, as `termios` has them."""
        return termios.tcgetattr(self._slave)

    # Its workings.

    def _set_size(self, columns: int, lines: int) -> None:
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def _draw(self) -> None:
        """Brings the screen up to date, leaving a frame or a sequence that has not come whole for later."""
        tail = bytes(self.sent[self._drawn :])
        begin = tail.rfind(FRAME_BEGIN)
        if begin > tail.rfind(FRAME_END):
            tail = tail[:begin]
        elif unfinished := _UNFINISHED.search(tail):
            tail = tail[: unfinished.start()]
        self._drawn += len(tail)
        self._stream.feed(_UNKNOWN_TO_PYTE.sub(b"", tail))

    def _answer(self, start: int) -> None:
        """Answers the queries that end after `start`."""
        for query in _QUERIES.finditer(self.sent, max(self._answered, start - _LONGEST_QUERY)):
            self._answered = query.end()
            if query[1] is None:
                self.write(b"\x1b[1;1R")
            elif int(query[1]) == 2026:
                self.write(b"\x1b[?2026;2$y")
            else:
                self.write(b"\x1b[?%b;0$y" % query[1])

    def _ended(self) -> bool:
        if self.exit_code is None:
            self._reap(os.WNOHANG)
        return self.exit_code is not None

    def _reap(self, options: int) -> None:
        pid, status, usage = os.wait4(self.pid, options)
        if pid:
            self.exit_code, self.usage = os.waitstatus_to_exitcode(status), usage
