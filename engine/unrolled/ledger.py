"""The ledger: every product that makes one gate of one unit at one timestep, term by term."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from unrolled.arrays import Array, read_only
from unrolled.errors import OptionError
from unrolled.layer import RecurrentLayer
from unrolled.step import Step

GROUPS = ("from the input", "from other units", "from itself", "bias")
"""Where a term comes from; `Ledger.groups` holds indices into this."""

INPUT, OTHERS, ITSELF, BIAS = range(len(GROUPS))


@dataclass(frozen=True, eq=False, slots=True)
class Ledger:
    """What adds up to the pre-activation z of one gate of one unit: z = Σ weight · signal.

    The terms are in the order input, units, bias. The arrays are of shape (features + units + 1,), or one shorter for a
    layer without bias, and read-only.

    Attributes:
        gate: The gate's name.
        unit: The unit, from 0.
        features: How many of the terms come from the input.
        weights: W[x_j → gate], U[h_k → gate] and the bias.
        signals: x_t, h_(t-1) and 1.
        products: weights · signals.
        groups: Where each term comes from, as an index into `GROUPS`.
        z: The pre-activation, as the engine has it.
        value: The activation, as the engine has it.
    """

    gate: str
    unit: int
    features: int
    weights: Array
    signals: Array
    products: Array
    groups: npt.NDArray[np.int8]
    z: float
    value: float

    def __len__(self) -> int:
        """The number of terms."""
        return len(self.products)

    @property
    @np.errstate(over="ignore", invalid="ignore")
    def total(self) -> float:
        """The sum of the products: z, but for rounding."""
        return float(self.products.sum())

    def by_size(self) -> npt.NDArray[np.intp]:
        """The terms' indices with the largest product, of either sign, first; what is not a number comes last."""
        return np.argsort(-np.abs(self.products), kind="stable")

    def by_group(self) -> npt.NDArray[np.intp]:
        """The terms' indices ordered as in `GROUPS`."""
        return np.argsort(self.groups, kind="stable")

    @np.errstate(over="ignore", invalid="ignore")
    def group_sums(self) -> tuple[float, ...]:
        """What each of the `GROUPS` adds."""
        return tuple(float(self.products[self.groups == group].sum()) for group in range(len(GROUPS)))

    def weight_name(self, term: int) -> str:
        """The weight of a term, such as `W[x1→f2]`, `U[h3→f2]` or `b[f2]`, counted from 1."""
        target = f"{self.gate}{self.unit + 1}"
        signal = self._signal(term)
        return f"{'W' if term < self.features else 'U'}[{signal}→{target}]" if signal else f"b[{target}]"

    def signal_name(self, term: int) -> str:
        """The signal of a term: `x1`, `h3(t-1)`, or nothing for the bias."""
        signal = self._signal(term)
        return f"{signal}(t-1)" if term >= self.features and signal else signal

    def _signal(self, term: int) -> str:
        if self.groups[term] == BIAS:
            return ""
        return f"x{term + 1}" if term < self.features else f"h{term - self.features + 1}"


@np.errstate(over="ignore", invalid="ignore", under="ignore")
def ledger(layer: RecurrentLayer[Any], step: Step, gate: str, unit: int) -> Ledger:
    """Every product that makes `gate` of `unit`, counted from 0, at one timestep.

    Example:
        >>> layer = unrolled.LSTM.initialize(units=3, features=1, seed=7)
        >>> step = layer.step([2.0])
        >>> account = unrolled.ledger(layer, step, "f", 1)
        >>> [(account.weight_name(k), account.products[k]) for k in account.by_size()]

    Raises:
        OptionError: If the layer has no such gate or unit, or the step is of a batch.
    """
    names = [quantity.name for quantity in layer.anatomy.gates]
    if gate not in names:
        raise OptionError(f"gate: expected one of {', '.join(names)}, got {gate!r}")
    if not 0 <= unit < layer.units:
        raise OptionError(f"unit: expected 0 to {layer.units - 1}, got {unit}")
    if step.x.ndim != 1:
        raise OptionError(f"step: expected one of a single sequence, got inputs of shape {step.x.shape}")
    column = names.index(gate) * layer.units + unit
    arrays = layer.weights
    bias = [arrays["bias"][column]] if "bias" in arrays else []
    weights = np.concatenate([arrays["kernel"][:, column], arrays["recurrent_kernel"][:, column], bias])
    signals = np.concatenate([step.x, step.h_previous, np.ones(len(bias))])
    groups = np.repeat(np.array([INPUT, OTHERS, BIAS], np.int8), [layer.features, layer.units, len(bias)])
    groups[layer.features + unit] = ITSELF
    weights, signals = weights.astype(np.float64), signals.astype(np.float64)
    return Ledger(
        gate=gate,
        unit=unit,
        features=layer.features,
        weights=read_only(weights),
        signals=read_only(signals),
        products=read_only(weights * signals),
        groups=groups,
        z=float(step.z[names.index(gate), unit]),
        value=float(getattr(step, gate)[unit]),
    )
