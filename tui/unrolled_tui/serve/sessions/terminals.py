"""Pseudo-terminals for the sessions, and what is known of the terminals of the persons."""

import fcntl
import os
import re
import struct
import termios
import tty
from contextlib import suppress
from dataclasses import dataclass

from unrolled_tui.serve.errors import ServeError

USUAL = "xterm-256color"
"""What a terminal is taken for that says nothing sensible of itself."""

LARGEST = 1000
"""The most columns and rows that a session is told of."""

_TERM = re.compile(r"[A-Za-z0-9._+-]{1,64}")


@dataclass(frozen=True, slots=True)
class Terminal:
    """A person's terminal: what it calls itself, and its size."""

    term: str = USUAL
    columns: int = 80
    rows: int = 24


def term_of(name: object) -> str:
    """The value of TERM for a terminal that calls itself `name`."""
    return name if isinstance(name, str) and _TERM.fullmatch(name) else USUAL


def within_reason(size: int) -> int:
    """A number of columns or rows that can be drawn."""
    return min(max(1, size), LARGEST)


def set_size(descriptor: int, columns: int, rows: int) -> None:
    """Gives a pseudo-terminal a size. One that nobody uses any more stays as it is."""
    size = struct.pack("HHHH", within_reason(rows), within_reason(columns), 0, 0)
    with suppress(OSError):
        fcntl.ioctl(descriptor, termios.TIOCSWINSZ, size)


def open_terminal(columns: int, rows: int) -> tuple[int, int]:
    """Opens a pseudo-terminal, and returns both of its sides: ours, which does not block, and the session's.

    It takes keys as they are from the start: those that come before the app does are neither echoed nor signals.

    Raises:
        ServeError: If the system has none left.
    """
    try:
        ours, theirs = os.openpty()
    except OSError as error:
        raise ServeError(f"no pseudo-terminal is to be had: {error.strerror}") from error
    os.set_blocking(ours, False)
    attributes = termios.tcgetattr(theirs)
    attributes[tty.IFLAG] &= ~(termios.IXON | termios.IXOFF | termios.ICRNL)
    attributes[tty.LFLAG] &= ~(termios.ECHO | termios.ICANON | termios.IEXTEN | termios.ISIG)
    termios.tcsetattr(theirs, termios.TCSANOW, attributes)
    set_size(ours, columns, rows)
    return ours, theirs
