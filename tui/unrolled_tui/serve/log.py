"""What the server tells of those who come and go, one line each."""

import os
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from queue import Full, Queue
from threading import Thread
from typing import TextIO

MOST_WAITING = 1000
"""Lines that may wait for a terminal that was stopped; others are left out."""

LAST_SECONDS = 1.0
"""How long it is waited for at the end."""

_LONGEST = 200


class Printer:
    """Prints lines in a thread of its own, so that a terminal that is stopped by Ctrl+S does not stop the server.

    Args:
        stream: Where to. Its descriptor is written to, as a thread that waits must not keep the stream's lock.
    """

    def __init__(self, stream: TextIO) -> None:
        self._descriptor, self._encoding = stream.fileno(), stream.encoding
        self._lines: Queue[str | None] = Queue(MOST_WAITING)
        self._thread = Thread(target=self._print_all, daemon=True)
        self._thread.start()

    def write(self, line: str) -> None:
        """Prints a line soon, or never if too many wait."""
        with suppress(Full):
            self._lines.put_nowait(line)

    def close(self) -> None:
        """Waits until all is printed, but not for long."""
        with suppress(Full):
            self._lines.put(None, timeout=LAST_SECONDS)
        self._thread.join(LAST_SECONDS)

    def _print_all(self) -> None:
        while (line := self._lines.get()) is not None:
            data = f"{line}\n".encode(self._encoding, "backslashreplace")
            with suppress(OSError):  # nobody sees it any more
                while data:
                    data = data[os.write(self._descriptor, data) :]


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
