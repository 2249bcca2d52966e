"""The first line: what is on show at the left, where we are at the right, each in a widget of its own.

The position is redrawn at every step, and a widget sends all that stands left of what changed.
"""

from textual.app import ComposeResult
from textual.containers import Horizontal

from unrolled_tui.renderables.header import counted, position, subject
from unrolled_tui.renderables.spans import Line, width
from unrolled_tui.session import Session
from unrolled_tui.widgets.lines_view import LinesView


class Header(Horizontal):
    """What is on show, and where we are in it."""

    DEFAULT_CSS = """
    Header { height: 1; dock: top; }
    Header LinesView { width: 1fr; height: 1; }
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._room = width(where(session, ""))

    def compose(self) -> ComposeResult:
        """The two parts."""
        yield LinesView(id="subject")
        at = LinesView(id="position")
        at.styles.width = self._room
        yield at

    def draw(self, session: Session, state: str) -> None:
        """Draws the session's subject and position, and what the program is doing."""
        self.query_one("#position", LinesView).show((where(session, state),))
        cell, followers = session.layer.anatomy.cell, session.service.followers
        if session.versus is None:
            facts = [cell, counted(session.layer.units, "unit")]
        else:
            facts = [" beside ".join(f"{each.layer.anatomy.cell}({each.layer.units:,})" for each in session.both)]
        if followers is not None:
            facts.insert(0, f"{followers:>3} following")  # as wide for a whole class, so that nothing moves
        facts += [counted(session.layer.features, "feature"), session.origin if session.versus is None else ""]
        badge = session.badge if session.versus is None else ()
        what = subject(facts, self.app.size.width - self._room - 1, badge)
        self.query_one("#subject", LinesView).show((what,))


def where(session: Session, state: str) -> Line:
    """Where the session is: as wide at every step."""
    phases, phase = session.layer.anatomy.phases, session.phase
    return position(session.t + 1, session.length, session.phase_index + 1, len(phases), phase.name, state)
