"""The LSTM cell: weights and the arithmetic of one timestep, to be read from top to bottom."""

from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from typing import ClassVar, cast

import numpy as np
import numpy.typing as npt

from unrolled.activations import Function, activation_named
from unrolled.anatomies import lstm_anatomy
from unrolled.anatomy import Anatomy
from unrolled.arrays import Array, State, by_gate
from unrolled.cell import Cell
from unrolled.checks import check_blocks
from unrolled.errors import ShapeError
from unrolled.kernel import Kernel
from unrolled.lstm_kernel import LSTMKernel
from unrolled.senders import ITSELF, Senders
from unrolled.step import LSTMStep
from unrolled.trace import LSTMTrace, ProjectedLSTMTrace


@dataclass(frozen=True, eq=False, repr=False)
class LSTM(Cell[LSTMStep]):
    """A long short-term memory layer (Hochreiter and Schmidhuber, 1997; forget gate: Gers et al., 2000).

    In the layout of `keras.layers.LSTM`, with the blocks of the gates in the order i, f, g, o.

    Args:
        kernel: W, what each feature does to each gate of each unit, shape (features, 4·units).
        recurrent_kernel: U, what each unit's h_(t-1) does to each gate of each unit, shape (units, 4·units).
        bias: b, shape (4·units,), or None for a layer without.
        activation: For the candidate and for c_t, by name (see `ACTIVATIONS`).
        recurrent_activation: For the input, forget and output gate, by name.
        output_activation: For c_t, if it is not the candidate's.
        peepholes: p, what each unit's own cell state does to its gates, shape (3, units) in the order i, f, o (Gers and
            Schmidhuber, 2000). The input and forget gate see c_(t-1), the output gate c_t.
        projection: V, shape (units, P): h_t is (o ⊙ tanh(c_t))·V (Sak et al., 2014), and the recurrent kernel has the
            shape (P, 4·units).
        coupled: Whether f is 1 − i, as in ONNX's `input_forget`. Such a layer has the three blocks i, g, o. If there
            are four, f's, which ONNX stores and does not use, is dropped; so is f's row of the peepholes.
        clip: What goes into the gates' activations is clipped to ±clip. The pre-activations are shown as they were
            before. What goes into the activation of c_t is not clipped, as in ONNX Runtime.

    Raises:
        ShapeError: If the shapes disagree. The message names both.
        OptionError: If there is no such activation, or the clip is not positive.

    The weights are copied, and are read-only from then on. They stay float32 or float64 as given; other numbers become
    float64, and float16 float32.
    """

    recurrent_activation: str = "sigmoid"
    _: KW_ONLY
    output_activation: str | None = None
    peepholes: Array | None = None
    projection: Array | None = None
    coupled: bool = False

    axes: ClassVar[dict[str, int | None]] = {**Cell.axes, "peepholes": 2, "projection": 2}
    blocks: ClassVar[int] = 4

    def advance(self, projected: Array, *state: Array) -> tuple[Array, ...]:
        """The arithmetic of a timestep: every line is an equation of the LSTM. See `Cell.advance`."""
        h_previous, c_previous = state
        squash, activate, activate_c = self._squash, self._activate, self._activate_c

        z = by_gate(projected + h_previous @ self.recurrent_kernel, 3 if self.coupled else 4)
        z_i, *z_f, z_g, z_o = z  # a coupled layer has no z_f
        if self.peepholes is not None:
            z_i += self.peepholes[0] * c_previous
            if z_f:
                z_f[0] += self.peepholes[1] * c_previous
        i = squash(z_i)
        f = 1 - i if self.coupled else squash(z_f[0])
        g = activate(z_g)
        c = f * c_previous + i * g
        if self.peepholes is not None:
            z_o += self.peepholes[-1] * c
        o = squash(z_o)
        tanh_c = activate_c(c)
        m = o * tanh_c
        if self.projection is None:
            return h_previous, z, m, c_previous, i, f, g, o, c, tanh_c
        h = m @ self.projection
        return h_previous, z, h, c_previous, i, f, g, o, c, tanh_c, m

    @cached_property
    def _squash(self) -> Function:
        return self._after_clip(self.recurrent_activation)

    @cached_property
    def _activate_c(self) -> Function:
        return activation_named(self.output_activation or self.activation).function

    @cached_property
    def fast(self) -> Kernel[LSTMStep]:
        """The fast form of the arithmetic, for runs."""
        rare = (self.peepholes, self.projection, self.clip, self.output_activation)
        if self.coupled or any(option is not None for option in rare):
            return super().fast
        functions = activation_named(self.activation), activation_named(self.recurrent_activation)
        return LSTMKernel(self.kernel, self.recurrent_kernel, self.bias, *functions)

    @property
    def trace_type(self) -> type[LSTMTrace]:
        """What its traces are."""
        return LSTMTrace if self.projection is None else ProjectedLSTMTrace

    def trace(self, xs: npt.ArrayLike, initial_state: State | None = None) -> LSTMTrace:
        """Every step of a whole run, as arrays of shape (T, …, units).

        Raises:
            ShapeError: If the input or the state does not fit the layer.
        """
        return cast("LSTMTrace", super().trace(xs, initial_state))

    # What it is made of.

    @cached_property
    def anatomy(self) -> Anatomy:
        """The cell as data."""
        symbol_c = activation_named(self.output_activation or self.activation).symbol
        return lstm_anatomy(
            self._written(self.recurrent_activation),
            self._written(self.activation),
            lambda c: f"{symbol_c}({c})",
            peepholes=self.peepholes is not None,
            projection=self.projection is not None,
            coupled=self.coupled,
        )

    def senders(self, gate: str) -> tuple[Senders, ...]:
        """All that reaches the pre-activation of `gate`, with its weights; through a peephole the cell state."""
        row = self._peephole(gate)
        if self.peepholes is None or row is None:
            return super().senders(gate)
        signal = "c{receiver}(t)" if gate == "o" else "c{receiver}(t-1)"
        return (*super().senders(gate), Senders("p", ITSELF, signal, self.peepholes[row][None]))

    def signals(self, step: LSTMStep, gate: str) -> tuple[Array, ...]:
        """What each of the `senders` of `gate` sends at one timestep of a single sequence."""
        if self.peepholes is None or self._peephole(gate) is None:
            return super().signals(step, gate)
        return (*super().signals(step, gate), (step.c if gate == "o" else step.c_previous)[None])

    def _peephole(self, gate: str) -> int | None:
        """The row of the peepholes that is for `gate`."""
        rows = [each.name for each in self.anatomy.gates if each.name != "g"]
        return rows.index(gate) if gate in rows else None

    def bounds(self, name: str) -> tuple[float, float]:
        """The least and the greatest value that the gate or state `name` can take."""
        squash, activate_c = map(
            activation_named, (self.recurrent_activation, self.output_activation or self.activation)
        )
        if name == "c" or (name == "h" and self.projection is not None):
            return -np.inf, np.inf
        if name in ("h", "m"):
            reach = max(abs(squash.low), abs(squash.high)) * max(abs(activate_c.low), abs(activate_c.high))
            return -reach, reach
        if name == "f" and self.coupled:
            return 1 - squash.high, 1 - squash.low
        activation = activation_named(self.activation_of(name))
        return activation.low, activation.high

    def activation_of(self, gate: str) -> str:
        """The name of the activation that makes `gate` from its pre-activation."""
        return self.activation if gate == "g" else self.recurrent_activation

    # How it is made.

    def _checked(self, arrays: dict[str, Array]) -> dict[str, Array]:
        units = len(arrays["recurrent_kernel" if self.projection is None else "projection"])
        if self.coupled:
            arrays = _without_forget_gate(arrays, units)
        check_blocks(3 if self.coupled else 4, arrays)
        rows = 2 if self.coupled else 3
        if "peepholes" in arrays and arrays["peepholes"].shape != (rows, units):
            got = arrays["peepholes"].shape
            raise ShapeError(f"peepholes: expected shape ({rows}, {units}), for {units} units, got {got}")
        outputs = len(arrays["recurrent_kernel"])
        if "projection" in arrays and arrays["projection"].shape != (units, outputs):
            raise ShapeError(
                f"projection: expected shape (units, {outputs}) beside a recurrent_kernel of shape "
                f"{arrays['recurrent_kernel'].shape}, got {arrays['projection'].shape}"
            )
        return arrays

    @classmethod
    def _fresh_bias(cls, units: int) -> Array:
        return np.repeat([0.0, 1.0, 0.0, 0.0], units)


def _without_forget_gate(arrays: dict[str, Array], units: int) -> dict[str, Array]:
    """The weights without the blocks and the peephole of f, where there are any."""
    kept = dict(arrays)
    for name in ("kernel", "recurrent_kernel", "bias"):
        if name in arrays and arrays[name].shape[-1] == 4 * units:
            kept[name] = np.delete(arrays[name], slice(units, 2 * units), axis=-1)
    if "peepholes" in arrays and len(arrays["peepholes"]) == 3:
        kept["peepholes"] = arrays["peepholes"][[0, 2]]
    return kept
