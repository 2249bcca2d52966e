"""A list over the stepper: one selects a row, and keys do something with it."""

from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from unrolled_tui.renderables.listing import listing
from unrolled_tui.renderables.spans import Line
from unrolled_tui.widgets.lines_view import LinesView

AnswerT = TypeVar("AnswerT")

_WIDTH, _HEIGHT = 76, 20


class ListScreen(ModalScreen[AnswerT | None]):
    """A list. What a row is, and what else the keys do, each kind knows; it keeps nothing but what is selected.

    Attributes:
        selected: The selected row, from 0.
        told: What is said of the last key, in the place of the whole of the selected row.
        keys: What the keys do.
    """

    title_text: ClassVar[str] = ""
    empty: ClassVar[str] = ""
    keys: tuple[str, ...] = ()

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss(None)", "close"),
        Binding("down", "select(1)", "down"),
        Binding("up", "select(-1)", "up"),
    ]

    DEFAULT_CSS = """
    ListScreen { align: center middle; }
    ListScreen LinesView { background: $panel; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.selected = 0
        self.told = ""

    def rows(self) -> list[Line]:
        """The rows."""
        return []

    def whole(self) -> str:
        """All of the selected row, where it may be longer than a line."""
        return ""

    def compose(self) -> ComposeResult:
        """The list."""
        yield LinesView()

    def on_mount(self) -> None:
        """Draws the list."""
        self.draw()

    def on_resize(self) -> None:
        """Draws it in its new size."""
        self.draw()

    def on_screen_resume(self) -> None:
        """Draws what has changed under a prompt."""
        self.draw()

    def draw(self) -> None:
        """Draws the list."""
        view, rows = self.query_one(LinesView), self.rows()
        self.selected = min(self.selected, max(0, len(rows) - 1))
        size = min(_WIDTH, self.app.size.width), min(_HEIGHT, self.app.size.height)
        view.styles.width, view.styles.height = size
        said = self.told or (self.whole() if rows else self.empty)
        view.show(listing(rows, self.selected, size, self.title_text, said, self.keys))

    def action_select(self, by: int) -> None:
        """Selects the row further on, and stops at the ends."""
        self.selected = max(0, min(self.selected + by, len(self.rows()) - 1))
        self.told = ""
        self.draw()

    def tell(self, text: str) -> None:
        """Draws the list, and says something until another row is selected."""
        self.told = text
        self.draw()
