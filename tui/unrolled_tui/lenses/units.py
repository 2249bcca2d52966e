"""The lens of the units: a panel for each, with its gates and states as bars and numbers.

There are as many panels as fit, reused as one turns the pages, so a layer of 1024 units costs what is visible.
"""

from dataclasses import dataclass

from textual.app import ComposeResult
from textual.geometry import Size
from textual.message import Message

from unrolled.anatomy import Anatomy
from unrolled_tui.lenses.lens import Lens
from unrolled_tui.renderables.unit_panel import (
    NARROWEST,
    SMALLEST_CHARTS,
    TALLEST_CHART,
    PanelRow,
    PanelView,
    compact_height,
    history_length,
    unit_panel,
)
from unrolled_tui.session import Session
from unrolled_tui.widgets.lines_view import LinesView

WIDE = 38
"""Panels get this wide before they get more."""


@dataclass(frozen=True, slots=True)
class Arrangement:
    """How many panels, and how large.

    Attributes:
        columns: Panels side by side.
        rows: Panels one below the other.
        width: The cells of a panel.
        height: The lines of a panel.
    """

    columns: int
    rows: int
    width: int
    height: int

    @property
    def count(self) -> int:
        """How many panels there are."""
        return self.columns * self.rows


def arrange(size: Size, units: int, anatomy: Anatomy) -> Arrangement:
    """Wide panels if all units fit so, else as many as can be; what room is left makes them taller."""
    compact = compact_height(len(anatomy.quantities))
    most_rows = max(1, size.height // compact)
    columns = max(1, size.width // WIDE)
    if columns * most_rows < units:
        columns = max(1, size.width // NARROWEST)
    columns = min(columns, units)
    rows = min(most_rows, -(-units // columns))
    width = min(size.width // columns, 2 * NARROWEST)
    height = min(size.height // rows, compact + TALLEST_CHART * len(anatomy.states))
    return Arrangement(columns, rows, width, height if height >= compact + SMALLEST_CHARTS else compact)


class UnitPanel(LinesView):
    """The panel of whichever unit the page has in this place."""

    class Clicked(Message):
        """The panel in this place was clicked."""

        def __init__(self, panel: "UnitPanel") -> None:
            super().__init__()
            self.panel = panel

    def __init__(self, place: int) -> None:
        super().__init__()
        self.place = place

    def on_click(self) -> None:
        """Says so."""
        self.post_message(self.Clicked(self))


class UnitsLens(Lens):
    """Every unit's gates and states at the timestep on show."""

    DEFAULT_CSS = "UnitsLens { layout: grid; }"

    def __init__(self, expected: Size, units: int, anatomy: Anatomy) -> None:
        super().__init__(expected)
        self._first = arrange(expected, units, anatomy)
        self._laid_out: Arrangement | None = None

    def compose(self) -> ComposeResult:
        """The panels that will be needed, so that the first layout is the right one."""
        self._lay_out(self._first)
        yield from (UnitPanel(place) for place in range(self._first.count))

    def draw(self, session: Session) -> None:
        """Draws the page that holds the selected unit."""
        arrangement = arrange(self.area, session.layer.units, session.layer.anatomy)
        panels = self._panels(arrangement)
        first = first_on_page(session.unit, arrangement.count)
        units = slice(first, min(first + arrangement.count, session.layer.units))
        views = panel_views(session, units, history_length(arrangement.width))
        for panel in panels:
            view = views[panel.place] if panel.place < len(views) else None
            panel.show(unit_panel(view, arrangement.width, arrangement.height) if view else ())

    def move(self, session: Session, rows: int) -> None:
        """Selects a unit further on, and stops at the ends."""
        session.select(min(max(session.unit + rows, 0), session.layer.units - 1))

    def page_rows(self, _session: Session) -> int:
        """How many units a page has."""
        return arrange(self.area, _session.layer.units, _session.layer.anatomy).count

    def unit_at(self, place: int, session: Session) -> int:
        """The unit, from 0, whose panel is in a place; the last unit if there is none."""
        first = first_on_page(session.unit, self.page_rows(session))
        return min(first + place, session.layer.units - 1)

    def _panels(self, arrangement: Arrangement) -> list[UnitPanel]:
        """The panels, after bringing their number and sizes into line: once for each size of the terminal."""
        panels = [child for child in self.children if isinstance(child, UnitPanel)]
        if len(panels) > arrangement.count:
            for panel in panels[arrangement.count :]:
                panel.remove()
        elif len(panels) < arrangement.count:
            new = [UnitPanel(place) for place in range(len(panels), arrangement.count)]
            self.mount_all(new)
            panels += new
        self._lay_out(arrangement)
        return panels[: arrangement.count]

    def _lay_out(self, arrangement: Arrangement) -> None:
        if arrangement == self._laid_out:
            return  # setting a style lays out the screen again, even to what it was
        self._laid_out = arrangement
        self.styles.grid_size_columns = arrangement.columns
        self.styles.grid_columns = str(arrangement.width)
        self.styles.grid_rows = str(arrangement.height)


def first_on_page(unit: int, panels: int) -> int:
    """The first unit of the page that holds `unit`."""
    return unit - unit % panels


def panel_views(session: Session, units: slice, history: int) -> list[PanelView]:
    """What the panels of some units show."""
    anatomy = session.layer.anatomy
    rows = [_rows(session, gate.name, index, units) for index, gate in enumerate(anatomy.gates)]
    rows += [_rows(session, state.name, None, units) for state in anatomy.states if state not in anatomy.gates]
    past = [
        (state.name, session.view.scale(state.name), session.history(state.name, units, history))
        for state in anatomy.states
    ]
    return [
        PanelView(
            unit=unit + 1,
            of=0 if units.stop - units.start == session.layer.units else session.layer.units,
            selected=unit == session.unit,
            rows=tuple(column[place] for column in rows),
            history=tuple((name, scale, tuple(values[place])) for name, scale, values in past),
            timesteps=min(history, session.length),
        )
        for place, unit in enumerate(range(units.start, units.stop))
    ]


def _rows(session: Session, name: str, gate: int | None, units: slice) -> list[PanelRow]:
    low, high = session.bar_ends(name)
    if session.known(name):
        return [PanelRow(name, value, None, low, high) for value in session.values(name, units)]
    if gate is not None and session.known(f"z_{name}"):
        return [PanelRow(name, None, z, low, high) for z in session.step.pre_activations[gate, units].tolist()]
    return [PanelRow(name, None, None, low, high)] * (units.stop - units.start)
