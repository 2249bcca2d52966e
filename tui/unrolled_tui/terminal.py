"""What the terminal can do."""

import os
import sys
from typing import TextIO

from unrolled.errors import UnrolledError


class TerminalError(UnrolledError, OSError):
    """A terminal that the stepper needs and does not have."""


def speaks_utf8(stream: TextIO | None) -> bool:
    """Whether characters outside of ASCII can be written to `stream` and come out as they are.

    Python writes UTF-8 in the C locale too. Somebody who asks for `LC_ALL=C` means ASCII.
    """
    encoding = (getattr(stream, "encoding", None) or "").lower().replace("-", "").replace("_", "")
    return encoding == "utf8" and os.environ.get("LC_ALL") not in ("C", "POSIX")


def require_terminal() -> None:
    """Checks that there is a terminal to draw on.

    Raises:
        TerminalError: If there is none, or only one that cannot move its cursor.
    """
    for name, stream in (("output", sys.stdout), ("error", sys.stderr)):
        if not _is_terminal(stream):
            raise TerminalError(f"the stepper needs a terminal, and standard {name} is none: {_INSTEAD}")
    if os.environ.get("TERM", "").lower() == "dumb":
        raise TerminalError(f"the stepper needs a terminal that can move its cursor, and TERM is dumb: {_INSTEAD}")


def require_keyboard(may_reopen: bool) -> None:
    """Checks that keys can be read.

    Args:
        may_reopen: Whether the sequence came through standard input, so that the keys have to come from elsewhere.

    Raises:
        TerminalError: If they cannot.
    """
    if _is_terminal(sys.stdin):
        return
    if not may_reopen:
        raise TerminalError(f"the stepper needs a keyboard, and standard input is no terminal: {_INSTEAD}")
    try:
        keyboard = os.open("/dev/tty", os.O_RDWR)
    except OSError as problem:
        raise TerminalError(
            f"the stepper needs a keyboard, and there is no terminal to read it: {_INSTEAD}"
        ) from problem
    os.dup2(keyboard, 0)  # what reads the keys takes descriptor 0
    os.close(keyboard)


_INSTEAD = "use unrolled screenshot or unrolled trace"


def _is_terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # it is closed
        return False
