"""The lenses with their keys, the one on show marked."""

from collections.abc import Sequence

from unrolled_tui.renderables.spans import Span, line
from unrolled_tui.widgets.lines_view import LinesView


class LensLine(LinesView):
    """One line of tabs. A click opens the lens."""

    DEFAULT_CSS = "LensLine { height: 1; }"

    def draw(self, titles: Sequence[str], on: int, hint: str) -> None:
        """Draws the titles, the one at `on` marked, and the keys of that lens at the right."""
        tabs = [
            Span(f" {index + 1} {title} ", "on" if index == on else "dim", f"screen.lens({index})")
            for index, title in enumerate(titles)
        ]
        room = self.cells - sum(len(tab.text) for tab in tabs) - 2
        self.show((line(" ", *tabs, Span(hint.rjust(room), "dim")),))
