"""One gate's weights as wires: a row for each sender, a column for each unit that receives."""

from typing import Any, NamedTuple

import numpy as np

from unrolled import RecurrentLayer, Step
from unrolled.arrays import Array


class GateWeights(NamedTuple):
    """One gate's weights: the rows of W, of U, and of b if there is one.

    Attributes:
        gate: The gate's place in the order of the gates.
        rows: The weights, shape (senders, units).
        largest: The largest of each row in size, shape (senders,).
    """

    gate: int
    rows: Array
    largest: Array


def gate_weights(layer: RecurrentLayer[Any], gate: int) -> GateWeights:
    """The weights of the gate with this place in the order of the gates."""
    columns = slice(gate * layer.units, (gate + 1) * layer.units)
    rows = np.vstack([array[..., columns] for array in layer.weights.values()])
    return GateWeights(gate, rows, np.abs(rows).max(axis=1))


def sender_count(layer: RecurrentLayer[Any]) -> int:
    """How many rows there are: features, units, and the bias if there is one."""
    return layer.features + layer.units + ("bias" in layer.weights)


def sender_name(layer: RecurrentLayer[Any], sender: int) -> str:
    """What a row is called: x1, …, h1, …, b."""
    if sender < layer.features:
        return f"x{sender + 1}"
    unit = sender - layer.features
    return f"h{unit + 1}" if unit < layer.units else "b"


def signals_sent(layer: RecurrentLayer[Any], step: Step) -> Array:
    """What each sender sends at one timestep: x_t, h_(t-1), and 1 for the bias."""
    return np.concatenate([step.x, step.h_previous, np.ones(1)])[: sender_count(layer)]
