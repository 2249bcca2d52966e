"""A server of a tiny app in a process of its own, and people at terminals who log in to it with asyncssh."""

import asyncio
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncssh

SECONDS = 20.0
"""How long anything may take on a busy machine before a test fails."""

PASSWORD = "bafu-kode"  # noqa: S105  # of a server that lives for a test
RESTORED = b"\x1b[?1049l"
"""Goes back from the alternate screen."""


@dataclass
class Server:
    """A server that runs."""

    process: "subprocess.Popen[bytes]"
    port: int
    told: int
    logged: Path
    host_key: Path

    @property
    def temporary(self) -> list[Path]:
        """The temporary files of the server. asyncssh would keep a forwarded agent's socket there."""
        return [*self.logged.with_name("tmp").iterdir()]

    @property
    def log(self) -> str:
        return self.logged.read_text()

    @property
    def resident(self) -> int:
        """The KiB of memory that the front has."""
        return int(subprocess.check_output(["ps", "-o", "rss=", "-p", str(self.process.pid)]))

    def end(self, number: int = signal.SIGTERM) -> int:
        """Asks it to end, and returns its exit code."""
        self.process.send_signal(number)
        return self.process.wait(SECONDS)


@contextmanager
def serving(folder: Path, /, terminal: int | None = None, **wanted: Any) -> Iterator[Server]:
    """A server, until the end of the block. `terminal` is the one it presents on."""
    reader, writer = os.pipe()
    logged, host_key = folder / "log", folder / "host_key"
    usual = {"access": {"password": PASSWORD}, "limits": {}, "compression": True, "presents": False, "patience": {}}
    settings = {**usual, "told": writer, "logged": str(logged), "host_key": str(host_key), **wanted}
    program = [sys.executable, str(Path(__file__).with_name("tiny_ssh_server.py")), json.dumps(settings)]
    logged.touch()
    (folder / "tmp").mkdir()
    environment = {**os.environ, "TMPDIR": str(folder / "tmp")}
    process = subprocess.Popen(
        program, pass_fds=[writer], start_new_session=True, stdin=terminal, stdout=terminal, env=environment
    )
    os.close(writer)
    try:
        yield Server(process, int(_line(reader)), reader, logged, host_key)
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        os.close(reader)


def _line(reader: int) -> bytes:
    ready, _, _ = select.select([reader], [], [], SECONDS)
    assert ready, "the server does not begin"
    return os.read(reader, 100)


class Person:
    """Somebody at a terminal of 80 columns and 24 rows."""

    def __init__(self, process: "asyncssh.SSHClientProcess[bytes]") -> None:
        self.process = process
        self.seen = b""

    async def sees(self, text: str | bytes) -> bytes:
        """Waits for a text, forgets what came before its end, and returns it."""
        wanted = text if isinstance(text, bytes) else text.encode()
        async with asyncio.timeout(SECONDS):
            while wanted not in self.seen:
                more = await self.process.stdout.read(1 << 16)
                assert more, f"the session has ended: {self.seen[-2000:]!r}"
                self.seen += more
        before, _, self.seen = self.seen.partition(wanted)
        return before

    def types(self, keys: str) -> None:
        self.process.stdin.write(keys.encode())

    async def leaves(self) -> tuple[int | None, bytes, bytes]:
        """The exit code, and what came until the end, on standard output and standard error."""
        async with asyncio.timeout(SECONDS):
            out, err = await asyncio.gather(self.process.stdout.read(), self.process.stderr.read())
            await self.process.wait()
        return self.process.exit_status, self.seen + out, err

    async def process_numbers(self) -> tuple[int, int]:
        """The process of the session, and the nursery's."""
        self.types("p")
        await self.sees("process ")
        own, nursery = (await self.sees(".")).split(b" of ")
        return int(own), int(nursery)


@asynccontextmanager
async def connected(server: Server, **options: Any) -> AsyncIterator[asyncssh.SSHClientConnection]:
    """A connection, logged in by the password unless `options` say otherwise."""
    usual = {"username": "anna", "password": PASSWORD, "known_hosts": None, "client_keys": None, "agent_path": None}
    async with asyncio.timeout(SECONDS):
        connection = await asyncssh.connect("127.0.0.1", server.port, config=None, **{**usual, **options})
    try:
        yield connection
    finally:
        connection.abort()
        await connection.wait_closed()


async def sits_down(connection: asyncssh.SSHClientConnection, **options: Any) -> Person:
    """Somebody who asks for a shell with a terminal."""
    usual = {"term_type": "xterm-256color", "term_size": (80, 24), "encoding": None}
    async with asyncio.timeout(SECONDS):
        return Person(await connection.create_process(**{**usual, **options}))


@asynccontextmanager
async def person(server: Server, **options: Any) -> AsyncIterator[Person]:
    """Somebody whose app has begun."""
    async with connected(server, **options) as connection:
        somebody = await sits_down(connection)
        await somebody.sees("size 80x24")
        yield somebody


async def until(is_so: Callable[[], object]) -> None:
    """Waits until something is so."""
    async with asyncio.timeout(SECONDS):
        while not is_so():
            await asyncio.sleep(0.02)


def is_alive(process: int) -> bool:
    """Whether there is a process of this number."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
