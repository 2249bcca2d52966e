"""A pane: one layer's lens, and its tally where the screen has no table for it."""

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.geometry import Size

from unrolled_tui.lenses.catalog import LENSES
from unrolled_tui.lenses.lens import Lens
from unrolled_tui.lenses.units import UnitsLens
from unrolled_tui.renderables.header import pane_title
from unrolled_tui.session import UNITS, Session
from unrolled_tui.widgets.lines_view import LinesView
from unrolled_tui.widgets.parameter_tally import TallyLine


class Pane(Vertical):
    """One layer, through the lens of its session.

    Args:
        session: What is on show.
        expected: The size that the lens is going to have, for the first layout.
        classes: CSS classes.
    """

    DEFAULT_CSS = """
    Pane { width: 1fr; }
    Pane Lens { height: 1fr; display: none; }
    Pane Lens.shown { display: block; }
    Pane .name { height: 1; display: none; }
    """

    def __init__(self, session: Session, expected: Size, classes: str = "") -> None:
        super().__init__(classes=classes)
        self.session = session
        self._expected = expected

    def compose(self) -> ComposeResult:
        """The layer's name, the lens that is on show, and the tally line. Other lenses come when they are asked for."""
        yield LinesView(classes="name")
        yield self._new_lens(self._lens_type)
        yield TallyLine()

    @property
    def lens(self) -> Lens:
        """The lens on show."""
        return self.query_one(self._lens_type)

    def show_lens(self) -> None:
        """Brings the session's lens to the front."""
        wanted = self._lens_type
        for lens in self.query(Lens):
            lens.set_class(isinstance(lens, wanted), "shown")
        if not self.query(wanted):
            self.mount(self._new_lens(wanted), after=0)

    def draw(self) -> None:
        """Draws the session, once its lens is there: one that is new tells of its size, and is drawn then."""
        if self.lens.is_mounted:
            self.lens.draw(self.session)

    def draw_around(self) -> None:
        """Draws what does not change from step to step: the layer's name and its tally."""
        layer, session = self.session.layer, self.session
        less = session.minus.origin if session.minus and session.lens == UNITS else ""  # only this lens takes it off
        name = pane_title(layer.anatomy.cell, layer.units, session.origin, less)
        self.query_one(".name", LinesView).show((name,))
        self.query_one(TallyLine).draw(self.session)

    @property
    def _lens_type(self) -> type[Lens]:
        return LENSES[self.session.lens].load()

    def _new_lens(self, wanted: type[Lens]) -> Lens:
        area = self.query_one(Lens).area if self.query(Lens) else self._expected
        layer = self.session.layer
        lens = UnitsLens(area, layer.units, layer.anatomy) if wanted is UnitsLens else wanted(area)
        lens.add_class("shown")
        return lens
