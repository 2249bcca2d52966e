"""The app: the stepper's screen, in colours that this terminal has."""

import asyncio
import gc
import signal
import sys
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, cast

from textual.app import App, SystemCommand
from textual.screen import Screen

from unrolled_tui.bindings import keys_of
from unrolled_tui.moments import Told
from unrolled_tui.pacing import Pace
from unrolled_tui.places import place_of
from unrolled_tui.screens.stepper import StepperScreen
from unrolled_tui.session import Session
from unrolled_tui.widgets.lines_view import Look

if TYPE_CHECKING:  # one's own stepper does without
    from unrolled_tui.serve.stage import Stage

UNKEPT = Told("not kept", "these marks are in no file: M writes them, quitting again leaves them")
"""What is said before the app ends with marks that were not written."""

FORGOTTEN = Told("not kept", "these marks end with your stepper: o again leaves it")
"""What is said before a session ends that is served to others, which keeps none."""

_WITHOUT_FILES = ("Theme", "Keys", "Maximize", "Minimize", "Quit")
"""The commands of Textual's palette that write nothing."""


class UnrolledApp(App[None]):
    """Shows a session.

    Args:
        session: What to show.
        ascii_only: Whether the terminal's locale has no UTF-8.
        stage: Where to tell of each move, if the session is presented to others.
    """

    TITLE = "unrolled"
    ENABLE_COMMAND_PALETTE = True

    def __init__(self, session: Session, ascii_only: bool = False, stage: "Stage | None" = None) -> None:
        super().__init__()
        self.animation_level = "none"  # a slide costs a slow line many frames
        self._session = session
        self._pace = Pace(self._ask_for_cursor, monotonic)
        self._ascii_only = ascii_only
        self._stage = stage
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
        if self._stage is not None:
            self._stage.watch(self._followed_by)

    def _followed_by(self, followers: int) -> None:
        self._session.service = replace(self._session.service, followers=followers)
        self._stepper.draw_header()

    @property
    def _stepper(self) -> StepperScreen:
        return cast("StepperScreen", self.screen_stack[0])

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool:  # noqa: ARG002  # Textual passes them
        """Whether there is an action for this user."""
        return self._session.service.allows(action)

    async def action_quit(self) -> None:
        """Ends the app; says first, once, that there are marks in no file."""
        if not self._session.service.touches_files or self._told_of_marks(UNKEPT):
            self.exit()

    def action_follow(self) -> None:
        """Ends the app, for the presenter's screen in its place; says first, once, that there are marks."""
        from unrolled_tui.serve.part import FOLLOW  # noqa: PLC0415  # one's own stepper does without

        if self._told_of_marks(FORGOTTEN):
            self.exit(return_code=FOLLOW)

    def _told_of_marks(self, loss: Told) -> bool:
        """Whether no marks are lost now, or it was told that they are."""
        notebook = self._session.notebook
        if notebook.marks == notebook.kept or self._session.told == loss:
            return True
        self._stepper.tell(*loss)
        return False

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
        return StepperScreen(self._session, self._pace, self._show_place)

    def _show_place(self) -> None:
        if self._stage is not None:
            self._stage.show(place_of(self._session))

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
        service = self._session.service
        if isinstance(screen, StepperScreen):
            for binding in keys_of(service):
                if binding.action != "app.quit":  # Textual has that one
                    run = partial(self.run_action, binding.action, screen)
                    yield SystemCommand(binding.description.capitalize(), binding.tooltip, run)
        for command in super().get_system_commands(screen):
            if service.touches_files or command.title in _WITHOUT_FILES:
                yield command
