"""The last line: the keys, from the bindings."""

from collections.abc import Sequence

from textual.binding import Binding

from unrolled_tui.renderables.spans import Span, line
from unrolled_tui.widgets.lines_view import LinesView

KEY_NAMES = {
    "right": "→",
    "left": "←",
    "up": "↑",
    "down": "↓",
    "full_stop": ".",
    "comma": ",",
    "question_mark": "?",
    "plus": "+",
    "equals_sign": "=",
    "minus": "-",
    "slash": "/",
    "greater_than_sign": ">",
    "less_than_sign": "<",
    "apostrophe": "'",
    "right_square_bracket": "]",
    "left_square_bracket": "[",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "shift+tab": "shift+tab",
    "escape": "esc",
    "ctrl+p": "ctrl+p",
}
"""Keys as they are printed, where that is not their name."""


_LAST = ("app.follow", "help", "app.quit")
"""What stands at the end of the line, and is there at any width."""


def key_name(key: str) -> str:
    """A key as it is printed."""
    return KEY_NAMES.get(key, key)


class KeyLine(LinesView):
    """The keys that matter most, each with what it does. A click does it."""

    DEFAULT_CSS = "KeyLine { height: 1; dock: bottom; }"

    def draw(self, bindings: Sequence[Binding]) -> None:
        """Draws the bindings; where there is no room for all, those give way that stand before the last ones."""
        kept, last = list(bindings), sum(each.action in _LAST for each in bindings)
        while len(kept) > last and sum(map(_cells, kept)) >= self.cells:
            del kept[-last - 1]
        keys = [
            (Span(key_name(first_key(each)), "key", _of_screen(each.action)), f" {each.description}  ") for each in kept
        ]
        self.show((line(" ", *(part for key in keys for part in key)),))


def first_key(binding: Binding) -> str:
    """The first of a binding's keys, which is the one that is named."""
    return binding.key.split(",")[0]


def _of_screen(action: str) -> str:
    """The action as the key line, which is not the screen, has to name it."""
    return action if action.startswith("app.") else f"screen.{action}"


def _cells(binding: Binding) -> int:
    return len(key_name(first_key(binding))) + 1 + len(binding.description) + 2
