"""The port of the web server, the time for which it is open, and its mistakes."""

import asyncio
import errno
import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from unrolled_tui.serve.errors import ServeError
from unrolled_tui.serve.sessions.nursery import Nursery

_SIGNALS: Final = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)


async def listen(runner: web.AppRunner, host: str, port: int) -> int:
    """Opens the port, or any for 0, and returns it.

    Raises:
        ServeError: If it is not to be had.
    """
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        raise ServeError(f"{host}, port {port}: {_why(error)}") from error
    opened: int = runner.addresses[0][1]
    return opened


@contextmanager
def signalled() -> "Iterator[asyncio.Future[int]]":
    """The signal that asks the process to end, once it comes."""
    loop = asyncio.get_running_loop()
    asked: asyncio.Future[int] = loop.create_future()
    for number in _SIGNALS:
        loop.add_signal_handler(number, _answer, asked, number)
    try:
        yield asked
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)


async def until_end(nursery: Nursery, asked: "asyncio.Future[int]") -> int:
    """Waits until the process is asked to end, and returns the exit code: 130 for SIGINT.

    Raises:
        ServeError: If the nursery ends before.
    """
    await asyncio.wait((asked, nursery.died), return_when=asyncio.FIRST_COMPLETED)
    if not asked.done():
        raise ServeError(nursery.died.result())
    return 128 + signal.SIGINT if asked.result() == signal.SIGINT else 0


def logger() -> logging.Logger:
    """Tells of our own mistakes, and not of each request that is none, which anybody may send."""
    mistakes = logging.Logger(__name__)
    mistakes.addFilter(lambda record: not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError)))
    return mistakes


def _answer(asked: "asyncio.Future[int]", number: int) -> None:
    if not asked.done():
        asked.set_result(number)


def _why(error: OSError) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return "another program has this port already"
        case errno.EADDRNOTAVAIL:
            return "this machine has no such address"
        case errno.EACCES:
            return "it takes an administrator to listen on this port"
    return error.strerror or str(error)
