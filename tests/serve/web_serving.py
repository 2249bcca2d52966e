"""Runs a web server for a test, and sees to it that nothing of it is left."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from time import monotonic
from typing import Any

import aiohttp

WAIT = 20.0
"""Seconds after which what is waited for will not come."""

_PROGRAM = str(Path(__file__).with_name("tiny_web_server.py"))
_SECRET = {"SERVER_SECRET": "of nobody's business"}


class Served:
    """A server that runs.

    Attributes:
        port: Where it listens.
        nursery: The process that makes the sessions.
    """

    def __init__(self, process: asyncio.subprocess.Process, web: aiohttp.ClientSession, port: int) -> None:
        self._process, self.web, self.port = process, web, port
        self.at = f"http://127.0.0.1:{port}"
        (self.nursery,) = children(process.pid)

    def get(self, path: str, **more: Any) -> Any:
        """Asks for a page."""
        return self.web.get(self.at + path, allow_redirects=False, **more)

    def log_in(self, password: str | None = None, **more: Any) -> Any:
        """Sends a password, as the page does: the right one, or this."""
        password = "bafu" if password is None else password
        return self.web.post(f"{self.at}/login", data={"password": password}, allow_redirects=False, **more)

    @asynccontextmanager
    async def tab(self, query: str = "width=40&height=8", **headers: str) -> "AsyncIterator[Tab]":
        """Opens a websocket as a page of the server does, which has another origin if `headers` say so."""
        headers = {"Origin": self.at, **headers}
        async with self.web.ws_connect(f"{self.at}/ws?{query}", headers=headers, max_msg_size=0) as line:
            yield Tab(line)

    def sessions(self) -> list[int]:
        """The processes of the sessions."""
        return children(self.nursery)

    async def until_sessions(self, count: int) -> None:
        """Waits until there are so many."""
        await until(lambda: len(self.sessions()) == count, lambda: f"{count} sessions, got {self.sessions()}")

    def memory(self) -> int:
        """The KiB that the server, without its sessions, has in memory."""
        return int(_ps("-o", "rss=", "-p", str(self._process.pid)))

    def send(self, number: signal.Signals) -> None:
        """Sends a signal."""
        self._process.send_signal(number)

    async def ended(self) -> tuple[int, str, str]:
        """The exit code of the server once it has ended, what it printed last, and all that it logged."""
        async with asyncio.timeout(WAIT):
            printed, logged = await self._process.communicate()
        return self._process.returncode or 0, printed.decode(), logged.decode()


class Tab:
    """What a tab sees: the bytes for its terminal, and why it was closed."""

    def __init__(self, line: aiohttp.ClientWebSocketResponse) -> None:
        self.line = line
        self.shown = b""
        self.told: list[str] = []
        self.why: str | None = None

    async def type(self, keys: str) -> None:
        """Types."""
        await self.line.send_json(["stdin", keys])

    async def shows(self, text: str) -> str:
        """Waits until the terminal was sent a text, and returns what came before, to forget both."""
        async with asyncio.timeout(WAIT):
            while text.encode() not in self.shown:
                assert self.why is None, f"{text}: closed: {self.why}"
                await self._hear()
        before, _, self.shown = self.shown.partition(text.encode())
        return before.decode("utf-8", "replace")

    async def closed(self) -> str:
        """Waits until the server closes it, and returns why."""
        async with asyncio.timeout(WAIT):
            while self.why is None:
                await self._hear()
        return self.why

    async def _hear(self) -> None:
        message = await self.line.receive()
        match message.type:
            case aiohttp.WSMsgType.BINARY:
                self.shown += message.data
            case aiohttp.WSMsgType.TEXT:
                self.told.append(message.data)
            case aiohttp.WSMsgType.CLOSE:
                self.why = message.extra or str(message.data)
            case _:
                self.why = f"{message.type.name} {self.line.close_code}"


@asynccontextmanager
async def serving(**wanted: Any) -> AsyncIterator[Served]:
    """A server. When the test is done, it is asked to end, and must, with all of its processes."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        _PROGRAM,
        json.dumps(wanted),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **_SECRET},
    )
    assert process.stdout is not None
    left: list[int] = []
    try:
        async with asyncio.timeout(WAIT):
            port = await process.stdout.readline()
        jar = aiohttp.CookieJar(unsafe=True)  # it keeps cookies of addresses, too
        async with aiohttp.ClientSession(cookie_jar=jar) as web:
            served = Served(process, web, int(port))
            yield served
            left = [process.pid, served.nursery, *served.sessions()]
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.terminate()
            async with asyncio.timeout(WAIT):
                await process.communicate()
    await until(lambda: not alive(left), lambda: f"nothing left, got {alive(left)}")


async def until(fits: Callable[[], object], said: Callable[[], str]) -> None:
    """Waits until it is so.

    Raises:
        AssertionError: If it never is, with what was expected.
    """
    end = monotonic() + WAIT
    while not fits():
        assert monotonic() < end, f"expected {said()}"
        await asyncio.sleep(0.02)


def children(pid: int) -> list[int]:
    """The processes that a process has begun, and that have not ended."""
    rows = [row.split() for row in _ps("-A", "-o", "pid=,ppid=,stat=").splitlines()]
    return [int(child) for child, parent, state in rows if int(parent) == pid and not state.startswith("Z")]


def alive(pids: list[int]) -> list[int]:
    """Those of the processes that have not ended."""
    rows = [row.split() for row in _ps("-A", "-o", "pid=,stat=").splitlines()]
    return [int(pid) for pid, state in rows if int(pid) in pids and not state.startswith("Z")]


def _ps(*options: str) -> str:
    return subprocess.run(["ps", *options], capture_output=True, text=True, check=True).stdout
