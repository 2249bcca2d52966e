"""The whole run over time, as far as it is on show: which quantity, how fine, in which order. It knows no Textual."""

from collections import OrderedDict
from collections.abc import Iterator
from math import floor, isfinite, log10
from typing import Any

import numpy as np

from unrolled import Run
from unrolled.anatomy import Quantity
from unrolled.arrays import Array
from unrolled.overview import Overview, Page, bounds_over_time, quantities_over_time, survey

MAP, FIGURES, TEXT = range(3)
"""The views: units × timesteps, a line of figures for each unit, and the tokens as running text."""

BY_UNIT, BY_SIZE, BY_VARIATION, BY_SATURATION, BY_SIMILARITY = range(5)
"""The orders of the units."""

QUICK_TIMESTEPS, QUICK_UNITS = 512, 64
"""A page of so many timesteps of so many units at the most is computed within a frame, so nobody has to wait for it."""

STRIDES = 10
"""While a page is being computed, it is drawn again after so many parts of it; at the beginning more often."""

KEPT, KEPT_BYTES = 8, 32 << 20
"""So many pages are kept, or as many as fit in so many bytes: to go back to one of them computes nothing."""


class OverTime:
    """What the time lens shows of a run, and what is known of the pages that it showed last.

    Args:
        run: The run.

    Attributes:
        quantities: All there are.
        place: The one on show, as its place among them.
        zoom: The timesteps of a cell are 2 to the power of this, or fewer where the whole run fits with fewer.
        view: The view.
        order: The order of the units.
        like: The unit that the others are compared with, in the order by similarity.
        from_top: The unit that was selected as the order was chosen: as long as it is, the first of the order are on
            show, and then those around the selected one.
    """

    def __init__(self, run: Run[Any]) -> None:
        self._run = run
        self.quantities = quantities_over_time(run.layer.anatomy)
        account = run.layer.anatomy.account
        names = [quantity.name for quantity in self.quantities]
        self.place = names.index(account.state) if account else 0
        self.zoom = self.view = self.order = self.like = 0
        self.from_top: int | None = None
        self._bounds = bounds_over_time(run.layer)
        self._kept: OrderedDict[Page, Overview] = OrderedDict()
        self._shown: Overview | None = None
        self._reader: Run[Any] | None = None
        self._ranking: tuple[object, list[int]] = (None, [])

    @property
    def quantity(self) -> Quantity:
        """The quantity on show."""
        return self.quantities[self.place]

    @property
    def bounds(self) -> tuple[float, float]:
        """What it can be at the least and at the most."""
        low, high = self._bounds[self.place].tolist()
        return low, high

    @property
    def has_ends(self) -> bool:
        """Whether it has two bounds, so that it can be near one."""
        return all(map(isfinite, self.bounds))

    @property
    def order_name(self) -> str:
        """What the units are ordered by."""
        return ("number", "largest value", "variation", "saturation", f"similarity to unit {self.like + 1:,}")[
            self.order
        ]

    # What keys do.

    def turn(self, by: int) -> None:
        """Shows another quantity, and the other end after the last or before the first."""
        self.place = (self.place + by) % len(self.quantities)
        if self.order == BY_SATURATION and not self.has_ends:
            self.order = BY_UNIT

    def arrange(self, unit: int) -> None:
        """Takes the next order of the units; similar are those that go along with `unit`."""
        self.order = (self.order + 1) % 5
        if self.order == BY_SATURATION and not self.has_ends:
            self.order += 1
        self.like = unit
        self.from_top = None if self.order == BY_UNIT else unit

    def change_view(self, tokens: bool) -> None:
        """Shows the next view; running text only if there are tokens."""
        self.view = (self.view + 1) % (3 if tokens else 2)

    def zoom_by(self, by: int, columns: int) -> None:
        """Doubles the timesteps of a cell, or halves them, `by` times; up to where the run fits in the columns."""
        farthest = (-(-len(self._run) // columns) - 1).bit_length()
        self.zoom = min(max(min(self.zoom, farthest) + by, 0), farthest)

    # What is on show.

    def page(self, t: int, room: int) -> Page:
        """The page that holds timestep `t`, where there is room for so many columns: pages turn, they do not slide."""
        length = len(self._run)
        farthest = (-(-length // room) - 1).bit_length()
        per_cell = 1 << min(self.zoom, farthest)
        if per_cell * room >= length:
            return Page(0, length, per_cell)
        columns = room - room % 10 if room >= 10 else room
        first = t - t % (columns * per_cell)
        return Page(first, min(first + columns * per_cell, length), per_cell)

    def text_page(self, t: int, room: int) -> Page:
        """The page that holds timestep `t`, where there is room for so many tokens."""
        first = t - t % room
        return Page(first, min(first + room, len(self._run)))

    def look(self, page: Page) -> Overview:
        """What is known of a page; all of it if that takes no longer than a frame.

        While it is being computed this advances in few strides: each is all rows of a map for the line to carry.
        """
        overview = self._kept.get(page) or self._keep_new(page)
        self._kept.move_to_end(page)
        shown = self._shown
        if shown is not None and shown.page == page and shown.done and not overview.whole:
            stride = min(page.columns / STRIDES, max(1, shown.columns))
            overview = overview if overview.columns >= shown.columns + stride else shown
        self._shown = overview
        if overview.whole or len(page) > QUICK_TIMESTEPS or self._run.layer.units > QUICK_UNITS:
            return overview
        self._reader = self._reader or self._run.fork()
        for found in survey(self._reader, page, overview):
            self._kept[page] = self._shown = overview = found
        return overview

    def fill(self, page: Page) -> Iterator[int]:
        """Looks at the rest of a page in memory of its own, and tells how many of its timesteps are done by then."""
        for found in survey(self._run.fork(), page, self._kept.get(page)):
            if page in self._kept and self._kept[page].done < found.done:
                self._kept[page] = found
            yield found.done

    def _keep_new(self, page: Page) -> Overview:
        overview = self._kept[page] = Overview.empty(self._run.layer, page)
        sizes = [kept.cells.nbytes for kept in reversed(self._kept.values())]
        while len(self._kept) > 1 and (len(self._kept) > KEPT or sum(sizes) > KEPT_BYTES):
            self._kept.popitem(last=False)
            sizes.pop()
        return overview

    def ranked(self, overview: Overview) -> list[int]:
        """The units in their order, which takes the whole page to know."""
        key = (overview, self.place, self.order, self.like)
        if self._ranking[0] != key:
            scores = self._scores(overview)
            order = np.argsort(np.where(np.isnan(scores), np.inf, -scores), kind="stable")
            self._ranking = (key, order.tolist())
        return self._ranking[1]

    def rows(self, overview: Overview, unit: int, most: int) -> list[int]:
        """The units on the page of so many rows that holds `unit`, in their order; the first ones from the top."""
        units = self.ranked(overview)
        place = 0 if unit == self.from_top else units.index(unit)
        first = place - place % most
        return units[first : first + most]

    def further(self, overview: Overview, unit: int, by: int, most: int) -> int:
        """The place in the order that is so many rows after `unit`, or after none if it is not among the first."""
        place = self.ranked(overview).index(unit)
        if unit == self.from_top and place >= most:
            place = -1
        self.from_top = None
        return place + by

    def _scores(self, overview: Overview) -> Array:
        if not overview.whole or self.order == BY_UNIT:
            return np.zeros(self._run.layer.units)
        if self.order == BY_SIMILARITY:
            return overview.similarity(self.place, self.like)
        measures = {BY_SIZE: overview.largest, BY_VARIATION: overview.deviation, BY_SATURATION: overview.saturation}
        return measures[self.order](self.place)

    def scale(self, overview: Overview) -> float:
        """What is shown at full strength: a gate's bound, else a round number that holds all there is on the page."""
        low, high = self.ends_of(overview.cells[self.place, : overview.columns])
        return max(-low, high) if self._is_gate else round_number(max(-low, high))

    def ends_of(self, values: Array) -> tuple[float, float]:
        """The bounds of a gate, else the lowest and the highest of those values that are finite, and 0."""
        if self._is_gate:
            return self.bounds
        finite = np.isfinite(values)
        low, high = np.min(values, initial=0, where=finite), np.max(values, initial=0, where=finite)
        return float(low), float(high)

    @property
    def _is_gate(self) -> bool:
        return self.has_ends and self.quantity in self._run.layer.anatomy.gates


def levels(values: Array, scale: float, most: int) -> Any:
    """`values` as whole numbers from -most to most, as nested lists; most + 1 for what is not finite."""
    finite = np.isfinite(values)
    with np.errstate(invalid="ignore", over="ignore"):
        shares = np.clip(np.where(finite, values, 0) / scale, -1, 1)
    return np.where(finite, np.rint(shares * most), most + 1).astype(int).tolist()


def round_number(value: float) -> float:
    """The smallest of 1, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, … and so on below 1, that is not less than `value`.

    For next to nothing it is 1.
    """
    if value < 1e-300:
        return 1.0
    power = 10.0 ** floor(log10(value))
    return next((step * power for step in (1, 1.5, 2, 3, 4, 5, 6, 8) if step * power >= value), 10 * power)
