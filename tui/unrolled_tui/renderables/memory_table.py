"""The memory of one unit as lines: what each timestep wrote, what is left of it, and what that adds up to."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from unrolled.anatomy import Account
from unrolled.memory import Memory
from unrolled_tui.renderables.bar import bar
from unrolled_tui.renderables.numbers import fixed
from unrolled_tui.renderables.spans import Line, Lines, Span, cells_of, fit, line

ORDERS = ("by time", "by size")
"""How the writes can be ordered."""

_NUMBER = 8
_KEPT = 6
_TOTAL = _NUMBER + 1
_LIFE = 6
_LEAST_BAR = 6
_DECIMALS = 4
_LIVES = " half-life, timesteps"


@dataclass(frozen=True, slots=True)
class Window:
    """Which of the writes are on show, as places in their order.

    Attributes:
        start: The first of them.
        stop: The one after the last.
    """

    start: int
    stop: int


def window(writes: int, room: int, scrolled: int, order: str) -> Window:
    """The writes on show in `room` rows, of which what is left out below takes one.

    `scrolled` counts from where one looks first: from the newest write, at the end, or from the largest, at the start.
    """
    scrolled = min(scrolled, most_scrolled(writes, room, order))
    if order == "by size":
        return Window(scrolled, writes if writes - scrolled <= room else scrolled + room - 1)
    stop = writes - scrolled
    return Window(max(0, stop - room + (scrolled > 0)), stop)


def most_scrolled(writes: int, room: int, order: str) -> int:
    """How far one can scroll."""
    return max(0, writes - room + (order == "by time")) if writes > room else 0


def padded(text: str, cells: int) -> str:
    """`text` cut or filled to so many cells."""
    return "".join(span.text for span in fit((Span(text),), cells))


def ordered(memory: Memory, order: str) -> npt.NDArray[np.intp]:
    """The writes in one of the `ORDERS`, as indices into the account."""
    return memory.by_size() if order == "by size" else np.arange(len(memory))


@dataclass(frozen=True, eq=False, slots=True)
class MemoryView:
    """What the table shows.

    Attributes:
        memory: The account.
        account: How the state remembers.
        order: One of `ORDERS`.
        window: Which of the writes are on show.
        reads: What each of these timesteps reads, all in as many cells.
        length: The number of timesteps of the run.
    """

    memory: Memory
    account: Account
    order: str
    window: Window
    reads: Sequence[str]
    length: int


def memory_lines(view: MemoryView, cells: int) -> Lines:
    """What the columns are, what was there before, a line for each write on show, and what is left out below."""
    memory, shown = view.memory, view.window
    rows = ordered(memory, view.order)
    with np.errstate(over="ignore", invalid="ignore"):
        totals = np.cumsum(np.append(memory.before, memory.left[rows])).tolist()
        below = float(memory.left[rows[shown.stop :]].sum())
    largest = float(np.max(np.abs(memory.left), initial=0, where=np.isfinite(memory.left))) or 1.0
    table = _Table(memory, view.account, _columns(view, cells), largest)
    lines = [table.head(), table.lump(_above(view), totals[shown.start], totals[shown.start])]
    for row, read, total in zip(
        rows[shown.start : shown.stop].tolist(), view.reads, totals[shown.start + 1 : shown.stop + 1], strict=True
    ):
        lines.append(table.write(row, read, total))
    if shown.stop < len(rows):
        lines.append(table.lump(_below(view), below, totals[-1]))
    return tuple(lines)


def start_lines(account: Account, value: float) -> Lines:
    """The same before the first write."""
    return (
        line(Span(" nothing is written yet", "dim")),
        line(Span(f" {account.state}_0 =", "dim"), Span(_number(value), "strong")),
    )


def memory_sum(account: Account, t: int, total: float, value: float, keep: float | None) -> Line:
    """What the shares add up to, the state after timestep `t`, from 1, as the engine has it, and the gate now."""
    return line(
        Span(" Σ =", "dim"),
        Span(_number(total), "strong"),
        Span(f"   {account.state}_{t} =", "dim"),
        Span(_number(value), account.state),
        Span(f"   {account.keep} now =", "dim"),
        Span("·".rjust(_NUMBER) if keep is None else _number(keep), account.keep),
    )


def life_line(account: Account, units: Sequence[int], selected: int, lives: Sequence[float | None]) -> Line:
    """The timesteps until half of what some units hold would be left; None for what is not known yet."""
    parts = [Span(_LIVES, "dim")]
    for unit, life in zip(units, lives, strict=True):
        value = "·" if life is None else fixed(life, _LIFE - 1, 1)
        name = f" {'▸' if unit == selected else ' '}{account.state}{unit + 1}"
        parts.append(Span(name + value.rjust(_LIFE), "mark" if unit == selected else "", f"screen.select_unit({unit})"))
    return line(*parts)


def lives_that_fit(account: Account, units: int, cells: int) -> int:
    """How many units have room in `life_line`."""
    one = len(f"  {account.state}{units}") + _LIFE
    return max(1, min(units, (cells - len(_LIVES)) // one))


def _above(view: MemoryView) -> str:
    order, start, first = view.order, view.window.start, view.memory.first
    if order == "by time":
        first, start = first + start, 0
    before = f"before t {first + 1:,}" if first else f"{view.account.state}_0"
    return f"{before} and {start} larger" if start else before


def _below(view: MemoryView) -> str:
    if view.order == "by time":
        return f"after t {view.memory.first + view.window.stop:,}"
    return f"{len(view.memory) - view.window.stop} smaller"


def _number(value: float) -> str:
    return fixed(value, _NUMBER, _DECIMALS)


@dataclass(frozen=True, slots=True)
class _Columns:
    """The cells of the columns whose width differs; a running total only where there is room for it."""

    timestep: int
    read: int
    written: int
    bar: int
    totals: bool


def _columns(view: MemoryView, cells: int) -> _Columns:
    timestep, read = len(f"{view.length:,}"), max(map(cells_of, view.reads), default=0)
    written = max(_NUMBER, cells_of(view.account.written))
    room = cells - timestep - read - written - _KEPT - _NUMBER - 11
    totals = room >= _LEAST_BAR + _TOTAL
    return _Columns(timestep, read, written, max(0, room - _TOTAL * totals), totals)


@dataclass(frozen=True, eq=False, slots=True)
class _Table:
    """What the lines of a table have in common."""

    memory: Memory
    account: Account
    columns: _Columns
    largest: float

    def head(self) -> Line:
        """What the columns are."""
        columns = self.columns
        names = f" {'t':>{columns.timestep}}  {'x':{columns.read}} "
        written = self.account.written.rjust(columns.written)
        numbers = f" × {'kept':>{_KEPT}} = {'left':>{_NUMBER}}"
        total = "running total".rjust(columns.bar + _TOTAL + 1) if columns.totals else ""
        return line(Span(names + written + numbers + total, "dim"))

    def write(self, row: int, read: str, total: float) -> Line:
        """What one timestep wrote."""
        memory = self.memory
        t, left = memory.first + row, float(memory.left[row])
        newest, go = t == memory.t, f"screen.go_to({t})"
        return line(
            Span(f"{'▸' if newest else ' '}{t + 1:>{self.columns.timestep},}  ", "mark" if newest else "dim", go),
            Span(f"{read} ", "", go),
            _number(float(memory.written[row])).rjust(self.columns.written),
            Span(" × ", "dim"),
            Span(fixed(float(memory.kept[row]), _KEPT, _DECIMALS), self.account.keep),
            Span(" = ", "dim"),
            Span(_number(left), "strong"),
            *self._bar(left, total, self.account.state),
        )

    def lump(self, what: str, left: float, total: float) -> Line:
        """What several timesteps wrote together."""
        room = self.columns.timestep + self.columns.read + self.columns.written + _KEPT + 10
        return line(
            Span(f"  {what}".ljust(room)[:room], "dim"),
            Span(_number(left), "strong"),
            *self._bar(left, total, "dim"),
        )

    def _bar(self, left: float, total: float, role: str) -> Line:
        columns = self.columns
        drawn = bar(left, -self.largest, self.largest, columns.bar) if columns.bar > 4 else " " * columns.bar
        after = Span(f"{_number(total)}".rjust(_TOTAL), "dim")
        return (Span(f" {drawn}", role), *((after,) if columns.totals else ()))
