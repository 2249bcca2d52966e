"""The layers of a model in one line, the one on show marked, and which sequence of a batch it reads."""

from collections.abc import Sequence
from dataclasses import dataclass

from unrolled_tui.renderables.spans import Line, Span, cells_of, fit, line

_LABEL = " layers  "
_MORE = "…"


@dataclass(frozen=True, slots=True)
class LayerName:
    """A layer in the list.

    Attributes:
        name: Its name, printable.
        place: Its place among those that can be looked at, None if it is none of them.
    """

    name: str
    place: int | None


def layer_list(layers: Sequence[LayerName], on: int, aside: str, cells: int) -> Line:
    """The layers in their order, as many around the one on show as fit, and `aside` at the right.

    Args:
        layers: The layers.
        on: The place of the one on show.
        aside: What else there is to say.
        cells: The cells there are.
    """
    room = cells - len(_LABEL) - cells_of(aside) - 2
    here = next(index for index, layer in enumerate(layers) if layer.place == on)
    first, last = _window([cells_of(layer.name) + 3 for layer in layers], here, room - 2 * (len(_MORE) + 1))
    shown = [_name(layer, on) for layer in layers[first : last + 1]]
    before = [Span(f"{_MORE} ", "dim")] if first else []
    after = [Span(f" {_MORE}", "dim")] if last + 1 < len(layers) else []
    left = fit(line(Span(_LABEL, "dim"), *before, *shown, *after), cells - cells_of(aside) - 1)
    return line(*left, Span(aside, "dim"), " ")


def _window(widths: Sequence[int], here: int, room: int) -> tuple[int, int]:
    """The first and the last that fit, around the one at `here`."""
    first = last = here
    used = widths[here]
    while True:
        if last + 1 < len(widths) and used + widths[last + 1] <= room:
            last += 1
            used += widths[last]
        elif first > 0 and used + widths[first - 1] <= room:
            first -= 1
            used += widths[first]
        else:
            return first, last


def _name(layer: LayerName, on: int) -> Span:
    if layer.place is None:
        return Span(f" {layer.name}  ", "faint")
    text = f"▸{layer.name}  " if layer.place == on else f" {layer.name}  "
    return Span(text, "mark" if layer.place == on else "", f"screen.layer({layer.place})")
