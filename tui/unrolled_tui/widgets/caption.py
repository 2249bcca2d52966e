"""What happened in this phase."""

from unrolled_tui.renderables.caption import parting_caption, phase_caption, versus_caption
from unrolled_tui.session import TOLERANCE, Session
from unrolled_tui.widgets.lines_view import LinesView


class Caption(LinesView):
    """Two lines: the phase's formula, and the same with the selected unit's numbers."""

    DEFAULT_CSS = "Caption { height: 2; }"

    def draw(self, session: Session) -> None:
        """Draws what happened in the session's phase."""
        if session.versus is None:
            self.show(phase_caption(session.phase, session.unit + 1, session.numbers(), session.remark))
        elif session.difference:
            compared, parting = session.parting
            self.show(parting_caption(compared, session.length, parting, TOLERANCE))
        else:
            self.show(versus_caption(session.tally, session.versus.tally, session.length))
