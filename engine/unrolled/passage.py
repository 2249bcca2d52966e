"""One direction of a layer of a network, reading a sequence: a run, and where it is in the sequence."""

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, Self, TypeAlias

import numpy as np

from unrolled.arrays import Array, State
from unrolled.clock import Clock, Mask, Numbers
from unrolled.errors import ShapeError
from unrolled.layer import RecurrentLayer
from unrolled.lazy import LazySequence
from unrolled.network_layers import Direction, Recurrent
from unrolled.progress import Progress
from unrolled.run import Run
from unrolled.streams import Order, Stream
from unrolled.trace import Trace

MaskOf: TypeAlias = Callable[[], Mask | None]
"""Which timesteps are read, shape (T,), known when it is called; None for all of them."""


class Passage:
    """One direction of a recurrent layer, as it reads a sequence in a network.

    Its run has the direction's own time order: row 0 is what it reads first. Timesteps are those of the sequence as
    it was given.

    Args:
        direction: The layer and the way in which it goes through its input.
        stream: What it reads.
        mask: Which timesteps it reads.
        backwards: Whether it begins with the last timestep, which is not so if its input is in reverse order.
        initial_state: The state before the first row.

    Attributes:
        name: The layer's name, with `/forward` or `/backward` behind it if it reads in both directions.
        layer: The layer.
        backwards: Whether it goes from the last timestep back.
        initial_state: The state before the first row.
        timesteps: How many timesteps the sequence has.
    """

    def __init__(
        self, direction: Direction, stream: Stream, mask: MaskOf, backwards: bool, initial_state: State | None
    ) -> None:
        self.name = direction.name
        self.layer: RecurrentLayer[Any] = direction.layer
        self.backwards = backwards
        self.initial_state = direction.layer.state(initial_state, ())
        self.timesteps = stream.timesteps
        self._stream, self._mask = stream, mask

    @cached_property
    def clock(self) -> Clock:
        """Which timestep is in which row."""
        return Clock.masked_by(self._mask(), self.timesteps, self.backwards)

    @cached_property
    def run(self) -> Run[Any]:
        """The run. If the layers before have to be known as a whole, they are computed first: see `prepare`.

        Raises:
            ShapeError: If every timestep is masked, or that is too much to keep.
        """
        if not len(self.clock):
            raise ShapeError(f"{self.name}: expected a timestep to read, got {self.timesteps:,}, which are all masked")
        return Run(self.layer, _Feed(self._stream, self.clock, self.layer.dtype), self.initial_state)

    def row(self, t: int) -> int | None:
        """The last row that is done when it has come to timestep `t`; None if it has read nothing by then.

        Raises:
            TimestepError: If `t` is not in the sequence.
        """
        return self.clock.row(t)

    def timestep(self, row: int) -> int:
        """The timestep that row `row` of the run is about.

        Raises:
            TimestepError: If there is no such row.
        """
        return self.clock.timestep(row)

    def masked(self, t: int) -> bool:
        """Whether it passes over timestep `t`."""
        return self.clock.masked(t)

    def state(self, t: int) -> State:
        """The state when it has come to timestep `t` and read it, or passed over it.

        Raises:
            TimestepError: If `t` is not in the sequence.
        """
        row = self.row(t)
        state: State = self.initial_state if row is None else self.run[row].state
        return state

    @property
    def end(self) -> int:
        """The timestep that it comes to last, masked or not."""
        return 0 if self.backwards else self.timesteps - 1

    @property
    def final_state(self) -> State:
        """The state when it has gone through the whole sequence."""
        return self.state(self.end)

    @property
    def ready(self) -> bool:
        """Whether nothing has to be known as a whole before the run can be had."""
        return not self._stream.preparing

    def prepare(self) -> Iterator[Progress]:
        """Computes what has to be known of the layers before, for another thread too. Whoever stops asking cancels.

        Raises:
            ShapeError: If that is too much to keep.
        """
        done, total = 0, self._stream.preparing
        for count in self._stream.prepare():
            done += count
            yield Progress(min(done, total), total)

    def explore(self, t: int) -> Iterator[Progress]:
        """Goes on until timestep `t` can be reached at once, for another thread too. Whoever stops asking cancels.

        Raises:
            TimestepError: If `t` is not in the sequence.
            ShapeError: If too much would have to be kept.
        """
        yield from self.prepare()
        row = self.row(t)
        if row is not None:
            for frontier in self.run.fork().explore(row):
                yield Progress(min(frontier, row + 1), row + 1)

    def inputs(self, times: Numbers) -> Array:
        """What comes in at `times`, shape (len(times), features), whether it is read or masked."""
        return np.asarray(self._stream.take(times), self.layer.dtype)

    def take(self, times: Numbers, reader: Run[Any] | None = None) -> tuple[Numbers, list[Trace[Any]]]:
        """What the run holds about `times`: for each its row in the traces, which follow each other, -1 for none."""
        rows = self.clock.rows(times)
        known = rows[rows >= 0]
        if not len(known):
            return rows, []
        first, last = int(known.min()), int(known.max())
        traces = (reader or self.run).window(first, last + 1)
        return np.where(rows < 0, -1, rows - first), traces


class _Feed(LazySequence):
    """What a direction reads, in its own time order and without what is masked."""

    def __init__(self, stream: Stream, clock: Clock, dtype: np.dtype[Any]) -> None:
        self.shape, self.dtype = (len(clock), stream.features), dtype
        self._stream, self._clock = stream, clock

    def __getitem__(self, rows: slice) -> Array:
        return np.asarray(self._stream.take(self._clock.at(rows)), self.dtype)

    def fork(self) -> Self:
        return type(self)(self._stream.fork(), self._clock, self.dtype)


class Outputs(Stream):
    """The output of a recurrent layer at each timestep, that of both directions merged.

    Where the layer gives its last output only, this is what it has put out by then.

    Args:
        recurrent: The layer.
        passages: Its directions.
        zero_where_masked: Whether it puts out zeros at masked timesteps, and not what it did before.
    """

    def __init__(
        self, recurrent: Recurrent, passages: tuple[Passage, ...], zero_where_masked: bool, forked: bool = False
    ) -> None:
        self.timesteps = passages[0].timesteps
        self.features = recurrent.outputs or sum(passage.layer.outputs for passage in passages)
        self.dtype = np.result_type(*(passage.layer.dtype for passage in passages))
        ways = {passage.backwards for passage in passages}
        self.order: Order = "whole" if len(ways) == 2 else ("backward" if ways.pop() else "forward")
        self._recurrent, self._passages, self._zero_where_masked = recurrent, passages, zero_where_masked
        self._forked = forked

    def take(self, times: Numbers) -> Array:
        """The output."""
        readers = zip(self._passages, self._readers, strict=True)
        return merged(self._recurrent, [self._part(passage, reader, times) for passage, reader in readers])

    def _part(self, passage: Passage, reader: Run[Any] | None, times: Numbers) -> Array:
        """What one direction puts out at `times`; zeros before it has read anything, as in Keras."""
        rows, traces = passage.take(times, reader)
        if not traces:
            return np.zeros((len(times), passage.layer.outputs), passage.layer.dtype)
        h = np.concatenate([trace.h for trace in traces])[rows]
        silent = rows < 0
        if self._zero_where_masked:
            silent |= passage.clock.are_masked(times)
        h[silent] = 0
        return h

    @cached_property
    def _readers(self) -> tuple[Run[Any] | None, ...]:
        if not self._forked:
            return (None,) * len(self._passages)
        return tuple(passage.run.fork() if len(passage.clock) else None for passage in self._passages)

    def prepare(self) -> Iterator[int]:
        """What its layers read."""
        yield from self._passages[0]._stream.prepare()

    def unwind(self) -> Iterator[int]:
        """Goes through the directions that begin at the end."""
        for passage, reader in zip(self._passages, self._readers, strict=True):
            if passage.backwards and len(passage.clock):
                before = 0
                for frontier in (reader or passage.run).explore(len(passage.clock) - 1):
                    yield frontier - before
                    before = frontier

    @property
    def preparing(self) -> int:
        """What its layers read."""
        return self._passages[0]._stream.preparing

    @property
    def unwinding(self) -> int:
        """Each direction that begins at the end."""
        return sum(passage.timesteps for passage in self._passages if passage.backwards)

    def fork(self) -> Stream:
        """The same over forks of the runs."""
        return Outputs(self._recurrent, self._passages, self._zero_where_masked, forked=True)


def merged(recurrent: Recurrent, parts: list[Array]) -> Array:
    """The outputs of a layer's directions as one; side by side where it has no merge."""
    match recurrent.merge, parts:
        case _, [part]:
            return part
        case "sum", [one, other]:
            return one + other
        case "ave", [one, other]:
            return (one + other) / 2
        case "mul", [one, other]:
            return one * other
    return np.concatenate(parts, axis=-1)
