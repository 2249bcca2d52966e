"""A stretch of a run as a map of units × timesteps: what each of its cells shows, and the figures of each unit."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from unrolled.anatomy import Anatomy, Quantity
from unrolled.arrays import Array
from unrolled.layer import RecurrentLayer
from unrolled.run import Run
from unrolled.trace import Trace

SHUT, OPEN = 0.1, 0.9
"""A gate is closed below the first, and open above the second, of the largest value that it can take."""

_SHORTEST, _LONGEST, _AT_ONCE = 16, 256, 1 << 15
"""A stretch has so many timesteps, always a power of two, and in between so many timesteps × units."""

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Page:
    """The timesteps that a map shows.

    Attributes:
        first: The first one, from 0.
        stop: The one after the last.
        per_cell: How many of them a cell stands for: a power of two.
    """

    first: int
    stop: int
    per_cell: int = 1

    def __len__(self) -> int:
        """The number of timesteps."""
        return self.stop - self.first

    @property
    def columns(self) -> int:
        """The number of cells for each unit."""
        return -(-len(self) // self.per_cell)


@dataclass(frozen=True, eq=False, slots=True)
class Overview:
    """What is known of a page: every quantity of every unit.

    The first axis of each array is the quantity, in the order of `quantities_over_time`. Figures are of the timesteps
    themselves, not of the cells, and leave out what is not a number; mean and spread leave out what is infinite too.

    Attributes:
        page: The page.
        done: How many timesteps of it are looked at, from its first on.
        cells: In each cell the value of the largest magnitude, nan if any is, shape (quantities, columns, units). Those
            from `columns` on hold nothing of meaning.
        count: How many of the values are finite, shape (quantities, units), as all that follow.
        mean: Their mean.
        spread: The sum of their squared distances from the mean.
        low: The lowest value.
        high: The highest.
        near_high: How many are above 0.9 of the highest value that there can be, if there is one.
        near_low: How many are below 0.1 of it or, where values can be negative, below 0.9 of the lowest.
    """

    page: Page
    done: int
    cells: Array
    count: Counts
    mean: Array
    spread: Array
    low: Array
    high: Array
    near_high: Counts
    near_low: Counts

    @classmethod
    def empty(cls, layer: RecurrentLayer[Any], page: Page) -> Self:
        """What is known of a page before one looks."""
        shape = (len(quantities_over_time(layer.anatomy)), layer.units)
        cells = np.zeros((shape[0], page.columns, layer.units), layer.dtype)
        none, nan = np.zeros(shape), np.full(shape, np.nan)
        counts = np.zeros(shape, np.int64)
        return cls(page, 0, cells, counts, none, none, nan, nan, counts, counts)

    @property
    def columns(self) -> int:
        """How many columns are whole."""
        return self.page.columns if self.done == len(self.page) else self.done // self.page.per_cell

    @property
    def whole(self) -> bool:
        """Whether all of the page is known."""
        return self.done == len(self.page)

    def deviation(self, quantity: int) -> Array:
        """The standard deviation of a quantity over the timesteps, shape (units,)."""
        return np.asarray(np.sqrt(self.spread[quantity] / np.maximum(self.count[quantity], 1)))

    def largest(self, quantity: int) -> Array:
        """The largest magnitude of a quantity, shape (units,)."""
        return np.asarray(np.fmax(np.abs(self.low[quantity]), np.abs(self.high[quantity])))

    def saturation(self, quantity: int) -> Array:
        """The share of the finite values of a quantity that are near one of its ends, shape (units,)."""
        near = self.near_high[quantity] + self.near_low[quantity]
        return np.asarray(near / np.maximum(self.count[quantity], 1))

    def similarity(self, quantity: int, unit: int) -> Array:
        """How the cells of each unit go along with those of `unit`: their correlation, shape (units,).

        What is not finite counts as the mean, and a unit that never changes correlates with none.
        """
        cells = self.cells[quantity, : self.columns].astype(float)
        finite = np.isfinite(cells)
        held = np.where(finite, cells, 0.0)
        means = held.sum(axis=0) / np.maximum(finite.sum(axis=0), 1)
        apart = np.where(finite, held - means, 0.0)
        lengths = np.sqrt((apart * apart).sum(axis=0))
        scale = lengths * lengths[unit]
        return np.asarray(np.divide(apart[:, unit] @ apart, scale, out=np.zeros_like(scale), where=scale > 0))


def quantities_over_time(anatomy: Anatomy) -> tuple[Quantity, ...]:
    """All that a unit has at each timestep: h and the cell state, the gates, and their pre-activations `z_i`, ….

    The quantity `z_i` is no attribute of a step: it is the gate's row of `pre_activations`.
    """
    before = (
        Quantity(f"z_{gate.name}", f"z_{gate.symbol}", "pre-activation", f"what the {gate.title} is made from")
        for gate in anatomy.gates
    )
    return (*reversed(anatomy.states), *anatomy.gates, *before)


def bounds_over_time(layer: RecurrentLayer[Any]) -> Array:
    """The bounds of each of `quantities_over_time`, shape (quantities, 2): infinite for pre-activations."""
    gates = len(layer.anatomy.gates)
    named = [layer.bounds(quantity.name) for quantity in quantities_over_time(layer.anatomy)[:-gates]]
    return np.array(named + [(-np.inf, np.inf)] * gates)


def survey(run: Run[Any], page: Page, known: Overview | None = None) -> Iterator[Overview]:
    """Goes through a page of a run, and yields what is known of it after every stretch.

    Whoever stops asking cancels, and may go on later from the last that came. All that come share the memory of
    their cells, in which only columns beyond the `columns` of each still change.

    Args:
        run: The run, of a single sequence. It computes what it has to.
        page: Where.
        known: What is known of the page already.
    """
    overview = Overview.empty(run.layer, page) if known is None else known
    ends = _near(bounds_over_time(run.layer))
    stretch = min(_LONGEST, max(_SHORTEST, 1 << (_AT_ONCE // run.layer.units).bit_length() - 1))
    for start in range(page.first + overview.done, page.stop, stretch):
        traces = run.window(start, min(start + stretch, page.stop))
        overview = _add(overview, _stacked(run.layer, traces), ends)
        yield overview


def _near(bounds: Array) -> tuple[Array, Array]:
    """From where on a value is near the low and the high end of each quantity; nan where there is no end."""
    low, high = np.where(np.isfinite(bounds).all(axis=1, keepdims=True), bounds, np.nan).T
    return np.where(low < 0, OPEN * low, SHUT * high), OPEN * high


def _stacked(layer: RecurrentLayer[Any], traces: list[Trace[Any]]) -> Array:
    """All quantities of some timesteps, shape (quantities, timesteps, units)."""
    gates = len(layer.anatomy.gates)
    names = [quantity.name for quantity in quantities_over_time(layer.anatomy)[:-gates]]
    stacked = np.empty((len(names) + gates, sum(map(len, traces)), layer.units), layer.dtype)
    start = 0
    for trace in traces:
        rows = slice(start, start + len(trace))
        for place, name in enumerate(names):
            stacked[place, rows] = getattr(trace, name)
        stacked[-gates:, rows] = trace.pre_activations.swapaxes(0, 1)
        start = rows.stop
    return stacked


@np.errstate(over="ignore", invalid="ignore", under="ignore")
def _add(known: Overview, values: Array, ends: tuple[Array, Array]) -> Overview:
    """What is known with the next timesteps (quantities, timesteps, units): a stretch or, at the end, a part of one."""
    timesteps = values.shape[1]
    _fill_cells(known, values)
    count, mean, spread = _moments(values)
    both = known.count + count
    apart = mean - known.mean
    share = count / np.maximum(both, 1)
    low, high = (end[:, None, None] for end in ends)
    return Overview(
        page=known.page,
        done=known.done + timesteps,
        cells=known.cells,
        count=both,
        mean=known.mean + apart * share,
        spread=known.spread + spread + apart * apart * known.count * share,  # Chan, Golub and LeVeque (1979)
        low=np.fmin(known.low, np.fmin.reduce(values, axis=1)),
        high=np.fmax(known.high, np.fmax.reduce(values, axis=1)),
        near_high=known.near_high + (values > high).sum(axis=1),
        near_low=known.near_low + (values < low).sum(axis=1),
    )


def _moments(values: Array) -> tuple[Counts, Array, Array]:
    """How many values are finite, their mean, and the sum of their squared distances from it, (quantities, units)."""
    finite = np.isfinite(values)
    if finite.all():
        count = np.full((values.shape[0], values.shape[2]), values.shape[1])
        mean = values.sum(axis=1, dtype=float) / values.shape[1]
        apart = values - mean[:, None]
    else:
        count = finite.sum(axis=1)
        mean = np.where(finite, values, 0).sum(axis=1, dtype=float) / np.maximum(count, 1)
        apart = np.where(finite, values - mean[:, None], 0.0)
    return count, mean, np.multiply(apart, apart, out=apart).sum(axis=1)


def _fill_cells(known: Overview, values: Array) -> None:
    """Puts the next timesteps into their cells, which were 0. To do that twice makes no difference."""
    per_cell, timesteps = known.page.per_cell, values.shape[1]
    first, inside = divmod(known.done, per_cell)
    if inside + timesteps > per_cell:  # several cells, the last of which may be cut short by the end of the page
        missing = -timesteps % per_cell
        values = np.concatenate([values, np.repeat(values[:, -1:], missing, axis=1)], axis=1) if missing else values
        timesteps = per_cell
    spans = values.reshape(values.shape[0], -1, timesteps, values.shape[2])
    low, high = spans.min(axis=2), spans.max(axis=2)
    new = np.where(high >= -low, high, low)
    cells = known.cells[:, first : first + new.shape[1]]
    cells[...] = np.where((np.abs(new) > np.abs(cells)) | np.isnan(new), new, cells)
