"""Carries the bytes of one session between its pseudo-terminal and a person's line, and never keeps many."""

import asyncio
import os

from unrolled_tui.serve.outlet import Outlet
from unrolled_tui.serve.sessions.nursery import Child

MOST_KEYS = 1 << 16
"""Bytes of keys that may wait for the session; then no more are taken until half of them are gone."""

_PIECE = 1 << 16
"""The most bytes that are read before others get their turn. A frame is less, and goes out as one piece."""

_REST = 1 << 18
"""The most bytes that are taken after the session's end. A pseudo-terminal keeps less."""


class Relay:
    """What is shown on the person's terminal is a session of the own.

    Args:
        child: The session. From now on nobody else reads its pseudo-terminal.
        outlet: The person's line.
    """

    def __init__(self, child: Child, outlet: Outlet) -> None:
        self._child, self._outlet = child, outlet
        self._loop = asyncio.get_running_loop()
        self._keys = bytearray()
        self._is_holding = self._is_reading = self._is_over = False
        self._end = self._loop.create_task(self._finish())
        self.resume()

    def keys(self, data: bytes) -> None:
        """Types into the session."""
        if self._is_over or self._child.descriptor < 0:
            return
        is_waiting = bool(self._keys)
        self._keys += data
        if not is_waiting:
            self._type()
        if len(self._keys) > MOST_KEYS and not self._is_holding:
            self._is_holding = True
            self._outlet.hold()

    def resize(self, columns: int, rows: int) -> None:
        """Tells the session the size."""
        self._child.resize(columns, rows)

    def resume(self) -> None:
        """Reads on."""
        if not self._is_reading and not self._is_over and self._child.descriptor >= 0:
            self._is_reading = True
            self._loop.add_reader(self._child.descriptor, self._read)

    def leave(self) -> None:
        """Hangs up: what the session writes from now on goes nowhere."""
        self._stop()
        self._child.hang_up()

    async def ended(self) -> int:
        """Waits until the session has ended and all that it wrote is out, and returns its exit code."""
        return await asyncio.shield(self._end)

    async def _finish(self) -> int:
        code = await self._child.ended()
        if not self._is_over:
            self._outlet.write(self._take(_REST))  # to a slow line too: it puts the terminal back
        self.leave()
        return code

    def _read(self) -> None:
        self._outlet.write(self._take(_PIECE))
        if self._outlet.full:
            self._pause()

    def _take(self, most: int) -> bytes:
        """What the session has written, up to about `most` bytes."""
        data = bytearray()
        while len(data) < most:
            try:
                piece = os.read(self._child.descriptor, most)
            except BlockingIOError:
                break
            except OSError:  # on Linux: the session has let go of the terminal
                piece = b""
            if not piece:
                self._pause()
                break
            data += piece
        return bytes(data)

    def _type(self) -> None:
        """Hands over the keys that wait, as many as the session takes now."""
        try:
            del self._keys[: os.write(self._child.descriptor, self._keys)]
        except BlockingIOError:
            pass
        except OSError:  # it has let go of the terminal
            self._keys.clear()
        if self._keys:
            self._loop.add_writer(self._child.descriptor, self._type)
        else:
            self._loop.remove_writer(self._child.descriptor)
        if self._is_holding and len(self._keys) <= MOST_KEYS // 2:
            self._is_holding = False
            self._outlet.let_go()

    def _pause(self) -> None:
        self._is_reading = False
        if self._child.descriptor >= 0:
            self._loop.remove_reader(self._child.descriptor)

    def _stop(self) -> None:
        if self._is_over:
            return
        self._is_over = True
        self._keys.clear()
        self._pause()
        if self._child.descriptor >= 0:
            self._loop.remove_writer(self._child.descriptor)
        if self._is_holding:
            self._outlet.let_go()  # whoever takes the keys next
