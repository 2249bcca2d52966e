"""Units × timesteps as a heat map: an axis above, a line for each unit, and the scale.

A column is marked by its place on the rule above and not inside the rows, so that a step changes one line.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from math import ceil, isfinite

from rich.cells import set_cell_size

from unrolled_tui.renderables.numbers import fixed
from unrolled_tui.renderables.spans import Line, Lines, Span, cells_of, line
from unrolled_tui.renderables.sparkline import chart
from unrolled_tui.renderables.wiring_table import heat_role

LABEL = 7
"""The cells of a unit's number."""

NUMBER_CELL = 8
"""A column so wide shows numbers."""

LEVELS = 8
"""The levels of a value in the map, for each sign."""

NOT_FINITE = LEVELS + 1
"""The level of what is infinite or not a number."""

SHADES, STROKES = "░▒▓█", "-=≡▬"
"""Two levels each of what is positive, and of what is negative. The font of the Linux console has all of them."""

UNKNOWN = "·"
"""What is not computed by now."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a map.

    Attributes:
        first: The timestep of the first one, from 0.
        per_cell: The timesteps of each.
        count: How many there are.
        cell: How many cells each has.
    """

    first: int
    per_cell: int
    count: int
    cell: int

    def place_of(self, t: int) -> int:
        """The column that holds timestep `t`."""
        return (t - self.first) // self.per_cell

    def timestep(self, place: int) -> int:
        """The first timestep of a column."""
        return self.first + place * self.per_cell


def axis_lines(columns: Columns, tokens: Sequence[str], what: str) -> Lines:
    """The numbers of the timesteps, and their tokens where there are any."""
    label = Span(f" {what}".ljust(LABEL), "dim")
    numbers = line(label, Span(_ticks(columns), "dim"))
    if not tokens:
        return (numbers,)
    return (numbers, line(" " * LABEL, "".join([_token(token, columns.cell) for token in tokens])))


def _ticks(columns: Columns) -> str:
    """The first column, and every so many others whose numbers are round or, where columns are spans, in round places.

    A number stands where its column begins, or ends with the column where numbers stand in the columns too.
    """
    widest = len(f"{columns.timestep(columns.count):,}") + 1
    every = next((step for step in (1, 2, 5, 10, 20, 50) if step * columns.cell >= widest), 100)
    drawn = ""
    for place in range(columns.count):
        t = columns.timestep(place)
        if place and (t + 1 if columns.per_cell == 1 else place) % every:
            continue
        number = f"{t + 1:,}"
        start = place * columns.cell
        if columns.cell == NUMBER_CELL:
            drawn += number.rjust(start + columns.cell - len(drawn))
        elif not drawn or start > len(drawn):
            drawn = drawn.ljust(start) + number
    return drawn


def _token(token: str, cell: int) -> str:
    """As much of a token as its column has room for."""
    shown = token.replace(" ", "␣")
    if cell == NUMBER_CELL:
        shown = set_cell_size(shown, min(cell - 1, cells_of(shown)))
        return " " * (cell - cells_of(shown)) + shown
    return set_cell_size(shown if 1 <= cells_of(shown[:1]) <= cell else "?", cell)


def mark_line(columns: Columns, t: int) -> Line:
    """A rule with a mark over the column of timestep `t`."""
    before = columns.place_of(t) * columns.cell
    before += columns.cell - 1 if columns.cell == NUMBER_CELL else (columns.cell - 1) // 2
    after = columns.count * columns.cell - before - 1
    return line(" " * LABEL, Span("─" * before, "faint"), Span("▼", "mark"), Span("─" * after, "faint"))


def unit_label(unit: int, selected: bool) -> Span:
    """The number of a unit, counted from 0, as the beginning of its line."""
    return Span(f"{'▸' if selected else ' '}{unit + 1:>{LABEL - 2}} ", "mark" if selected else "dim")


def number_row(values: Sequence[float], scale: float) -> tuple[Span, ...]:
    """One unit's values as numbers."""
    return tuple([Span(fixed(value, NUMBER_CELL), heat_role(value, scale)) for value in values])


def heat_row(levels: Sequence[int], cell: int) -> tuple[Span, ...]:
    """One unit's values as shades, neighbours of one level together."""
    spans = []
    for level, same in groupby(levels):
        glyph, role = _LOOKS[level]
        spans.append(Span(glyph * (cell * len(list(same))), role))
    return tuple(spans)


def _look(level: int) -> tuple[str, str]:
    if level == NOT_FINITE:
        return "×", "warning"
    if not level:
        return " ", ""
    sign, glyphs = ("+", SHADES) if level > 0 else ("-", STROKES)
    return glyphs[(abs(level) - 1) // 2], f"heat{sign}{abs(level)}"


_LOOKS = {level: _look(level) for level in range(-LEVELS, LEVELS + 2)}


def shade(value: float, largest: float, cells: int) -> tuple[str, str]:
    """One value in some cells, and its role."""
    level = LEVELS + 1 if not isfinite(value) else ceil(LEVELS * min(1.0, abs(value) / largest)) if largest else 0
    glyph, role = _LOOKS[-level if value < 0 and level <= LEVELS else level]
    return glyph * cells, role


def unknown_row(cells: int) -> Span:
    """The cells that are not computed by now."""
    return Span(UNKNOWN * cells, "faint")


def chart_lines(values: Sequence[float], low: float, high: float, rows: int, cell: int, name: str) -> Lines:
    """One unit's values as columns of `cell` cells, with the zero line where `low` and `high` leave it."""
    up, down = max(0.0, high), max(0.0, -low)
    above = min(max(round(rows * up / (up + down)) if up + down else rows, up > 0), rows - (down > 0))
    most = max(above, rows - above)
    row_height = max(up / max(1, above), down / max(1, rows - above)) or 1.0
    drawn = chart(values, row_height * most, 2 * most, cell)[most - above : most - above + rows]
    ends = {rows - 1: f"{-down:.2g}" if down else "0", 0: f"{up:.2g}" if up or not down else "0"}
    return tuple(
        [
            line(Span(f"{ends.get(row, ''):>{LABEL - 1}} ", "dim"), Span(text, hue(name)))
            for row, text in enumerate(drawn)
        ]
    )


def hue(name: str) -> str:
    """The role of a quantity: a pre-activation has that of its gate."""
    return name.removeprefix("z_")


def scale_line(scale: float, signed: bool) -> Line:
    """What the shades mean."""
    positive = heat_row(range(1, LEVELS + 1), 1)
    parts: list[Span | str] = [" 0 ", *positive, Span(f" {scale:g}", "dim")]
    if signed:
        parts = [Span(f" {-scale:g} ", "dim"), *heat_row(range(-LEVELS, 0), 1), *parts]
    return line(*parts)
