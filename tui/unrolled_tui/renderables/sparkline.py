"""Values over time as a row, or a few rows, of block characters."""

from collections.abc import Sequence
from functools import cache
from math import isfinite

LEVELS = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float], low: float, high: float) -> str:
    """A character for each value, its height on the scale from `low` to `high`; `×` for what is not finite."""
    span = high - low or 1.0
    return "".join(_level((value - low) / span) if isfinite(value) else "×" for value in values)


def _level(share: float) -> str:
    return LEVELS[min(7, max(0, int(share * 8)))]


def chart(values: Sequence[float], scale: float, rows: int, column: int = 1) -> list[str]:
    """The values as columns of `column` cells that stand on, or hang from, a zero line in the middle of `rows` rows.

    Args:
        values: One for each column.
        scale: The value that reaches the upper edge; its negative reaches the lower.
        rows: How many rows; the upper half, and the odd one, is for positive values.
        column: The cells of a column; with three or more, one is the gap to the next.
    """
    above = (rows + 1) // 2
    below = rows - above
    drawn = column - 1 if column > 2 else column
    gap = " " * (column - drawn)
    columns = [_column(*_reach(value / scale, above, below), above, below) for value in values]
    return ["".join([cell * drawn + gap for cell in row]) for row in zip(*columns, strict=True)] or [""] * rows


def _reach(share: float, above: int, below: int) -> tuple[int, int]:
    """How far a value reaches up, in eighths of a cell, and down, in halves; (-1, 0) if it is not finite."""
    if not isfinite(share):
        return -1, 0
    if share >= 0:
        return max(1, round(min(1.0, share) * above * 8)), 0
    return 0, max(1, round(min(1.0, -share) * below * 2))


@cache
def _column(up: int, down: int, above: int, below: int) -> str:
    """The cells of one column, from the top."""
    if up < 0:
        return "×".rjust(above).ljust(above + below)
    cells = [LEVELS[min(8, up - row * 8) - 1] if up > row * 8 else " " for row in reversed(range(above))]
    return "".join(cells) + "".join(" ▀█"[min(2, max(0, down - row * 2))] for row in range(below))
