"""Traces: a stretch of steps as arrays, with the timestep as their first axis."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from functools import cache
from itertools import count
from operator import attrgetter
from typing import Any, ClassVar, Generic, Self

import numpy as np

from unrolled.arrays import Array, read_only
from unrolled.errors import OptionError, TimestepError
from unrolled.step import GRUStep, LSTMStep, ProjectedLSTMStep, SimpleRNNStep, Step, StepT, maker


@dataclass(frozen=True, eq=False, slots=True)
class Trace(Generic[StepT]):
    """Every step of a run, or of a part of one: the fields of a step with one more axis in front.

    Attributes:
        start: The timestep of row 0.
        x: The inputs, shape (T, …, features).
        h_previous: h_(t-1) for each t, shape (T, …, units).
        pre_activations: What adds up in each gate, shape (T, gates, …, units).
        h: The hidden states, shape (T, …, units).
        step_type: What a row of it is.
    """

    start: int
    x: Array
    h_previous: Array
    pre_activations: Array
    h: Array

    step_type: ClassVar[type[Step]] = Step

    def __len__(self) -> int:
        """The number of timesteps."""
        return len(self.h)

    def __getitem__(self, row: int) -> StepT:
        """The step in row `row`, whose arrays are views of the trace.

        Raises:
            TimestepError: If there is no such row.
        """
        length = len(self.h)
        if not -length <= row < length:
            raise TimestepError(f"trace: expected a row below {length}, got {row}")
        row %= length
        return self._make_step(self.start + row, *[array[row] for array in self.arrays])

    def __iter__(self) -> Iterator[StepT]:
        """The steps in their order."""
        return map(self._make_step, count(self.start), *self.arrays)

    def part(self, rows: slice) -> Self:
        """The rows from `rows.start` to `rows.stop`, as views."""
        return type(self)(self.start + (rows.start or 0), *(array[rows] for array in self.arrays))

    @property
    def written(self) -> Array:
        """What each timestep writes into the state of the cell's `account`, shape (T, …, units).

        Raises:
            OptionError: If the cell has none.
        """
        raise OptionError(f"written: expected a cell whose state is kept by a gate, got {type(self).__name__}")

    @property
    def arrays(self) -> tuple[Array, ...]:
        """The arrays in the order in which a step takes them."""
        arrays: tuple[Array, ...] = _arrays_of(self.step_type)(self)  # type: ignore[arg-type]  # a class is hashable
        return arrays

    @property
    def _make_step(self) -> Callable[..., StepT]:
        make: Callable[..., Any] = maker(self.step_type)  # type: ignore[arg-type]  # a class is hashable
        return make


@cache
def _arrays_of(kind: type[Step]) -> Callable[[object], Any]:
    return attrgetter(*(field.name for field in fields(kind)[1:]))


@dataclass(frozen=True, eq=False, slots=True)
class LSTMTrace(Trace[LSTMStep]):
    """The trace of an LSTM: see `LSTMStep` for what each array is. Every shape is (T, …, units)."""

    c_previous: Array
    i: Array
    f: Array
    g: Array
    o: Array
    c: Array
    tanh_c: Array

    step_type: ClassVar[type[Step]] = LSTMStep

    @property
    def z(self) -> Array:
        """The pre-activations, as the mathematics writes them."""
        return self.pre_activations

    @property
    def written(self) -> Array:
        """What each timestep writes into the cell state: i ⊙ g."""
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            return read_only(self.i * self.g)


@dataclass(frozen=True, eq=False, slots=True)
class ProjectedLSTMTrace(LSTMTrace):
    """The trace of an LSTM with a projection: see `ProjectedLSTMStep`."""

    m: Array

    step_type: ClassVar[type[Step]] = ProjectedLSTMStep


@dataclass(frozen=True, eq=False, slots=True)
class GRUTrace(Trace[GRUStep]):
    """The trace of a GRU: see `GRUStep` for what each array is. Every shape is (T, …, units)."""

    z: Array
    r: Array
    n: Array

    step_type: ClassVar[type[Step]] = GRUStep

    @property
    def written(self) -> Array:
        """What each timestep writes into the hidden state: (1−z) ⊙ n."""
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            return read_only((1 - self.z) * self.n)


@dataclass(frozen=True, eq=False, slots=True)
class SimpleRNNTrace(Trace[SimpleRNNStep]):
    """The trace of a simple recurrent layer: see `SimpleRNNStep`."""

    step_type: ClassVar[type[Step]] = SimpleRNNStep

    @property
    def z(self) -> Array:
        """The pre-activations, as the mathematics writes them."""
        return self.pre_activations
