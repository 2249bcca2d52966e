"""The one way that this app draws: a widget that shows lines of spans and sends again only the lines that changed."""

from typing import NamedTuple, Protocol, cast

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from unrolled_tui.characters import in_ascii
from unrolled_tui.palette import TRUECOLOR, style
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
    """Shows the lines given to `show`; nothing before. It has no border, padding or other effects."""

    lines: Lines = ()
    _styles: dict[tuple[str, str], Style]
    _strips: dict[int, Strip]
    _drawn_for: tuple[int, Look] | None = None

    @property
    def cells(self) -> int:
        """The width, which before the first layout is taken to be all of the terminal's."""
        return self.size.width or self.app.size.width

    def show(self, lines: Lines) -> None:
        """Draws `lines`, sending again only those that differ from the ones on show."""
        width = self.size.width
        if width:
            lines = tuple([fit(spans, width) for spans in lines])
        shown, self.lines = self.lines, lines
        if len(shown) != len(lines):
            self._strips.clear()
            self.refresh()
            return
        changed = []
        for y, (old, new) in enumerate(zip(shown, lines, strict=True)):
            if old != new:
                self._strips.pop(y, None)
                changed.append(Region(0, y, width - same_end(old, new), 1))
        if changed:
            self.refresh(*changed)

    def render_lines(self, crop: Region) -> list[Strip]:
        """The lines inside of `crop`, kept until they change: without effects, Textual need draw nothing around."""
        width, look = self.size.width, cast("HasLook", self.app).look
        if self._drawn_for != (width, look):
            self._strips.clear()
            self._drawn_for = (width, look)
        for y in crop.line_range:
            if y not in self._strips:
                self._strips[y] = self._strip(y, width, look)
        lines = [self._strips[y] for y in crop.line_range]
        whole = crop.column_span == (0, width)
        return lines if whole else [strip.crop(*crop.column_span) for strip in lines]

    def notify_style_update(self) -> None:
        """Forgets what was drawn, as the theme or the classes have changed."""
        self._styles, self._strips = {}, {}
        super().notify_style_update()

    def _strip(self, y: int, width: int, look: Look) -> Strip:
        spans = fit(self.lines[y] if y < len(self.lines) else (), width)
        segments = [
            Segment(in_ascii(span.text) if look.ascii_only else span.text, self._style_of(span, look)) for span in spans
        ]
        strip = Strip(segments, width)
        if look.palette in TRUECOLOR:
            return strip
        for colours in self.get_line_filters():  # those that take colours away
            strip = strip.apply_filter(colours, self.background_colors[1])
        return strip

    def _style_of(self, span: Span, look: Look) -> Style:
        key = span[1:]
        if key not in self._styles:
            whole = self.rich_style + style(look.palette, span.role)
            self._styles[key] = whole + Style.from_meta({"@click": span.action}) if span.action else whole
        return self._styles[key]
