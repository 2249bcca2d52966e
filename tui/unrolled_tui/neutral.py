"""The surroundings in which screens are drawn for files: the same everywhere."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

_SETTINGS = ("CLICOLOR", "CLICOLOR_FORCE", "COLUMNS", "ESCDELAY", "FORCE_COLOR", "LINES", "NO_COLOR", "TERM_PROGRAM")
_TERMINAL = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}


@contextmanager
def neutral_environment() -> Iterator[None]:
    """Takes away what the environment says of colours, themes and the terminal, and gives it back at the end."""
    before = dict(os.environ)
    for name in before:
        if name in _SETTINGS or name.startswith("TEXTUAL"):
            del os.environ[name]
    os.environ.update(_TERMINAL)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
