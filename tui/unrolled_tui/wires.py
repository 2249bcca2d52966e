"""One gate's weights as wires: a row for each sender, a column for each unit that receives."""

from typing import Any, NamedTuple

import numpy as np

from unrolled import RecurrentLayer, Step
from unrolled.arrays import Array


class GateWeights(NamedTuple):
    """One gate's weights: the rows of W, of U, of b if there is one, and of what else reaches it.

    Attributes:
        gate: The gate's place in the order of the gates.
        rows: The weights, shape (senders, units).
        largest: The largest finite one of either sign; 0 if there is none.
    """

    gate: int
    rows: Array
    largest: float


def gate_weights(layer: RecurrentLayer[Any], gate: int) -> GateWeights:
    """The weights of the gate with this place in the order of the gates."""
    rows = np.vstack([kind.weights for kind in layer.senders(layer.anatomy.gates[gate].name)])
    largest = float(np.max(np.abs(rows), initial=0, where=np.isfinite(rows)))
    return GateWeights(gate, rows, largest)


def sender_count(layer: RecurrentLayer[Any], gate: str) -> int:
    """How many rows there are: features, units, the bias if there is one, and what else reaches the gate."""
    return sum(map(len, layer.senders(gate)))


def sender_name(layer: RecurrentLayer[Any], gate: str, sender: int) -> str:
    """What a row is called: x1, …, h1, …, b."""
    kinds = layer.senders(gate)
    for kind in kinds[:-1]:
        if sender < len(kind):
            return kind.sender_name(sender)
        sender -= len(kind)
    return kinds[-1].sender_name(sender)


def signals_sent(layer: RecurrentLayer[Any], step: Step, gate: str, receivers: slice) -> Array:
    """What each sender sends to some units at one timestep, x_t, h_(t-1) and 1 for the bias: (senders, receivers)."""
    sent = zip(layer.senders(gate), layer.signals(step, gate), strict=True)
    return np.vstack([np.broadcast_to(signals, kind.weights.shape)[:, receivers] for kind, signals in sent])


@np.errstate(over="ignore", invalid="ignore", under="ignore")
def largest_flow(layer: RecurrentLayer[Any], step: Step, gate: str) -> float:
    """The largest finite weight · signal of a gate at one timestep, of either sign; 0 if there is none."""
    sent = zip(layer.senders(gate), layer.signals(step, gate), strict=True)
    flows = (np.abs(kind.weights * signals) for kind, signals in sent)
    return max(float(np.max(flow, initial=0, where=np.isfinite(flow))) for flow in flows)
