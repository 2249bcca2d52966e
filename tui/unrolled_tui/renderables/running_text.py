"""Tokens as running text, each coloured by what one unit had when it read it."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import set_cell_size

from unrolled_tui.renderables.spans import Lines, Span, cells_of, line
from unrolled_tui.renderables.time_map import NOT_FINITE, heat_row


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a token stands.

    Attributes:
        row: The row, from 0.
        column: The cell in which it begins.
        cells: Its width.
    """

    row: int
    column: int
    cells: int


def place_tokens(tokens: Sequence[str], gap: int, cells: int) -> tuple[Placed, ...]:
    """Wraps tokens, `gap` cells apart, into lines of `cells` cells."""
    placed, row, column = [], 0, 0
    for token in tokens:
        wide = min(cells, cells_of(token))
        if column + wide > cells:
            row, column = row + 1, 0
        placed.append(Placed(row, column, wide))
        column += wide + gap
    return tuple(placed)


@dataclass(frozen=True, slots=True)
class RunningText:
    """A page of tokens.

    Attributes:
        tokens: What they are.
        placed: Where they stand.
        levels: What the unit had at each, of those that are computed by now, as levels of a map.
        here: The place among them of the timestep on show.
    """

    tokens: Sequence[str]
    placed: Sequence[Placed]
    levels: Sequence[int]
    here: int

    @property
    def rows(self) -> int:
        """How many rows the text has."""
        return self.placed[-1].row + 1


def text_lines(text: RunningText, strokes: bool) -> Lines:
    """The text; with `strokes` also the shades of a map under each row, which need no colour."""
    above: list[list[Span | str]] = [[] for _ in range(text.rows)]
    below: list[list[Span | str]] = [[] for _ in range(text.rows)]
    ends = [0] * text.rows
    for place, (token, spot) in enumerate(zip(text.tokens, text.placed, strict=True)):
        known = place < len(text.levels)
        role = text_role(text.levels[place]) if known else "dim"
        gap = " " * (spot.column - ends[spot.row])
        ends[spot.row] = spot.column + spot.cells
        above[spot.row] += [gap, Span(set_cell_size(token, spot.cells), "on" if place == text.here else role)]
        below[spot.row] += [gap, *(heat_row((text.levels[place],), spot.cells) if known else (" " * spot.cells,))]
    if not strokes:
        return tuple([line(*parts) for parts in above])
    return tuple([line(*parts) for pair in zip(above, below, strict=True) for parts in pair])


def text_role(level: int) -> str:
    """The role of a text at a level of a map: half as many, as it has to be read too."""
    if level in (0, NOT_FINITE):
        return "warning" if level else ""
    return f"{'+' if level > 0 else '-'}{(abs(level) + 1) // 2}"
