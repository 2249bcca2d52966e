"""The lens of time: every unit at every timestep, as a map of one quantity."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import numpy as np
from textual.events import Click
from textual.geometry import Offset, Size
from textual.message import Message

from unrolled.arrays import Array
from unrolled.overview import Overview, Page
from unrolled_tui.lenses.lens import Lacking, LinesLens
from unrolled_tui.over_time import FIGURES, MAP, TEXT, levels
from unrolled_tui.palette import TRUECOLOR
from unrolled_tui.renderables.frame import framed
from unrolled_tui.renderables.numbers import short
from unrolled_tui.renderables.running_text import RunningText, place_tokens, text_lines
from unrolled_tui.renderables.spans import Line, Lines, Span, line
from unrolled_tui.renderables.spans import width as line_width
from unrolled_tui.renderables.time_map import (
    LABEL,
    LEVELS,
    NUMBER_CELL,
    Columns,
    axis_lines,
    chart_lines,
    heat_row,
    hue,
    mark_line,
    number_row,
    scale_line,
    unit_label,
    unknown_row,
)
from unrolled_tui.renderables.time_table import UnitFigures, figures_heading, figures_key, figures_line, left_out
from unrolled_tui.session import Session
from unrolled_tui.tables import Cell, Table, shortest_of
from unrolled_tui.widgets.lines_view import HasLook

LEAST_CHART, MOST_CHART = 3, 8
"""The lines for the selected unit's values as a chart."""


@dataclass(frozen=True, slots=True)
class Arrangement:
    """What goes where in the map, from top to bottom.

    Attributes:
        columns: The columns.
        axis: The lines above the rows.
        rows: The rows of units.
        chart: The lines of the selected unit's chart, if there is room for it.
        figures: Whether there is room for the figures of all units below.
    """

    columns: Columns
    axis: int
    rows: int
    chart: int
    figures: bool


def arrange(size: Size, page: Page, units: int, tokens: bool) -> Arrangement:
    """As many rows as fit; what room is left goes to the selected unit's chart, and then to the figures of all."""
    room = size.width - 2 - LABEL
    cell = NUMBER_CELL if page.columns * NUMBER_CELL <= room else max(1, min(3, room // page.columns))
    axis = 3 if tokens and page.per_cell == 1 else 2
    spare = size.height - 3 - axis
    rows = min(units, max(1, spare))
    spare -= rows
    chart_rows = min(spare - 2, MOST_CHART) if spare > LEAST_CHART + 1 else 0
    spare -= chart_rows + 1 if chart_rows else 0
    columns = Columns(page.first, page.per_cell, page.columns, cell)
    return Arrangement(columns, axis, rows, chart_rows, figures=spare >= units + 3)


class TimeLens(LinesLens):
    """Units × timesteps, one quantity at a time: the whole run, with what is still to come where the cursor is."""

    _drawn: tuple[object, Lines, Lines, Lines] = (None, (), (), ())

    class Clicked(Message):
        """A place in the lens was clicked."""

        def __init__(self, lens: "TimeLens", offset: Offset) -> None:
            super().__init__()
            self.lens, self.offset = lens, offset

    def on_click(self, event: Click) -> None:
        """Says so: a span with an action for every cell would cost many bytes."""
        self.post_message(self.Clicked(self, event.screen_offset - self.region.offset))

    def draw(self, session: Session) -> None:
        """Draws the page that holds the cursor."""
        over_time = session.view.over_time
        overview = over_time.look(self._page(session))
        if not overview.done and self.view.lines:
            return  # the first of it is there in an instant, and nothing is wiped until then
        draw = {MAP: self._map, FIGURES: self._figures, TEXT: self._text}[over_time.view]
        body = draw(session, overview)
        filler: Lines = ((),) * (self.area.height - 2 - len(body))
        title, note = _title(session, overview, self.area.width - 4), _note(session, overview, self.page_rows(session))
        self.view.show(framed((*body[:-1], *filler, body[-1]), self.area.width, title, note))

    # What keys and clicks do.

    def move(self, session: Session, rows: int) -> None:
        """Selects a unit further on in the order on show, and stops at the ends."""
        units, place = self._further(session, rows)
        session.select(units[min(max(place, 0), len(units) - 1)])

    def unit_after(self, session: Session, by: int) -> int | None:
        """The unit further on in the order on show, and the other end after the last or before the first."""
        units, place = self._further(session, by)
        return units[place % len(units)]

    def turn(self, session: Session, by: int) -> None:
        """Shows another quantity."""
        for each in session.both:
            each.view.over_time.turn(by)

    def reorder(self, session: Session) -> None:
        """Takes the next order of the units."""
        for each in session.both:
            each.view.over_time.arrange(each.unit)

    def change_view(self, session: Session) -> None:
        """Shows the map, the figures, or the running text."""
        for each in session.both:
            each.view.over_time.change_view(bool(session.sequence.labels))

    def zoom(self, session: Session, by: int) -> None:
        """Puts more timesteps into a cell, or fewer."""
        for each in session.both:
            each.view.over_time.zoom_by(by, self._room)

    def table(self, session: Session) -> Table:
        """What is on show, for every unit in their order, or for every token of the page."""
        over_time = session.view.over_time
        overview = over_time.look(self._page(session))
        return {MAP: _map_table, FIGURES: _figures_table, TEXT: _text_table}[over_time.view](session, overview)

    def page_rows(self, session: Session) -> int:
        """The units that fit."""
        return self._rows(session, self._page(session))

    def lacking(self, session: Session) -> Lacking | None:
        """The page on show, if it is not computed yet."""
        page = self._page(session)
        if session.view.over_time.look(page).whole:
            return None
        return Lacking("map (esc stops)", len(page), page)

    def supply(self, _session: Session) -> Iterator[int]:
        """Computes the page on show."""
        yield from _session.view.over_time.fill(self._page(_session))

    def place_at(self, session: Session, offset: Offset) -> tuple[int | None, int | None]:
        """The timestep and the unit, both from 0, that are shown at a place in the lens; None for either if none is."""
        page = self._page(session)
        x, y = offset.x - 1, offset.y - 1
        if session.view.over_time.view == TEXT:
            return self._token_at(session, page, x, y), None
        plan = arrange(self.area, page, session.layer.units, bool(session.sequence.labels))
        above = plan.axis if session.view.over_time.view == MAP else 1
        units = self._units(session, page)
        unit = units[y - above] if 0 <= y - above < len(units) else None
        column = (x - LABEL) // plan.columns.cell
        inside = session.view.over_time.view == MAP and 0 <= column < page.columns and y < above + len(units)
        return plan.columns.timestep(column) if inside and x >= LABEL else None, unit

    # What is on show.

    @property
    def _room(self) -> int:
        """The cells for columns."""
        return self.area.width - 2 - LABEL

    def _page(self, session: Session) -> Page:
        if session.view.over_time.view == TEXT:
            wide = session.view.widest_label + self._gap(session)
            lines = max(1, self.area.height - 3) // (1 + self._strokes)
            return session.view.over_time.text_page(session.t, max(1, (self.area.width - 4) // wide * lines))
        return session.view.over_time.page(session.t, self._room)

    def _gap(self, session: Session) -> int:
        """The cells between two tokens of a running text: words have some."""
        return 0 if isinstance(session.sequence.tokens, str) else 1

    @property
    def _strokes(self) -> bool:
        """Whether colours are too few to tell the levels apart."""
        return cast("HasLook", self.app).look.palette not in TRUECOLOR

    def _further(self, session: Session, by: int) -> tuple[list[int], int]:
        """The units in their order, and the place in it that is so many rows after the selected one."""
        page = self._page(session)
        over_time, overview = session.view.over_time, session.view.over_time.look(page)
        return over_time.ranked(overview), over_time.further(overview, session.unit, by, self._rows(session, page))

    def _rows(self, session: Session, page: Page) -> int:
        """How many units are on show, at the most."""
        if session.view.over_time.view == FIGURES:
            return max(1, self.area.height - 4)
        return arrange(self.area, page, session.layer.units, bool(session.sequence.labels)).rows

    def _units(self, session: Session, page: Page) -> list[int]:
        """The units on show, in their order."""
        over_time = session.view.over_time
        return over_time.rows(over_time.look(page), session.unit, self._rows(session, page))

    def _map(self, session: Session, overview: Overview) -> Lines:
        """The axis, the rows, and below them what there is room for."""
        over_time, page = session.view.over_time, overview.page
        labels = session.sequence.labels
        plan = arrange(self.area, page, session.layer.units, bool(labels))
        units = self._units(session, page)
        key = (overview, over_time.place, plan, units, session.unit)
        if self._drawn[0] != key:
            tokens = labels[page.first : page.stop] if page.per_cell == 1 else ()
            axis = axis_lines(plan.columns, tokens, "t")
            below = _chart(session, overview, plan) if plan.chart else ()
            if plan.figures:
                below = (*below, (), *_figures(session, overview, units, self.area.width - 2))
                lacking = _left_out(session, overview)
                below = (*below, line(Span(f" {lacking}", "warning"))) if lacking else below
            self._drawn = (key, axis, _rows(session, overview, plan, units), below)
        _, axis, rows, below = self._drawn
        return (*axis, mark_line(plan.columns, session.t), *rows, *below, self._scale_line(session, overview))

    def _scale_line(self, session: Session, overview: Overview) -> Line:
        """What the shades mean, and the number that the selected unit has at the cursor."""
        quantity = session.view.over_time.quantity
        signed = session.view.over_time.bounds[0] < 0
        scale = scale_line(session.view.over_time.scale(overview), signed)
        value = short(session.numbers()[quantity.name])
        here = line(Span(f"unit {session.unit + 1:,} at t {session.t + 1:,}: ", "dim"), f"{quantity.symbol} = {value} ")
        gap = self.area.width - 2 - line_width(scale) - line_width(here)
        return line(*scale, " " * gap, *here) if gap > 0 else scale

    def _figures(self, session: Session, overview: Overview) -> Lines:
        """A line of figures for each unit."""
        units = self._units(session, overview.page)
        over_time = session.view.over_time
        cells = self.area.width - 2
        key = figures_key(over_time.bounds, over_time.has_ends, _left_out(session, overview), cells)
        return (*_figures(session, overview, units, cells), key)

    def _text(self, session: Session, overview: Overview) -> Lines:
        """The tokens, each with the selected unit's value."""
        over_time, page = session.view.over_time, overview.page
        values = overview.cells[over_time.place, : overview.columns, session.unit]
        tokens = session.sequence.labels[page.first : page.stop]
        scale = over_time.scale(overview)
        text = RunningText(
            tokens=tokens,
            placed=place_tokens(tokens, self._gap(session), self.area.width - 4),
            levels=levels(values, scale, LEVELS),
            here=session.t - page.first,
        )
        rows = tuple(line(" ", *spans) for spans in text_lines(text, self._strokes))
        return (*rows, self._scale_line(session, overview))

    def _token_at(self, session: Session, page: Page, x: int, y: int) -> int | None:
        """The timestep whose token is shown at a place of the running text."""
        tokens = session.sequence.labels[page.first : page.stop]
        row = y // (1 + self._strokes)
        for place, spot in enumerate(place_tokens(tokens, self._gap(session), self.area.width - 4)):
            if spot.row == row and spot.column <= x - 1 < spot.column + spot.cells:
                return page.first + place
        return None


def _rows(session: Session, overview: Overview, plan: Arrangement, units: list[int]) -> Lines:
    """The rows of the map."""
    over_time, columns = session.view.over_time, plan.columns
    scale = over_time.scale(overview)
    values = overview.cells[over_time.place][: overview.columns, units].T
    unknown = unknown_row((columns.count - overview.columns) * columns.cell)
    if columns.cell == NUMBER_CELL:
        drawn = [number_row(row, scale) for row in values.tolist()]
    else:
        drawn = [heat_row(row, columns.cell) for row in levels(values, scale, LEVELS)]
    return tuple(
        [line(unit_label(unit, unit == session.unit), *row, unknown) for unit, row in zip(units, drawn, strict=True)]
    )


def _chart(session: Session, overview: Overview, plan: Arrangement) -> Lines:
    """The selected unit's values as columns, each under its place in the map; what is no gate on a scale of its own."""
    over_time = session.view.over_time
    values = overview.cells[over_time.place][: overview.columns, session.unit]
    low, high = over_time.ends_of(values)
    return ((), *chart_lines(values.tolist(), low, high, plan.chart, plan.columns.cell, over_time.quantity.name))


def _figures(session: Session, overview: Overview, units: list[int], cells: int) -> Lines:
    """The figures of some units, under the names of the columns."""
    over_time = session.view.over_time
    figures = _measures(session, overview)[:, units].T.tolist()
    gate, ends = over_time.bounds[0] >= 0, over_time.has_ends
    lines = [
        figures_line(UnitFigures(unit, *numbers), unit == session.unit, ends, cells)
        for unit, numbers in zip(units, figures, strict=True)
    ]
    return (figures_heading(ends, gate), *lines)


def _measures(session: Session, overview: Overview) -> Array:
    """Low, high, mean, deviation and the shares near both ends of the values that are finite, shape (6, units).

    Where none is, all are nan.
    """
    place = session.view.over_time.place
    count = np.where(overview.count[place], overview.count[place], np.nan)
    none = np.where(np.isnan(count), np.nan, 0.0)
    mean, deviation = overview.mean[place] + none, overview.deviation(place) + none
    near_low, near_high = overview.near_low[place] / count, overview.near_high[place] / count
    return np.array([overview.low[place], overview.high[place], mean, deviation, near_low, near_high], float)


def _left_out(session: Session, overview: Overview) -> str:
    """How many values of the quantity on show are not finite, of all units."""
    over_time = session.view.over_time
    values = overview.done * session.layer.units - int(overview.count[over_time.place].sum())
    return left_out(values, over_time.has_ends)


def _map_table(session: Session, overview: Overview) -> Table:
    """A row for each unit, a cell for each timestep or span that is computed by now."""
    over_time = session.view.over_time
    units, dtype = over_time.ranked(overview), session.layer.dtype
    cells = shortest_of(overview.cells[over_time.place][: overview.columns, units].T, dtype)
    firsts = range(overview.page.first + 1, overview.page.stop + 1, overview.page.per_cell)
    names = [f"{over_time.quantity.name} t{t}" for t in firsts[: overview.columns]]
    return Table(("unit", *names), [(unit + 1, *row) for unit, row in zip(units, cells, strict=True)])


def _figures_table(session: Session, overview: Overview) -> Table:
    """A row of figures for each unit, of which timesteps they are, and how many of their values are finite."""
    over_time, page = session.view.over_time, overview.page
    measures, counts = _measures(session, overview), overview.count[over_time.place].tolist()
    ends = shortest_of(measures[:2].T, session.layer.dtype)
    low, high = measures[4:]
    others = np.array([*measures[2:4], *((low, 1 - low - high, high) if over_time.has_ends else ())]).T.tolist()
    shares = ("closed", "mid", "open") if over_time.bounds[0] >= 0 else ("near low", "mid", "near high")
    names = ("low", "high", "mean", "deviation", *(shares if over_time.has_ends else ()))
    span = (page.first + 1, page.first + overview.done)
    rows = [(unit + 1, *span, counts[unit], *ends[unit], *others[unit]) for unit in over_time.ranked(overview)]
    named = [f"{over_time.quantity.name} {name}" for name in names]
    return Table(("unit", "from t", "to t", "finite values", *named), rows)


def _text_table(session: Session, overview: Overview) -> Table:
    """A row for each token of the page, with the selected unit's value where it is computed by now."""
    over_time, page = session.view.over_time, overview.page
    values = overview.cells[over_time.place, : overview.columns, session.unit]
    cells: list[Cell] = [*shortest_of([values], session.layer.dtype)[0], *[""] * (len(page) - overview.columns)]
    tokens = session.sequence.labels[page.first : page.stop]
    rows = [(t, *row) for t, row in enumerate(zip(tokens, cells, strict=True), page.first + 1)]
    return Table(("t", "token", f"{over_time.quantity.name} of unit {session.unit + 1}"), rows)


def _title(session: Session, overview: Overview, cells: int) -> Line:
    """The quantity, and what is shown of it; in the figures also the key that widens them, if there is room for it."""
    over_time, page = session.view.over_time, overview.page
    quantity = over_time.quantity
    cell = f"{page.per_cell:,} timesteps a cell, the largest in magnitude" if page.per_cell > 1 else "1 timestep a cell"
    over = f"{len(page):,}" if len(page) == session.length else f"{len(page):,} of {session.length:,}"
    what = {
        MAP: cell,
        FIGURES: f"over {over} timestep{'s' if session.length > 1 else ''}",
        TEXT: f"of unit {session.unit + 1:,} at each token",
    }[over_time.view]
    title = line(Span(f"{quantity.title} {quantity.symbol}", hue(quantity.name)), Span(f"  {what}", "dim"))
    widens = line(*title, Span("  z widens", "dim"))
    part = over_time.view == FIGURES and len(page) < session.length
    return widens if part and line_width(widens) <= cells else title


def _note(session: Session, overview: Overview, units: int) -> Line:
    """Which timesteps are on show, how many of them are computed if not all are, and the units and their order."""
    page, of = overview.page, session.layer.units
    shown = f"t {page.first + 1:,} to {page.stop:,} of {session.length:,}"
    done = "" if overview.whole else f", computed to {page.first + overview.done:,}"
    if session.view.over_time.view == TEXT:
        return line(Span(shown + done, "dim"))
    few = f"{units:,} of {of:,}" if units < of else f"{of:,}"
    order = session.view.over_time.order_name if overview.whole else "number"
    return line(Span(f"{shown}{done}  " + (f"{few} units by {order}" if of > 1 else "1 unit"), "dim"))
