"""A nursery for tests, with a tiny app that does on a key what tests are about, and a person who watches it."""

import asyncio
import os
import re
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import pyte

from unrolled_tui.serve.limits import Limits
from unrolled_tui.serve.part import AppFactory, Part
from unrolled_tui.serve.sessions.nursery import Child, Nursery, Terminal
from unrolled_tui.serve.sessions.relay import Relay

if TYPE_CHECKING:
    from textual.app import App

PATIENCE = 20.0
"""Seconds after which a test gives up."""

RESTORED = b"\x1b[?1049l\x1b[?25h"
"""What puts the screen and the cursor back."""

_UNKNOWN_TO_PYTE = re.compile(rb"\x1b\[[<=>][0-9;]*[a-zA-Z]|\x1b\[\?\d+\$p")

Test: TypeAlias = Callable[["Tended"], Coroutine[Any, Any, None]]


class Tended:
    """A nursery in a test, and the file that it logs to."""

    def __init__(self, nursery: Nursery, log: Path) -> None:
        self.nursery, self._log = nursery, log

    @property
    def log(self) -> str:
        return self._log.read_text()

    async def person(self, terminal: Terminal | None = None, **part: Any) -> "Person":
        """Somebody with a session, which shows its first frame."""
        person = await self.at_the_door(terminal, **part)
        await person.sees("ready")
        return person

    async def at_the_door(self, terminal: Terminal | None = None, **part: Any) -> "Person":
        """Somebody whose session was just forked."""
        terminal = terminal or Terminal()
        return Person(await self.nursery.spawn(terminal, **part), terminal)


class Person:
    """The line of somebody who watches a session, as fast or slow as told."""

    def __init__(self, child: Child, terminal: Terminal) -> None:
        self.child, self._terminal = child, terminal
        self.sent = bytearray()
        self.full = self.held = False
        self.takes: int | None = None
        self.relay = Relay(child, self)

    def write(self, data: bytes) -> None:
        self.sent += data
        self.full = self.takes is not None and len(self.sent) >= self.takes

    def hold(self) -> None:
        assert not self.held
        self.held = True

    def let_go(self) -> None:
        assert self.held
        self.held = False

    @property
    def lines(self) -> list[str]:
        """What the terminal shows."""
        screen = pyte.Screen(self._terminal.columns, self._terminal.rows)
        pyte.ByteStream(screen).feed(_UNKNOWN_TO_PYTE.sub(b"", bytes(self.sent)))
        return [line.rstrip() for line in screen.display]

    async def sees(self, text: str) -> None:
        await until(lambda: text in "\n".join(self.lines), lambda: "\n".join(self.lines))

    async def ended(self) -> int:
        async with asyncio.timeout(PATIENCE):
            return await self.relay.ended()


async def until(condition: Callable[[], bool], instead: Callable[[], object] = lambda: "") -> None:
    """Waits until something is so."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, instead()
        await asyncio.sleep(0.01)


def is_alive(pid: int) -> bool:
    """Whether there is such a process, and it has not ended."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not (status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z")


def make_tiny(part: Part) -> "App[None]":
    """An app that says what it sees, and fails in every way."""
    from textual.app import App, ComposeResult  # noqa: PLC0415  # the front of a real server has not imported it
    from textual.events import Key  # noqa: PLC0415
    from textual.widgets import Static  # noqa: PLC0415

    class Tiny(App[None]):
        CSS = "Screen { color: #123456; background: #fedcba; }"
        BINDINGS = list(KEYS.items())  # noqa: RUF012  # Textual's own way

        told = f"ready {part.place} {'may follow' if part.may_follow else ''}"

        def compose(self) -> ComposeResult:
            yield Static(markup=False)

        def on_mount(self) -> None:
            if part.stage is not None:
                part.stage.show("here")
                part.stage.watch(lambda count: self.say(f"{count} follow"))

        def say(self, text: str) -> None:
            self.told = text
            self.say_size()

        def say_size(self) -> None:
            self.query_one(Static).update(f"{self.told}\n{self.size.width}x{self.size.height}")

        def on_key(self, event: Key) -> None:
            if event.key not in (*KEYS, UNHEARD):
                self.say(f"{self.told}{event.key}.")

        def on_resize(self) -> None:
            self.call_later(self.say_size)

        def action_follow(self) -> None:
            self.exit(return_code=75)

        def action_fail(self) -> None:
            raise LookupError("what only the log may say")

        def action_leave_python(self) -> None:
            sys.exit(9)

        def action_eat(self) -> None:
            self.eaten = [bytearray(1 << 16) for _ in range(1 << 16)]

        def action_hang(self) -> None:
            while True:
                time.sleep(60)

        def action_nap(self) -> None:
            time.sleep(1)
            self.say("awake")

        def action_environment(self) -> None:
            self.say("\n".join(f"{name}={value}" for name, value in sorted(os.environ.items())))

        def action_write(self) -> None:
            try:
                with tempfile.TemporaryFile() as file:
                    file.write(b"a")
                    file.flush()
            except OSError as error:
                self.say(f"refused: {error.strerror}")
            else:
                self.say("written")

        def action_flood(self) -> None:
            self.count = 0
            self.set_interval(0.001, self.draw_all)

        def draw_all(self) -> None:
            self.count += 1
            self.say("\n".join(f"{self.count} {row * self.count * 7919}" * 4 for row in range(self.size.height)))

    return Tiny()


KEYS = {
    "f": "follow",
    "x": "fail",
    "s": "leave_python",
    "m": "eat",
    "h": "hang",
    "n": "nap",
    "e": "environment",
    "w": "write",
    "d": "flood",
    "z": "suspend_process",
}
"""What the tiny app does on a key. It shows any other."""

UNHEARD = "k"
"""The key that it does not even show."""


def tended(make_app: AppFactory = make_tiny, limits: Limits | None = None) -> Callable[[Test], Callable[[], None]]:
    """Runs a test with a nursery of its own, forked as a server does: before the loop. No process is left over."""

    def with_nursery(test: Test) -> Callable[[], None]:
        def run() -> None:
            assert threading.active_count() == 1, "a process with threads is no place to fork"
            with tempfile.NamedTemporaryFile() as log:
                nursery = Nursery.start(make_app, limits or Limits(), log.fileno())
                asyncio.run(_run(test, Tended(nursery, Path(log.name))))
                assert not is_alive(nursery.pid)

        run.__name__, run.__doc__ = test.__name__, test.__doc__
        return run

    return with_nursery


async def _run(test: Test, tended: Tended) -> None:
    try:
        async with asyncio.timeout(2 * PATIENCE):
            await test(tended)
    finally:
        await tended.nursery.close()
