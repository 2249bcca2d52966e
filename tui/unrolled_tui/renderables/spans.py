"""What every drawing is made of: lines of spans, a span being text in one role.

A role says what the text is (`"f"` the forget gate, `"dim"` an aside) and never how it looks: the palette decides that,
once, for truecolor, 16 colours and no colour.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

from rich.cells import cell_len, set_cell_size

_MAYBE_WIDE = re.compile(r"[^ -\u02ff\u0370-\u03ff\u2190-\u22ff\u2500-\u25af]")
"""Characters that may have no cell, or two; what this app draws itself has one for each."""


class Span(NamedTuple):
    """A piece of a line.

    Attributes:
        text: The characters.
        role: What it is.
        action: The action that a click on it runs, if any.
    """

    text: str
    role: str = ""
    action: str = ""


Line: TypeAlias = tuple[Span, ...]
Lines: TypeAlias = tuple[Line, ...]


def line(*parts: Span | str) -> Line:
    """A line of `parts`, plain text among them, with neighbours in one role made one span: one style change, once."""
    spans: list[Span] = []
    for part in parts:
        span = Span(part) if isinstance(part, str) else part
        if spans and spans[-1][1:] == span[1:]:
            spans[-1] = span._replace(text=spans[-1].text + span.text)
        elif span.text:
            spans.append(span)
    return tuple(spans)


def width(spans: Iterable[Span]) -> int:
    """The number of cells of a line."""
    return cells_of("".join([span.text for span in spans]))


def cells_of(text: str) -> int:
    """The number of cells of a text."""
    return cell_len(text) if _MAYBE_WIDE.search(text) else len(text)


def fit(spans: Line, cells: int) -> Line:
    """The line cut or filled with spaces to exactly `cells` cells."""
    used = width(spans)
    if used <= cells:
        return line(*spans, " " * (cells - used)) if used < cells else spans
    kept: list[Span] = []
    for span in spans:
        room = min(cells, cells_of(span.text))
        kept.append(span._replace(text=set_cell_size(span.text, room)))
        cells -= room
        if not cells:
            break
    return tuple(span for span in kept if span.text)


def same_end(old: Line, new: Line) -> int:
    """The number of cells that two lines of one width have in common at their ends, in whole spans."""
    cells = 0
    for one, other in zip(reversed(old), reversed(new), strict=False):
        if one != other:
            break
        cells += cells_of(one.text)
    return cells


def text_of(lines: Iterable[Line]) -> str:
    """The lines as plain text."""
    return "\n".join("".join(span.text for span in spans) for spans in lines)
