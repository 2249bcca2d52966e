"""The layer without the wires between its units, beside the whole layer."""

from dataclasses import dataclass

from unrolled_tui.renderables.header import counted
from unrolled_tui.renderables.numbers import fixed
from unrolled_tui.renderables.spans import Line, Lines, Span, line
from unrolled_tui.renderables.sparkline import sparkline

_CELL = 9


@dataclass(frozen=True, slots=True)
class CutView:
    """What the experiment shows at one timestep.

    Attributes:
        units: The units of the rows, from 0.
        selected: The selected unit.
        of: How many units there are.
        states: The names of the states, h first.
        whole: For each state, the values of the whole layer, one for each row.
        cut: The same of the layer without wires between units.
        past: For each row, how far h has been apart at each timestep up to now, in size.
        first: The first timestep, from 0, at which any state differs; None if none does.
        early: How many timesteps were compared for that.
        check: How many units were run alone, and their largest difference from the cut layer.
    """

    units: tuple[int, ...]
    selected: int
    of: int
    states: tuple[str, ...]
    whole: tuple[tuple[float, ...], ...]
    cut: tuple[tuple[float, ...], ...]
    past: tuple[tuple[float, ...], ...]
    first: int | None
    early: int
    check: tuple[int, float]


def cut_lines(view: CutView, cells: int) -> Lines:
    """A row for each unit, then where whole and cut part, and whether the cut layer is as many layers of one unit."""
    heads = "".join(f"{name:>{_CELL}}{name + ' cut':>{_CELL}}{'Δ' + name:>{_CELL}}" for name in view.states)
    room = max(0, min(24, cells - 8 - 3 * _CELL * len(view.states) - 2))
    return (
        line(Span(f" {'unit':<7}{heads}  {f'|Δ{view.states[0]}| so far'[:room]}", "dim")),
        *(_row(view, place, room) for place in range(len(view.units))),
        _parting(view),
        _checked(view),
    )


def _row(view: CutView, place: int, room: int) -> Line:
    unit = view.units[place]
    spans: list[Span | str] = [Span(f" {unit + 1:<7}", "mark" if unit == view.selected else "dim")]
    for name, whole, cut in zip(view.states, view.whole, view.cut, strict=True):
        one, other = whole[place], cut[place]
        spans += [Span(fixed(one, _CELL) + fixed(other, _CELL), name), Span(fixed(one - other, _CELL), "strong")]
    past = view.past[place][-room:] if room else ()
    return line(*spans, Span("  " + sparkline(past, 0, max((*past, 1e-300))), view.states[0]))


def _parting(view: CutView) -> Line:
    if view.first is None:
        return line(f" whole and cut are the same at the first {counted(view.early, 'timestep')}")
    why = " (at t 1 there is no h_(t-1) to read yet)" if view.first == 1 else ""
    return line(" whole and cut part at ", Span(f"t {view.first + 1}", "mark"), Span(why, "dim"))


def _checked(view: CutView) -> Line:
    done, largest = view.check
    if done < view.of:
        return line(Span(f" checking against {view.of:,} separate layers of one unit: {done:,} done", "dim"))
    how = "exactly" if largest == 0 else f"to {largest:.1e}"
    return line(
        Span(" ✓ " if largest < 1e-5 else " differs: ", "mark"),
        f"cut = {counted(view.of, 'separate layer')} of one unit, {how}, at all of {counted(view.early, 'timestep')}",
    )
