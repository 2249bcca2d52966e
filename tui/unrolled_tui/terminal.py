"""What the terminal can do."""

import codecs
import os
import sys
from collections.abc import Mapping
from io import TextIOWrapper
from typing import TextIO

from unrolled.errors import UnrolledError
from unrolled_tui.characters import in_ascii

DUMB = ("dumb", "unknown")
"""Terminals that cannot move their cursor, by what TERM says."""


class TerminalError(UnrolledError, OSError):
    """A terminal that the stepper needs and does not have."""


def speaks_utf8(stream: TextIO | None) -> bool:
    """Whether characters outside of ASCII can be written to `stream` and come out as they are.

    Python writes UTF-8 in the C locale too, and in one that is not installed. Somebody who asks for `LC_ALL=C`, or for
    another character set by its name, means it.
    """
    return _is_utf8(getattr(stream, "encoding", None) or "") and not _asks_for_another(os.environ)


def _asks_for_another(environment: Mapping[str, str]) -> bool:
    locale = environment.get("LC_ALL") or environment.get("LC_CTYPE") or environment.get("LANG") or ""
    character_set = locale.partition(".")[2].partition("@")[0]
    if character_set:
        return not _is_utf8(character_set)
    return environment.get("LC_ALL") in ("C", "POSIX")


def _is_utf8(encoding: str) -> bool:
    return encoding.lower().replace("-", "").replace("_", "") == "utf8"


def screen_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """What Textual has to be told of the terminal, as variables that it reads when it is imported.

    - Without colour it is to use no colours at all, and it chooses what it filters by its first theme.
    - GNU screen is often started where COLORTERM is truecolor. It passes that on, and shows wrong colours for them.
    """
    settings = {}
    if "NO_COLOR" in environment:
        settings["TEXTUAL_THEME"] = "ansi-dark"
    term = environment.get("TERM", "").lower()
    if "STY" in environment and "TMUX" not in environment and term.startswith("screen"):
        settings["TEXTUAL_COLOR_SYSTEM"] = "256" if "256color" in term else "standard"
    return settings


def write_ascii(stream: TextIO | None) -> None:
    """Has `stream` write ASCII from now on: a character in its place for each other one, whoever writes it."""
    codecs.register_error("unrolled", _stand_in)
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(encoding="ascii", errors="unrolled")


def _stand_in(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return in_ascii(error.object[error.start : error.end]), error.end


def require_terminal() -> None:
    """Checks that there is a terminal to draw on.

    Raises:
        TerminalError: If there is none, or only one that cannot move its cursor.
    """
    for name, stream in (("output", sys.stdout), ("error", sys.stderr)):
        if not _is_terminal(stream):
            raise TerminalError(f"the stepper needs a terminal, and standard {name} is none: {_INSTEAD}")
    term = os.environ.get("TERM", "").lower()
    if term in DUMB:
        raise TerminalError(f"the stepper needs a terminal that can move its cursor, and TERM is {term}: {_INSTEAD}")


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
