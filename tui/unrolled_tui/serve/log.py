"""What the server tells of those who come and go, one line each."""

from collections.abc import Callable
from datetime import datetime

_LONGEST = 200


class Log:
    """Writes lines with the time of day.

    Args:
        write: Takes a line, without its end.
        now: The time.
    """

    def __init__(self, write: Callable[[str], object], now: Callable[[], datetime] = datetime.now) -> None:
        self._write, self._now = write, now

    def tell(self, text: str) -> None:
        """Tells something. Parts of it may come from clients: no control character of theirs is written."""
        self._write(f"{self._now():%H:%M:%S} {harmless(text)}")


def harmless(text: str, longest: int = _LONGEST) -> str:
    """A text in which each character that is not printable is a question mark, and no more than `longest`."""
    shown = "".join(character if character.isprintable() else "?" for character in text[:longest])
    return shown if len(text) <= longest else f"{shown}…"
