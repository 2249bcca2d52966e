"""The one way that this app draws: a widget that shows lines of spans and sends again only the lines that changed."""

from typing import NamedTuple, Protocol, cast

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from unrolled_tui.characters import in_ascii
from unrolled_tui.palette import style
from unrolled_tui.renderables.spans import Lines, Span, fit, same_end


class Look(NamedTuple):
    """How this terminal is drawn to.

    Attributes:
        palette: The name of the palette.
        ascii_only: Whether it has ASCII characters only.
    """

    palette: str
    ascii_only: bool


class HasLook(Protocol):
    """An app that knows its look."""

    look: Look


class LinesView(Widget):
    """Shows the lines given to `show`; nothing before."""

    lines: Lines = ()
    _styles: dict[tuple[str, str], Style]

    @property
    def cells(self) -> int:
        """The width, which before the first layout is taken to be all of the terminal's."""
        return self.size.width or self.app.size.width

    def show(self, lines: Lines) -> None:
        """Draws `lines`, sending again only those that differ from the ones on show."""
        shown, self.lines = self.lines, lines
        if len(shown) != len(lines):
            self.refresh()
            return
        width = self.size.width
        both = enumerate(zip(shown, lines, strict=True))
        changed = [
            Region(0, y, width - same_end(fit(old, width), fit(new, width)), 1) for y, (old, new) in both if old != new
        ]
        if changed:
            self.refresh(*changed)

    def render_line(self, y: int) -> Strip:
        """One line, exactly as wide as the widget."""
        width = self.size.width
        spans = fit(self.lines[y] if y < len(self.lines) else (), width)
        ascii_only = cast("HasLook", self.app).look.ascii_only
        segments = [Segment(in_ascii(span.text) if ascii_only else span.text, self._style_of(span)) for span in spans]
        return Strip(segments, width)

    def notify_style_update(self) -> None:
        """Forgets the styles, as the theme or the classes have changed."""
        self._styles = {}
        super().notify_style_update()

    def _style_of(self, span: Span) -> Style:
        key = span[1:]
        if key not in self._styles:
            look = self.rich_style + style(cast("HasLook", self.app).look.palette, span.role)
            self._styles[key] = look + Style.from_meta({"@click": span.action}) if span.action else look
        return self._styles[key]
