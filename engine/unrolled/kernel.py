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
from typing import Any, Generic, Self

import numpy as np

from unrolled.arrays import Array, State, read_only
from unrolled.step import StepT
from unrolled.trace import Trace

WIDE = 512
"""From this many units times batch on, `Kernel.fill` lets chunks work in the memory of the run itself: there the
copy costs more than making views for each chunk."""


class Record(ABC, Generic[StepT]):
    """Memory for the arrays of a run, laid out for the kernel: (T, …, units) or, with a batch, (T, …, units, batch).

    Attributes:
        batch: The leading batch shape, () for none. The memory has one axis for all of it.
    """

    batch: tuple[int, ...]

    @abstractmethod
    def trace(self, x: Array, start: int = 0) -> Trace[StepT]:
        """The arrays as they are read, read-only, with their inputs `x` of shape (T, …, features)."""

    @abstractmethod
    def stretch(self, rows: slice) -> tuple[Array, ...]:
        """The memory of the timesteps `rows`, and of the state after them."""

    @abstractmethod
    def part(self, rows: slice) -> Self:
        """The timesteps `rows` as a record of their own in the same memory."""

    def take(self, source: Self, rows: slice) -> None:
        """Copies the timesteps `rows`, and the state after them, from the same rows of `source`."""
        for mine, theirs in zip(self.stretch(rows), source.stretch(rows), strict=True):
            mine[...] = theirs

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

    Args:
        record: Where the timesteps go.

    Attributes:
        record: Where the timesteps go.
        length: How many timesteps it was begun with.
        done: How many of them are computed.
        start: The timestep of its first row.
    """

    def __init__(self, record: Record[StepT]) -> None:
        self.record = record
        self.length = self.done = self.start = 0
        self._x: Array
        self._loop: Iterator[None] = iter(())
        # A gate that is shut makes exp overflow, and NaN or infinity in the input goes on as such: neither is worth
        # a warning. The context keeps that to the arithmetic in here, where a `with` around a `yield` would leak.
        self._quiet = contextvars.copy_context()
        self._quiet.run(np.seterr, over="ignore", invalid="ignore", under="ignore")

    def begin(self, x: Array, state: State, start: int) -> None:
        """Starts over at timestep `start` with inputs (length, …, features), which it keeps, and the state before."""
        self._x = read_only(x)
        self.length, self.done, self.start = len(x), 0, start
        self._quiet.run(self._load, x, state)
        self._loop = self._run(len(x))

    def advance(self, until: int) -> None:
        """Computes the rows up to, and without, `until`."""
        if until > self.done:
            self._quiet.run(deque, islice(self._loop, until - self.done), 0)
            self.done = until

    def steps(self) -> Iterator[StepT]:
        """Computes a row at each `next`, and yields its step."""
        quietly, loop = self._quiet.run, self._loop
        for step in self.trace():
            quietly(next, loop)  # the step is made of views, so it shows what is computed now
            self.done += 1
            yield step

    def trace(self) -> Trace[StepT]:
        """The arrays of all rows, read-only; those not done yet hold nothing of meaning."""
        return self.record.trace(self._x, self.start)

    def state(self) -> State:
        """A copy of the state after the last row that is done."""
        return tuple(array.copy() for array in self._state_before(self.done))

    @abstractmethod
    def _load(self, x: Array, state: State) -> None:
        """Takes in the inputs and the state, and does at once what needs no h_(t-1)."""

    @abstractmethod
    def _run(self, length: int) -> Iterator[None]:
        """The loop: a row at each `next`. It must not hold the chunk, whose memory would wait for the collector."""

    @abstractmethod
    def _state_before(self, row: int) -> State:
        """The state before row `row`, as it is read."""


class Kernel(ABC, Generic[StepT]):
    """A layer's weights, prepared for runs."""

    units: int

    def __init__(self) -> None:
        self._spare: dict[tuple[int, ...], Chunk[StepT]] = {}  # the last one, by its batch: it costs 100 timesteps

    @abstractmethod
    def rows(self, batch: tuple[int, ...]) -> int:
        """How many timesteps a chunk holds."""

    @abstractmethod
    def record(self, rows: int, batch: tuple[int, ...]) -> Any:
        """New memory for the arrays of `rows` timesteps."""

    @abstractmethod
    def chunk(self, record: Any, lasting: bool = False) -> Chunk[StepT]:
        """A chunk that works in `record`; a `lasting` one is begun many times, so it makes its views in advance."""

    def fill(self, record: Any, sequence: Array, state: State) -> None:
        """Computes a whole run into `record`."""
        batch = sequence.shape[1:-1]
        if self.units * prod(batch) >= WIDE:
            self._fill_in_place(record, sequence, state)
            return
        chunk = self._spare.pop(batch, None) or self.chunk(self.record(self.rows(batch), batch), lasting=True)
        for part, x, start in self._parts(record, sequence):
            chunk.begin(x, state, start)
            chunk.advance(len(x))
            part.take(chunk.record, slice(0, len(x)))
            state = chunk.state()
        self._spare = {batch: chunk}

    def _fill_in_place(self, record: Any, sequence: Array, state: State) -> None:
        for part, x, start in self._parts(record, sequence):
            chunk = self.chunk(part)
            chunk.begin(x, state, start)
            chunk.advance(len(x))
            state = chunk.state()

    def _parts(self, record: Any, sequence: Array) -> Iterator[tuple[Any, Array, int]]:
        """The run in pieces, as long as chunks are: the part of the record, the inputs and the first timestep."""
        rows = self.rows(sequence.shape[1:-1])
        for start in range(0, len(sequence), rows):
            x = sequence[start : start + rows]
            yield record.part(slice(start, start + len(x))), x, start
