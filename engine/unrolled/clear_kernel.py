"""The kernel of every cell without a faster one: the clear form of the arithmetic, a row after the other.

W·x_t + b of a whole chunk is one matrix product here too. What is left of a timestep, `Cell.advance`, goes through the
same lines as `step` does, and its results are copied into the memory of the run.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from unrolled.arrays import Array, State, read_only
from unrolled.kernel import WIDE, Chunk, Kernel, Record
from unrolled.step import StepT
from unrolled.trace import Trace

if TYPE_CHECKING:
    from unrolled.cell import Cell

CACHE = 2 << 20
"""The bytes that the copies of a chunk may take."""


@dataclass(frozen=True, eq=False, slots=True)
class ClearRecord(Record[StepT]):
    """Memory for T timesteps of any cell, laid out as a trace is.

    Attributes:
        trace_type: What it is read as.
        states: For each state by name, the memory of h_(t-1) and so on, (T + 1, …, width).
        others: For each other array of a step by name, (T, …, width).
    """

    batch: tuple[int, ...]
    trace_type: type[Trace[StepT]]
    states: dict[str, Array]
    others: dict[str, Array]

    def trace(self, x: Array, start: int = 0) -> Trace[StepT]:
        """The arrays as they are read, read-only, with their inputs `x`."""
        length = len(x)
        arrays = {name: read_only(array[:length]) for name, array in self.others.items()}
        for name, array in self.states.items():
            arrays[f"{name}_previous"] = read_only(array[:length])
            arrays[name] = read_only(array[1 : length + 1])
        return self.trace_type(start=start, x=x, **arrays)

    def stretch(self, rows: slice) -> tuple[Array, ...]:
        """The memory of the timesteps `rows`, and of the state after them."""
        longer = slice(rows.start, rows.stop + 1)
        states = (array[longer] for array in self.states.values())
        return (*states, *(array[rows] for array in self.others.values()))

    def part(self, rows: slice) -> "ClearRecord[StepT]":
        """The timesteps `rows` as a record of their own in the same memory."""
        longer = slice(rows.start, rows.stop + 1)
        states = {name: array[longer] for name, array in self.states.items()}
        others = {name: array[rows] for name, array in self.others.items()}
        return ClearRecord(self.batch, self.trace_type, states, others)


class ClearKernel(Kernel[StepT]):
    """A cell, ready for runs."""

    def __init__(self, cell: "Cell[StepT]") -> None:
        super().__init__()
        self.cell, self.units = cell, cell.units
        names = [field.name for field in fields(cell.trace_type.step_type)]
        self.names = names[2:]  # without t and x: what `Cell.advance` gives, in its order
        self.carried = cell.anatomy.carries

    def rows(self, batch: tuple[int, ...]) -> int:
        """How many timesteps a chunk holds: many, but no more than the cache holds, where any fit."""
        width = max(1, self.units * prod(batch))
        if width >= WIDE:
            return 256 if width <= 4096 else 16
        fitting = CACHE // (2 * len(self.names) * width * self.cell.dtype.itemsize)
        return max(64, min(256, 1 << fitting.bit_length() >> 1))

    def record(self, rows: int, batch: tuple[int, ...]) -> ClearRecord[StepT]:
        """New memory for the arrays of `rows` timesteps."""
        cell = self.cell

        def memory(name: str, rows: int) -> Array:
            gates = (len(cell.anatomy.gates),) if name == "pre_activations" else ()
            return np.empty((rows, *gates, *batch, cell.width(name)), cell.dtype)

        states = {name: memory(name, rows + 1) for name in self.carried}
        held = {*states, *(f"{name}_previous" for name in states)}
        others = {name: memory(name, rows) for name in self.names if name not in held}
        return ClearRecord(batch, cell.trace_type, states, others)

    def chunk(self, record: ClearRecord[StepT], lasting: bool = False) -> "ClearChunk[StepT]":  # noqa: ARG002 - no views
        """A chunk that works in `record`."""
        return ClearChunk(self, record)


class ClearChunk(Chunk[StepT]):
    """A stretch of timesteps in the making."""

    record: ClearRecord[StepT]

    def __init__(self, kernel: ClearKernel[StepT], record: ClearRecord[StepT]) -> None:
        super().__init__(record)
        self._kernel = kernel
        self._inputs: Array

    def _load(self, x: Array, state: State) -> None:
        for name, values in zip(self._kernel.carried, state, strict=True):
            self.record.states[name][0] = values
        self._inputs = self._kernel.cell.project(x)

    def _run(self, length: int) -> Iterator[None]:
        record, names = self.record, self._kernel.names
        after = {name: array[1:] for name, array in record.states.items()} | record.others
        targets = [(names.index(name), array) for name, array in after.items()]
        before = [record.states[name] for name in self._kernel.carried]
        return _loop(self._kernel.cell.advance, self._inputs[:length], before, targets)

    def _state_before(self, row: int) -> State:
        return tuple(self.record.states[name][row] for name in self._kernel.carried)


def _loop(advance: Any, inputs: Array, before: list[Array], targets: list[tuple[int, Array]]) -> Iterator[None]:
    """The arithmetic of a timestep at each `next`."""
    for row, projected in enumerate(inputs):
        values = advance(projected, *[states[row] for states in before])
        for place, memory in targets:
            memory[row] = values[place]
        yield
