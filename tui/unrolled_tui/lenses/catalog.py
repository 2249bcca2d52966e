"""The lenses as data, in the order of their keys. Each is loaded when it is first looked through."""

from importlib import import_module
from typing import NamedTuple

from unrolled_tui.lenses.lens import Lens


class LensEntry(NamedTuple):
    """A lens.

    Attributes:
        title: What it is called.
        answers: In one sentence, what it shows and what question it answers.
        hint: The keys that are its own.
        place: Its module in this folder, and its class there.
    """

    title: str
    answers: str
    hint: str
    place: tuple[str, str]

    def load(self) -> type[Lens]:
        """The lens itself."""
        module, name = self.place
        lens: type[Lens] = getattr(import_module(f"unrolled_tui.lenses.{module}"), name)
        return lens


LENSES = (
    LensEntry(
        "units",
        "Every gate and state of every unit: what does each do with this input?",
        "",
        ("units", "UnitsLens"),
    ),
    LensEntry(
        "ledger",
        "Every product that makes one gate of one unit: what made this gate what it is?",
        "[ ] gate  tab unit  s sort",
        ("ledger", "LedgerLens"),
    ),
    LensEntry(
        "wiring",
        "Which unit reads which, by gate: are the units connected, and what if they were not?",
        "[ ] gate  ↑↓ tab wire  s flow",
        ("wiring", "WiringLens"),
    ),
    LensEntry(
        "time",
        "One quantity of every unit at every timestep: which unit follows what, and when?",
        "[ ] what  s sort  v view  z zoom",
        ("time", "TimeLens"),
    ),
    LensEntry(
        "memory",
        "Who wrote what is in the cell state now: how much did each timestep, and how much is left?",
        "↑↓ past  s sort  v view",
        ("memory", "MemoryLens"),
    ),
)
"""All lenses."""
