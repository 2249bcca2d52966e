"""The small models in models/, and how far what is read from them may be from what Keras computes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from unrolled.formats.model import Model
from unrolled.network import Dense, Recurrent, Stretch
from unrolled.network_reading import Reading

FOLDER = Path(__file__).parent / "models"
ENDINGS = (".npz", ".keras", ".weights.h5", ".legacyweights.h5", ".h5")
Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Case:
    """A model file, and what Keras says that it computes."""

    path: Path

    @property
    def stem(self) -> str:
        name = self.path.name
        return name.removesuffix(next(ending for ending in ENDINGS if name.endswith(ending)))

    @property
    def expected(self) -> dict[str, Array]:
        with np.load(self.path.with_name(f"{self.stem}.expected.npz")) as file:
            return {name: file[name] for name in file.files}

    def __str__(self) -> str:
        return f"{self.path.parent.name}/{self.path.name}"


CASES = [Case(path) for path in sorted(FOLDER.glob("keras[123]/*")) if path.suffix in (".keras", ".h5")]


def case(name: str) -> Case:
    """The model file of that name, such as keras2/lstm3.h5."""
    return Case(FOLDER / name)


def distance(model: Model, expected: dict[str, Array]) -> float:
    """How far the numbers of a model are from the expected ones, relative to max(1, |expected|); the largest.

    It looks at h and c of every direction at every timestep, at every layer's output, and at the model's.
    """
    largest = 0.0
    compared = 0
    for stretch in model.network.stretches:
        for row, values in enumerate(_inputs(stretch, expected)):
            for name, ours, theirs in _pairs(Reading(stretch, values), expected, row):
                assert ours.shape == theirs.shape, f"{name}: {ours.shape} and {theirs.shape}"
                away = np.abs(ours - theirs) / np.maximum(1, np.abs(theirs))
                largest = max(largest, float(away.max()) if np.isfinite(away).all() else np.inf)
                compared += 1
    assert compared, "nothing was compared"
    return largest


def _inputs(stretch: Stretch, expected: dict[str, Array]) -> Array:
    if stretch.after is None:
        values = expected["x"]
        return values.astype(np.int64) if stretch.embedding is not None else values
    return expected[f"out.{stretch.after.name}"]


def _pairs(reading: Reading, expected: dict[str, Array], row: int) -> list[tuple[str, Array, Array]]:
    """Ours and theirs, by name."""
    found = []
    for number, recurrent in enumerate(reading.stretch.recurrent):
        for direction in recurrent.directions:
            passage = reading.passage(direction.name)
            states = np.array([np.stack(passage.state(t)) for t in range(reading.timesteps)])
            for which, letter in enumerate(passage.layer.anatomy.carries):
                theirs = _state(expected, letter, direction.name, number)
                if theirs is not None:
                    found.append((f"{letter} of {direction.name}", states[:, which], theirs[row]))
        theirs = expected.get(f"out.{recurrent.name}")
        if theirs is not None:
            found.append((recurrent.name, np.asarray(reading.output(recurrent.name)), theirs[row]))
    last = reading.stretch.layers[-1]
    if isinstance(last, Dense) and reading.stretch.before is None:
        each = reading.stretch.recurrent[-1].return_sequences
        times = range(reading.timesteps) if each else [reading.timesteps - 1]
        ours = np.array([reading.prediction(t) for t in times])
        found.append(("y", ours if each else ours[0], expected["y"][row]))
    elif isinstance(last, Recurrent) and last.outputs is not None and reading.stretch.before is None:
        found.append(("y", np.asarray(reading.output(last.name)), expected["y"][row]))
    return found


def _state(expected: dict[str, Array], letter: str, name: str, number: int) -> Array | None:
    direction = {"forward": "fwd", "backward": "bwd"}.get(name.rpartition("/")[2], "fwd")
    return expected.get(f"{letter}.{name}", expected.get(f"{letter}.{number}.{direction}"))
