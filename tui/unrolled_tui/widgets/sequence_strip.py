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
        labels, content = session.sequence.labels, session.widest_label or min(_MOST, 6 * session.layer.features)
        page = page_of(session.t, session.length, content, self.cells)
        rows = session.sequence.values[page.first : page.first + page.count].tolist()
        tokens = labels[page.first : page.first + page.count] or [""] * len(rows)
        texts = [timestep_text(row, token, content) for row, token in zip(rows, tokens, strict=True)]
        self.show(sequence_strip(page, texts, session.t, session.notebook.marks.bookmarks))
