"""Traces: a stretch of steps as arrays, with the timestep as their first axis."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from itertools import count
from typing import Any, Generic, Self, TypeVar

from unrolled.arrays import Array
from unrolled.errors import TimestepError
from unrolled.step import LSTMStep, Step

StepT = TypeVar("StepT", bound=Step)


@dataclass(frozen=True, eq=False, slots=True)
class Trace(Generic[StepT]):
    """Every step of a run, or of a part of one: the fields of a step with one more axis in front.

    Attributes:
        start: The timestep of row 0.
        x: The inputs, shape (T, …, features).
        h_previous: h_(t-1) for each t, shape (T, …, units).
        z: The pre-activations, shape (T, gates, …, units).
        h: The hidden states, shape (T, …, units).
    """

    start: int
    x: Array
    h_previous: Array
    z: Array
    h: Array

    def __len__(self) -> int:
        """The number of timesteps."""
        return len(self.h)

    def __getitem__(self, row: int) -> StepT:
        """The step in row `row`, whose arrays are views of the trace.

        Raises:
            TimestepError: If there is no such row.
        """
        if not -len(self) <= row < len(self):
            raise TimestepError(f"trace: expected a row below {len(self)}, got {row}")
        step: StepT = self._step(self.start + row % len(self), *(array[row] for array in self.arrays))
        return step

    def __iter__(self) -> Iterator[StepT]:
        """The steps in their order."""
        for t, *row in zip(count(self.start), *self.arrays, strict=False):
            yield self._step(t, *row)

    def part(self, rows: slice) -> Self:
        """The rows from `rows.start` to `rows.stop`, as views."""
        return type(self)(self.start + (rows.start or 0), *(array[rows] for array in self.arrays))

    @property
    def arrays(self) -> tuple[Array, ...]:
        """The arrays in the order in which a step takes them."""
        return tuple(getattr(self, field.name) for field in fields(self)[1:])

    @staticmethod
    def _step(t: int, *arrays: Array) -> Any:
        return Step(t, *arrays)


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

    @staticmethod
    def _step(t: int, *arrays: Array) -> LSTMStep:
        return LSTMStep(t, *arrays)
