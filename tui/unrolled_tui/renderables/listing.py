"""A list over the screen: rows of which one is selected, the whole of that one, and the keys."""

from collections.abc import Sequence
from textwrap import wrap

from unrolled_tui.renderables.frame import framed
from unrolled_tui.renderables.spans import Line, Lines, Span, line

_WHOLE = 3
_AROUND = 2 + _WHOLE + 2  # the frame, the whole of the selected row, a rule, and the keys


def listing(
    rows: Sequence[Line], selected: int, size: tuple[int, int], title: str, whole: str, keys: Sequence[str]
) -> Lines:
    """The list in a frame.

    Args:
        rows: The rows.
        selected: The one that is selected, from 0.
        size: The cells of a line, and the lines.
        title: What it is a list of.
        whole: All of the selected row that may not fit in its line.
        keys: What the keys do.
    """
    cells, height = size
    room = max(1, height - _AROUND)
    first = selected - selected % room
    shown = rows[first : first + room]
    drawn = [line(Span(" ▶ " if place == selected else "   ", "mark"), *row) for place, row in enumerate(shown, first)]
    filler: Lines = ((),) * (room - len(drawn))
    told = [line(" ", part) for part in wrap(whole, cells - 4)[:_WHOLE]]
    below: Lines = (*told, *((),) * (_WHOLE - len(told)), key_row(keys, cells - 2))
    note = line(Span(f"{first + 1} to {first + len(shown)} of {len(rows)}", "dim")) if len(rows) > room else ()
    return framed((*drawn, *filler, line(Span("─" * (cells - 2), "faint")), *below), cells, line(title), note)


def key_row(keys: Sequence[str], cells: int) -> Line:
    """As many of the keys as fit, each with what it does; the last one always."""
    kept = list(keys)
    while len(kept) > 1 and len("   ".join(kept)) + 1 > cells:
        del kept[-2]
    return line(" ", Span("   ".join(kept), "dim"))
