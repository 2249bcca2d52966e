"""What every lens is: a widget in the middle of the screen that draws a session in its own way."""

from collections.abc import Iterator
from typing import NamedTuple

from textual.app import ComposeResult
from textual.containers import Container
from textual.geometry import Size
from textual.message import Message

from unrolled_tui.session import Session
from unrolled_tui.tables import Table, units_table
from unrolled_tui.widgets.lines_view import LinesView


class Lacking(NamedTuple):
    """What a lens cannot show before something that takes long is computed.

    Attributes:
        what: What that is, in words.
        total: How many timesteps of it there are.
        of: What it is of: as long as this is the same, one need not begin again.
    """

    what: str
    total: int
    of: object


class Lens(Container):
    """A way of looking at a session.

    Args:
        expected: The size that it is going to have, so that it can be drawn before the first layout.

    """

    def __init__(self, expected: Size) -> None:
        super().__init__()
        self._expected = expected

    @property
    def area(self) -> Size:
        """The size, which before the first layout is the one that is expected."""
        return self.size or self._expected

    class Resized(Message):
        """A lens has another size, and has to be drawn anew."""

    def on_resize(self) -> None:
        """Says so."""
        self.post_message(self.Resized())

    def draw(self, session: Session) -> None:
        """Draws what the session shows now. A lens without anything to show draws nothing."""

    def move(self, session: Session, rows: int) -> None:
        """What the up and down keys do: selects the unit before or after."""
        session.select(session.unit + rows)

    def turn(self, session: Session, by: int) -> None:
        """What the bracket keys do: selects the next gate, or the one before."""
        session.select_gate(session.gate_index + by)

    def reorder(self, session: Session) -> None:
        """What the sort key does: another order, where there are several."""

    def change_view(self, session: Session) -> None:
        """What the view key does: another view of the same, where there are several."""

    def zoom(self, session: Session, by: int) -> None:
        """What the zoom keys do: `by` times twice as many timesteps in a cell, or half as many where it is negative."""

    def table(self, session: Session) -> Table:
        """What it shows as a table, with what does not fit the screen: every unit, where a lens has no other."""
        return units_table(session)

    def unit_after(self, session: Session, by: int) -> int | None:
        """The unit that comes `by` units after the selected one, where a lens has an order of its own."""

    def lacking(self, session: Session) -> Lacking | None:
        """What it cannot show yet, if anything."""

    def supply(self, _session: Session) -> Iterator[int]:
        """Computes what is lacking, in another thread, and tells how many timesteps of it are done by then."""
        yield from ()

    def page_rows(self, _session: Session) -> int:
        """How many rows a page has."""
        return 1


class LinesLens(Lens):
    """A lens that is one stretch of lines."""

    def compose(self) -> ComposeResult:
        """The lines."""
        yield LinesView()

    @property
    def view(self) -> LinesView:
        """The lines."""
        return self.query_one(LinesView)
