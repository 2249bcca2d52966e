"""The sequence, with the timestep on show marked."""

from unrolled_tui.renderables.sequence_strip import page_of, sequence_strip, timestep_text
from unrolled_tui.session import Session
from unrolled_tui.widgets.lines_view import LinesView

_MOST = 18


class SequenceStrip(LinesView):
    """Two lines: the timesteps of the page, and the rule that marks the one on show. A click goes there."""

    DEFAULT_CSS = "SequenceStrip { height: 2; }"

    def draw(self, session: Session) -> None:
        """Draws the page that holds the timestep on show."""
        view, values = session.view, session.sequence.values
        labels, content = session.sequence.labels, view.widest_label or min(_MOST, 6 * values.shape[-1])
        page = page_of(session.t, session.length, content, self.cells, session.model_length)
        shown = range(page.first, page.first + page.count)
        rows = values[shown.start : shown.stop].tolist()
        tokens = labels[shown.start : shown.stop] or [""] * len(rows)
        texts = [timestep_text(row, token, content) for row, token in zip(rows, tokens, strict=True)]
        numbers = [view.timestep(t) for t in shown]
        marked = {t for t, number in zip(shown, numbers, strict=True) if number in session.notebook.marks.bookmarks}
        self.show(sequence_strip(page, texts, session.t, marked, numbers))
