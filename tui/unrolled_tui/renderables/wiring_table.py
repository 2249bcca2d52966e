"""The weights as wires: who reads whom, a row for each sender, a column for each unit that receives."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, isfinite

from unrolled.wiring import WireCount
from unrolled_tui.renderables.numbers import fixed
from unrolled_tui.renderables.spans import Line, Lines, Span, line

LABEL = 10
NUMBER_CELL = 8
HEAT_CELL = 3
SHADES = "░▒▓█"


@dataclass(frozen=True, slots=True)
class Wires:
    """A window of the matrix.

    Attributes:
        gate: The gate whose weights these are.
        senders: The names of the rows: x1, x2, …, h1, h2, …, b.
        receivers: The units of the columns, from 0.
        first_sender: The place of the first row in the whole matrix.
        values: A row of values for each sender.
        largest: The largest value, of either sign, of the whole matrix.
        unit: The selected unit, from 0: its column and its row are marked.
        sender: The place of the selected row in the whole matrix.
        cut: Whether the wires between units are cut.
        numbers: Whether there is room for numbers.
    """

    gate: str
    senders: tuple[str, ...]
    receivers: tuple[int, ...]
    first_sender: int
    values: Sequence[Sequence[float]]
    largest: float
    unit: int
    sender: int
    cut: bool
    numbers: bool


def wire_lines(wires: Wires) -> Lines:
    """The names of the columns, then a line for each sender."""
    cell = NUMBER_CELL if wires.numbers else HEAT_CELL
    names = [f"{wires.gate}{unit + 1}" if wires.numbers else f"{unit + 1}"[-cell + 1 :] for unit in wires.receivers]
    heads = [
        Span(name.rjust(cell), "mark" if unit == wires.unit else "dim")
        for name, unit in zip(names, wires.receivers, strict=True)
    ]
    above = line(Span("from  to".ljust(LABEL), "dim"), *heads)
    return (above, *(_wire_line(wires, place, cell) for place in range(len(wires.senders))))


def _wire_line(wires: Wires, place: int, cell: int) -> Line:
    sender, values = wires.senders[place], wires.values[place]
    own, chosen = sender == f"h{wires.unit + 1}", wires.first_sender + place == wires.sender
    parts = [Span(f"{'▸' if chosen else ' '}{sender}".ljust(LABEL), "mark" if own or chosen else "dim")]
    for unit, value in zip(wires.receivers, values, strict=True):
        gone = wires.cut and sender.startswith("h") and sender != f"h{unit + 1}"
        action = f"screen.select_wire({wires.first_sender + place}, {unit})"
        parts.append(_cell(value, wires, cell, "·" if gone else "", unit == wires.unit or own, action))
    return line(*parts)


def _cell(value: float, wires: Wires, cell: int, instead: str, marked: bool, action: str) -> Span:
    if instead:
        return Span(instead.rjust(cell), "faint", action)
    role = heat_role(value, wires.largest)
    drawn = fixed(value, cell - 1) if wires.numbers else heat(value, wires.largest)
    return Span(("▏" if marked else " ") + drawn, role, action)


def heat(value: float, largest: float) -> str:
    """A value in two cells: its sign, and its size as one of four shades."""
    level = _level(value, largest)
    return "??" if level is None else "  " if not level else ("-" if value < 0 else "+") + SHADES[level - 1]


def heat_role(value: float, largest: float) -> str:
    """The role of a value in a heat map: its sign and one of four levels."""
    level = _level(value, largest)
    return "" if not level else f"{'-' if value < 0 else '+'}{level}"


def _level(value: float, largest: float) -> int | None:
    if not isfinite(value):
        return None
    return min(4, ceil(4 * abs(value) / largest - 1e-9)) if largest else 0


def wire_legend(count: WireCount, gates: int, units: int, features: int, outputs: int) -> Lines:
    """Where the parameters are, and what is left without the wires between units."""
    own = f"{units:,} to itself, " if count.itself else ""
    per = (count.input // gates, count.between // gates, count.bias // gates)
    rest = [Span(f"   p {count.peepholes:,} in all", "dim")] if count.peepholes else []
    rest += [Span(f"   V {units}×{outputs} {count.projection:,}", "dim")] if count.projection else []
    before = [count.input, count.itself] if count.itself else [count.input]
    after = [count.bias, *(part for part in (count.peepholes, count.projection) if part)]
    return (
        line(
            Span(" per gate    ", "dim"),
            f"W {features}×{units} {per[0]:,}   U {outputs}×{units} {own}{per[1]:,} between units",
            f"   b {per[2]:,}",
            *rest,
        ),
        line(
            Span(f" ×{gates} {'gates' if gates > 1 else 'gate '}    ", "dim"),
            "".join(f"{part:,} + " for part in before),
            Span(f"{count.between:,}", "mark"),
            "".join(f" + {part:,}" for part in after) + " = ",
            Span(f"{count.total:,}", "strong"),
        ),
        _cut_legend(count, units),
    )


def _cut_legend(count: WireCount, units: int) -> Line:
    if not count.itself:
        return line(Span(" cut         ", "dim"), "a projection mixes the units in h: they cannot be cut apart")
    left = count.total - count.between
    return line(
        Span(" cut         ", "dim"),
        f"{count.total:,} − ",
        Span(f"{count.between:,}", "mark"),
        f" = {left:,} = {units:,} × {left // units:,}: as many layers of one unit",
    )
