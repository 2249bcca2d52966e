"""Serves a tiny app, or the stepper, to browsers until it is told to end: what the tests of the web server connect to.

Its argument is JSON: the fields of `Access` and `Limits`, `public_url`, `host`, `port`, and `stepper`, the fields of
what the stepper shows. It prints the port, and later the exit code of the server; its log is on standard error.
"""

import asyncio
import json
import os
import sys
import time
from typing import TYPE_CHECKING, Any

from unrolled_tui.serve.access import Access
from unrolled_tui.serve.errors import ServeError
from unrolled_tui.serve.limits import Limits
from unrolled_tui.serve.log import Log
from unrolled_tui.serve.part import AppFactory, Part
from unrolled_tui.serve.sessions.nursery import Nursery

if TYPE_CHECKING:
    from textual.app import App


def make_app(_: Part) -> "App[Any]":
    """An app that says its size and its keys, and does what no app should."""
    from textual.app import App  # noqa: PLC0415  # only the nursery imports Textual
    from textual.events import Key, Paste, Resize  # noqa: PLC0415
    from textual.widgets import Static  # noqa: PLC0415

    class Tiny(App[None]):
        ENABLE_COMMAND_PALETTE = False
        keys = 0

        def compose(self) -> Any:
            yield Static(id="says")

        def say(self, text: str) -> None:
            self.query_one("#says", Static).update(text)

        def on_resize(self, event: Resize) -> None:
            self.say(f"size {event.size.width}x{event.size.height}.")

        def on_paste(self, event: Paste) -> None:
            self.say(f"pasted {len(event.text)}.")

        def on_key(self, event: Key) -> None:
            match event.key:
                case "q":
                    self.exit()
                case "x":
                    os.abort()
                case "b":
                    time.sleep(3600)
                case "e":
                    self.say(f"environment {' '.join(sorted(os.environ))}.")
                case "m":
                    self.say(f"took {len(bytearray(1 << 30))}.")
                case "u":
                    self.open_url("http://example.org/")
                    self.deliver_text(__file__)
                    self.say("delivered.")
                case "f":
                    self.flood()
                case _:
                    self.keys += 1
                    self.say(f"keys {self.keys}.")

        def flood(self) -> None:
            packet = b"D" + (1 << 16).to_bytes(4, "big") + os.urandom(1 << 16)
            while True:
                os.write(1, packet)

    return Tiny()


def app_of(wanted: dict[str, Any]) -> AppFactory:
    """What makes the app that is wanted."""
    if "stepper" not in wanted:
        return make_app
    from unrolled_tui.commands.request import Request  # noqa: PLC0415
    from unrolled_tui.commands.served import stepper_to_serve  # noqa: PLC0415

    return stepper_to_serve(Request(**wanted["stepper"]))


async def serve(nursery: Nursery, limits: Limits, wanted: dict[str, Any]) -> int:
    """Serves, and always ends the nursery."""
    try:
        from unrolled_tui.serve.web.pages import serve_web  # noqa: PLC0415  # after the fork

        return await serve_web(
            nursery,
            host=wanted.get("host", "127.0.0.1"),
            port=wanted.get("port", 0),
            public_url=wanted.get("public_url", ""),
            access=Access(**wanted.get("access", {"password": "bafu"})),
            limits=limits,
            title="tiny <app>",
            opened=lambda port: print(port, flush=True),
            log=Log(lambda line: print(line, file=sys.stderr, flush=True)).tell,
        )
    except ServeError as error:
        print(error, flush=True)
        return 1
    finally:
        await nursery.close()


if __name__ == "__main__":
    wanted = json.loads(sys.argv[1])
    limits = Limits(**wanted.get("limits", {}))
    nursery = Nursery.start(app_of(wanted), limits)
    code = asyncio.run(serve(nursery, limits, wanted))
    print(code, flush=True)
    sys.exit(code)
