"""The keys, as data: the key line, the help, the command palette and the README's table are made from it."""

import re

from textual.binding import Binding


def _key(keys: str, action: str, label: str, what: str, show: bool = False) -> Binding:
    return Binding(
        keys, action, label, show=show, id=re.sub(r"[^\w-]+", "_", action.removeprefix("app.")).strip("_"), tooltip=what
    )


STEPPER_BINDINGS = (
    _key("right,n", "step", "step", "One timestep on", show=True),
    _key("left,b", "back", "back", "One timestep back", show=True),
    _key("full_stop", "next_phase", "phase", "One phase on, inside the timestep", show=True),
    _key("comma", "previous_phase", "phase back", "One phase back"),
    _key("space", "play", "play", "Play, or pause", show=True),
    _key("plus,equals_sign", "faster", "faster", "Play faster"),
    _key("minus", "slower", "slower", "Play slower"),
    _key("g", "ask_timestep", "go to", "Go to a timestep by its number", show=True),
    _key("home", "first", "first timestep", "The first timestep"),
    _key("end", "last", "last timestep", "The last timestep"),
    _key("tab", "next_unit", "unit", "Select the next unit", show=True),
    _key("shift+tab", "previous_unit", "unit back", "Select the unit before"),
    _key("down", "move(1, 0)", "down", "Down: the next unit, term or sender"),
    _key("up", "move(-1, 0)", "up", "Up: the unit, term or sender before"),
    _key("pagedown", "move(0, 1)", "page down", "A page down"),
    _key("pageup", "move(0, -1)", "page up", "A page up"),
    _key("1", "lens(0)", "units", "The lens of the units"),
    _key("2", "lens(1)", "ledger", "The lens of the ledger"),
    _key("3", "lens(2)", "wiring", "The lens of the wiring"),
    _key("enter", "look_inside", "inside", "Look inside the selected unit: its ledger", show=True),
    _key("escape", "return", "return", "Return to the lens before; or stop a long way"),
    _key("right_square_bracket", "next_gate", "gate", "The next gate, in the ledger and the wiring"),
    _key("left_square_bracket", "previous_gate", "gate back", "The gate before"),
    _key("s", "arrange", "sort", "Ledger: sort by size; wiring: what flows now"),
    _key("x", "cut", "cut", "Cut the wires between the units, or restore them", show=True),
    _key("w", "other_layer", "other layer", "The other of two layers"),
    _key("d", "difference", "difference", "The difference of two layers"),
    _key("p", "tally", "parameters", "Show or hide the parameters", show=True),
    _key("question_mark", "help", "help", "All keys, and the notation", show=True),
    _key("q,ctrl+c,ctrl+q", "app.quit", "quit", "Quit", show=True),
)
"""The keys of the stepper."""
