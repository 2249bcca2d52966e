"""The keys, as data: the key line, the help, the command palette and the README's table are made from it."""

import re

from textual.binding import Binding

from unrolled_tui.service import Service


def _key(keys: str, action: str, label: str, what: str, show: bool = False, prompts: bool = False) -> Binding:
    """A key. One that `prompts` overtakes the keys before it, so that those after it are in time for the prompt."""
    name = re.sub(r"[^\w-]+", "_", action.removeprefix("app.")).strip("_")
    return Binding(keys, action, label, show=show, id=name, tooltip=what, priority=prompts)


STEPPER_BINDINGS = (
    _key("right,n", "step", "step", "One timestep on", show=True),
    _key("left,b", "back", "back", "One timestep back", show=True),
    _key("full_stop", "next_phase", "phase", "One phase on, inside the timestep", show=True),
    _key("comma", "previous_phase", "phase back", "One phase back"),
    _key("space", "play", "play", "Play, or pause", show=True),
    _key("plus,equals_sign", "faster", "faster", "Play faster"),
    _key("minus", "slower", "slower", "Play slower"),
    _key("g", "ask_timestep", "go to", "Go to a timestep by its number", show=True, prompts=True),
    _key("slash", "ask_moment", "find", "Run to when a condition holds, as f[2] < 0.1", prompts=True),
    _key("greater_than_sign", "next_moment", "next moment", "The next moment when it holds"),
    _key("less_than_sign", "previous_moment", "moment back", "The moment before when it held"),
    _key("k", "breakpoints", "breakpoints", "The breakpoints, which play mode stops at", prompts=True),
    _key("home", "first", "first timestep", "The first timestep"),
    _key("end", "last", "last timestep", "The last timestep"),
    _key("tab", "next_unit", "unit", "Select the next unit", show=True),
    _key("shift+tab", "previous_unit", "unit back", "Select the unit before"),
    _key("down", "move(1, 0)", "down", "Down: the next unit, term, sender or write"),
    _key("up", "move(-1, 0)", "up", "Up: the unit, term, sender or write before"),
    _key("pagedown", "move(0, 1)", "page down", "A page down"),
    _key("pageup", "move(0, -1)", "page up", "A page up"),
    _key("1", "lens(0)", "units", "The lens of the units"),
    _key("2", "lens(1)", "ledger", "The lens of the ledger"),
    _key("3", "lens(2)", "wiring", "The lens of the wiring"),
    _key("4", "lens(3)", "time", "The lens of the whole run over time"),
    _key("5", "lens(4)", "memory", "The lens of the memory: who wrote what is in c"),
    _key("enter", "look_inside", "inside", "Look inside the selected unit: its ledger", show=True),
    _key("escape", "return", "return", "Return to the lens before; or stop a long way"),
    _key("right_square_bracket", "next_gate", "gate", "The next gate, or the next quantity over time"),
    _key("left_square_bracket", "previous_gate", "gate back", "The gate or quantity before"),
    _key("s", "arrange", "sort", "Sort: ledger, time, memory; wiring: what flows now"),
    _key("v", "view", "view", "Another view: time, memory"),
    _key("z", "zoom(1)", "zoom out", "Time: more timesteps in each cell"),
    _key("shift+z,Z", "zoom(-1)", "zoom in", "Time: fewer timesteps in each cell"),
    _key("x", "cut", "cut", "Cut the wires between the units, or restore them", show=True),
    _key("w", "other_layer", "other layer", "The other of two layers"),
    _key("d", "difference", "difference", "The difference of two layers"),
    _key("l", "next_layer(1)", "layer", "The next layer or direction of a model"),
    _key("shift+l,L", "next_layer(-1)", "layer back", "The layer or direction before"),
    _key("r", "next_sequence(1)", "sequence", "The next sequence of a batch"),
    _key("shift+r,R", "next_sequence(-1)", "sequence back", "The sequence before"),
    _key("c", "reset_states", "states", "Stateful: states from zero, or going on"),
    _key("m", "bookmark", "bookmark", "Mark this timestep, or take the mark away"),
    _key("apostrophe", "next_bookmark", "next bookmark", "The next marked timestep"),
    _key("a", "annotate", "note", "Write a note on the selected unit"),
    _key("shift+m,M", "marks", "bookmarks and notes", "All bookmarks and notes"),
    _key("e", "export", "export", "Export the lens as .csv, or the screen as .svg"),
    _key("p", "tally", "parameters", "Show or hide the parameters", show=True),
    _key("o", "app.follow", "follow", "In a class: back to the teacher's screen", show=True),
    _key("question_mark", "help", "help", "All keys, and the notation", show=True),
    _key("q,ctrl+c,ctrl+q", "app.quit", "quit", "Quit", show=True),
)
"""The keys of the stepper."""


def keys_of(service: Service) -> tuple[Binding, ...]:
    """The keys that do something in a session that is given so."""
    return tuple(key for key in STEPPER_BINDINGS if service.allows(key.action.removeprefix("app.")))
