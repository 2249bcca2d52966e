"""Trains the layers of the shipped examples: `python tests/training/examples.py [--into FOLDER] [NAME …]`.

It needs PyTorch: `pip install -e '.[train]'`. It takes minutes, and the same PyTorch makes the same files. Each layer
reads symbols one-hot, and a linear read-out of h_t has to answer after every one of them. Small costs on forget gates
that are half open, f·(1 - f), and on what is written, |i·g|, make the units easy to read.
"""

import argparse
import importlib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from tests.training.tasks import TASKS, Task  # noqa: E402 - found only now, as a script has its own folder alone

from unrolled.arrays import Array  # noqa: E402 - as above

torch: Any = importlib.import_module("torch")

BATCH, LEARNING_RATE, LARGEST_GRADIENT = 64, 0.02, 1.0
FRESH_SEED, FRESH_TEXTS, FRESH_LENGTH = 1_000_000, 2000, 100
"""The texts that the accuracy is stated for: none of them was trained on, and they are longer."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a layer is trained.

    Attributes:
        units: Its number of units.
        seed: What its weights and the texts are drawn with.
        shortest: The symbols of a text, to begin with.
        length: The symbols of a text, in the end.
        steps: The number of batches.
        forget_bias: The forget gate's bias to begin with.
        recurrent_scale: How far the recurrent kernel is from zero to begin with.
        half_open: The weight of the cost on half open forget gates, in the end.
        writing: The weight of the cost on writing, in the end.
        order: The trained units in the order in which they are shipped, what is easiest to read first.
    """

    units: int
    seed: int
    shortest: int
    length: int
    steps: int
    forget_bias: float
    recurrent_scale: float
    half_open: float
    writing: float
    order: tuple[int, ...]


RECIPES = {
    "brackets": Recipe(
        3, 1, 40, 40, 4000, forget_bias=3.0, recurrent_scale=0.05, half_open=1.0, writing=0.0, order=(1, 0, 2)
    ),
    "first": Recipe(2, 0, 2, 31, 1500, forget_bias=1.0, recurrent_scale=0.5, half_open=0.3, writing=0.1, order=(1, 0)),
    "parity": Recipe(2, 1, 2, 20, 1000, forget_bias=1.0, recurrent_scale=0.5, half_open=0.3, writing=0.1, order=(1, 0)),
}
"""The seeds are those, of the first few, whose units are the easiest to read."""


def main() -> None:
    """Trains what the command line names, writes the files, and prints the accuracy and what each unit follows."""
    parser = argparse.ArgumentParser(description="Train the layers of the shipped examples.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(RECIPES)}; all if none is named")
    parser.add_argument("--into", type=Path, default=ROOT / "tui" / "unrolled_tui" / "examples", metavar="FOLDER")
    arguments = parser.parse_args()
    for name in arguments.names or RECIPES:
        task = TASKS[name]
        weights: dict[str, Any] = in_order(train(task, RECIPES[name]), task, RECIPES[name].order)
        accuracy = report(name, weights, task)
        np.savez(
            arguments.into / f"{name}.npz",
            **weights,
            classes=np.array(task.classes),
            accuracy=np.array(accuracy),
            symbols=np.array(list(task.symbols)),
            text=np.array(task.shown),
        )


def train(task: Task, recipe: Recipe) -> dict[str, Array]:
    """The weights of a layer and its read-out that do `task`."""
    torch.set_num_threads(1)
    torch.manual_seed(recipe.seed)
    generator = np.random.default_rng(recipe.seed)
    weights = _initial(recipe, len(task.symbols), len(task.classes))
    optimizer = torch.optim.Adam(weights.values(), lr=LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, recipe.steps, pct_start=0.1)
    for step in range(recipe.steps):
        done = step / recipe.steps
        length = recipe.shortest + int((recipe.length - recipe.shortest) * min(1.0, 1.5 * done))
        _, read, answers = task.batch(generator, BATCH, length)
        h, _, f, written = run(weights, torch.from_numpy(read))
        said = h @ weights["readout_kernel"] + weights["readout_bias"]
        wrong = torch.nn.functional.cross_entropy(said.flatten(0, 1), torch.from_numpy(answers).flatten())
        plain = recipe.half_open * (f * (1 - f)).mean() + recipe.writing * written.abs().mean()
        optimizer.zero_grad()
        (wrong + min(1.0, max(0.0, 2 * done - 0.3)) * plain).backward()
        torch.nn.utils.clip_grad_norm_(weights.values(), LARGEST_GRADIENT)
        optimizer.step()
        schedule.step()
    return {name: array.detach().numpy() for name, array in weights.items()}


def _initial(recipe: Recipe, features: int, classes: int) -> dict[str, Any]:
    units = recipe.units
    weights = {
        "kernel": 0.5 * torch.randn(features, 4 * units),
        "recurrent_kernel": recipe.recurrent_scale * torch.randn(units, 4 * units),
        "bias": torch.tensor([0.0, recipe.forget_bias, 0.0, 0.0]).repeat_interleave(units),
        "readout_kernel": 0.5 * torch.randn(units, classes),
        "readout_bias": torch.zeros(classes),
    }
    return {name: array.requires_grad_() for name, array in weights.items()}


def run(weights: dict[str, Any], read: Any) -> tuple[Any, Any, Any, Any]:
    """h, c, f and i·g at each timestep, (T, batch, units): an LSTM in Keras's layout, in PyTorch."""
    units = len(weights["recurrent_kernel"])
    h = c = torch.zeros(read.shape[1], units)
    steps = []
    for x in read:
        z = x @ weights["kernel"] + h @ weights["recurrent_kernel"] + weights["bias"]
        i, f, g, o = z.split(units, dim=1)
        i, f, g, o = i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()
        written = i * g
        c = f * c + written
        h = o * c.tanh()
        steps.append((h, c, f, written))
    h, c, f, written = (torch.stack(values) for values in zip(*steps, strict=True))
    return h, c, f, written


def in_order(weights: dict[str, Array], task: Task, order: tuple[int, ...]) -> dict[str, Array]:
    """The same layer with its units in another order, and the c of the first one rising with what it follows.

    Units can change places, and a unit's c and h their sign, and what the layer does stays the same.
    """
    correlations = _examined(weights, task)[2]
    signs = np.ones(len(order), np.float32)
    signs[0] = np.sign(correlations[order[0]])
    columns = np.concatenate([np.array(order) + len(order) * gate for gate in range(4)])
    flips = np.concatenate([np.ones_like(signs), np.ones_like(signs), signs, np.ones_like(signs)])
    return {
        "kernel": weights["kernel"][:, columns] * flips,
        "recurrent_kernel": signs[:, None] * weights["recurrent_kernel"][list(order)][:, columns] * flips,
        "bias": weights["bias"][columns] * flips,
        "readout_kernel": signs[:, None] * weights["readout_kernel"][list(order)],
        "readout_bias": weights["readout_bias"],
    }


def report(name: str, weights: dict[str, Array], task: Task) -> float:
    """Prints how good a layer is, and what its units do, and returns the accuracy."""
    accuracy, forget, correlations = _examined(weights, task)
    print(f"{name}: accuracy {accuracy:.5f} on {FRESH_TEXTS} fresh texts of {FRESH_LENGTH} symbols")
    for unit, correlation in enumerate(correlations):
        low, middle, high = np.quantile(forget[..., unit], [0, 0.5, 1])
        print(f"  unit {unit + 1}: c follows the signal by {correlation:+.4f}; f {low:.3f}, {middle:.3f}, {high:.3f}")
    return accuracy


def _examined(weights: dict[str, Array], task: Task) -> tuple[float, Array, Array]:
    """The accuracy, f, and the correlation of each unit's c with the signal, on fresh texts."""
    texts, read, answers = task.batch(np.random.default_rng(FRESH_SEED), FRESH_TEXTS, FRESH_LENGTH)
    with torch.no_grad():
        values = run({name: torch.from_numpy(array) for name, array in weights.items()}, torch.from_numpy(read))
    h, c, f, _ = (value.numpy() for value in values)
    said = np.argmax(h @ weights["readout_kernel"] + weights["readout_bias"], axis=-1)
    signal = task.followed(texts).ravel()
    correlations = [np.corrcoef(c[..., unit].ravel(), signal)[0, 1] for unit in range(c.shape[-1])]
    return float(np.mean(said == answers)), f, np.array(correlations)


if __name__ == "__main__":
    main()
