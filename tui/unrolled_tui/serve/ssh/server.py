"""The SSH server: it gives the app and nothing else. No command, file, forwarding, agent or environment gets through.

What asyncssh refuses unless it is asked for is not asked for; what it allows unless it is told is told here.
"""

import asyncio
from collections.abc import Callable, Sequence

import asyncssh

from unrolled_tui.serve.access import Access
from unrolled_tui.serve.errors import ServeError
from unrolled_tui.serve.following.podium import Podium
from unrolled_tui.serve.limits import Limits
from unrolled_tui.serve.opening import signalled, told_why, until_end
from unrolled_tui.serve.sessions.nursery import GRACE, Nursery
from unrolled_tui.serve.ssh.connection import Connection
from unrolled_tui.serve.ssh.front import Front
from unrolled_tui.serve.ssh.login import Login

LOGIN_TIMEOUT = 30
"""Seconds to log in."""

KEEPALIVE, KEEPALIVES = 30, 3
"""Seconds of silence after which a client is asked whether it is there, and how many times it may not answer."""

WINDOW = 1 << 15
"""Bytes of keys that a client may send before they are taken."""

FAREWELL = 1.0
"""Seconds that clients have at the end to go by themselves."""


async def serve_ssh(
    nursery: Nursery,
    *,
    host: str,
    port: int,
    access: Access,
    limits: Limits,
    host_key: asyncssh.SSHKey,
    compression: bool,
    podium: Podium | None,
    opened: Callable[[int], None],
    log: Callable[[str], None],
) -> int:
    """Serves until a signal asks for the end or the presentation ends, and returns the exit code: 130 for SIGINT.

    Args:
        nursery: Where the sessions come from.
        host: The address to listen on, or a name of it.
        port: The port, or 0 for any.
        access: Who is let in.
        limits: How many, and for how long.
        host_key: What clients know the server by.
        compression: Whether only clients that can compress are let in; others leave it out unless told.
        podium: What is shown first, if somebody presents.
        opened: Called with the port once clients can come.
        log: Is told who comes and goes.

    Raises:
        ServeError: If the keys or the address are of no use, or the nursery ends.
    """
    front = Front(nursery, access, limits, podium, log)
    options = _options(front, host_key, compression)
    await nursery.ready()
    listener = await _listen(options, host, port)
    with signalled() as asked:
        opened(listener.sockets[0].getsockname()[1])
        try:
            return await until_end(nursery, asked, *_other_ends(podium))
        finally:
            listener.close()
            await _end(front)


def _other_ends(podium: Podium | None) -> list["asyncio.Future[int]"]:
    return [] if podium is None else [asyncio.ensure_future(podium.ended())]


async def _end(front: Front) -> None:
    """Ends all sessions, so that each puts its terminal back and tells its exit code, and then all connections."""
    if front.podium is not None:
        await front.podium.close()
    for session in front.sessions:
        session.end()
    await _wait([session.task for session in front.sessions if session.task is not None], 2 * GRACE)
    lines = [asyncio.ensure_future(connection.wait_closed()) for connection in front.connections]
    # A client that has its exit code goes by itself. One that is sent off before takes it for a failure.
    await _wait(lines, FAREWELL)
    for connection in tuple(front.connections):
        connection.close()
    await _wait(lines, FAREWELL)
    for connection in tuple(front.connections):
        connection.abort()


async def _wait(ends: Sequence[asyncio.Future[None]], seconds: float) -> None:
    if ends:
        await asyncio.wait(ends, timeout=seconds)


async def _listen(options: asyncssh.SSHServerConnectionOptions, host: str, port: int) -> asyncio.Server:
    loop = asyncio.get_running_loop()
    with told_why(host, port):
        return await loop.create_server(lambda: Connection(loop, options), host, port, backlog=128)


def _options(front: Front, host_key: asyncssh.SSHKey, compression: bool) -> asyncssh.SSHServerConnectionOptions:
    compressions: Sequence[str] = ("zlib@openssh.com",) if compression else ("none", "zlib@openssh.com")
    return asyncssh.SSHServerConnectionOptions(
        server_factory=lambda: Login(front),
        server_host_keys=[host_key],
        authorized_client_keys=_keys(front) if front.access.keys else None,
        compression_algs=compressions,  # a client that is offered none takes it, unless its user asks
        kbdint_auth=False,
        host_based_auth=False,
        gss_host=None,
        agent_forwarding=False,
        x11_forwarding=False,
        allow_scp=False,
        line_editor=False,
        encoding=None,
        window=WINDOW,
        login_timeout=LOGIN_TIMEOUT,
        keepalive_interval=KEEPALIVE,
        keepalive_count_max=KEEPALIVES,
    )


def _keys(front: Front) -> asyncssh.SSHAuthorizedKeys:
    """The keys, without the lines that are none, which are told: OpenSSH passes over such lines too."""
    lines, others = [], []
    for number, line in enumerate(front.access.keys.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            asyncssh.import_authorized_keys(line)
        except ValueError:
            others.append(number)
        else:
            lines.append(line)
    if not lines:
        raise ServeError("the file of keys: expected public keys as ssh-keygen writes them, got none")
    for number in others:
        front.log(f"line {number} of the keys is no public key")
    return asyncssh.import_authorized_keys("\n".join(lines))
