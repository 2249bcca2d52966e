"""Uses everything that a served session has, in a process that notes what it does beside drawing.

python audited.py served|own MODEL INPUT MARKS: prints as JSON what was opened, listed, connected to or run once the app
was on the screen, and the keys and commands that were used. It removes the three files before.
"""

import asyncio
import json
import sys
import sysconfig
from inspect import isawaitable
from pathlib import Path
from random import Random
from typing import Any

from textual.pilot import Pilot
from textual.widgets import Input

from unrolled_tui import bindings
from unrolled_tui.app import UnrolledApp
from unrolled_tui.commands.request import Request
from unrolled_tui.commands.served import stepper_to_serve
from unrolled_tui.commands.subject import subject
from unrolled_tui.screens.listing import ListScreen
from unrolled_tui.serve.part import Part

QUIET = ("compile", "exec", "import", "marshal.loads", "code.__new__", "sys._getframe", "id", "gc.freeze", "cpython.")
"""Events of Python's own workings."""

NOTED = ("open", "os.", "shutil.", "subprocess.", "socket.", "webbrowser.", "tempfile.", "glob.", "pathlib.", "urllib.")
"""The beginnings of events that reach out of the process."""

KEYS = (
    *"abcdefghijklmnopqrstuvwxyzCLMRZ0123456789",
    "slash",
    "full_stop",
    "tilde",
    "tab",
    "shift+tab",
    "enter",
    "enter",
)
CONTROLS = ("escape", "escape", "escape", "up", "down", "pagedown", "backspace", "space", "ctrl+t", "ctrl+p", "ctrl+z")
MORE = ("ctrl+c", "ctrl+q", "ctrl+s", "ctrl+l", "ctrl+backslash", "f1", "f12", "delete", "home", "end")

noted: list[str] = []
armed = False


def hook(event: str, arguments: tuple[Any, ...]) -> None:
    """Notes what reaches out of the process, but for reading the modules of Python."""
    if armed and event.startswith(NOTED) and not event.startswith(QUIET) and not _is_module(event, arguments):
        noted.append(f"{event} {arguments!r}"[:300])


def _is_module(event: str, arguments: tuple[Any, ...]) -> bool:
    where = str(arguments[0]) if arguments else ""
    inside = where.startswith(MODULES)
    return inside and (event in ("os.listdir", "os.scandir") or (event == "open" and arguments[1] in ("r", "rb")))


MODULES = tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")})
MODULES += tuple(str(Path(module.__file__ or "").parent) for module in (bindings, sys.modules["unrolled"]))


async def use(app: UnrolledApp, pilot: "Pilot[None]") -> list[str]:
    """Presses every key and runs every command, then keys in a random order; whatever is asked is answered."""
    used = []
    for key in (key for each in bindings.STEPPER_BINDINGS for key in each.key.split(",")):
        await pilot.press(key)
        await answer(app, pilot)
        used.append(key)
    for command in app.get_system_commands(app.screen_stack[0]):
        outcome = command.callback()
        if isawaitable(outcome):
            await outcome
        await answer(app, pilot)
        used.append(command.title)
    await pilot.press("ctrl+p", *"screenshot", "enter")
    await answer(app, pilot)
    await app.run_action("app.screenshot")
    await app.run_action("screen.export")
    await answer(app, pilot)
    order = Random(0)  # noqa: S311  # an order of keys, and no secret
    for _ in range(25):
        for key in order.choices([*KEYS, *CONTROLS, *MORE], k=10):
            app.simulate_key(key)
        await pilot.pause()
    return used


async def answer(app: UnrolledApp, pilot: "Pilot[None]") -> None:
    """Has a list written and read, answers what is asked with names of files, and closes what is open."""
    await pilot.pause()
    for key, name in (("w", "~/x.csv"), ("w", "~/x.json"), ("r", "~/x.json")):
        if isinstance(app.screen, ListScreen):
            await pilot.press(key)
        for line in app.screen.query(Input):
            line.clear()
            line.insert_text_at_cursor(name)  # what cannot be typed does not get there
            await pilot.press("enter")
    while len(app.screen_stack) > 1:
        app.screen.dismiss()
        await pilot.pause()


async def main() -> None:
    """Opens the app as a server does, or as one's own, and uses it."""
    global armed  # noqa: PLW0603  # a hook cannot be taken away again
    whose, model, sequence, marks = sys.argv[1:]
    request = Request(model=model, input=sequence, marks=marks)
    if whose == "served":
        app = stepper_to_serve(request)(Part(may_follow=True))
    else:
        app = UnrolledApp(subject(request).session(request))
    for path in (model, sequence, marks):
        Path(path).unlink()
    app.exit = lambda *_what, **_more: None  # type: ignore[method-assign]  # it would end the test
    async with app.run_test(size=(120, 40)) as pilot:
        armed = True
        used = await use(app, pilot)
        armed = False
    print(json.dumps({"noted": sorted(set(noted)), "used": used}))


sys.addaudithook(hook)
asyncio.run(main())
