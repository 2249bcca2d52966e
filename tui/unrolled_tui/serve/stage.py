"""The line between an app that presents, in its process, and the server, in another."""

import asyncio
import socket
from collections.abc import Callable

LONGEST_PLACE = 4096
"""The most bytes that a place may have."""


class Stage:
    """The presenting app's end of the line.

    Args:
        line: One end of a pair of datagram sockets.
    """

    def __init__(self, line: socket.socket) -> None:
        line.setblocking(False)
        self._line = line
        self._place = ""

    def show(self, place: str) -> None:
        """Tells the server where the app is now, for those who want to go on from there.

        Raises:
            ValueError: If the place has more than `LONGEST_PLACE` bytes.
        """
        message = place.encode()
        if len(message) > LONGEST_PLACE:
            raise ValueError(f"place: expected at most {LONGEST_PLACE} bytes, got {len(message)}")
        if place != self._place and self._send(message):
            self._place = place

    def watch(self, on_followers: Callable[[int], None]) -> None:
        """Calls `on_followers` with how many follow, at each change, in the running loop."""
        asyncio.get_running_loop().add_reader(self._line, self._hear, on_followers)

    def _hear(self, on_followers: Callable[[int], None]) -> None:
        try:
            message = self._line.recv(64)
        except BlockingIOError:
            return
        except OSError:
            message = b""
        if message:
            on_followers(int(message))
        else:
            asyncio.get_running_loop().remove_reader(self._line)

    def _send(self, message: bytes) -> bool:
        try:
            self._line.send(message)
        except OSError:  # the server is busy or gone; the next place says it all
            return False
        return True
