"""The tally of the parameters, as a table beside the lens or, where there is no room, as one line below it."""

from unrolled_tui.renderables.frame import framed
from unrolled_tui.renderables.spans import Span
from unrolled_tui.renderables.tally_table import model_table, tally_line, tally_table
from unrolled_tui.session import Session
from unrolled_tui.widgets.lines_view import LinesView

TALLY_WIDTH = 39


class ParameterTally(LinesView):
    """The table: gates by matrices, with sums, the formula, and how others count."""

    DEFAULT_CSS = f"ParameterTally {{ width: {TALLY_WIDTH}; height: 1fr; }}"

    def draw(self, session: Session) -> None:
        """Draws the session's tally, and that of the model."""
        inner, tour = TALLY_WIDTH - 2, session.tour
        lines = framed(tally_table(session.tally, inner), TALLY_WIDTH, (Span("parameters", "dim"),))
        if tour is not None:
            network, remarks = tour.network, session.sequence.remarks
            table = model_table(network.counts, tour.framework, remarks, inner)
            lines = (*lines, *framed(table, TALLY_WIDTH, (Span("model", "dim"),)))
        self.show(lines)


class TallyLine(LinesView):
    """The tally in one line."""

    DEFAULT_CSS = "TallyLine { height: 1; }"

    def draw(self, session: Session) -> None:
        """Draws the session's tally."""
        model = 0 if session.tour is None else session.tour.network.parameters
        self.show((tally_line(session.tally, model if model != session.tally.total else 0),))
