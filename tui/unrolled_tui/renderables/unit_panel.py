"""The panel of one unit: its gates and states as bars and numbers, and what c and h have been."""

from dataclasses import dataclass

from unrolled_tui.renderables.bar import bar
from unrolled_tui.renderables.frame import framed
from unrolled_tui.renderables.numbers import fixed
from unrolled_tui.renderables.spans import Line, Lines, Span, line
from unrolled_tui.renderables.sparkline import chart, sparkline

SMALLEST_CHARTS = 4
"""With so many lines to spare there are charts in the place of sparklines."""

TALLEST_CHART = 5

NARROWEST = 26
_NUMBER = 7


@dataclass(frozen=True, slots=True)
class PanelRow:
    """One gate or state of the unit.

    Attributes:
        name: Its name, which is its role too.
        value: Its value, or None while it is not computed.
        pre_activation: Its z, if that is what is known so far.
        low: The lower end of its bar.
        high: The upper end of its bar.
    """

    name: str
    value: float | None
    pre_activation: float | None
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class PanelView:
    """Everything that a panel shows.

    Attributes:
        unit: The unit's number, from 1.
        of: How many units there are, if not all are on show; else 0.
        selected: Whether it is the selected unit.
        rows: Its gates and states.
        history: For each state, its name, its scale and its last values, the oldest first.
        timesteps: How many values a history can get to have: all timesteps, or as many as there is room for.
    """

    unit: int
    of: int
    selected: bool
    rows: tuple[PanelRow, ...]
    history: tuple[tuple[str, float, tuple[float, ...]], ...]
    timesteps: int


def unit_panel(view: PanelView, cells: int, height: int) -> Lines:
    """The panel, `cells` wide and `height` high; what is more than the compact height goes to charts of the states."""
    role = "frame on" if view.selected else "frame"
    name = f"unit {view.unit:,}" + (f" of {view.of:,}" if view.of else "")
    title = line(Span(f"▶ {name}", "title") if view.selected else Span(name, "dim"))
    body = tuple(_row(row, cells - 2) for row in view.rows)
    spare = height - compact_height(len(view.rows))
    if spare < SMALLEST_CHARTS:
        return framed(body, cells, title, _sparklines(view, cells, role), role)
    charts = _charts(view, cells - 2, spare)
    filler: Lines = ((),) * (spare - len(charts))
    return framed((*body, *filler, *charts), cells, title, role=role)


def compact_height(rows: int) -> int:
    """The lines of a panel with so many gates and states, and its frame."""
    return rows + 2


def _row(row: PanelRow, cells: int) -> Line:
    if row.value is None:
        known = "" if row.pre_activation is None else f"z {fixed(row.pre_activation, _NUMBER)}"
        return line(
            Span(f" {row.name} ", row.name), Span(known.rjust(cells - 4) if known else "·".rjust(cells - 4), "dim")
        )
    length = cells - _NUMBER - 6
    drawn = bar(row.value, row.low, row.high, length)
    filled = drawn.rstrip()
    number = f"{' ' * (length - len(filled))}▏{fixed(row.value, _NUMBER)} "
    return (Span(f" {row.name} ▕{filled}", row.name), Span(number))


def _sparklines(view: PanelView, cells: int, frame: str) -> Line:
    room = (cells - 6 - 3 * len(view.history)) // len(view.history)
    parts: list[Span] = []
    for name, scale, values in view.history:
        drawn = sparkline(values[-room:], -scale, scale)
        rest = "─" * max(0, room - len(drawn) - 1)  # the frame goes on where there is no past yet
        parts += [Span(f"{name} {drawn} ", name), Span(f"{rest} " if rest else "", frame)]
    last = parts[-1]
    return line(*parts[:-1], last._replace(text=last.text.rstrip()))


def history_length(cells: int) -> int:
    """How many past values a panel of `cells` cells has room for."""
    return cells - 6


def _charts(view: PanelView, cells: int, spare: int) -> Lines:
    rows = min(TALLEST_CHART, spare // len(view.history))
    lines: list[Line] = []
    for name, scale, values in view.history:
        column = min(8, (cells - 4) // view.timesteps)
        for index, drawn in enumerate(chart(values, scale, rows, column)):
            label = name if index == (rows - 1) // 2 else " "
            lines.append(line(Span(f" {label} {drawn}", name)))
    return tuple(lines)
