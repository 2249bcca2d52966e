"""What a condition can name: the gates and states of a cell, their pre-activations, the input, t and the token."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from unrolled.arrays import Array
from unrolled.layer import RecurrentLayer
from unrolled.trace import Trace

Column: TypeAlias = npt.NDArray[Any]
"""Values of some timesteps, shape (T, 1), or (T, units) where all units are meant."""

Reading: TypeAlias = Callable[[Sequence[Trace[Any]], Sequence[str], Sequence[int]], Column]
"""Takes a column out of traces that follow each other, the tokens of the whole sequence, and the timesteps of its rows
where these are others than the rows."""


@dataclass(frozen=True, slots=True)
class Name:
    """A gate, a state, a pre-activation or the input.

    Attributes:
        name: How it is written.
        each: What it has one value for: each unit, or each feature.
        width: How many values it has.
        array: Takes it out of a trace, shape (T, width).
    """

    name: str
    each: str
    width: int
    array: Callable[[Trace[Any]], Array]

    def reading(self, index: int | None) -> Reading:
        """What reads the value at `index`, from 0, or all of them if it is None."""
        columns = slice(None) if index is None else slice(index, index + 1)
        array = self.array
        return lambda traces, _tokens, _timesteps: np.concatenate([array(trace)[:, columns] for trace in traces])


def names_of(layer: RecurrentLayer[Any]) -> dict[str, Name]:
    """The names that have a value for each unit or feature, in the order in which a trace is written."""
    anatomy, units = layer.anatomy, layer.units
    held = dict.fromkeys((*anatomy.carries, *(quantity.name for quantity in anatomy.quantities)))
    quantities = [Name(name, "unit", layer.width(name), attrgetter(name)) for name in held]
    inputs = [Name(f"z_{gate.name}", "unit", units, _pre_activation(row)) for row, gate in enumerate(anatomy.gates)]
    x = Name("x", "feature", layer.features, attrgetter("x"))
    return {name.name: name for name in (x, *quantities, *inputs)}


def timestep(traces: Sequence[Trace[Any]], _tokens: Sequence[str], timesteps: Sequence[int]) -> Column:
    """The number of each timestep, from 1."""
    start, length = traces[0].start, sum(map(len, traces))
    if len(timesteps):
        return np.asarray(timesteps[start : start + length], float)[:, None] + 1
    return np.arange(start + 1.0, start + length + 1)[:, None]


def token(traces: Sequence[Trace[Any]], tokens: Sequence[str], _timesteps: Sequence[int]) -> Column:
    """The token of each timestep. They stay Python's strings: NumPy's own lose a NUL at their end."""
    start, length = traces[0].start, sum(map(len, traces))
    return np.fromiter(tokens[start : start + length], object, length)[:, None]


def _pre_activation(row: int) -> Callable[[Trace[Any]], Array]:
    return lambda trace: trace.pre_activations[:, row]
