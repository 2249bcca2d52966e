"""What every lens is: a widget in the middle of the screen that draws a session in its own way."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Container
from textual.geometry import Size
from textual.message import Message

from unrolled_tui.session import Session
from unrolled_tui.widgets.lines_view import LinesView


class Lens(Container):
    """A way of looking at a session.

    Args:
        expected: The size that it is going to have, so that it can be drawn before the first layout.

    Attributes:
        title: What it is called.
        answers: In one sentence, what it shows and what question it answers.
        hint: The keys that are its own.
    """

    title: ClassVar[str]
    answers: ClassVar[str]
    hint: ClassVar[str] = ""

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
