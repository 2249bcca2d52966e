"""Textual's driver for a terminal, in a process that has no shell behind it."""

import asyncio
import signal
import threading
from typing import Any

from textual.app import App
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

AHEAD = 256
"""The most keys that may be ahead of the app. One that waits takes some kilobytes, in the terminal a byte."""


class SessionDriver(LinuxDriver):
    """Nothing stops the app, what asks it to end has its terminal put back, and no flood of keys fills its memory."""

    def __init__(
        self, app: App[Any], *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self._sent = 0
        signal.signal(signal.SIGTSTP, signal.SIG_IGN)

    @property
    def can_suspend(self) -> bool:
        """It cannot: nobody could wake it."""
        return False

    def start_application_mode(self) -> None:
        """Takes the terminal."""
        super().start_application_mode()  # type: ignore[no-untyped-call]  # Textual says no types there
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, self._app.exit, None, 128 + number)

    def send_message(self, message: Message) -> None:
        """Sends the app what was read, and lets it catch up before more is read.

        The thread that reads calls this. The app may wait for the thread's end, so it never waits long.
        """
        super().send_message(message)
        self._sent += 1
        if self._sent % AHEAD:
            return
        came_round = threading.Event()
        self._loop.call_soon_threadsafe(came_round.set)
        while not self.exit_event.is_set() and not (came_round.wait(0.05) and self._app.message_queue_size < AHEAD):
            self.exit_event.wait(0.005)
