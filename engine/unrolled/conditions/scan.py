"""A condition's text as words, one at a time."""

import re
from enum import Enum
from typing import NamedTuple


class Kind(Enum):
    """What a word is."""

    NUMBER = "number"
    NAME = "name"
    TEXT = "text"
    SIGN = "sign"
    UNKNOWN = "unknown"
    END = "end"


class Word(NamedTuple):
    """A word of a condition.

    Attributes:
        kind: What it is.
        text: As it stands there; nothing at the end.
        position: Where it begins, from 0.
    """

    kind: Kind
    text: str
    position: int

    @property
    def end(self) -> int:
        """Where it is over."""
        return self.position + len(self.text)


_WORD = re.compile(
    r"""
    (?P<NUMBER> (?: [0-9]+ \.? [0-9]* | \. [0-9]+ ) (?: [eE] [+-]? [0-9]+ )? )
    | (?P<NAME> [A-Za-z_] [A-Za-z0-9_]* )
    | (?P<TEXT> "[^"]*" | '[^']*' )
    | (?P<SIGN> [<>=!]= | [-<>+*()\[\]] )
    | (?P<UNKNOWN> ["'].* | . )
    """,
    re.VERBOSE | re.DOTALL,
)
_SPACE = re.compile(r"\s*")
_UNFINISHED = re.compile(r"(?<![0-9A-Za-z_.])[A-Za-z_][A-Za-z0-9_]*\Z")


def next_word(text: str, position: int) -> Word:
    """The first word of `text` from `position` on."""
    blank = _SPACE.match(text, position)
    start = blank.end() if blank else position
    found = _WORD.match(text, start)
    if found is None:
        return Word(Kind.END, "", start)
    return Word(Kind[found.lastgroup or "UNKNOWN"], found.group(), start)


def unfinished(text: str) -> str:
    """The name at the very end of `text`, which may go on; nothing if there is none."""
    found = _UNFINISHED.search(text)
    return found.group() if found else ""
