"""Random access to a run of any length: every timestep at once, in bounded memory."""

from collections import OrderedDict
from collections.abc import Iterator
from typing import Generic

import numpy as np
import numpy.typing as npt

from unrolled.arrays import State
from unrolled.errors import TimestepError
from unrolled.kernel import Chunk
from unrolled.layer import RecurrentLayer
from unrolled.trace import StepT, Trace

BLOCK = 256
"""Timesteps between two checkpoints, until there are too many of them."""

MOST_CHECKPOINTS = 4096
"""Past this many, every other one is dropped: memory stays bounded, and a seek recomputes twice as far."""

CHUNKS_KEPT = 4
"""Chunks of steps kept at hand: going back and forth inside them computes nothing."""


class Run(Generic[StepT]):
    """A sequence as a layer reads it: `run[t]` is the step at timestep t, for any t.

    The arithmetic never runs backwards. The run keeps the state at every `BLOCK` timesteps that it has passed, and
    recomputes forward from the nearest one. It uses the kernel on the same grid of chunks as `trace` does, so that a
    timestep has the same bits whichever way one came to it.

    Args:
        layer: The layer.
        sequence: The whole input, shape (T, …, features).
        initial_state: The state before the first timestep. Zeros if not given.

    Raises:
        ShapeError: If the input or the state does not fit the layer.

    Attributes:
        layer: The layer.
        sequence: The whole input, in the dtype of the layer.
        frontier: How many timesteps it has been through, from the first on.
    """

    def __init__(
        self, layer: RecurrentLayer[StepT], sequence: npt.ArrayLike, initial_state: State | None = None
    ) -> None:
        self.layer = layer
        self.sequence = layer.sequence(sequence)
        self.frontier = 0
        self._batch = self.sequence.shape[1:-1]
        self._rows = layer.fast.rows(self._batch)
        self._spacing = max(BLOCK, self._rows)
        state = tuple(np.array(array) for array in layer.state(initial_state, self._batch))
        self._checkpoints: dict[int, State] = {0: state}
        self._chunks: OrderedDict[int, Chunk[StepT]] = OrderedDict()

    def __len__(self) -> int:
        """The number of timesteps, T."""
        return len(self.sequence)

    def __getitem__(self, t: int) -> StepT:
        """The step at timestep `t`, from 0. Past the frontier it first goes all the way there.

        Raises:
            TimestepError: If `t` is not in the sequence.
        """
        self._check(t)
        start = t - t % self._rows
        chunk = self._chunk(start)
        chunk.advance(t - start + 1)
        self.frontier = max(self.frontier, t + 1)
        return chunk.trace()[t - start]

    def window(self, start: int, stop: int) -> list[Trace[StepT]]:
        """The timesteps from `start` up to, and without, `stop`, as traces that follow each other.

        Raises:
            TimestepError: If they are not in the sequence.
        """
        traces = []
        while start < stop:
            self[min(stop, start - start % self._rows + self._rows) - 1]
            first = start - start % self._rows
            trace = self._chunks[first].trace()
            rows = slice(start - first, min(stop, first + len(trace)) - first)
            traces.append(trace.part(rows))
            start = first + len(trace)
        return traces

    def explore(self, t: int) -> Iterator[int]:
        """Goes forward until `t` can be reached at once, and yields the frontier after every stretch on the way.

        Whoever stops asking cancels: what was passed by then stays known.

        Raises:
            TimestepError: If `t` is not in the sequence.
        """
        self._check(t)
        while self.frontier <= t:
            self[min(t, self.frontier - self.frontier % self._rows + self._rows - 1)]
            yield self.frontier

    def _check(self, t: int) -> None:
        if not 0 <= t < len(self):
            raise TimestepError(f"timestep: expected 0 to {len(self) - 1}, got {t}")

    def _chunk(self, start: int) -> Chunk[StepT]:
        """The chunk that begins at `start`, after going to it from the nearest state before it that is known."""
        if start in self._chunks:
            self._chunks.move_to_end(start)
            return self._chunks[start]
        here = self._nearest(start)
        while True:
            chunk = self._begin(here)
            if here == start:
                return chunk
            chunk.advance(chunk.length)
            here += self._rows
            self._keep_checkpoint(here, chunk)

    def _nearest(self, start: int) -> int:
        """The last chunk, up to `start`, whose first state is known: from a checkpoint, or from the chunk before."""
        known = min(start, self.frontier) // self._spacing * self._spacing
        while known not in self._checkpoints:
            known -= self._spacing
        after = [first + self._rows for first in self._chunks if first + self._rows <= start]
        return max([known, *after])

    def _begin(self, start: int) -> Chunk[StepT]:
        before = self._chunks.get(start - self._rows)
        if start in self._checkpoints:
            state = self._checkpoints[start]
        elif before is not None:
            before.advance(before.length)
            state = before.state()
            self._keep_checkpoint(start, before)
        chunk = self.layer.fast.chunk(self._batch)
        chunk.begin(self.sequence[start : start + self._rows], state, start)
        self._chunks[start] = chunk
        while len(self._chunks) > CHUNKS_KEPT:
            self._chunks.popitem(last=False)
        return chunk

    def _keep_checkpoint(self, start: int, before: Chunk[StepT]) -> None:
        self.frontier = max(self.frontier, start)
        if start % self._spacing or start >= len(self):
            return
        self._checkpoints[start] = before.state()
        if len(self._checkpoints) > MOST_CHECKPOINTS:
            self._spacing *= 2
            self._checkpoints = {t: state for t, state in self._checkpoints.items() if t % self._spacing == 0}
