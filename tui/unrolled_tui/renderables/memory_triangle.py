"""What is left of each write at each timestep as lines: a row for each that writes, a column for each that reads."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from unrolled.memory import MemoryTriangle
from unrolled_tui.renderables.memory_table import padded
from unrolled_tui.renderables.numbers import fixed
from unrolled_tui.renderables.spans import Line, Lines, Span, cells_of, line
from unrolled_tui.renderables.time_map import shade
from unrolled_tui.renderables.wiring_table import HEAT_CELL, NUMBER_CELL, heat_role

AROUND = 4
"""Lines beside those of the timesteps that write: two heads, what was there before, and what it all adds up to."""

_MOST_READ = 6
_LITTLE = 1 / 20


@dataclass(frozen=True, slots=True)
class Page:
    """The timesteps of a triangle.

    Attributes:
        first: The first one, from 0.
        count: How many there are.
        timestep: The cells of a timestep's number.
        label: The cells of the names of the rows.
        numbers: Whether there is room for numbers.
    """

    first: int
    count: int
    timestep: int
    label: int
    numbers: bool

    @property
    def cell(self) -> int:
        """The cells of a column."""
        return NUMBER_CELL if self.numbers else HEAT_CELL


def triangle_page(t: int, length: int, read: int, rows: int, cells: int) -> Page:
    """The page that holds timestep `t`, in so many rows and cells, where `read` cells hold what a timestep reads.

    Pages overlap by half, so that what was written a while ago is always on show.
    """
    timestep = len(f"{length:,}")
    label = max(len(" written at "), len(" before t  ") + timestep, min(read, _MOST_READ) + timestep + 4)
    numbers, shades = (max(1, min(rows, length, (cells - label) // cell)) for cell in (NUMBER_CELL, HEAT_CELL))
    count = numbers if 4 * numbers >= 3 * shades else shades
    half = count // 2
    first = t if not half else 0 if count == length else max(0, (t // half - 1) * half)
    return Page(first, min(count, length - first), timestep, label, count == numbers)


@dataclass(frozen=True, eq=False, slots=True)
class TriangleView:
    """What is shown.

    Attributes:
        triangle: What is left, from the first timestep of the page to the last one that is known; None before that.
        state: The name of the state.
        page: The timesteps on show.
        reads: What each of them reads.
        now: The place of the timestep on show.
    """

    triangle: MemoryTriangle | None
    state: str
    page: Page
    reads: Sequence[str]
    now: int

    @property
    def largest(self) -> float:
        """The largest finite value, of either sign: the shades are quarters of it."""
        if self.triangle is None:
            return 0.0
        sizes = np.abs(self.triangle.left)
        return float(np.max(sizes, initial=0, where=np.isfinite(sizes)))


def triangle_lines(view: TriangleView) -> Lines:
    """Two heads, then the rows: what was there before, what each timestep wrote, and what that adds up to."""
    page, triangle, largest = view.page, view.triangle, view.largest
    before, left, values = lists_of(triangle)
    left += [[]] * (page.count - len(left))
    earlier = f"before t {page.first + 1:,}" if page.first else f"{view.state}_0"
    timesteps = [f"{page.first + place + 1}"[1 - page.cell :] for place in range(page.count)]
    return (
        line(_label("    read at ", view, "dim"), *_heads(view, timesteps)),
        line(_label(" written at", view, "dim"), *_heads(view, view.reads)),
        line(_label(f" {earlier}", view, "dim"), *_cells(view, before, 0, largest)),
        *(line(_name(view, place), *_cells(view, left[place], place, largest)) for place in range(page.count)),
        line(_label(f" {view.state}_t", view, view.state), *_sums(view, values, largest)),
    )


def lists_of(triangle: MemoryTriangle | None) -> tuple[list[float], list[list[float]], list[float]]:
    """What was there before, what is left of each write, and what that adds up to; empty where nothing is known."""
    if triangle is None:
        return [], [], []
    return triangle.before.tolist(), triangle.left.tolist(), triangle.values.tolist()


def _label(text: str, view: TriangleView, role: str, action: str = "") -> Span:
    return Span(padded(text, view.page.label), role, action)


def _name(view: TriangleView, place: int) -> Span:
    number = f"{view.page.first + place + 1:>{view.page.timestep},}"
    now = place == view.now
    name = f"{'▸' if now else ' '}{number}  {view.reads[place]}"
    return _label(name, view, "mark" if now else "dim", _go_to(view, place))


def _heads(view: TriangleView, texts: Sequence[str]) -> Line:
    cell = view.page.cell
    cut = [padded(text, min(cells_of(text), cell - 1)) for text in map(str.rstrip, texts)]
    return tuple(
        Span(" " * (cell - cells_of(text)) + text, "mark" if place == view.now else "dim", _go_to(view, place))
        for place, text in enumerate(cut)
    )


def _go_to(view: TriangleView, place: int) -> str:
    return f"screen.go_to({view.page.first + place})"


def _cells(view: TriangleView, values: Sequence[float], start: int, largest: float) -> Line:
    """The cells of a row from column `start` on; a dot for what is not known yet."""
    page = view.page
    spans = [Span(" " * (page.cell * start))]
    for place in range(start, page.count):
        side = "▏" if place == view.now else " "
        if place >= len(values):
            spans.append(Span(side + "·".rjust(page.cell - 1), "faint"))
        elif page.numbers:
            spans.append(Span(side + fixed(values[place], page.cell - 1), heat_role(values[place], largest)))
        else:
            drawn, role = _shade(values[place], largest)
            spans.append(Span(side + drawn, role))
    return tuple(span for span in spans if span.text)


def _sums(view: TriangleView, values: Sequence[float], largest: float) -> Line:
    """The cells of the last row: the state itself, which is off the scale of what it is made of."""
    cells = _cells(view, values, 0, largest)
    return tuple(span._replace(role=view.state) for span in cells) if view.page.numbers else cells


def _shade(value: float, largest: float) -> tuple[str, str]:
    """A value in two cells, and its role: what is next to nothing has a sign only."""
    if value == 0:
        return " 0", "faint"
    if abs(value) < _LITTLE * largest:
        return "- " if value < 0 else "+ ", "faint"
    return shade(value, largest, 2)
