"""The seam for speed: what a cell's fast arithmetic offers to everything that runs many timesteps.

`RecurrentLayer.step` is the clear form of a timestep, and the one to read. Runs (`unroll` over an array, `trace`,
`Run`) go through a kernel instead. It does the same arithmetic a chunk of timesteps at a time: the part of the
projection that needs no h_(t-1) is done for the whole chunk in one product, and inside the loop nothing is
allocated, no view is made and no ufunc gets a Python scalar.

The chunks of a run start at multiples of `Kernel.rows`, which depends on the layer and the batch alone. So a timestep
has the same bits whichever way one came to it.
"""

import contextvars
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator
from itertools import islice
from math import prod
from typing import Any, Generic

import numpy as np

from unrolled.arrays import Array, State, read_only
from unrolled.trace import StepT, Trace


class Record(ABC, Generic[StepT]):
    """Memory for the arrays of a run, laid out for the kernel: (T, …, units) or, with a batch, (T, …, units, batch).

    Attributes:
        batch: The leading batch shape, () for none. The memory has one axis for all of it.
    """

    batch: tuple[int, ...]

    @abstractmethod
    def trace(self, x: Array, start: int = 0) -> Trace[StepT]:
        """The arrays as they are read, read-only, with their inputs `x` of shape (T, …, features)."""

    def readable(self, array: Array) -> Array:
        """A read-only view of kernel memory with the batch axes before the axis of the units."""
        if not self.batch:
            return read_only(array)
        return read_only(np.moveaxis(array.reshape(*array.shape[:-1], *self.batch), -len(self.batch) - 1, -1))

    def writable(self, array: Array) -> Array:
        """An array (…, *batch, units) in the layout of the kernel."""
        if not self.batch:
            return array
        flat = array.reshape(*array.shape[: array.ndim - len(self.batch) - 1], prod(self.batch), array.shape[-1])
        return np.moveaxis(flat, -1, -2)


class Chunk(ABC, Generic[StepT]):
    """A stretch of timesteps in the making.

    Attributes:
        length: How many timesteps it was begun with.
        done: How many of them are computed.
        start: The timestep of its first row.
    """

    def __init__(self) -> None:
        self.length = self.done = self.start = 0
        self._x: Array
        self._loop: Iterator[None] = iter(())
        # A gate that is shut makes exp overflow, and NaN or infinity in the input goes on as such: neither is worth
        # a warning. The context keeps that to the arithmetic in here, where a `with` around a `yield` would leak.
        self._quiet = contextvars.copy_context()
        self._quiet.run(np.seterr, over="ignore", invalid="ignore", under="ignore")

    def begin(self, x: Array, state: State, start: int) -> None:
        """Starts over at timestep `start` with inputs (length, …, features) and the state before them."""
        self._x = read_only(x.copy())
        self.length, self.done, self.start = len(x), 0, start
        self._quiet.run(self._load, x, state)
        self._loop = self._run()

    def advance(self, until: int) -> None:
        """Computes the rows up to, and without, `until`."""
        if until > self.done:
            self._quiet.run(deque, islice(self._loop, until - self.done), 0)
            self._finish(slice(self.done, until))
            self.done = until

    def steps(self) -> Iterator[StepT]:
        """Computes a row at each `next`, and yields its step."""
        quietly, rows = self._quiet.run, self._run_finished(self._loop)
        for step in self.trace():  # made of views, so it shows what the next line computes
            quietly(next, rows)
            self.done += 1
            yield step

    def state(self) -> State:
        """A copy of the state after the last row that is done."""
        return tuple(array.copy() for array in self._state_after(self.done))

    @abstractmethod
    def trace(self) -> Trace[StepT]:
        """The arrays of all rows, read-only; those not done yet hold nothing of meaning."""

    @abstractmethod
    def copy_into(self, record: Any, row: int) -> None:
        """Copies all rows into `record`, the kernel's memory for a run, from its row `row` on."""

    @abstractmethod
    def _load(self, x: Array, state: State) -> None:
        """Takes in the inputs and the state, and does at once what needs no h_(t-1)."""

    @abstractmethod
    def _run(self) -> Iterator[None]:
        """The loop: a row at each `next`."""

    @abstractmethod
    def _finish(self, rows: slice) -> None:
        """Brings what the loop left in its own form, such as -z, into the form that is shown."""

    @abstractmethod
    def _run_finished(self, loop: Iterator[None]) -> Iterator[None]:
        """The loop with each row finished as it goes."""

    @abstractmethod
    def _state_after(self, row: int) -> State:
        """The state before row `row`, as it is read."""


class Kernel(ABC, Generic[StepT]):
    """A layer's weights, prepared for runs."""

    @abstractmethod
    def rows(self, batch: tuple[int, ...]) -> int:
        """How many timesteps a chunk holds."""

    @abstractmethod
    def chunk(self, batch: tuple[int, ...]) -> Chunk[StepT]:
        """New memory for a stretch of timesteps."""

    @abstractmethod
    def record(self, rows: int, batch: tuple[int, ...]) -> Record[StepT]:
        """New memory for the arrays of `rows` timesteps."""
