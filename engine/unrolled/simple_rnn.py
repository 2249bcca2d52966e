"""The simple recurrent cell: weights and the arithmetic of one timestep."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, cast

import numpy.typing as npt

from unrolled.activations import activation_named
from unrolled.anatomies import simple_rnn_anatomy
from unrolled.anatomy import Anatomy
from unrolled.arrays import Array, State
from unrolled.cell import Cell
from unrolled.step import SimpleRNNStep
from unrolled.trace import SimpleRNNTrace


@dataclass(frozen=True, eq=False, repr=False)
class SimpleRNN(Cell[SimpleRNNStep]):
    """A simple recurrent layer (Elman, 1990), in the layout of `keras.layers.SimpleRNN`.

    It has no gate: its one block of weights makes the hidden state h.

    Args:
        kernel: W, what each feature does to each unit, shape (features, units).
        recurrent_kernel: U, what each unit's h_(t-1) does to each unit, shape (units, units).
        bias: b, shape (units,), or None for a layer without.
        activation: For h_t, by name (see `ACTIVATIONS`).
        clip: What goes into the activation is clipped to ±clip. The pre-activations are shown as they were before.

    Raises:
        ShapeError: If the shapes disagree. The message names both.
        OptionError: If there is no such activation, or the clip is not positive.

    The weights are copied, and are read-only from then on. They stay float32 or float64 as given; other numbers become
    float64, and float16 float32.
    """

    blocks: ClassVar[int] = 1

    def advance(self, projected: Array, *state: Array) -> tuple[Array, ...]:
        """The arithmetic of a timestep. See `Cell.advance`."""
        (h_previous,) = state

        z = projected + h_previous @ self.recurrent_kernel
        h = self._activate(z)
        return h_previous, z[None], h

    @property
    def trace_type(self) -> type[SimpleRNNTrace]:
        """What its traces are."""
        return SimpleRNNTrace

    def trace(self, xs: npt.ArrayLike, initial_state: State | None = None) -> SimpleRNNTrace:
        """Every step of a whole run, as arrays of shape (T, …, units).

        Raises:
            ShapeError: If the input or the state does not fit the layer.
        """
        return cast("SimpleRNNTrace", super().trace(xs, initial_state))

    # What it is made of.

    @cached_property
    def anatomy(self) -> Anatomy:
        """The cell as data."""
        return simple_rnn_anatomy(self._written(self.activation))

    def bounds(self, name: str) -> tuple[float, float]:  # noqa: ARG002 - h is all there is
        """The least and the greatest value that h can take."""
        activate = activation_named(self.activation)
        return activate.low, activate.high

    def activation_of(self, gate: str) -> str:  # noqa: ARG002 - there is one block of weights
        """The name of the activation that makes h from its pre-activation."""
        return self.activation
