"""Senders: all that reaches a gate, as data, so that ledgers and wirings need not know the cells.

A gate's pre-activation is a sum of weight · signal. The senders of one kind have a block of weights together: the
features W, the units U, the bias b; and in some cells more, such as the peepholes p.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from unrolled.arrays import Array

GROUPS = ("from the input", "from other units", "from itself", "bias")
"""Where a signal comes from, as seen by the unit that receives it."""

INPUT, OTHERS, ITSELF, BIAS = range(len(GROUPS))


@dataclass(frozen=True, eq=False, slots=True)
class Senders:
    """The senders of one kind to one gate: a row of weights for each, a column for each unit that receives.

    Attributes:
        matrix: What the weights are called: W, U, b or p.
        group: Where they are, as an index into `GROUPS`.
        signal: What the signal of one is called, with `{sender}` and `{receiver}` for the units' numbers; empty for a
            bias.
        weights: The weights, shape (senders, units).
        with_itself: Whether sender k is unit k, so that the receiver is among them. Behind a projection h has other
            coordinates than there are units.
    """

    matrix: str
    group: int
    signal: str
    weights: Array
    with_itself: bool = False

    def __len__(self) -> int:
        """How many there are."""
        return len(self.weights)

    @property
    def own(self) -> bool:
        """Whether each unit gets this from nobody but itself, through a peephole."""
        return self.group == ITSELF

    def groups(self, unit: int) -> npt.NDArray[np.int8]:
        """Where each of them is, as seen by `unit`."""
        groups = np.full(len(self), self.group, np.int8)
        if self.with_itself:
            groups[unit] = ITSELF
        return groups

    def sender_name(self, place: int) -> str:
        """What one of them is called in a list of all senders: x1, h3, b, or c for each unit's own cell state."""
        letter = self._letter
        return f"{letter}{place + 1}" if letter and not self.own else letter or self.matrix

    def weight_name(self, place: int, gate: str, unit: int) -> str:
        """The weight from one of them to a unit, such as `W[x1→f2]`, `U[h3→f2]` or `b[f2]`, counted from 1."""
        target = f"{gate}{unit + 1}"
        if self.group == BIAS:
            return f"{self.matrix}[{target}]"
        return f"{self.matrix}[{self._letter}{(unit if self.own else place) + 1}→{target}]"

    def signal_name(self, place: int, unit: int) -> str:
        """What one of them sends to a unit: `x1`, `h3(t-1)`, or nothing for a bias."""
        return self.signal.format(sender=place + 1, receiver=unit + 1)

    @property
    def _letter(self) -> str:
        return {INPUT: "x", OTHERS: "h", ITSELF: "c", BIAS: ""}[self.group]
