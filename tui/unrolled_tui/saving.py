"""The one place where a session touches files once it is on the screen: a session that is served does not."""

from pathlib import Path

from unrolled import OutputFileError
from unrolled.output import writing
from unrolled.text import printable
from unrolled_tui.marks import MarksFileError, Notebook, marks_as_json, read_marks
from unrolled_tui.session import Session

_NONE = "this session is served to others, and touches no files here"


def save(session: Session, path: str, content: bytes, replace: bool) -> None:
    """Writes `content` to `path`, whole or not at all.

    Raises:
        OutputFileError: If the session may not, the file exists and is not to be replaced, or cannot be written.
    """
    if not session.service.touches_files:
        raise OutputFileError(f"{printable(path)}: expected a session of one's own to write from: {_NONE}")
    with writing(path, replace) as file:
        file.write(content)


def save_marks(session: Session, path: str, replace: bool) -> None:
    """Writes the bookmarks and notes of a session.

    Raises:
        OutputFileError: As `save` does.
    """
    marks = session.notebook.marks
    save(session, path, marks_as_json(marks), replace)
    session.notebook = Notebook.held_in(path, marks)


def load_marks(session: Session, path: str) -> None:
    """Takes the bookmarks and notes of a file, in the place of those that there are.

    Raises:
        MarksFileError: If the session may not, or the file does not hold marks of these layers and this sequence.
    """
    if not session.service.touches_files:
        raise MarksFileError(f"{printable(path)}: expected a session of one's own to read for: {_NONE}")
    marks = read_marks(path, session.model_length, session.units_of_layers)
    session.notebook = Notebook.held_in(path, marks)


def full_path(typed: str) -> str:
    """A file's name as it was typed, with what `~` stands for."""
    try:
        return str(Path(typed).expanduser())
    except RuntimeError:  # there is no such user
        return typed
