"""The small models in models/torch, and how far what is read from them may be from what PyTorch computes."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from unrolled.formats import Choices, Model, load
from unrolled.network_reading import Reading

FOLDER = Path(__file__).parent / "models" / "torch"
Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Case:
    """A model file, and what PyTorch says that it computes."""

    path: Path
    numbers: Path

    @property
    def expected(self) -> dict[str, Array]:
        with np.load(self.numbers) as file:
            return {name: file[name] for name in file.files}

    @property
    def meta(self) -> dict[str, Any]:
        found = json.loads(str(self.expected["meta"]))
        assert isinstance(found, dict)
        return found

    def load(self, **choices: Any) -> Model:
        return load(self.path, Choices(**{**self.meta.get("choices", {}), **choices}))

    def __str__(self) -> str:
        return self.path.name


def cases() -> list[Case]:
    """Every file that can be read."""
    found = []
    for numbers in sorted(FOLDER.glob("*.expected.npz")):
        names = Case(numbers, numbers).meta["files"]
        found += [Case(FOLDER / name, numbers) for name in names if name != "lstm4.full.pt"]  # a module: refused
    return found


def case(name: str) -> Case:
    """The model file of that name."""
    return next(one for one in cases() if one.path.name == name)


def distance(model: Model, expected: dict[str, Array]) -> float:
    """How far the numbers of a model are from the expected ones, relative to max(1, |expected|); the largest.

    It looks at h and c of every direction of the first stretch at every timestep, and at the output.
    """
    largest, compared = 0.0, 0
    for row, values in enumerate(expected["x"]):
        reading = model.network.read(values)
        pairs = states(reading, expected, row)
        compared += len(pairs)
        pairs.append((output(reading), expected["y"][row]))
        for ours, theirs in pairs:
            assert ours.shape == theirs.shape
            away = np.abs(ours - theirs) / np.maximum(1, np.abs(theirs))
            largest = max(largest, float(away.max()) if np.isfinite(away).all() else np.inf)
    assert compared == len(expected["x"]) * sum(name[:2] in ("h.", "c.") for name in expected)
    return largest


def states(reading: Reading, expected: dict[str, Array], row: int) -> list[tuple[Array, Array]]:
    """Ours and theirs, all states of all directions in the order of the input."""
    found = []
    for number, recurrent in enumerate(reading.stretch.recurrent):
        for way, direction in zip(("fwd", "bwd"), recurrent.directions, strict=False):
            passage = reading.passage(direction.name)
            ours = [passage.state(t) for t in range(reading.timesteps)]
            for which, letter in enumerate(passage.layer.anatomy.carries):
                theirs = expected[f"{letter}.{number}.{way}"][row]
                found.append((np.array([state[which] for state in ours]), theirs))
    return found


def output(reading: Reading) -> Array:
    """What the model gives at every timestep."""
    if reading.readout is not None:
        return np.array([reading.prediction(t) for t in range(reading.timesteps)])
    return np.asarray(reading.output(reading.stretch.recurrent[-1].name))
