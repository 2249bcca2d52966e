"""What happens in a session's process, from its fork to its end."""

import asyncio
import fcntl
import gc
import io
import os
import resource
import socket
import sys
import termios
import threading
import traceback
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from textual.app import App
from textual.drivers.web_driver import WebDriver

from unrolled_tui.serve.errors import ServeError
from unrolled_tui.serve.limits import Limits
from unrolled_tui.serve.part import AppFactory, Part
from unrolled_tui.serve.sessions.process import close_all_but, renew_signals
from unrolled_tui.serve.sessions.session_driver import SessionDriver
from unrolled_tui.serve.stage import Stage

FAILED = "The program failed and was ended. The server's log says why.\n"
OUT_OF_MEMORY = "The program needed more memory than a session may have, {} MiB, and was ended.\n"


@dataclass(frozen=True, slots=True)
class Order:
    """A session that is asked for.

    Attributes:
        place: Where the app is to begin.
        may_follow: Whether its user may leave for the presenter's screen.
        terminal: The session's side of its pseudo-terminal, or its standard input, output and error if those are pipes.
        line: The app's end of the line to the server, if it presents.
        environment: What it is told of its terminal.
    """

    terminal: tuple[int, ...]
    place: str = ""
    may_follow: bool = False
    line: int | None = None
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_piped(self) -> bool:
        """Whether there is no terminal."""
        return len(self.terminal) == 3

    @property
    def descriptors(self) -> tuple[int, ...]:
        """All that it came with."""
        return self.terminal if self.line is None else (*self.terminal, self.line)


WARM_SIZE = (120, 40)
"""The columns and rows of the app that is run once beforehand."""


def warm(make_app: AppFactory) -> None:
    """Makes the app and shows it to nobody, so that what is made only once is there before any session.

    Raises:
        Exception: Whatever the app raises.
        ServeError: If it leaves threads behind, which no fork would have.
    """
    asyncio.run(_show(make_app(Part())))
    if (count := threading.active_count()) > 1:
        raise ServeError(f"the app leaves {count - 1} threads behind, and a session is forked without them")
    gc.collect()
    gc.freeze()


async def _show(app: App[Any]) -> None:
    async with app.run_test(size=WARM_SIZE) as pilot:
        await pilot.pause()


def attend(make_app: AppFactory, order: Order, limits: Limits) -> int:
    """Turns the process, just forked, into the session that is asked for, and returns its exit code at the end."""
    told = _take_terminal(order)
    close_all_but([told] if order.line is None else [told, order.line])
    os.environ.update(order.environment)
    renew_signals()
    gc.set_threshold(50_000, 20, 20)  # what was there before the fork is frozen: there is little to collect
    gc.enable()
    complaint = io.StringIO()
    try:
        _limit(limits.memory)
        code = _run(make_app, order, complaint)
    except KeyboardInterrupt:
        code = 130
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    except BaseException:
        code = 1
        traceback.print_exc(file=complaint)
    if complaint.getvalue():
        _tell(complaint.getvalue(), told, limits.memory)
    return code


def _take_terminal(order: Order) -> int:
    """Takes the terminal as input and output, and returns where a last sentence may be written.

    Standard error stays the server's log: what Python itself complains of, with its paths, is never the person's to
    see. So Textual, which draws to what standard error was at first, is given the output for it.
    """
    os.setsid()
    if not order.is_piped:
        fcntl.ioctl(order.terminal[0], termios.TIOCSCTTY, 0)
    os.dup2(order.terminal[0], 0)
    os.dup2(order.terminal[1 if order.is_piped else 0], 1)
    sys.stdout = sys.stderr  # what an app prints is no part of its screen
    sys.__stderr__ = sys.__stdout__  # type: ignore[misc]  # final for those who do not make processes
    return order.terminal[-1] if order.is_piped else 1


def _run(make_app: AppFactory, order: Order, complaint: io.StringIO) -> int:
    """Runs the app. What it would tell of its failure, with lines of the program and values, is a complaint."""
    stage = None if order.line is None else Stage(socket.socket(fileno=order.line))
    app = make_app(Part(order.place, order.may_follow, stage))
    app.driver_class = WebDriver if order.is_piped else SessionDriver
    app.error_console = Console(file=complaint, markup=False, highlight=False, width=120)
    _give_room_to_fail(app)
    asyncio.run(app.run_async())
    return app.return_code or 0


def _give_room_to_fail(app: App[Any]) -> None:
    """Lifts the limit of memory once it is met: ending well takes some, and what was taken is held until the end."""
    handle = app._handle_exception  # Textual has no other place for what comes before it draws a failure

    def handle_with_room(error: Exception) -> None:
        if isinstance(error, MemoryError):
            _lift(resource.RLIMIT_DATA)
        handle(error)

    app._handle_exception = handle_with_room  # type: ignore[method-assign]  # of this app alone


def _lift(limit: int) -> None:
    most = resource.getrlimit(limit)[1]
    resource.setrlimit(limit, (most, most))


def _limit(memory: int) -> None:
    """Sets how many MiB more there may be, and that no file is written, neither by the app nor of a crash."""
    used = 0
    with suppress(OSError):  # there is no such file on macOS, which does not hold to the limit either
        used = int(Path("/proc/self/statm").read_text().split()[5]) * resource.getpagesize()
    for what, most in (
        (resource.RLIMIT_DATA, used + (memory << 20)),  # not of addresses, which a thread reserves 64 MiB of
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
    ):
        resource.setrlimit(what, (most, resource.getrlimit(what)[1]))


def _tell(complaint: str, told: int, memory: int) -> None:
    """Writes a complaint to the log, and one sentence to the terminal, which was put back."""
    for limit in (resource.RLIMIT_DATA, resource.RLIMIT_FSIZE):
        _lift(limit)
    sentence = OUT_OF_MEMORY.format(memory) if "MemoryError" in complaint else FAILED
    text = f"session {os.getpid()}: {sentence}{complaint}"
    harmless = "".join(c if c.isprintable() or c == "\n" else "?" for c in text)
    for descriptor, words in ((told, sentence), (2, harmless)):
        with suppress(OSError):  # nobody reads it any more
            os.write(descriptor, words.encode())
