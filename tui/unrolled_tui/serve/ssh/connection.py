"""One connection, which says when its line is slow."""

import asyncio
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, cast

import asyncssh

if TYPE_CHECKING:
    from unrolled_tui.serve.ssh.session import Session

MOST_ON_THE_WAY = 1 << 16
"""Bytes that may wait for a slow line, here and in the system each, before no more is written to it."""

MOST_UNREAD = 1 << 20
"""Bytes that wait for a line only if somebody asks and asks, and reads no answer."""

MOST_ENVIRONMENT = 1 << 16
"""Bytes of environment that a client may send. It is not used, but asyncssh keeps it."""


class Connection(asyncssh.SSHServerConnection):
    """A connection that says when its line is slow. asyncssh itself keeps whatever the line does not take.

    Attributes:
        is_slow: Whether the line takes no more for now.
        session: What is told when it takes more.
    """

    is_slow = False
    session: "Session | None" = None
    _pipe: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Takes the line."""
        self._pipe = cast("asyncio.Transport", transport)
        self._pipe.set_write_buffer_limits(high=MOST_ON_THE_WAY)
        with suppress(OSError):  # what is in the system's buffer is old when it arrives: it is to be small
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, MOST_ON_THE_WAY)
        super().connection_made(transport)

    def data_received(self, data: bytes, datatype: int | None = None) -> None:
        """Takes what has come, and cuts the line of one that would have us keep more and more."""
        super().data_received(data, datatype)
        asked = self._pipe.get_write_buffer_size()
        kept = 0 if self.session is None else self.session.environment
        if asked > MOST_UNREAD or kept > MOST_ENVIRONMENT:
            self.abort()

    def pause_writing(self) -> None:
        """The line is slow."""
        self.is_slow = True

    def resume_writing(self) -> None:
        """It is no longer."""
        self.is_slow = False
        if self.session is not None:
            self.session.resume()
