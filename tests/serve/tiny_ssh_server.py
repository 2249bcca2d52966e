"""Serves a tiny app over SSH, until it is told to end: what the tests of the SSH server connect to.

Its argument is JSON: fields of `Access` and `Limits`, `compression`, whether it presents, where the host key is, and
`patience`, the constants of the server that tests cannot wait for. It tells the port.
"""

import asyncio
import json
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unrolled_tui.serve.limits import Limits
from unrolled_tui.serve.part import FOLLOW, Part
from unrolled_tui.serve.sessions.nursery import Nursery

if TYPE_CHECKING:
    from textual.app import App


def make_app(part: Part) -> "App[Any]":
    """An app that says its size, how many keys it got, and what else is asked of it."""
    from textual.app import App  # noqa: PLC0415  # only the nursery imports Textual
    from textual.events import Key, Resize  # noqa: PLC0415
    from textual.widgets import Static  # noqa: PLC0415

    class Tiny(App[None]):
        ENABLE_COMMAND_PALETTE = False
        keys = int(part.place or 0)

        def compose(self) -> Any:
            yield Static(id="says")

        def say(self, text: str) -> None:
            self.query_one("#says", Static).update(text)

        def on_resize(self, event: Resize) -> None:
            self.say(f"size {event.size.width}x{event.size.height} keys {self.keys}.")

        def on_key(self, event: Key) -> None:
            match event.key:
                case "q":
                    self.exit()
                case "o" if part.may_follow:
                    self.exit(None, FOLLOW)
                case "x":
                    os.abort()
                case "p":
                    self.say(f"process {os.getpid()} of {os.getppid()}.")
                case "e":
                    self.say(f"environment {' '.join(sorted(os.environ))}, TERM={os.environ['TERM']}.")
                case "w":
                    self.say("\n".join(os.urandom(50).hex()[: self.size.width] for _ in range(self.size.height)))
                case "W" if self._driver is not None:
                    self._driver.write(os.urandom(1 << 15).hex())
                case _:
                    self.keys += 1
                    self.say(f"keys {self.keys}.")
                    if part.stage is not None:
                        part.stage.show(str(self.keys))

    return Tiny()


async def serve(nursery: Nursery, limits: Limits, wanted: dict[str, Any]) -> int:
    """Serves, and always ends the nursery."""
    from unrolled_tui.serve.access import Access  # noqa: PLC0415  # asyncssh and secrets are the front's alone
    from unrolled_tui.serve.following.podium import Podium  # noqa: PLC0415
    from unrolled_tui.serve.log import Log  # noqa: PLC0415
    from unrolled_tui.serve.ssh.host_key import host_key  # noqa: PLC0415
    from unrolled_tui.serve.ssh.server import serve_ssh  # noqa: PLC0415

    for place, value in wanted["patience"].items():
        module, _, name = place.rpartition(".")
        setattr(import_module(f"unrolled_tui.serve.{module}"), name, value)
    try:
        return await serve_ssh(
            nursery,
            host="127.0.0.1",
            port=0,
            access=Access(**wanted["access"]),
            limits=limits,
            host_key=host_key(Path(wanted["host_key"])),
            compression=wanted["compression"],
            podium=await Podium.open(nursery) if wanted["presents"] else None,
            opened=lambda port: print(port, file=told, flush=True),
            log=Log(lambda line: print(line, file=logged, flush=True)).tell,
        )
    finally:
        await nursery.close()


if __name__ == "__main__":
    wanted = json.loads(sys.argv[1])
    limits = Limits(**wanted["limits"])
    with os.fdopen(wanted["told"], "w") as told, Path(wanted["logged"]).open("a") as logged:
        nursery = Nursery.start(make_app, limits)
        sys.exit(asyncio.run(serve(nursery, limits, wanted)))
