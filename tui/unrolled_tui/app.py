"""The app: the stepper's screen, in colours that this terminal has."""

import asyncio
import gc
import signal
import sys
from collections.abc import Iterable
from functools import partial
from time import monotonic

from textual.app import App, SystemCommand
from textual.screen import Screen

from unrolled_tui.bindings import STEPPER_BINDINGS
from unrolled_tui.moments import Told
from unrolled_tui.pacing import Pace
from unrolled_tui.screens.stepper import StepperScreen
from unrolled_tui.session import Session
from unrolled_tui.widgets.lines_view import Look

UNKEPT = Told("not kept", "these marks are in no file: M writes them, quitting again leaves them")
"""What is said before the app ends with marks that were not written."""


class UnrolledApp(App[None]):
    """Shows a session.

    Args:
        session: What to show.
        ascii_only: Whether the terminal's locale has no UTF-8.
    """

    TITLE = "unrolled"
    ENABLE_COMMAND_PALETTE = True

    def __init__(self, session: Session, ascii_only: bool = False) -> None:
        super().__init__()
        self.animation_level = "none"  # a slide costs a slow line many frames
        self._session = session
        self._pace = Pace(self._ask_for_cursor, monotonic)
        self._ascii_only = ascii_only
        if self.no_color or self.console.color_system == "standard":
            self.theme = "ansi-dark"

    def on_mount(self) -> None:
        """Ends on a signal as on the quit key, so that the terminal is put back as it was."""
        if not self.is_headless and sys.platform != "win32":
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                asyncio.get_running_loop().add_signal_handler(number, self.exit, None, 128 + number)

    def on_ready(self) -> None:
        """Begins to collect garbage, of what comes from now on, and rarely: what a step makes is little."""
        gc.freeze()
        gc.set_threshold(50_000, 20, 20)
        gc.enable()

    async def action_quit(self) -> None:
        """Ends the app; says first, once, that there are marks in no file."""
        session, screen = self._session, self.screen_stack[0]
        notebook = session.notebook
        unkept = session.touches_files and notebook.marks != notebook.kept
        if unkept and session.told != UNKEPT and isinstance(screen, StepperScreen):
            screen.tell(*UNKEPT)
        else:
            self.exit()

    @property
    def look(self) -> Look:
        """How this terminal is drawn to."""
        if self.no_color:
            return Look("plain", self._ascii_only)
        if self.native_ansi_color:
            return Look("16", self._ascii_only)
        return Look("dark" if self.current_theme.dark else "light", self._ascii_only)

    def get_default_screen(self) -> Screen[None]:
        """The stepper."""
        return StepperScreen(self._session, self._pace)

    def post_display_hook(self) -> None:
        """Textual calls this after each frame."""
        self._pace.frame_sent()

    def on_cursor_position(self) -> None:
        """Takes the terminal's answer."""
        self._pace.answered()

    def _ask_for_cursor(self) -> bool:
        if self._driver is None or self.is_headless:
            return False
        self._driver.write("\x1b[6n")
        return True

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Our own commands, from the bindings, then Textual's."""
        if isinstance(screen, StepperScreen):
            for binding in STEPPER_BINDINGS:
                if binding.action != "app.quit":  # Textual has that one
                    run = partial(self.run_action, binding.action, screen)
                    yield SystemCommand(binding.description.capitalize(), binding.tooltip, run)
        yield from super().get_system_commands(screen)
