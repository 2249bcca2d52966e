"""Bars: a value between a low and a high end, to an eighth of a cell."""

from math import isnan

EIGHTHS = " ▏▎▍▌▋▊▉█"
OVER = "»"
UNDER = "«"
ZERO = "│"


def bar(value: float, low: float, high: float, cells: int) -> str:
    """`value` as a bar of `cells` cells on the scale from `low` to `high`.

    On a scale from 0 a bar grows from the left. On a signed scale it grows from the middle, to the right for a positive
    value and to the left for a negative one. A value off the scale fills it, and ends in `»` or `«`. Not a number draws
    nothing.
    """
    if low < 0:
        return _signed(value / max(-low, high), cells)
    return _from_left(value / high, cells)


def progress(what: str, share: float, cells: int = 8) -> str:
    """What is under way and how far it has got, with a bar of `cells` cells."""
    return f"{what} ▕{_from_left(share, cells)}▏ {int(100 * share):2} %"


def _from_left(share: float, cells: int) -> str:
    if isnan(share) or share < 0:
        return (UNDER if share < 0 else "").ljust(cells)
    if share > 1:
        return "█" * (cells - 1) + OVER
    full, eighth = divmod(round(share * cells * 8), 8)
    return ("█" * full + EIGHTHS[eighth].strip()).ljust(cells)


def _signed(share: float, cells: int) -> str:
    half = (cells - 1) // 2
    right = cells - half - 1
    if share < 0:
        return _to_left(-share, half) + ZERO + " " * right
    return " " * half + ZERO + _from_left(share, right)


def _to_left(share: float, cells: int) -> str:
    """Terminals have no blocks that fill a cell from the right by eighths, so this side counts in halves."""
    if share > 1:
        return UNDER + "█" * (cells - 1)
    full, half = divmod(round(share * cells * 2), 2)
    return ("▐" * half + "█" * full).rjust(cells)
