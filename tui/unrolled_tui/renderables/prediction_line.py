"""What a model says at a timestep, in one line: the largest shares as bars, or its numbers."""

from collections.abc import Sequence

from unrolled_tui.renderables.bar import bar
from unrolled_tui.renderables.numbers import fixed
from unrolled_tui.renderables.spans import Line, Span, cells_of, fit, line

_LABEL = " prediction  "
_BAR, _NUMBER = 6, 6
_LONGEST = 12
"""The most cells for the name of a class."""


def prediction_line(values: Sequence[float], names: Sequence[str], shares: bool, remark: str, cells: int) -> Line:
    """The prediction, and at the right when the model says so.

    Args:
        values: A number for each class or output; none if it says nothing.
        names: What they are called.
        shares: Whether they add up to 1, so that the largest come first and have bars.
        remark: When it says so.
        cells: The cells there are.
    """
    order = sorted(range(len(values)), key=lambda k: (not values[k] >= 0, -values[k])) if shares else range(len(values))
    room = cells - len(_LABEL) - cells_of(remark) - 2
    parts: list[Span] = []
    for rank, k in enumerate(order):
        one = _class(names[k], values[k], shares, first=rank == 0)
        room -= sum(cells_of(span.text) for span in one)
        if room < 0:
            break
        parts += one
    left = fit(line(Span(_LABEL, "dim"), *parts), cells - cells_of(remark) - 1)
    return line(*left, Span(remark, "dim"), " ")


def _class(name: str, value: float, shares: bool, first: bool) -> tuple[Span, ...]:
    shown = name if cells_of(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"
    number = fixed(value, _NUMBER, 3)
    if not shares:
        return (Span(f"{shown} ", "dim"), Span(f"{number}   "))
    drawn = bar(min(value, 1.0), 0.0, 1.0, _BAR)
    return (
        Span(f"{shown} ", "strong" if first else ""),
        Span(drawn, "h"),
        Span(f"{number}   ", "" if first else "dim"),
    )
