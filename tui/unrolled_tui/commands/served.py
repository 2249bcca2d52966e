"""The stepper as a server gives it: an app for each session, none of which touches a file."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

from unrolled_tui.commands.request import Request
from unrolled_tui.commands.subject import Subject, subject
from unrolled_tui.marks import Marks, Notebook
from unrolled_tui.places import go_to_place
from unrolled_tui.serve.part import Part
from unrolled_tui.service import Service

if TYPE_CHECKING:  # Textual reads the environment when it is imported, and the server's is not the sessions'
    from unrolled_tui.app import UnrolledApp


def stepper_to_serve(request: Request) -> "Callable[[Part], UnrolledApp]":
    """Reads what is asked for, once, and returns what makes the app of each session from it.

    Raises:
        UnrolledError: If it cannot be read, or a part of it does not fit.
    """
    shown = subject(request)
    marks = shown.session(request).notebook.marks
    without_files = replace(request, marks=None)
    return lambda part: app_for(shown, without_files, part, marks)


def app_for(shown: Subject, request: Request, part: Part, marks: Marks = Marks()) -> "UnrolledApp":  # noqa: B008  # it is immutable
    """The app of one session, which begins where its part says.

    Args:
        shown: What is on show.
        request: Where to begin, and through which lens.
        part: The part that the app plays.
        marks: The bookmarks and notes that each user finds there.
    """
    _load_all()
    from unrolled_tui.app import UnrolledApp  # noqa: PLC0415  # only in the session's process, or the one it is forked from

    session = shown.session(request)
    session.notebook = Notebook(marks, marks)
    session.service = Service(touches_files=False, may_follow=part.may_follow)
    if part.place:
        go_to_place(session, part.place)
    return UnrolledApp(session, stage=part.stage)


_LATER = (
    "concurrent.futures.thread",
    "textual.scrollbar",
    "textual.system_commands",
    "unrolled.conditions.completion",
    "unrolled.overview",
)


@cache
def _load_all() -> None:
    """Loads what one's own stepper loads when it is first used, in the process that all sessions are forked from."""
    from rich.cells import get_character_cell_size  # noqa: PLC0415  # only in that process

    for package in ("unrolled_tui.lenses", "unrolled_tui.screens"):
        for module in iter_modules(import_module(package).__path__, f"{package}."):
            import_module(module.name)
    for name in _LATER:
        import_module(name)
    get_character_cell_size("→")  # the first character that is not ASCII has its widths read from a file
