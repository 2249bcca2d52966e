"""The line between the front and its nursery: messages, and descriptors that are passed along with them."""

import json
import socket
from array import array
from collections.abc import Sequence
from typing import Any, TypeAlias

from unrolled_tui.serve.errors import ServeError

Message: TypeAlias = dict[str, Any]
"""What is said: names and plain values."""

LONGEST = 1 << 16
"""The most bytes that a message may have."""

_ROOM = socket.CMSG_SPACE(8 * array("i").itemsize)
"""For the descriptors that come at once: a message has three at most."""


class Line:
    """One end of a line. A message is one line of JSON; descriptors arrive with its first byte, never later.

    Args:
        end: A connected stream socket. It blocks when written to: the other side reads all the time.
    """

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._text = b""
        self._descriptors: list[int] = []

    @staticmethod
    def pair() -> "tuple[Line, Line]":
        """Both ends of a new line."""
        one, other = socket.socketpair()
        return Line(one), Line(other)

    def fileno(self) -> int:
        """The descriptor, to wait for messages."""
        return self._end.fileno()

    def close(self) -> None:
        """Hangs up."""
        self._end.close()

    def send(self, message: Message, descriptors: Sequence[int] = ()) -> None:
        """Sends a message, and a copy of each of the descriptors.

        Raises:
            OSError: If nobody is there.
        """
        data = json.dumps({**message, "descriptors": len(descriptors)}).encode() + b"\n"
        sent = socket.send_fds(self._end, [data], list(descriptors)) if descriptors else 0
        self._end.sendall(data[sent:])

    def receive(self) -> "list[tuple[Message, list[int]]] | None":
        """The messages that are there, each with its descriptors, or None once the other side has hung up.

        Raises:
            ServeError: If what comes is no message.
        """
        try:
            # socket.recv_fds leaves its flags out, and would wait
            data, given, _, _ = self._end.recvmsg(LONGEST, _ROOM, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return []
        except OSError:
            return None
        if not data:
            return None
        for _, _, numbers in given:  # descriptors are all that can come
            self._descriptors.extend(array("i", numbers))
        *lines, self._text = (self._text + data).split(b"\n")
        if len(self._text) > LONGEST:
            raise ServeError(f"line: expected messages of at most {LONGEST} bytes, got more")
        return [self._read(line) for line in lines]

    def _read(self, line: bytes) -> tuple[Message, list[int]]:
        try:
            message = json.loads(line)
            count = message.pop("descriptors")
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ServeError(f"line: expected a message, got {line[:40]!r}") from error
        taken, self._descriptors = self._descriptors[:count], self._descriptors[count:]
        return message, taken
