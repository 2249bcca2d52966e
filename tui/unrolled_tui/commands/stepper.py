"""Opens the stepper."""

import os
import sys

from unrolled_tui.commands.request import Request
from unrolled_tui.commands.subject import subject
from unrolled_tui.service import Service
from unrolled_tui.terminal import require_keyboard, require_terminal, screen_settings, speaks_utf8, write_ascii


def step_through(request: Request, touches_files: bool = True) -> int:
    """Shows what is asked for until the user quits, and returns the exit code.

    Args:
        request: What is asked for.
        touches_files: Whether keys may write and read files.

    Raises:
        UnrolledError: If it cannot be read, or there is no terminal to show it.
    """
    require_terminal()
    from_standard_input = request.input == "-"
    if not from_standard_input:
        require_keyboard(may_reopen=False)
    session = subject(request).session(request)
    session.service = Service(touches_files)
    if from_standard_input:
        require_keyboard(may_reopen=True)
    ascii_only = not speaks_utf8(sys.stdout)
    if ascii_only:
        write_ascii(sys.__stderr__)  # where Textual draws
    os.environ.update(screen_settings(os.environ))
    from unrolled_tui.app import UnrolledApp  # noqa: PLC0415  # only now: a mistake is told without waiting for it

    app = UnrolledApp(session, ascii_only)
    app.run()
    return app.return_code or 0
