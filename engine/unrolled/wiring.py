"""Which unit reads which, and what is left when they do not: cutting the wires, and taking units out one by one."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from unrolled.compare import differences
from unrolled.layer import RecurrentLayer


@dataclass(frozen=True, slots=True)
class WireCount:
    """Where a layer's parameters are, for all gates together.

    Attributes:
        input: From the features: W.
        itself: From each unit to itself: the diagonals of U.
        between: From each unit to every other: the rest of U; all of it where a projection stands between.
        bias: Biases.
        peepholes: From each unit's cell state to its own gates.
        projection: From each unit's output to h.
    """

    input: int
    itself: int
    between: int
    bias: int
    peepholes: int = 0
    projection: int = 0

    @property
    def total(self) -> int:
        """All parameters."""
        return self.input + self.itself + self.between + self.bias + self.peepholes + self.projection


def count_wires(layer: RecurrentLayer[Any]) -> WireCount:
    """Counts the parameters of `layer` by what they connect.

    Example:
        >>> count_wires(unrolled.LSTM.initialize(units=3, features=1, seed=7))
        WireCount(input=12, itself=12, between=24, bias=12)
    """
    sizes = {name: array.size for name, array in layer.weights.items()}
    itself = len(layer.anatomy.gates) * layer.units if layer.separable else 0
    return WireCount(
        input=sizes["kernel"],
        itself=itself,
        between=sizes["recurrent_kernel"] - itself,
        bias=sizes.get("bias", 0),
        peepholes=sizes.get("peepholes", 0),
        projection=sizes.get("projection", 0),
    )


def check_separate(cut: RecurrentLayer[Any], xs: npt.ArrayLike) -> Iterator[float]:
    """Runs each unit of a layer alone, and compares it with the layer.

    For a layer without connections between its units the difference is nothing but rounding: it equals as many layers
    of one unit.

    Args:
        cut: A layer, such as `layer.without_connections()` gives.
        xs: The input, shape (T, features).

    Yields:
        After each unit, the largest difference in any state at any timestep so far; infinite where something is not a
        number in one of the two alone.
    """
    together = cut.trace(xs)
    largest = 0.0
    for unit in range(cut.units):
        alone = cut.unit(unit).trace(xs)
        for name in cut.anatomy.carries:
            apart = np.abs(differences(getattr(together, name)[:, unit], getattr(alone, name)[:, 0]))
            largest = max(largest, float(np.where(np.isnan(apart), np.inf, apart).max()))
        yield largest
