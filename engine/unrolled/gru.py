"""The GRU cell: weights and the arithmetic of one timestep, to be read from top to bottom."""

from dataclasses import KW_ONLY, dataclass, replace
from functools import cached_property
from typing import ClassVar, cast

import numpy as np
import numpy.typing as npt

from unrolled.activations import Function, activation_named
from unrolled.anatomies import gru_anatomy
from unrolled.anatomy import Anatomy
from unrolled.arrays import Array, State, by_gate
from unrolled.cell import Cell
from unrolled.checks import check_blocks
from unrolled.errors import ShapeError
from unrolled.gru_kernel import GRUKernel
from unrolled.kernel import Kernel
from unrolled.senders import BIAS, Senders
from unrolled.step import GRUStep
from unrolled.trace import GRUTrace


@dataclass(frozen=True, eq=False, repr=False)
class GRU(Cell[GRUStep]):
    """A gated recurrent unit layer (Cho et al., 2014).

    In the layout of `keras.layers.GRU`, with the blocks of the gates in the order z, r, n (Keras: z, r, h).

    Args:
        kernel: W, what each feature does to each gate of each unit, shape (features, 3·units).
        recurrent_kernel: U, what each unit's h_(t-1) does to each gate of each unit, shape (units, 3·units).
        bias: None for a layer without. With `reset_after` two rows, of shape (2, 3·units), b beside W and b_h beside U:
            r multiplies the second one's part in the candidate. Otherwise b alone, of shape (3·units,).
        activation: For the candidate, by name (see `ACTIVATIONS`).
        recurrent_activation: For the update and reset gate, by name.
        reset_after: Whether the reset gate multiplies U·h_(t-1) + b_h, after the product, as in cuDNN and PyTorch, by
            default in Keras, and in ONNX with `linear_before_reset`. Otherwise it multiplies h_(t-1) before the
            product, as in the paper. The two give different numbers.
        clip: What goes into the activations is clipped to ±clip. The pre-activations are shown as they were before.

    Raises:
        ShapeError: If the shapes disagree, or the bias is that of the other kind of `reset_after`: which row a single
            one were to be cannot be told, and it matters. The message names both.
        OptionError: If there is no such activation, or the clip is not positive.

    The weights are copied, and are read-only from then on. They stay float32 or float64 as given; other numbers become
    float64, and float16 float32.
    """

    recurrent_activation: str = "sigmoid"
    _: KW_ONLY
    reset_after: bool = True

    axes: ClassVar[dict[str, int | None]] = {**Cell.axes, "bias": None}
    blocks: ClassVar[int] = 3

    def advance(self, projected: Array, *state: Array) -> tuple[Array, ...]:
        """The arithmetic of a timestep: every line is an equation of the GRU. See `Cell.advance`."""
        (h_previous,) = state
        squash, activate = self._squash, self._activate

        pre_activations = np.array(by_gate(projected, 3))  # W·x_t + b; the rest is added to each gate in its turn
        z_z, z_r, z_n = pre_activations
        if self.reset_after:
            u_z, u_r, u_n = by_gate(self._recurrent(h_previous), 3)  # U·h_(t-1) + b_h
        else:
            u_z, u_r = by_gate(h_previous @ self.recurrent_kernels[0], 2)
        z_z += u_z
        z_r += u_r
        z = squash(z_z)
        r = squash(z_r)
        z_n += r * u_n if self.reset_after else (r * h_previous) @ self.recurrent_kernels[1]
        n = activate(z_n)
        h = z * h_previous + (1 - z) * n
        return h_previous, pre_activations, h, z, r, n

    def _recurrent(self, h_previous: Array) -> Array:
        product: Array = h_previous @ self.recurrent_kernel
        if self.bias is not None:
            product += self.bias[1]
        return product

    @cached_property
    def recurrent_kernels(self) -> tuple[Array, Array]:
        """U of the two gates, and U of the candidate."""
        gates, candidate = np.split(self.recurrent_kernel, [2 * self.units], axis=1)
        return np.ascontiguousarray(gates), np.ascontiguousarray(candidate)

    @cached_property
    def fast(self) -> Kernel[GRUStep]:
        """The fast form of the arithmetic, for runs."""
        return GRUKernel(self) if self.clip is None else super().fast

    @cached_property
    def _squash(self) -> Function:
        return self._after_clip(self.recurrent_activation)

    @property
    def trace_type(self) -> type[GRUTrace]:
        """What its traces are."""
        return GRUTrace

    def trace(self, xs: npt.ArrayLike, initial_state: State | None = None) -> GRUTrace:
        """Every step of a whole run, as arrays of shape (T, …, units).

        Raises:
            ShapeError: If the input or the state does not fit the layer.
        """
        return cast("GRUTrace", super().trace(xs, initial_state))

    # What it is made of.

    @cached_property
    def anatomy(self) -> Anatomy:
        """The cell as data."""
        return gru_anatomy(self._written(self.recurrent_activation), self._written(self.activation), self.reset_after)

    def senders(self, gate: str) -> tuple[Senders, ...]:
        """All that reaches the pre-activation of `gate`: the candidate hears the units through the reset gate."""
        inputs, units, *bias = super().senders(gate)
        if gate == "n":
            signal = "r{receiver}·h{sender}(t-1)" if self.reset_after else "r{sender}·h{sender}(t-1)"
            units = replace(units, signal=signal)
        if self.reset_after and self.bias is not None:
            bias.append(Senders("b_h", BIAS, "r{receiver}" if gate == "n" else "", self.block(self.bias[1:], gate)))
        return (inputs, units, *bias)

    def signals(self, step: GRUStep, gate: str) -> tuple[Array, ...]:
        """What each of the `senders` of `gate` sends at one timestep of a single sequence."""
        inputs, units, *bias = super().signals(step, gate)
        if gate == "n":
            units = units * (step.r if self.reset_after else step.r[:, None])
        if self.reset_after and self.bias is not None:
            bias.append(step.r[None] if gate == "n" else bias[0])
        return (inputs, units, *bias)

    def bounds(self, name: str) -> tuple[float, float]:
        """The least and the greatest value that the gate or state `name` can take, from a start at zero.

        h_t lies between h_(t-1) and n where the update gate is between 0 and 1.
        """
        squash, activate = activation_named(self.recurrent_activation), activation_named(self.activation)
        if name in ("z", "r"):
            return squash.low, squash.high
        if name == "n":
            return activate.low, activate.high
        if squash.low < 0 or squash.high > 1:
            return -np.inf, np.inf
        return min(activate.low, 0), max(activate.high, 0)

    def activation_of(self, gate: str) -> str:
        """The name of the activation that makes `gate` from its pre-activation."""
        return self.activation if gate == "n" else self.recurrent_activation

    # How it is made.

    def _checked(self, arrays: dict[str, Array]) -> dict[str, Array]:
        bias = arrays.get("bias")
        columns = arrays["recurrent_kernel"].shape[1]
        if bias is not None and self.reset_after and bias.shape == (columns,):
            raise ShapeError(
                f"bias: expected shape (2, {columns}) for reset_after=True, b beside W and b_h beside U, got "
                f"({columns},): that of a layer with reset_after=False"
            )
        if bias is not None and not self.reset_after and bias.shape == (2, columns):
            raise ShapeError(
                f"bias: expected shape ({columns},) for reset_after=False, got (2, {columns}): add its two rows, or "
                f"use reset_after=True"
            )
        check_blocks(3, arrays, bias_rows=2 if self.reset_after else 1)
        return arrays

    @classmethod
    def _fresh_bias(cls, units: int) -> Array:
        return np.zeros((2, 3 * units))
