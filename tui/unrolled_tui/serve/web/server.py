"""The port of the web server, and its mistakes."""

import logging

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from unrolled_tui.serve.opening import told_why


async def listen(runner: web.AppRunner, host: str, port: int) -> int:
    """Opens the port, or any for 0, and returns it.

    Raises:
        ServeError: If it is not to be had.
    """
    with told_why(host, port):
        await web.TCPSite(runner, host, port).start()
    opened: int = runner.addresses[0][1]
    return opened


def logger() -> logging.Logger:
    """Tells of our own mistakes, and not of each request that is none, which anybody may send."""
    mistakes = logging.Logger(__name__)
    mistakes.addFilter(lambda record: not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError)))
    return mistakes
