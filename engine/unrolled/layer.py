"""What every recurrent layer does alike: check its input, unroll itself over a sequence, trace a whole run."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any, Generic, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from unrolled.anatomy import Anatomy
from unrolled.arrays import Array, State, frozen, read_only
from unrolled.errors import OptionError, ShapeError
from unrolled.kernel import Kernel
from unrolled.senders import Senders
from unrolled.step import StepT
from unrolled.trace import Trace

Sequence: TypeAlias = npt.ArrayLike | Iterable[npt.ArrayLike]
"""Inputs in time order: an array (T, …, features), or anything that yields arrays (…, features)."""


class RecurrentLayer(ABC, Generic[StepT]):
    """A recurrent layer: weights, and the arithmetic of one timestep.

    A cell gives its `anatomy`, its weights, `step` (the clear form of the arithmetic) and a kernel (the fast form of
    the same). Everything else is here.
    """

    @property
    @abstractmethod
    def anatomy(self) -> Anatomy:
        """What the cell is made of."""

    @property
    @abstractmethod
    def units(self) -> int:
        """The number of units."""

    @property
    @abstractmethod
    def outputs(self) -> int:
        """The number of coordinates of h_t: the units, or fewer behind a projection."""

    @property
    @abstractmethod
    def features(self) -> int:
        """The number of features that each timestep of the input has."""

    @property
    @abstractmethod
    def dtype(self) -> np.dtype[Any]:
        """float32 or float64: what the layer computes in."""

    @property
    @abstractmethod
    def weights(self) -> dict[str, Array]:
        """The weight arrays by name, those the layer has: kernel, recurrent_kernel, bias, peepholes, projection."""

    @abstractmethod
    def bounds(self, name: str) -> tuple[float, float]:
        """The least and the greatest value that the gate or state `name` can take, infinite where it has no bound."""

    @abstractmethod
    def activation_of(self, gate: str) -> str:
        """The name of the activation that makes `gate` from its pre-activation."""

    @property
    def clip(self) -> float | None:
        """How far from 0 a pre-activation may be before it goes into its activation: ±clip; None for any."""
        return None

    @abstractmethod
    def senders(self, gate: str) -> tuple[Senders, ...]:
        """All that reaches the pre-activation of `gate`, with its weights."""

    @abstractmethod
    def signals(self, step: StepT, gate: str) -> tuple[Array, ...]:
        """What each of the `senders` of `gate` sends at one timestep of a single sequence.

        Σ weights · signals, down the senders and over all kinds of them, is the pre-activation of each unit. Each
        array has a row for each sender, or one for all, and a column for each unit, or one for all.
        """

    @abstractmethod
    def with_weights(self, kernel: Array, recurrent_kernel: Array, bias: Array | None, **others: Any) -> Self:
        """A layer like this one with other weights, of any size; `others` are those that only some cells have."""

    @abstractmethod
    def step(self, x: npt.ArrayLike, state: State | None = None, t: int = 0) -> StepT:
        """One timestep, in the clear form.

        Args:
            x: The input x_t, shape (…, features).
            state: What the timestep before left, h first, as `zero_state` has them. Zeros if not given.
            t: The number that the step carries.

        Raises:
            ShapeError: If `x` or `state` does not fit the layer.
        """

    @property
    @abstractmethod
    def fast(self) -> Kernel[StepT]:
        """The fast form of the arithmetic, prepared once."""

    @property
    def separable(self) -> bool:
        """Whether the wires between the units can be cut: not where a projection mixes all units in each of h_t."""
        return self.outputs == self.units and "projection" not in self.weights

    def without_connections(self) -> Self:
        """This layer with the wires between its units cut: the recurrent kernel's blocks keep their diagonals only.

        Raises:
            OptionError: If the units are not separable.
        """
        self._check_separable()
        itself = np.tile(np.eye(self.units, dtype=self.dtype), len(self.anatomy.gates))
        weights = dict(self.weights)
        recurrent_kernel = weights.pop("recurrent_kernel") * itself
        return self.with_weights(weights.pop("kernel"), recurrent_kernel, weights.pop("bias", None), **weights)

    def unit(self, unit: int) -> Self:
        """The unit `unit`, counted from 0, as a layer of its own, which reads the input and itself.

        Raises:
            OptionError: If there is no such unit, or the units are not separable.
        """
        self._check_separable()
        if not 0 <= unit < self.units:
            raise OptionError(f"unit: expected 0 to {self.units - 1}, got {unit}")
        columns = unit + self.units * np.arange(len(self.anatomy.gates))
        weights = dict(self.weights)
        recurrent_kernel = weights.pop("recurrent_kernel")[unit : unit + 1, columns]
        kernel = weights.pop("kernel")[:, columns]
        bias = weights.pop("bias")[..., columns] if "bias" in weights else None
        others = {name: array[..., unit : unit + 1] for name, array in weights.items()}
        return self.with_weights(kernel, recurrent_kernel, bias, **others)

    def _check_separable(self) -> None:
        if not self.separable:
            raise OptionError(
                f"units: expected a layer whose units can be told apart, got a projection, which mixes {self.units:,} "
                f"units in each of {self.outputs:,} values of h"
            )

    def width(self, name: str) -> int:
        """How many coordinates the attribute `name` of a step has."""
        if name == "x":
            return self.features
        return self.outputs if name in ("h", "h_previous") else self.units

    def zero_state(self, batch: tuple[int, ...] = ()) -> State:
        """The state before the first timestep: zeros, of shape (*batch, units) for each state, h as wide as it is."""
        widths = map(self.width, self.anatomy.carries)
        return tuple(read_only(np.zeros((*batch, width), self.dtype)) for width in widths)

    def unroll(self, xs: Sequence, initial_state: State | None = None) -> Iterator[StepT]:
        """The explicit timestep iterator: yields the step of each timestep, and computes it when it is asked for.

        Args:
            xs: An array or nested list of shape (T, …, features), or any iterable of arrays of shape (…, features),
                such as a generator that never ends.
            initial_state: The state before the first timestep, as `step` takes it.

        Raises:
            ShapeError: If the input or the state does not fit the layer.
        """
        if isinstance(xs, np.ndarray | list | tuple):
            sequence = self.sequence(xs)
            return self._unroll_array(sequence, self.state(initial_state, sequence.shape[1:-1]))
        if not isinstance(xs, Iterable):
            raise ShapeError(f"input: expected a sequence of timesteps, got {type(xs).__name__}")
        return self._unroll_stream(xs, initial_state)

    def trace(self, xs: npt.ArrayLike, initial_state: State | None = None) -> Trace[StepT]:
        """Every step of a whole run, as arrays of shape (T, …, units).

        Raises:
            ShapeError: If the input or the state does not fit the layer.
        """
        sequence = frozen(self.sequence(xs).copy())
        batch = sequence.shape[1:-1]
        record = self.fast.record(len(sequence), batch)
        self.fast.fill(record, sequence, self.state(initial_state, batch))
        trace: Trace[StepT] = record.trace(sequence)
        return trace

    def sequence(self, xs: npt.ArrayLike) -> Array:
        """`xs` as a read-only array (T, …, features) of the layer's dtype; not a copy where it is one already.

        Raises:
            ShapeError: If it has another shape, or no timestep.
        """
        array = self._numbers(xs)
        if array.ndim == 1:
            raise ShapeError(
                f"input: expected (T, …, features), got shape {array.shape}: use xs.reshape(-1, {self.features})"
            )
        self._check_features(array, "(T, …, features)")
        if not len(array):
            raise ShapeError(f"input: expected one timestep or more, got shape {array.shape}")
        return read_only(array)

    def input(self, x: npt.ArrayLike) -> Array:
        """`x` as a read-only array (…, features) of the layer's dtype.

        Raises:
            ShapeError: If it has another shape.
        """
        array = self._numbers(x)
        self._check_features(array, "(…, features)")
        return frozen(array.copy())

    def state(self, state: State | None, batch: tuple[int, ...]) -> State:
        """`state` as read-only arrays as `zero_state` has them, of the layer's dtype; zeros if it is None.

        Raises:
            ShapeError: If it has another number of arrays, or other shapes.
        """
        if state is None:
            return self.zero_state(batch)
        names = self.anatomy.carries
        if len(state) != len(names):
            raise ShapeError(f"initial state: expected {len(names)} arrays ({', '.join(names)}), got {len(state)}")
        arrays = []
        for name, values in zip(names, state, strict=True):
            array, shape = self._numbers(values, "initial state"), (*batch, self.width(name))
            if array.shape != shape:
                raise ShapeError(f"initial state {name}: expected shape {shape}, got {array.shape}")
            arrays.append(frozen(array.copy()) if array.flags.writeable else array)
        return tuple(arrays)

    def _numbers(self, values: npt.ArrayLike, what: str = "input") -> Array:
        try:
            return np.asarray(values, self.dtype)
        except (TypeError, ValueError) as error:
            raise ShapeError(f"{what}: expected numbers, the same many in every row, got {error}") from error

    def _check_features(self, array: Array, expected: str) -> None:
        if array.ndim < 1 or array.shape[-1] != self.features:
            raise ShapeError(f"input: expected {expected} with {self.features} features, got shape {array.shape}")

    def _unroll_array(self, sequence: Array, state: State) -> Iterator[StepT]:
        kernel, batch = self.fast, sequence.shape[1:-1]
        rows = kernel.rows(batch)
        for start in range(0, len(sequence), rows):
            x = sequence[start : start + rows].copy()
            chunk = kernel.chunk(kernel.record(len(x), batch))  # new memory: the steps of the last chunk are in use
            chunk.begin(x, state, start)
            yield from chunk.steps()
            state = chunk.state()

    def _unroll_stream(self, xs: Iterable[npt.ArrayLike], state: State | None) -> Iterator[StepT]:
        for t, x in enumerate(xs):
            step = self.step(x, state, t)
            state = step.state
            yield step
