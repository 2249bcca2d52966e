"""A line of figures for each unit over many timesteps, and how long it was near its ends."""

from dataclasses import dataclass
from math import isnan

from unrolled.overview import OPEN, SHUT
from unrolled_tui.renderables.numbers import fixed
from unrolled_tui.renderables.spans import Line, Span, cells_of, line
from unrolled_tui.renderables.time_map import LABEL, unit_label

NUMBER, SHARE = 7, 7
LEAST_CENSUS = 8
"""The least cells for the shares as a bar."""

CENSUS = 24


@dataclass(frozen=True, slots=True)
class UnitFigures:
    """One unit over some timesteps.

    Attributes:
        unit: The unit, from 0.
        low: The lowest value.
        high: The highest.
        mean: The mean.
        deviation: The standard deviation.
        near_low: The share of timesteps near the low end.
        near_high: The share near the high end.
    """

    unit: int
    low: float
    high: float
    mean: float
    deviation: float
    near_low: float
    near_high: float


def figures_heading(ends: bool, gate: bool) -> Line:
    """The names of the columns: shares only for what has ends, and `open` only for what is never negative."""
    names = ["low", "high", "mean", "varies"]
    text = " unit".ljust(LABEL) + "".join([name.rjust(NUMBER) for name in names])
    if ends:
        text += "".join([name.rjust(SHARE) for name in (("closed", "mid", "open") if gate else ("low", "mid", "high"))])
    return line(Span(text, "dim"))


def figures_line(figures: UnitFigures, selected: bool, ends: bool, cells: int) -> Line:
    """The figures of one unit, with the shares as a bar where `cells` cells have room for it."""
    numbers = (figures.low, figures.high, figures.mean, figures.deviation)
    text = "".join([fixed(value, NUMBER - 1).rjust(NUMBER) for value in numbers])
    if not ends:
        return line(unit_label(figures.unit, selected), text)
    shares = (figures.near_low, 1 - figures.near_low - figures.near_high, figures.near_high)
    text += "".join([f"{100 * share:.0f} %".rjust(SHARE) for share in shares])
    room = min(CENSUS, cells - LABEL - len(text) - 3)
    bar = f"  {census_bar(*shares, room)}" if room >= LEAST_CENSUS else ""
    return line(unit_label(figures.unit, selected), text, bar)


def census_bar(low: float, between: float, high: float, cells: int) -> str:
    """Three shares of 1 side by side: `-` near the low end, `·` between, `█` near the high end."""
    if isnan(low + between + high):
        return ""
    first, last = round(low * cells), round(high * cells)
    return "-" * first + "·" * (cells - first - last) + "█" * last


def left_out(values: int, ends: bool) -> str:
    """How many values are not finite, if any. What has no ends can be infinite: then low or high is, too."""
    if not values:
        return ""
    count = f"{values:,} value{'s' if values > 1 else ''} not finite"
    return f"{count} left out" if ends else f"{count} left out of mean and varies"


def figures_key(bounds: tuple[float, float], ends: bool, lacking: str, cells: int) -> Line:
    """What the names of the columns mean, after what is left out, which is said first where room is short."""
    low, high = bounds
    parts = []
    if ends and low >= 0:
        parts += [f"- closed: below {SHUT * high:g}", f"█ open: above {OPEN * high:g}"]
    elif ends:
        parts += [f"- low: below {OPEN * low:g}", f"█ high: above {OPEN * high:g}"]
    varies = ["varies: standard deviation"]
    text = "   ".join(varies + parts)
    if lacking and cells_of(text) + cells_of(lacking) + 4 > cells:
        text = "   ".join(parts)
    warning = (Span(f" {lacking}  ", "warning"),) if lacking else ()
    return line(*warning, Span(f" {text}", "dim"))
