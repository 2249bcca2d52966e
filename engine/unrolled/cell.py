"""What the cells share: their weights, checked once, and a timestep as the projection of its input and what follows.

A cell's own file has its anatomy, its gates' arithmetic (`advance`, to be read from top to bottom) and what reaches
each gate.
"""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from functools import cached_property, partial
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from unrolled.activations import Function, activation_named
from unrolled.anatomies import Written
from unrolled.arrays import Array, State, read_only
from unrolled.checks import check_blocks, check_fresh, weight
from unrolled.clear_kernel import ClearKernel
from unrolled.errors import OptionError
from unrolled.initializers import glorot_uniform, orthogonal
from unrolled.kernel import Kernel
from unrolled.layer import RecurrentLayer
from unrolled.senders import BIAS, INPUT, OTHERS, Senders
from unrolled.step import StepT, maker
from unrolled.trace import Trace


@dataclass(frozen=True, eq=False, repr=False)
class Cell(RecurrentLayer[StepT]):
    """A cell with a kernel, a recurrent kernel and a bias: see each cell for its arguments."""

    kernel: Array
    recurrent_kernel: Array
    bias: Array | None = None
    activation: str = "tanh"
    clip: float | None = field(default=None, kw_only=True)

    axes: ClassVar[dict[str, int | None]] = {"kernel": 2, "recurrent_kernel": 2, "bias": 1}
    """The weights by name, with the number of their axes, where there is one number."""
    blocks: ClassVar[int]
    """How many blocks the weights of a fresh layer have."""

    def __post_init__(self) -> None:
        """Checks everything once, so that nothing has to be checked in a timestep."""
        for option in self._activation_options:
            activation_named(getattr(self, option), option)
        if self.clip is not None and not 0 < self.clip < np.inf:
            raise OptionError(f"clip: expected a positive number, got {self.clip}")
        arrays = {
            name: weight(name, getattr(self, name), axes)
            for name, axes in self.axes.items()
            if getattr(self, name) is not None or name in ("kernel", "recurrent_kernel")
        }
        arrays = self._checked(arrays)
        dtype = np.result_type(*arrays.values())
        for name, array in arrays.items():
            object.__setattr__(self, name, read_only(array.astype(dtype, copy=False)))

    def _checked(self, arrays: dict[str, Array]) -> dict[str, Array]:
        """The weights, once it is checked that their shapes agree; a cell with more weights checks those too."""
        check_blocks(len(self.anatomy.gates), arrays)
        return arrays

    @property
    def _activation_options(self) -> tuple[str, ...]:
        return tuple(
            each.name for each in fields(self) if each.name.endswith("activation") and getattr(self, each.name)
        )

    @classmethod
    def initialize(cls, units: int, features: int, seed: int | None = None, dtype: npt.DTypeLike = np.float64) -> Self:
        """A fresh layer, with Keras's default initialisers.

        Glorot uniform kernel, orthogonal recurrent kernel, zero bias, but 1 for an LSTM's forget gate (Jozefowicz et
        al., 2015). The same seed gives the same weights; None takes a new one each time.

        Raises:
            OptionError: If there would be no unit or no feature, or too many of them to hold, or the seed is negative.
        """
        gates = cls.blocks
        check_fresh(units, features, gates, seed)
        generator = np.random.default_rng(seed)
        kernel = glorot_uniform(generator, features, gates * units)
        recurrent_kernel = orthogonal(generator, units, gates * units)
        bias = cls._fresh_bias(units)
        return cls(kernel.astype(dtype), recurrent_kernel.astype(dtype), bias.astype(dtype))

    @classmethod
    def _fresh_bias(cls, units: int) -> Array:
        return np.zeros(cls.blocks * units)

    # The arithmetic.

    @np.errstate(over="ignore", invalid="ignore", under="ignore")
    def step(self, x: npt.ArrayLike, state: State | None = None, t: int = 0) -> StepT:
        """One timestep, in the clear form: see `advance` for its equations.

        Args:
            x: The input x_t, shape (…, features).
            state: What the timestep before left, h first, as `zero_state` has them. Zeros if not given.
            t: The number that the step carries.

        Raises:
            ShapeError: If `x` or `state` does not fit the layer.
        """
        x = self.input(x)
        arrays = self.advance(self.project(x), *self.state(state, x.shape[:-1]))
        for array in arrays:
            array.setflags(write=False)
        return self._make_step(t, x, *arrays)

    def project(self, x: Array) -> Array:
        """What the input alone puts in every gate, W·x + b, shape (…, gates·units), for any number of timesteps."""
        many = x.ndim > 2  # one product for all is quicker than one for each timestep
        projected: Array = (x.reshape(-1, self.features) if many else x) @ self.kernel
        if many:
            projected = projected.reshape(*x.shape[:-1], -1)
        if self.bias is not None:
            projected += self.bias if self.bias.ndim == 1 else self.bias[0]
        return projected

    @cached_property
    def _make_step(self) -> Callable[..., StepT]:
        make: Callable[..., Any] = maker(self.trace_type.step_type)  # type: ignore[arg-type]  # a class is hashable
        return make

    @abstractmethod
    def advance(self, projected: Array, *state: Array) -> tuple[Array, ...]:
        """The rest of a timestep: new arrays as its step has them, in that order, but for t and x.

        Args:
            projected: W·x_t + b, shape (…, gates·units).
            state: What the timestep before left, h first.
        """

    @cached_property
    def fast(self) -> Kernel[StepT]:
        """The arithmetic for runs, prepared once."""
        return ClearKernel(self)

    @cached_property
    def _activate(self) -> Function:
        return self._after_clip(self.activation)

    def _after_clip(self, name: str) -> Function:
        """The activation of that name, of z between -clip and clip if there is one."""
        function, clip = activation_named(name).function, self.clip
        return function if clip is None else lambda z: function(np.clip(z, -clip, clip))

    def _written(self, name: str) -> Written:
        """How formulas write the activation of that name, after the clip if there is one."""
        symbol, clip = activation_named(name).symbol, self.clip
        if clip is None:
            return lambda z: f"{symbol}({z})"
        return lambda z: f"{symbol}(clip({z}, -{clip:g}, {clip:g}))"

    # What it is made of.

    @property
    @abstractmethod
    def trace_type(self) -> type[Trace[StepT]]:
        """What its traces are."""

    @cached_property
    def units(self) -> int:
        """The number of units."""
        return int(self.recurrent_kernel.shape[1]) // len(self.anatomy.gates)

    @cached_property
    def outputs(self) -> int:
        """The number of coordinates of h_t."""
        return len(self.recurrent_kernel)

    @cached_property
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
        return {name: getattr(self, name) for name in self.axes if getattr(self, name) is not None}

    def block(self, array: Array, gate: str) -> Array:
        """The columns of `array`, (…, gates·units), that belong to `gate`."""
        place = [each.name for each in self.anatomy.gates].index(gate)
        return array[..., place * self.units : (place + 1) * self.units]

    def senders(self, gate: str) -> tuple[Senders, ...]:
        """All that reaches the pre-activation of `gate`, with its weights: the features, the units, the bias."""
        kinds = [
            Senders("W", INPUT, "x{sender}", self.block(self.kernel, gate)),
            Senders("U", OTHERS, "h{sender}(t-1)", self.block(self.recurrent_kernel, gate), self.separable),
        ]
        if self.bias is not None:
            kinds.append(Senders("b", BIAS, "", self.block(np.atleast_2d(self.bias)[:1], gate)))
        return tuple(kinds)

    def signals(self, step: StepT, gate: str) -> tuple[Array, ...]:  # noqa: ARG002 - some cells' gates differ
        """What each of the `senders` of `gate` sends at one timestep of a single sequence."""
        signals = (step.x[:, None], step.h_previous[:, None])
        return signals if self.bias is None else (*signals, np.ones((1, 1), self.dtype))

    def with_weights(self, kernel: Array, recurrent_kernel: Array, bias: Array | None, **others: Any) -> Self:
        """A layer like this one with other weights, of any size."""
        return replace(self, kernel=kernel, recurrent_kernel=recurrent_kernel, bias=bias, **others)

    def __reduce__(self) -> tuple[Any, ...]:
        """Copies and pickles are made anew from the weights, so that theirs are read-only too."""
        return partial(type(self), **{each.name: getattr(self, each.name) for each in fields(self)}), ()

    def __repr__(self) -> str:
        """Sizes instead of weights."""
        return f"{type(self).__name__}(units={self.units}, features={self.features}, dtype={self.dtype})"
