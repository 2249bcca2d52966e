"""Random access to a run of any length: every timestep at once, in bounded memory."""

from collections import OrderedDict
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from math import ceil
from typing import Generic

import numpy as np
import numpy.typing as npt

from unrolled.arrays import Array, State, joined, parted
from unrolled.errors import TimestepError
from unrolled.kernel import Record
from unrolled.layer import RecurrentLayer
from unrolled.lazy import LazySequence
from unrolled.step import StepT
from unrolled.trace import Trace

BLOCK = 256
"""Timesteps between two checkpoints, or more where there would be too many of them."""

CHECKPOINTS = 3000
CHECKPOINT_BYTES = 6 << 20
"""As many states are kept as fit in so many bytes, or `CHECKPOINTS` if that is more. A longer run has them further
apart, and a seek recomputes more."""

MOST_PARTS = 5
"""At most this many parts of the run are kept at hand: going back and forth inside them computes nothing."""


@dataclass(eq=False, slots=True)
class _Part(Generic[StepT]):
    """A chunk's timesteps, copied out of the memory that is worked in.

    Attributes:
        record: The memory.
        trace: The same as it is read.
        done: How many rows of it are computed.
    """

    record: Record[StepT]
    trace: Trace[StepT]
    done: int = 0


@dataclass(eq=False, slots=True)
class _Passed:
    """What is known of a run by now, shared by all its readers.

    It only grows, and two readers write the same bits, so they need no lock.

    Attributes:
        checkpoints: The states at every so many timesteps, each with its arrays side by side.
        known: How many of them hold something, from the first on.
        frontier: How many timesteps the run has been through, from the first on.
    """

    checkpoints: Array
    known: int = 1
    frontier: int = 0


class Run(Generic[StepT]):
    """A sequence as a layer reads it: `run[t]` is the step at timestep t, for any t.

    The arithmetic never runs backwards. The run keeps the state at every `BLOCK` timesteps that it has passed, and
    recomputes forward from the nearest one. It uses the kernel on the same grid of chunks as `trace` does, so that a
    timestep has the same bits whichever way one came to it.

    Args:
        layer: The layer.
        sequence: The whole input, shape (T, …, features). An array of the layer's dtype is not copied, and a
            `LazySequence` is read as the run goes.
        initial_state: The state before the first timestep. Zeros if not given.

    Raises:
        ShapeError: If the input or the state does not fit the layer.

    Attributes:
        layer: The layer.
        sequence: The whole input, in the dtype of the layer.
    """

    def __init__(
        self, layer: RecurrentLayer[StepT], sequence: npt.ArrayLike | LazySequence, initial_state: State | None = None
    ) -> None:
        self.layer = layer
        self.sequence = sequence if isinstance(sequence, LazySequence) else layer.sequence(sequence)
        self._batch = self.sequence.shape[1:-1]
        self._rows = layer.fast.rows(self._batch)
        state = layer.state(initial_state, self._batch)
        most = max(CHECKPOINTS, CHECKPOINT_BYTES // max(1, sum(array.nbytes for array in state)))
        self._spacing = self._rows * ceil(max(BLOCK, len(self) / most) / self._rows)
        first = joined(state)
        self._widths = [array.shape[-1] for array in state]
        self._passed = _Passed(np.empty((-(-len(self) // self._spacing), *first.shape), layer.dtype))
        self._passed.checkpoints[0] = first
        self._most_parts = min(MOST_PARTS, BLOCK // self._rows + 1)
        self._start_afresh()

    def _start_afresh(self) -> None:
        kernel = self.layer.fast
        self._parts: OrderedDict[int, _Part[StepT]] = OrderedDict()
        self._chunk = kernel.chunk(kernel.record(min(self._rows, len(self)), self._batch), lasting=True)
        self._begin(0, self.initial_state)

    @property
    def initial_state(self) -> State:
        """The state before the first timestep."""
        return parted(self._passed.checkpoints[0], self._widths)

    def fork(self) -> "Run[StepT]":
        """Another reader of the same run, for another thread: what one has passed, the other knows."""
        reader = copy(self)
        if isinstance(self.sequence, LazySequence):
            reader.sequence = self.sequence.fork()
        reader._start_afresh()
        return reader

    @property
    def frontier(self) -> int:
        """How many timesteps it has been through, from the first on."""
        return self._passed.frontier

    def __len__(self) -> int:
        """The number of timesteps, T."""
        return len(self.sequence)

    def __getitem__(self, t: int) -> StepT:
        """The step at timestep `t`, from 0. Past the frontier it first goes all the way there.

        Raises:
            TimestepError: If `t` is not in the sequence.
        """
        self._check(t)
        row = t % self._rows
        return self._part(t - row, row + 1).trace[row]

    def window(self, start: int, stop: int) -> list[Trace[StepT]]:
        """The timesteps from `start` up to, and without, `stop`, as traces that follow each other.

        Raises:
            TimestepError: If they are not in the sequence.
        """
        if start >= stop:
            return []
        self._check(start)
        self._check(stop - 1)
        firsts = range(start - start % self._rows, stop, self._rows)
        slices = [slice(max(start - first, 0), min(stop - first, self._rows)) for first in firsts]
        return [self._part(first, rows.stop).trace.part(rows) for first, rows in zip(firsts, slices, strict=True)]

    def explore(self, t: int) -> Iterator[int]:
        """Goes forward until `t` can be reached at once, and yields the frontier after every stretch on the way.

        Whoever stops asking cancels: what was passed by then stays known.

        Raises:
            TimestepError: If `t` is not in the sequence.
        """
        self._check(t)
        while self.frontier <= t:
            self._go_to(self.frontier - self.frontier % self._rows, keep=0)
            self._advance(self._chunk.length)
            yield self.frontier

    def _check(self, t: int) -> None:
        if not 0 <= t < len(self):
            raise TimestepError(f"timestep: expected 0 to {len(self) - 1}, got {t}")

    def _part(self, start: int, rows: int) -> _Part[StepT]:
        """The part that begins at `start`, with at least `rows` rows of it computed."""
        part = self._parts.get(start)
        if part is None or part.done < rows:
            self._go_to(start, keep=self._most_parts - 1)
            self._advance(max(rows, self._chunk.done))
            part = self._keep_part()
        self._parts.move_to_end(start)
        return part

    def _go_to(self, start: int, keep: int) -> None:
        """Brings the chunk to `start` from the nearest state before it that is known; keeps the last parts passed."""
        passed = self._passed
        checkpoint = min(start // self._spacing, passed.known - 1)
        here = checkpoint * self._spacing
        if not here <= self._chunk.start <= start:
            self._begin(here, parted(passed.checkpoints[checkpoint], self._widths))
        while self._chunk.start < start:
            self._advance(self._chunk.length)
            after = self._chunk.start + self._rows
            if start - after < keep * self._rows:
                self._keep_part()
            state = self._chunk.state()
            if after == passed.known * self._spacing:
                passed.checkpoints[after // self._spacing] = joined(state)
                passed.known = after // self._spacing + 1
            self._begin(after, state)

    def _begin(self, start: int, state: State) -> None:
        self._chunk.begin(self.sequence[start : start + self._rows].copy(), state, start)

    def _advance(self, rows: int) -> None:
        self._chunk.advance(rows)
        reached = self._chunk.start + rows
        self._passed.frontier = max(self._passed.frontier, reached)

    def _keep_part(self) -> _Part[StepT]:
        """The part where the chunk is, with all that is computed of it."""
        chunk = self._chunk
        if chunk.start not in self._parts:
            if len(self._parts) == self._most_parts:
                self._parts.popitem(last=False)
            record = self.layer.fast.record(chunk.length, self._batch)
            self._parts[chunk.start] = _Part(record, record.trace(chunk.trace().x, chunk.start))
        part = self._parts[chunk.start]
        if part.done < chunk.done:
            part.record.take(chunk.record, slice(part.done, chunk.done))
            part.done = chunk.done
        return part
