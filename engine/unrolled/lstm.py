"""The LSTM cell: weights and the arithmetic of one timestep, to be read from top to bottom."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, Self, cast

import numpy as np
import numpy.typing as npt

from unrolled.activations import Function, activation_named
from unrolled.anatomy import Account, Anatomy, Phase, Quantity
from unrolled.arrays import Array, State, by_gate, read_only
from unrolled.checks import check_fresh, weight
from unrolled.errors import ShapeError
from unrolled.initializers import glorot_uniform, orthogonal
from unrolled.layer import RecurrentLayer
from unrolled.lstm_kernel import LSTMKernel
from unrolled.step import LSTMStep, maker
from unrolled.trace import LSTMTrace

ANATOMY = Anatomy(
    cell="LSTM",
    gates=(
        Quantity("i", "i", "input gate", "how much of the candidate is written"),
        Quantity("f", "f", "forget gate", "how much of the old cell state is kept"),
        Quantity("g", "g", "candidate", "what would be written"),
        Quantity("o", "o", "output gate", "how much of the cell state is shown"),
    ),
    states=(
        Quantity("c", "c", "cell state", "what the unit remembers, private to it"),
        Quantity("h", "h", "hidden state", "what the unit puts out, and all units read at t+1"),
    ),
    carries=("h", "c"),
    phases=(
        Phase("read", ("x", "h_previous", "c_previous"), "x_t, h_(t-1) and c_(t-1) come in", "c_(t-1) = {c_previous}"),
        Phase("project", ("z",), "z = W·x_t + U·h_(t-1) + b", "z = {z_i}, {z_f}, {z_g}, {z_o}"),
        Phase("gate", ("i", "f", "g", "o"), "i, f, o = σ(z)   g = tanh(z)", "i {i}  f {f}  g {g}  o {o}"),
        Phase("write", ("c", "tanh_c"), "c_t = f ⊙ c_(t-1) + i ⊙ g", "{f}·{c_previous} + {i}·{g} = {c}"),
        Phase("show", ("h",), "h_t = o ⊙ tanh(c_t)", "{o}·{tanh_c} = {h}"),
    ),
    account=Account("c", "c_previous", "f", "i ⊙ g"),
)


@dataclass(frozen=True, eq=False, repr=False)
class LSTM(RecurrentLayer[LSTMStep]):
    """A long short-term memory layer (Hochreiter and Schmidhuber, 1997; forget gate: Gers et al., 2000).

    In the layout of `keras.layers.LSTM`, with the blocks of the gates in the order i, f, g, o.

    Args:
        kernel: W, what each feature does to each gate of each unit, shape (features, 4·units).
        recurrent_kernel: U, what each unit's h_(t-1) does to each gate of each unit, shape (units, 4·units).
        bias: b, shape (4·units,), or None for a layer without.
        activation: For the candidate and for c_t, by name (see `ACTIVATIONS`).
        recurrent_activation: For the input, forget and output gate, by name.

    Raises:
        ShapeError: If the shapes disagree. The message names both.
        OptionError: If there is no such activation.

    The weights are copied, and are read-only from then on. They stay float32 or float64 as given; other numbers become
    float64, and float16 float32.
    """

    kernel: Array
    recurrent_kernel: Array
    bias: Array | None = None
    activation: str = "tanh"
    recurrent_activation: str = "sigmoid"

    anatomy: ClassVar[Anatomy] = ANATOMY

    def __post_init__(self) -> None:
        """Checks everything once, so that nothing has to be checked in a timestep."""
        kernel = weight("kernel", self.kernel, 2)
        recurrent_kernel = weight("recurrent_kernel", self.recurrent_kernel, 2)
        bias = None if self.bias is None else weight("bias", self.bias, 1)
        columns = 4 * len(recurrent_kernel)
        if recurrent_kernel.shape[1] != columns or not columns:
            raise ShapeError(f"recurrent_kernel: expected shape (units, 4·units), got {recurrent_kernel.shape}")
        if kernel.shape[1] != columns or not len(kernel):
            raise ShapeError(
                f"kernel: expected shape (features, {columns}) beside a recurrent_kernel of shape "
                f"{recurrent_kernel.shape}, got {kernel.shape}"
            )
        if bias is not None and bias.shape != (columns,):
            raise ShapeError(
                f"bias: expected shape ({columns},) beside a recurrent_kernel of shape {recurrent_kernel.shape}, "
                f"got {bias.shape}"
            )
        activation_named(self.activation)
        activation_named(self.recurrent_activation, "recurrent_activation")
        dtype = np.result_type(*(array for array in (kernel, recurrent_kernel, bias) if array is not None))
        for name, array in (("kernel", kernel), ("recurrent_kernel", recurrent_kernel), ("bias", bias)):
            if array is not None:
                object.__setattr__(self, name, read_only(array.astype(dtype, copy=False)))

    @classmethod
    def initialize(
        cls, units: int, features: int, seed: int | None = None, dtype: npt.DTypeLike = np.float64
    ) -> "LSTM":
        """A fresh layer, with Keras's default initialisers.

        Glorot uniform kernel, orthogonal recurrent kernel, zero bias but 1 for the forget gate (Jozefowicz et al.,
        2015). The same seed gives the same weights; None takes a new one each time.

        Raises:
            OptionError: If there would be no unit or no feature, or too many of them to hold, or the seed is negative.
        """
        check_fresh(units, features, 4, seed)
        generator = np.random.default_rng(seed)
        kernel = glorot_uniform(generator, features, 4 * units)
        recurrent_kernel = orthogonal(generator, units, 4 * units)
        bias = np.repeat([0.0, 1.0, 0.0, 0.0], units)
        return cls(kernel.astype(dtype), recurrent_kernel.astype(dtype), bias.astype(dtype))

    @np.errstate(over="ignore", invalid="ignore", under="ignore")
    def step(self, x: npt.ArrayLike, state: State | None = None, t: int = 0) -> LSTMStep:
        """One timestep, in the clear form: every line is an equation of the LSTM.

        Args:
            x: The input x_t, shape (…, features).
            state: (h_(t-1), c_(t-1)), each of shape (…, units). Zeros if not given.
            t: The number that the step carries.

        Raises:
            ShapeError: If `x` or `state` does not fit the layer.
        """
        x = self.input(x)
        h_previous, c_previous = self.state(state, x.shape[:-1])
        squash, activate = self._functions

        z: Array = x @ self.kernel + h_previous @ self.recurrent_kernel
        if self.bias is not None:
            z += self.bias
        z_i, z_f, z_g, z_o = z = by_gate(z, 4)
        i = squash(z_i)
        f = squash(z_f)
        g = activate(z_g)
        o = squash(z_o)
        c = f * c_previous + i * g
        tanh_c = activate(c)
        h = o * tanh_c

        for array in (z, h, i, f, g, o, c, tanh_c):
            array.setflags(write=False)
        step: LSTMStep = maker(LSTMStep)(t, x, h_previous, z, h, c_previous, i, f, g, o, c, tanh_c)
        return step

    @cached_property
    def _functions(self) -> tuple[Function, Function]:
        return activation_named(self.recurrent_activation).function, activation_named(self.activation).function

    def trace(self, xs: npt.ArrayLike, initial_state: State | None = None) -> LSTMTrace:
        """Every step of a whole run, as arrays of shape (T, …, units).

        Raises:
            ShapeError: If the input or the state does not fit the layer.
        """
        return cast("LSTMTrace", super().trace(xs, initial_state))

    @property
    def units(self) -> int:
        """The number of units."""
        return len(self.recurrent_kernel)

    @property
    def features(self) -> int:
        """The number of features that each timestep of the input has."""
        return len(self.kernel)

    @property
    def dtype(self) -> np.dtype[Any]:
        """float32 or float64: what the layer computes in."""
        return self.kernel.dtype

    @property
    def weights(self) -> dict[str, Array]:
        """The weight arrays by name, those the layer has."""
        arrays = {"kernel": self.kernel, "recurrent_kernel": self.recurrent_kernel}
        return arrays if self.bias is None else {**arrays, "bias": self.bias}

    def bounds(self, name: str) -> tuple[float, float]:
        """The least and the greatest value that the gate or state `name` can take."""
        squash, activate = activation_named(self.recurrent_activation), activation_named(self.activation)
        if name == "c":
            return -np.inf, np.inf
        if name == "h":
            reach = max(abs(squash.low), abs(squash.high)) * max(abs(activate.low), abs(activate.high))
            return -reach, reach
        activation = activate if name == "g" else squash
        return activation.low, activation.high

    def activation_of(self, gate: str) -> str:
        """The name of the activation that makes `gate` from its pre-activation."""
        return self.activation if gate == "g" else self.recurrent_activation

    def with_weights(self, kernel: Array, recurrent_kernel: Array, bias: Array | None) -> Self:
        """A layer like this one with other weights, of any size."""
        return replace(self, kernel=kernel, recurrent_kernel=recurrent_kernel, bias=bias)

    @cached_property
    def fast(self) -> LSTMKernel:
        """The fast form of the arithmetic, for runs."""
        return LSTMKernel(
            self.kernel,
            self.recurrent_kernel,
            self.bias,
            activation_named(self.activation),
            activation_named(self.recurrent_activation),
        )

    def __reduce__(self) -> tuple[Any, ...]:
        """Copies and pickles are made anew from the weights, so that theirs are read-only too."""
        names = ("kernel", "recurrent_kernel", "bias", "activation", "recurrent_activation")
        return LSTM, tuple(getattr(self, name) for name in names)

    def __repr__(self) -> str:
        """Sizes instead of weights."""
        return f"LSTM(units={self.units}, features={self.features}, dtype={self.dtype})"
