"""A session in a tab of a browser: carries keys and bytes between the page and the app, and never keeps many.

The page is textual-serve's terminal: it sends JSON, `["stdin", text]`, `["resize", {"width": …, "height": …}]`,
`["ping", text]`, `["focus"]` or `["blur"]`, and shows the bytes that come. The app speaks as Textual's `WebDriver`
does: a line that says it is there, then packets of a byte for the kind (D for what is to be shown, M for JSON), four
bytes for the length, and the payload. Only what is to be shown leaves the server: no link is opened, no file delivered.
"""

import asyncio
import json
import os
import socket
from contextlib import suppress
from time import monotonic
from typing import Any, Final

from aiohttp import WSMsgType, web

from unrolled_tui.serve.sessions.nursery import GRACE, Child, Nursery
from unrolled_tui.serve.sessions.terminals import within_reason

LONGEST_MESSAGE: Final = 1 << 16
"""The most bytes that a message of the page may have: a paste is one message."""

_PIECE = 1 << 16
"""The most bytes of an app that are kept here."""

_PRELUDE = b"__GANGLION__\n"
_KEYS_A_SECOND, _KEYS_AT_ONCE = 8192, 1 << 16
"""Bytes of keys. Who types is far below it, and Textual keeps what it is sent, however much."""


class Pace:
    """How fast bytes may come: some at once, then so many a second.

    Args:
        rate: Bytes a second.
        at_once: Bytes that are taken without waiting.
    """

    def __init__(self, rate: float, at_once: int) -> None:
        self._rate, self._at_once = rate, at_once
        self._left: float = at_once
        self._then = monotonic()

    async def take(self, size: int) -> None:
        """Waits until `size` bytes more are not too fast."""
        now = monotonic()
        self._left = min(self._at_once, self._left + (now - self._then) * self._rate) - size
        self._then = now
        if self._left < 0:
            await asyncio.sleep(-self._left / self._rate)


class Tab:
    """A session, and the tab that shows it.

    Args:
        websocket: The line to the page.
        idle: Seconds without a key after which it ends.
    """

    def __init__(self, websocket: web.WebSocketResponse, idle: float) -> None:
        self._websocket, self._idle = websocket, idle
        self._pace = Pace(_KEYS_A_SECOND, _KEYS_AT_ONCE)
        self._last_key = monotonic()

    async def run(self, nursery: Nursery, size: tuple[int, int], server_ends: asyncio.Event) -> str:
        """Runs an app until it ends, its tab is gone, nobody types any more, or the server ends.

        Args:
            nursery: Where the app comes from.
            size: Columns and rows to begin with.
            server_ends: Whether it is time to end.

        Returns:
            Why it ended, in a sentence for the page.

        Raises:
            ServeError: If there is no process for it.
        """
        child, reader, writer = await _open(nursery, size)
        ends: dict[asyncio.Task[Any], str] = {
            asyncio.create_task(self._carry_out(reader)): "",
            asyncio.create_task(self._carry_in(writer)): "The page is gone.",
            asyncio.create_task(self._wait_idle()): f"Nothing was typed for {_time(self._idle)}.",
            asyncio.create_task(server_ends.wait()): "The server has ended.",
        }
        try:
            done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            first = next(each for each in ends if each in done)
            first.result()  # raises what nobody expected
            return ends[first] or await _how_it_ended(child)
        finally:
            writer.transport.abort()  # whatever the app writes now, it must not wait for us
            for each in ends:
                each.cancel()
            await asyncio.gather(*ends, return_exceptions=True)
            await _end(child)

    async def _carry_out(self, reader: asyncio.StreamReader) -> None:
        """Shows what the app draws. A page that does not read makes the app wait."""
        with suppress(asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            await reader.readuntil(_PRELUDE)
            while True:
                head = await reader.readexactly(5)
                is_shown, left = head[:1] == b"D", int.from_bytes(head[1:], "big")
                while left:
                    piece = await reader.readexactly(min(left, _PIECE))
                    left -= len(piece)
                    if is_shown:
                        await self._websocket.send_bytes(piece)

    async def _carry_in(self, writer: asyncio.StreamWriter) -> None:
        """Types what the page sends. An app that does not read makes the page wait."""
        with suppress(ConnectionError):
            async for message in self._websocket:
                if message.type is not WSMsgType.TEXT:
                    continue
                match _parts(message.data):
                    case "stdin", str(keys):
                        self._last_key = monotonic()
                        await self._type(writer, b"D", keys.encode("utf-8", "replace"))
                    case "resize", dict(size):
                        columns, rows = size_of(size.get("width"), size.get("height"))
                        await self._tell(writer, {"type": "resize", "width": columns, "height": rows})
                    case "focus" | "blur" as kind, _:
                        await self._tell(writer, {"type": kind})
                    case "ping", str(text):
                        await self._websocket.send_json(["pong", text[:32]])

    async def _tell(self, writer: asyncio.StreamWriter, told: dict[str, object]) -> None:
        await self._type(writer, b"M", json.dumps(told).encode())

    async def _type(self, writer: asyncio.StreamWriter, kind: bytes, payload: bytes) -> None:
        writer.write(kind + len(payload).to_bytes(4, "big") + payload)
        await writer.drain()
        await self._pace.take(len(payload))

    async def _wait_idle(self) -> None:
        while (left := self._last_key + self._idle - monotonic()) > 0:
            await asyncio.sleep(left)


def size_of(columns: object, rows: object) -> tuple[int, int]:
    """The size of a terminal, from what a browser says: 80×24 where it says nothing of use."""
    return _cells(columns, 80), _cells(rows, 24)


def _cells(value: object, otherwise: int) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 5:
        value = int(value)
    return within_reason(value if isinstance(value, int) else otherwise)


def _parts(text: str) -> tuple[object, object]:
    """The kind of a message and what it brings. What is no message has neither."""
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        message = None
    return (*message, None, None)[:2] if isinstance(message, list) else (None, None)


async def _open(nursery: Nursery, size: tuple[int, int]) -> tuple[Child, asyncio.StreamReader, asyncio.StreamWriter]:
    """Begins an app, and the line to it: a pair of sockets, of which it has one as input and output."""
    ours, theirs = socket.socketpair()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        environment = {"COLUMNS": str(size[0]), "ROWS": str(size[1])}
        child = await nursery.spawn_piped(environment, (theirs.fileno(), theirs.fileno(), nowhere))
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
        os.close(nowhere)
    try:
        reader, writer = await asyncio.open_connection(sock=ours, limit=_PIECE)
    except BaseException:
        child.kill()
        raise
    return child, reader, writer


async def _how_it_ended(child: Child) -> str:
    try:
        async with asyncio.timeout(GRACE):
            code = await child.ended()
    except TimeoutError:
        return "The session has ended."
    return "The session has ended." if code == 0 else f"The session has ended with an error (exit code {code})."


async def _end(child: Child) -> None:
    child.hang_up()
    await child.ended()


def _time(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes" if seconds >= 120 else f"{seconds:.0f} seconds"
