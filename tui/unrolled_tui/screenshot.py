"""One screen as SVG, drawn by the app itself without a terminal."""

import asyncio
import unicodedata
from collections.abc import Sequence
from string import punctuation

from textual.keys import REPLACED_KEYS, Keys

from unrolled import OptionError
from unrolled.text import printable
from unrolled_tui.app import UnrolledApp
from unrolled_tui.neutral import neutral_environment
from unrolled_tui.session import Session

_NAMED = frozenset(key.value for key in Keys)
_MODIFIERS = ("ctrl", "shift", "alt")


def screenshot(session: Session, size: tuple[int, int], press: Sequence[str] = ()) -> str:
    """The screen that shows `session`, as SVG: the same text whatever the environment says.

    Args:
        session: What is on show.
        size: Columns and lines.
        press: The names of the keys that are pressed first.

    Raises:
        OptionError: If there is no such key, or the keys end the app.
    """
    for key in press:
        check_key(key)
    with neutral_environment():
        return asyncio.run(_draw(UnrolledApp(session), size, press))


def check_key(key: str) -> None:
    """Checks that Textual knows a key by this name.

    Raises:
        OptionError: If it does not.
    """
    *modifiers, last = key.split("+") if len(key) > 1 else [key]
    if key not in _NAMED and not (all(name in _MODIFIERS for name in modifiers) and _is_key(last)):
        raise OptionError(
            f"--press: expected the name of a key, such as right, tab or n, got {printable(repr(key), 40)}"
        )


_SIGNS = frozenset(unicodedata.name(sign).lower().replace("-", "_").replace(" ", "_") for sign in punctuation)
"""What Textual calls the signs of ASCII that it has no shorter name for, such as greater_than_sign."""


def _is_key(name: str) -> bool:
    if name in _NAMED or name in _SIGNS or (len(name) == 1 and name.isprintable()):
        return True
    try:
        unicodedata.lookup(REPLACED_KEYS.get(name, name).replace("_", " "))
    except KeyError:
        return False
    return True


async def _draw(app: UnrolledApp, size: tuple[int, int], press: Sequence[str]) -> str:
    async with app.run_test(size=size) as pilot:
        for key in press:
            await pilot.press(key)
            await app.workers.wait_for_complete()  # what takes long is part of the picture
            if not app.is_running:
                raise OptionError(f"--press: {printable(key)} ended the app, so there is no screen to draw")
        await pilot.pause()
        return app.export_screenshot(title="unrolled")
