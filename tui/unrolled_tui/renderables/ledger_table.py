"""The ledger of one gate of one unit as lines: every product, a bar each, and what they add up to."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from unrolled.ledger import GROUPS, Ledger
from unrolled_tui.renderables.bar import bar
from unrolled_tui.renderables.header import counted
from unrolled_tui.renderables.numbers import fixed
from unrolled_tui.renderables.spans import Line, Lines, Span, line

ORDERS = ("grouped", "by size")
"""How the terms can be ordered."""

_NUMBER = 9
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
    products = np.where(rows < 0, 0.0, ledger.products[rows])
    return LedgerRows(ledger, rows, np.cumsum(products))


def ledger_lines(table: LedgerRows, top: int, count: int, cells: int) -> Lines:
    """The lines of `count` rows from row `top` on, each `cells` wide."""
    ledger = table.ledger
    largest = float(np.max(np.abs(ledger.products), initial=0, where=np.isfinite(ledger.products))) or 1.0
    names = max(len(ledger.weight_name(term)) for term in _longest_names(ledger))
    signals = max(len(ledger.signal_name(term)) for term in _longest_names(ledger))
    shown = zip(table.rows[top : top + count].tolist(), table.running[top : top + count].tolist(), strict=True)
    return tuple(
        _head(ledger, _GROUP_HEADS - row, cells)
        if row < 0
        else _term(ledger, row, running, largest, names, signals, cells)
        for row, running in shown
    )


def ledger_columns(cells: int) -> Line:
    """The line above: what the columns are."""
    return line(Span(f" {'weight × signal = product':<{cells - 15}}running total ", "dim"))


def ledger_sum(ledger: Ledger, activation: str, summed: bool, activated: bool) -> Line:
    """The line below: what the terms add up to, and what the activation makes of it; a dot for what is not known."""
    total, z = (number(ledger.total).strip(), number(ledger.z).strip()) if summed else ("·", "·")
    return line(
        Span(f" Σ {counted(len(ledger), 'term')} = ", "dim"),
        Span(total, "strong"),
        Span(f"   z_{ledger.gate} = ", "dim"),
        Span(z, "strong"),
        Span(f"   {ledger.gate} = {activation}(z) = ", "dim"),
        Span(number(ledger.value).strip() if activated else "·", ledger.gate),
    )


def number(value: float) -> str:
    """A number of the ledger, in its column."""
    return fixed(value, _NUMBER, _DECIMALS)


def _longest_names(ledger: Ledger) -> list[int]:
    return [ledger.features - 1, min(len(ledger) - 1, len(ledger.weights) - 2), len(ledger) - 1]


def _head(ledger: Ledger, group: int, cells: int) -> Line:
    count = int((ledger.groups == group).sum())
    text = f" {GROUPS[group]}, {counted(count, 'term')}"
    return line(Span(text.ljust(cells - _NUMBER - 1), "dim"), Span(number(ledger.group_sums()[group]), "strong"))


def _term(ledger: Ledger, term: int, running: float, largest: float, names: int, signals: int, cells: int) -> Line:
    signal = ledger.signal_name(term)
    factor = f" × {signal:<{signals}} {number(ledger.signals[term])} =" if signal else " " * (signals + _NUMBER + 6)
    text = (
        f"   {ledger.weight_name(term):<{names}} {number(ledger.weights[term])}{factor}{number(ledger.products[term])} "
    )
    room = cells - len(text) - _NUMBER - 2
    drawn = bar(float(ledger.products[term]), -largest, largest, room) if room > 4 else " " * max(0, room)
    return line(text, Span(drawn, ledger.gate), Span(f" {number(running)} ", "dim"))
