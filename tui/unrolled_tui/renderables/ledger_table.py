"""The ledger of one gate of one unit as lines: every product, a bar each, and what they add up to."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from unrolled.ledger import GROUPS, Ledger
from unrolled_tui.renderables.bar import bar
from unrolled_tui.renderables.header import counted
from unrolled_tui.renderables.numbers import fixed
from unrolled_tui.renderables.spans import Line, Lines, Span, line
from unrolled_tui.renderables.spans import width as line_width

ORDERS = ("grouped", "by size")
"""How the terms can be ordered."""

_NUMBER = 9
_TERM = 3 * _NUMBER + 11
"""The cells of a term without its names."""

_DECIMALS = 4
_GROUP_HEADS = -1  # row -1 is the head of group 0, row -2 that of group 1, …


@dataclass(frozen=True, eq=False, slots=True)
class LedgerRows:
    """The rows of a ledger in one order, before any is drawn.

    Attributes:
        ledger: The ledger.
        rows: For each row a term's index, or, negative, the head of a group.
        running: For each row the sum of all terms down to it.
    """

    ledger: Ledger
    rows: npt.NDArray[np.intp]
    running: npt.NDArray[np.float64]

    def __len__(self) -> int:
        """How many rows there are."""
        return len(self.rows)


def ledger_rows(ledger: Ledger, order: str) -> LedgerRows:
    """The rows in the order named: one of `ORDERS`."""
    if order == "by size":
        rows = ledger.by_size()
    else:
        by_group = ledger.by_group()
        starts = np.searchsorted(ledger.groups[by_group], range(len(GROUPS)))
        present = [group for group in range(len(GROUPS)) if (ledger.groups == group).any()]
        heads = [_GROUP_HEADS - group for group in present]
        rows = np.insert(by_group, starts[present], heads)
    products = np.where(rows < 0, 0.0, ledger.products[np.maximum(rows, 0)])
    with np.errstate(over="ignore", invalid="ignore"):
        return LedgerRows(ledger, rows, np.cumsum(products))


def ledger_lines(table: LedgerRows, top: int, count: int, cells: int) -> Lines:
    """The lines of `count` rows from row `top` on, each `cells` wide."""
    ledger = table.ledger
    largest = float(np.max(np.abs(ledger.products), initial=0, where=np.isfinite(ledger.products))) or 1.0
    names, signals = _name_widths(ledger)
    total = _room_for_total(ledger, cells)
    shown = zip(table.rows[top : top + count].tolist(), table.running[top : top + count].tolist(), strict=True)
    return tuple(
        _head(ledger, _GROUP_HEADS - row, cells)
        if row < 0
        else _term(ledger, row, running if total else None, largest, names, signals, cells)
        for row, running in shown
    )


def ledger_columns(ledger: Ledger, cells: int) -> Line:
    """The line above: what the columns are. Where the terms leave no room, there is no running total."""
    total = "running total " if _room_for_total(ledger, cells) else ""
    return line(Span(f" {'weight × signal = product':<{cells - 1 - len(total)}}{total}", "dim"))


def ledger_sum(ledger: Ledger, activation: str, summed: bool, activated: bool, cells: int) -> Line:
    """The line below: what the terms add up to, and what the activation makes of it; a dot for what is not known.

    In fewer `cells` than it needs it leaves out how many terms there are, and the name of the activation.
    """
    total, z = (number(ledger.total).strip(), number(ledger.z).strip()) if summed else ("·", "·")
    value = number(ledger.value).strip() if activated else "·"
    for names in ((f" Σ {counted(len(ledger), 'term')} = ", f" = {activation}"), (" Σ = ", "")):
        told = line(
            Span(names[0], "dim"),
            Span(total, "strong"),
            Span(f"   z_{ledger.gate} = ", "dim"),
            Span(z, "strong"),
            Span(f"   {ledger.gate}{names[1]} = ", "dim"),
            Span(value, ledger.gate),
        )
        if line_width(told) <= cells:
            break
    return told


def number(value: float) -> str:
    """A number of the ledger, in its column."""
    return fixed(value, _NUMBER, _DECIMALS)


def _name_widths(ledger: Ledger) -> tuple[int, int]:
    """The cells of the longest names of a weight and of a signal."""
    longest = ledger.last_of_each_kind
    return max(len(ledger.weight_name(term)) for term in longest), max(len(ledger.signal_name(k)) for k in longest)


def _room_for_total(ledger: Ledger, cells: int) -> bool:
    return sum(_name_widths(ledger)) + _TERM + _NUMBER + 2 <= cells


def _head(ledger: Ledger, group: int, cells: int) -> Line:
    count = int((ledger.groups == group).sum())
    text = f" {GROUPS[group]}, {counted(count, 'term')}"
    return line(Span(text.ljust(cells - _NUMBER - 1), "dim"), Span(number(ledger.group_sums()[group]), "strong"))


def _term(
    ledger: Ledger, term: int, running: float | None, largest: float, names: int, signals: int, cells: int
) -> Line:
    signal = ledger.signal_name(term)
    factor = f" × {signal:<{signals}} {number(ledger.signals[term])} =" if signal else " " * (signals + _NUMBER + 6)
    text = (
        f"   {ledger.weight_name(term):<{names}} {number(ledger.weights[term])}{factor}{number(ledger.products[term])} "
    )
    after = "" if running is None else f" {number(running)} "
    room = cells - len(text) - len(after)
    drawn = bar(float(ledger.products[term]), -largest, largest, room) if room > 4 else " " * max(0, room)
    return line(text, Span(drawn, ledger.gate), Span(after, "dim"))
