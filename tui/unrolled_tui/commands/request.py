"""What a command line asks to see, as plain data."""

from dataclasses import dataclass, fields
from typing import Any

CELL, UNITS, SEED, DTYPE = "lstm", 3, 7, "float64"
"""A fresh layer where the command line does not say otherwise. The features are those of the sequence."""


@dataclass(frozen=True, slots=True)
class Request:
    """A layer and a sequence, as the command line names them. None is what it does not say.

    Attributes:
        model: A model file, instead of a fresh layer.
        choices: What is said about a model file that does not say it itself: fields of `unrolled.Choices`.
        cell: The kind of a fresh layer, one of `CELLS`.
        units: The number of units of a fresh layer.
        features: Its number of features.
        seed: What its weights are drawn with.
        dtype: float32 or float64.
        input: The file of the sequence, or `-` for standard input.
        text: Characters as the sequence.
        vocab: A file with the tokens of a model and their ids, for `text` and for what ids stand for.
        batch_size: How many sequences a batch of a stateful model has.
        layer: The layer of a model to begin with.
        row: The sequence of a batch to begin with, from 1.
        at: The timestep to begin at, from 1.
        lens: The name of the lens to begin with.
        example: A built-in example, instead of all of the above.
        versus: A model file whose layer reads the same sequence beside the first.
        versus_units: The units of a fresh layer beside the first, otherwise as that one.
        versus_seed: The seed of a fresh layer beside the first, otherwise as that one.
        versus_cut: Whether the layer beside is the first one with the wires between its units cut.
        marks: A file of bookmarks and notes.
        verify: A file of the framework's own numbers, to check the model with.
    """

    model: str | None = None
    choices: tuple[tuple[str, Any], ...] = ()
    cell: str | None = None
    units: int | None = None
    features: int | None = None
    seed: int | None = None
    dtype: str | None = None
    input: str | None = None
    text: str | None = None
    vocab: str | None = None
    batch_size: int | None = None
    layer: str | None = None
    row: int = 1
    at: int = 1
    lens: str = "units"
    example: str | None = None
    versus: str | None = None
    versus_units: int | None = None
    versus_seed: int | None = None
    versus_cut: bool = False
    marks: str | None = None
    verify: str | None = None

    @property
    def fresh_options(self) -> tuple[str, ...]:
        """The options given that only a fresh layer has."""
        return tuple(
            f"--{name}" for name in ("cell", "units", "features", "seed", "dtype") if getattr(self, name) is not None
        )


CELLS = ("lstm", "gru", "simple_rnn")
"""The cells of fresh layers."""

LENS_NAMES = ("units", "ledger", "wiring", "time", "memory")
"""The lenses, in the order of their keys."""

EXAMPLES = {
    "brackets": "c of unit 1 follows the depth of ( and ), unit 2 forgets at depth 4",
    "first": "remembers a letter through 30 timesteps of noise: f near 1",
    "parity": "reads 0 and 1: a state flips at each 1",
    "units": "LSTM(1) beside LSTM(3), which read 1, 2, 3, 4",
}
"""The built-in examples, and what there is to see."""

FRESH_EXAMPLES = {"units": Request(units=1, versus_units=3)}
"""Those of them that were not trained, as what one would have to type instead."""

REQUEST_NAMES = tuple(field.name for field in fields(Request))
"""What the options of a request are called."""
