"""All keys, from the bindings, and the notation."""

from collections.abc import Sequence
from typing import ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen

from unrolled_tui.renderables.help_table import help_table
from unrolled_tui.renderables.spans import width
from unrolled_tui.widgets.key_line import key_name
from unrolled_tui.widgets.lines_view import HasLook, LinesView


def help_rows(bindings: Sequence[Binding]) -> list[tuple[str, str]]:
    """A row for each binding: its keys as they are printed, and what it does."""
    return [("  ".join(map(key_name, binding.key.split(","))), binding.tooltip) for binding in bindings]


class HelpScreen(ModalScreen[None]):
    """The help, over the stepper."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,question_mark,enter", "dismiss", "close")]

    DEFAULT_CSS = """
    HelpScreen { align: center middle; }
    HelpScreen VerticalScroll {
        width: 74; max-width: 100%; height: auto; max-height: 100%; padding: 0 2; background: $panel;
    }
    """

    def __init__(
        self, bindings: Sequence[Binding], lenses: Sequence[tuple[str, str]], remarks: Sequence[str] = ()
    ) -> None:
        super().__init__()
        self._lines = help_table(help_rows(bindings), lenses, remarks)

    def on_mount(self) -> None:
        """Does without a scroll bar where its blocks cannot be shown."""
        if cast("HasLook", self.app).look.ascii_only:
            self.query_one(VerticalScroll).styles.scrollbar_size_vertical = 0

    def compose(self) -> ComposeResult:
        """The table."""
        with VerticalScroll():
            table = LinesView()
            table.styles.height = len(self._lines)
            table.styles.width = max(map(width, self._lines))
            table.lines = self._lines
            yield table
