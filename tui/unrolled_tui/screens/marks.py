"""The list of the bookmarks and notes, and their file."""

from typing import ClassVar, NamedTuple

from textual.binding import Binding, BindingType

from unrolled import OptionError
from unrolled.files import check_ending, naming
from unrolled_tui.marks import Note
from unrolled_tui.renderables.sequence_strip import timestep_text
from unrolled_tui.renderables.spans import Line, Span, line
from unrolled_tui.saving import load_marks, save_marks
from unrolled_tui.screens.file_name import Attempt, FileNameScreen
from unrolled_tui.screens.listing import ListScreen
from unrolled_tui.session import Session

_NAME, _READS = 20, 40
"""Cells of a row for what is marked, and for what the timestep reads."""


class Place(NamedTuple):
    """Where one goes from the list: a timestep, or a unit of a layer.

    Attributes:
        t: The timestep, from 0, or None.
        layer: Which of the layers on the screen, from 0.
        unit: Its unit, from 0.
    """

    t: int | None
    layer: int = 0
    unit: int = 0


class MarksScreen(ListScreen[Place]):
    """The bookmarks and notes of a session. Answers where to go."""

    title_text: ClassVar[str] = "bookmarks and notes"
    empty: ClassVar[str] = "Nothing is marked yet: in the stepper m marks a timestep, and a writes a note on a unit."

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("shift+m,M", "dismiss(None)", "close"),
        Binding("enter", "go", "go there"),
        Binding("d,delete,backspace", "remove", "delete"),
        Binding("w", "write", "write"),
        Binding("r", "read", "read"),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        files = ("w write to a file", "r read") if session.service.touches_files else ()
        self.keys = ("enter go there", "d delete", *files, "esc close")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool:  # noqa: ARG002  # Textual passes them
        """Whether there is an action for this user."""
        return self._session.service.allows(action)

    def rows(self) -> list[Line]:
        """A row for each bookmark, then one for each note."""
        return [self._row(mark) for mark in self._marks]

    def whole(self) -> str:
        """The selected note; and whether the file has all of this."""
        mark, notebook = self._marks[self.selected], self._session.notebook
        unkept = "Not written to a file yet." if self._session.service.touches_files else "Kept until you leave."
        return mark.text if isinstance(mark, Note) else "" if notebook.marks == notebook.kept else unkept

    def action_go(self) -> None:
        """Answers where the selected one is."""
        if self._marks:
            mark = self._marks[self.selected]
            if isinstance(mark, Note):
                self.dismiss(Place(None, mark.layer, mark.unit))
            else:
                self.dismiss(Place(self._session.view.row(mark)))

    def action_remove(self) -> None:
        """Removes the selected one."""
        if self._marks:
            mark, notebook = self._marks[self.selected], self._session.notebook
            marks = notebook.marks
            left = marks.noted(mark.layer, mark.unit, "") if isinstance(mark, Note) else marks.toggled(mark)
            self._session.notebook = notebook.with_marks(left)
            self.draw()

    def action_write(self) -> None:
        """Asks for the file to write them to."""

        async def attempt(path: str, replace: bool) -> None:
            with naming(path, OptionError):
                check_ending(path, (".json",))
            save_marks(self._session, path, replace)

        self._ask("Write bookmarks and notes to:", "Written to", attempt, writes=True)

    def action_read(self) -> None:
        """Asks for the file to read others from."""

        async def attempt(path: str, _replace: bool) -> None:
            load_marks(self._session, path)

        self._ask("Read bookmarks and notes, instead of these, from:", "Read from", attempt, writes=False)

    def _ask(self, question: str, done: str, attempt: Attempt, writes: bool) -> None:
        def tell(path: str | None) -> None:
            if path is not None:
                self.tell(f"{done} {path}.")

        self.app.push_screen(FileNameScreen(question, self._session.notebook.path, attempt, writes), tell)

    @property
    def _marks(self) -> tuple[int | Note, ...]:
        marks = self._session.notebook.marks
        return (*marks.bookmarks, *marks.notes)

    def _row(self, mark: int | Note) -> Line:
        session = self._session
        if isinstance(mark, Note):
            several = session.versus is not None or (session.tour is not None and len(session.tour.names) > 1)
            layer = f"layer {mark.layer + 1}  " if several else ""
            return line(Span(f"{layer}unit {mark.unit + 1:,}".ljust(_NAME), "strong"), mark.text)
        sequence, row = session.sequence, session.view.row(mark)
        token = sequence.labels[row] if sequence.labels else ""
        reads = timestep_text(sequence.values[row].tolist(), token, _READS)
        return line(Span(f"t {row + 1:,}".ljust(_NAME), "mark"), Span(f"x{mark + 1} ", "dim"), reads)
