"""What comes from a follower's terminal: a few keys, and where it says that its cursor is."""

import re
from collections.abc import Iterator
from enum import Enum, auto

LONGEST = 1024
"""The most bytes that are looked at of what comes at once: more than anybody types, and than a terminal answers."""

ESCAPE_SECONDS = 0.1
"""After so long, the escape key is no beginning of a sequence."""

_INPUT = re.compile(
    rb"(?P<answer>\x1b\[\d{1,5};\d{1,5}R)"
    rb"|\x1b\[(?P<code>\d{1,7})[:\d]*(?:;(?P<modifiers>\d{0,4})(?::(?P<event>\d))?)?(?:;[:\d]*)?u"  # kitty's protocol
    rb"|\x1b\[27;(?P<xterm_modifiers>\d{1,4});(?P<xterm_code>\d{1,7})~"  # xterm's modifyOtherKeys
    rb"|(?P<plain>[oOqQ\x03])"
    rb"|\x1b[]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)"
    rb"|\x1b\[[0-?]*[ -/]*[@-~]|\x1bO[ -~]|\x1b[^\x1b]|\x1b"
    rb"|[^\x1boOqQ\x03]+"
)
_UNFINISHED = re.compile(rb"\x1b(?:\[[0-?]{0,24}[ -/]{0,2}|O)?\Z")
_SHIFT, _CONTROL, _LOCKS = 1, 4, 64 | 128
_RELEASED = b"3"


class Typed(Enum):
    """What somebody typed, or the terminal answered."""

    ANSWER = auto()
    OWN = auto()
    LEAVE = auto()
    OTHER = auto()


class Reader:
    """Reads what comes in parts. It keeps no more than the beginning of one sequence."""

    def __init__(self) -> None:
        self._rest = b""
        self._since = 0.0

    def read(self, data: bytes, now: float) -> Iterator[Typed]:
        """What there is in `data`, in its order.

        Args:
            data: The next bytes.
            now: The time in seconds.
        """
        if self._rest == b"\x1b" and now - self._since > ESCAPE_SECONDS:
            self._rest = b""
            yield Typed.OTHER
        data = self._rest + data[:LONGEST]
        unfinished = _UNFINISHED.search(data)
        self._rest, self._since = (unfinished[0] if unfinished else b""), now
        for found in _INPUT.finditer(data, 0, len(data) - len(self._rest)):
            if (typed := _typed(found)) is not None:
                yield typed


def _typed(found: re.Match[bytes]) -> Typed | None:
    if found["answer"]:
        return Typed.ANSWER
    if found["plain"]:
        return _of_key(found["plain"].lower())
    code = found["code"] or found["xterm_code"]
    if code is None:
        return Typed.OTHER
    if found["event"] == _RELEASED:
        return None
    return _of_code(int(code), int(found["modifiers"] or found["xterm_modifiers"] or 1) - 1)


def _of_code(code: int, modifiers: int) -> Typed:
    modifiers &= ~_LOCKS
    if modifiers & ~_SHIFT == 0 and code in b"oOqQ":
        return _of_key(bytes([code]).lower())
    return Typed.LEAVE if modifiers == _CONTROL and code == ord("c") else Typed.OTHER


def _of_key(key: bytes) -> Typed:
    return Typed.OWN if key == b"o" else Typed.LEAVE
