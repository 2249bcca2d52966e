"""What happened in this phase."""

from unrolled_tui.renderables.caption import parting_caption, phase_caption, versus_caption, with_note, with_told
from unrolled_tui.renderables.spans import Lines
from unrolled_tui.session import TOLERANCE, Session
from unrolled_tui.widgets.lines_view import LinesView


class Caption(LinesView):
    """Two lines: the phase's formula, and the same with the selected unit's numbers."""

    DEFAULT_CSS = "Caption { height: 2; }"

    def draw(self, session: Session) -> None:
        """Draws what happened in the session's phase, or what there is to tell, and the note on the selected unit."""
        lines = _facts(session)
        if session.told is not None:
            lines = with_told(lines, *session.told)
        note = session.notebook.marks.note(session.place, session.both[session.front].unit)
        self.show(with_note(lines, note) if note else lines)


def _facts(session: Session) -> Lines:
    if session.versus is None:
        return phase_caption(session.phase, session.unit + 1, session.numbers(), session.remark)
    if session.difference:
        compared, parting = session.parting
        return parting_caption(compared, session.length, parting, TOLERANCE)
    return versus_caption(session.tally, session.versus.tally, session.length)
