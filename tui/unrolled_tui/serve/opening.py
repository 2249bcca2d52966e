"""A server's port, and the time for which it is open: the same for SSH and the web."""

import asyncio
import errno
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from unrolled_tui.serve.errors import ServeError
from unrolled_tui.serve.sessions.nursery import Nursery

_SIGNALS: Final = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
_REASONS: Final = {
    errno.EADDRINUSE: "another program has this port already",
    errno.EADDRNOTAVAIL: "this machine has no such address",
    errno.EACCES: "it takes an administrator to listen on this port",
}


@contextmanager
def told_why(host: str, port: int) -> Iterator[None]:
    """Opens a port inside.

    Raises:
        ServeError: If it is not to be had.
    """
    try:
        yield
    except socket.gaierror as error:
        raise ServeError(f"{host}: there is no such address: {error.strerror}") from error
    except OSError as error:
        why = _REASONS.get(error.errno or 0, error.strerror or str(error))
        raise ServeError(f"{host or 'all addresses'}, port {port}: {why}") from error


@contextmanager
def signalled() -> "Iterator[asyncio.Future[int]]":
    """The signal that asks the process to end, once it comes. One that is ignored stays so, as nohup asks."""
    loop = asyncio.get_running_loop()
    asked: asyncio.Future[int] = loop.create_future()
    heard = [number for number in _SIGNALS if signal.getsignal(number) != signal.SIG_IGN]
    for number in heard:
        loop.add_signal_handler(number, _answer, asked, number)
    try:
        yield asked
    finally:
        for number in heard:
            loop.remove_signal_handler(number)


async def until_end(nursery: Nursery, asked: "asyncio.Future[int]", *others: "asyncio.Future[int]") -> int:
    """Waits until the process is asked to end, or another end comes, and returns the exit code: 130 for SIGINT.

    Args:
        nursery: Where the sessions come from.
        asked: The signal that asks the process to end.
        others: The exit codes of apps that end it.

    Raises:
        ServeError: If the nursery ends before, or an app failed.
    """
    ends: list[asyncio.Future[Any]] = [asked, nursery.died, *others]
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    if nursery.died.done():
        raise ServeError(nursery.died.result())
    if asked.done():
        return 128 + signal.SIGINT if asked.result() == signal.SIGINT else 0
    if code := max(other.result() for other in others if other.done()):
        raise ServeError(f"the presenting stepper ended with exit code {code}")
    return 0


def _answer(asked: "asyncio.Future[int]", number: int) -> None:
    if not asked.done():
        asked.set_result(number)
