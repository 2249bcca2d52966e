"""The ledger: every product that makes one gate of one unit at one timestep, term by term."""

from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np
import numpy.typing as npt

from unrolled.arrays import Array, read_only
from unrolled.errors import OptionError
from unrolled.layer import RecurrentLayer
from unrolled.senders import GROUPS, Senders
from unrolled.step import Step

__all__ = ["GROUPS", "Ledger", "ledger"]


@dataclass(frozen=True, eq=False, slots=True)
class Ledger:
    """What adds up to the pre-activation z of one gate of one unit: z = Σ weight · signal.

    The terms are in the order input, units, bias and what else the cell has. The arrays have a number for each, and are
    read-only.

    Attributes:
        gate: The gate's name.
        unit: The unit, from 0.
        senders: The kinds of terms, in their order: a term for each sender.
        weights: W[x_j → gate], U[h_k → gate] and the bias.
        signals: x_t, h_(t-1) and 1; what the cell makes of them first, such as r ⊙ h_(t-1) for a GRU's candidate.
        products: weights · signals.
        groups: Where each term comes from, as an index into `GROUPS`.
        z: The pre-activation, as the engine has it, before any clip.
        value: The activation, as the engine has it.
    """

    gate: str
    unit: int
    senders: tuple[Senders, ...]
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

    @property
    def features(self) -> int:
        """How many of the terms come from the input."""
        return len(self.senders[0])

    @property
    def last_of_each_kind(self) -> tuple[int, ...]:
        """The terms with the longest names of their kind."""
        return tuple(end - 1 for end in accumulate(map(len, self.senders)))

    def weight_name(self, term: int) -> str:
        """The weight of a term, such as `W[x1→f2]`, `U[h3→f2]` or `b[f2]`, counted from 1."""
        kind, place = self._place(term)
        return kind.weight_name(place, self.gate, self.unit)

    def signal_name(self, term: int) -> str:
        """The signal of a term: `x1`, `h3(t-1)`, `r2·h3(t-1)`, or nothing for the bias."""
        kind, place = self._place(term)
        return kind.signal_name(place, self.unit)

    def _place(self, term: int) -> tuple[Senders, int]:
        for kind in self.senders[:-1]:
            if term < len(kind):
                return kind, term
            term -= len(kind)
        return self.senders[-1], term


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
    kinds = layer.senders(gate)
    signals = zip(kinds, layer.signals(step, gate), strict=True)
    heard = np.concatenate([np.broadcast_to(sent, kind.weights.shape)[:, unit] for kind, sent in signals])
    weights = np.concatenate([kind.weights[:, unit] for kind in kinds]).astype(np.float64)
    heard = heard.astype(np.float64)
    return Ledger(
        gate=gate,
        unit=unit,
        senders=kinds,
        weights=read_only(weights),
        signals=read_only(heard),
        products=read_only(weights * heard),
        groups=np.concatenate([kind.groups(unit) for kind in kinds]),
        z=float(step.pre_activations[names.index(gate), unit]),
        value=float(getattr(step, gate)[unit]),
    )
