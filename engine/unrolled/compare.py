"""Where two runs part: the same layer before and after training, with another seed, or with its wires cut."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from unrolled.arrays import Array
from unrolled.errors import ShapeError
from unrolled.run import Run

STRETCH = 256
"""Timesteps that are compared at a time."""


@dataclass(frozen=True, slots=True)
class Parting:
    """The first timestep at which two runs differ by more than a tolerance, and where they differ most then.

    Attributes:
        t: The timestep, from 0.
        name: The gate or state.
        unit: The unit, from 0.
        difference: The first run's value less the second's.
    """

    t: int
    name: str
    unit: int
    difference: float


def find_parting(one: Run[Any], other: Run[Any], tolerance: float = 1e-6) -> Iterator[tuple[int, Parting | None]]:
    """Compares every gate and state of two runs from the first timestep on, until they part.

    Args:
        one: The first run, of a single sequence.
        other: The second, of a layer of the same cell with the same parts and size, over as many timesteps.
        tolerance: The largest difference that is none. Something that is not a number in one run alone is one.

    Yields:
        After each stretch how many timesteps were compared, and where the runs part if they do in this one; then it
        ends. Whoever stops asking cancels.

    Raises:
        ShapeError: If the runs are not of one shape.
    """
    shapes = [(run.layer.anatomy.cell, len(run), run.layer.units, run.sequence.ndim) for run in (one, other)]
    parts = [run.layer.anatomy.quantities for run in (one, other)]
    if shapes[0] != shapes[1] or parts[0] != parts[1] or one.sequence.ndim != 2:
        raise ShapeError(f"compare: expected two runs of one cell, length and number of units, got {shapes}")
    for start in range(0, len(one), STRETCH):
        stop = min(start + STRETCH, len(one))
        parting = _part(one, other, start, stop, tolerance)
        yield stop, parting
        if parting is not None:
            return


@np.errstate(invalid="ignore", over="ignore")
def differences(one: Array, other: Array) -> Array:
    """`one` less `other`; 0 where both are the same, infinite or not a number included, and nan where one is nan."""
    return np.where((one == other) | (np.isnan(one) & np.isnan(other)), 0, one - other)


def _part(one: Run[Any], other: Run[Any], start: int, stop: int, tolerance: float) -> Parting | None:
    names = [quantity.name for quantity in one.layer.anatomy.quantities]
    first, second = (np.stack([_joined(run, name, start, stop) for name in names]) for run in (one, other))
    apart = differences(first, second)
    size = np.where(np.isnan(apart), np.inf, np.abs(apart))
    timesteps = np.flatnonzero((size > tolerance).any(axis=(0, 2)))
    if not len(timesteps):
        return None
    t = int(timesteps[0])
    name, unit = np.unravel_index(np.argmax(size[:, t]), size[:, t].shape)
    return Parting(start + t, names[name], int(unit), float(apart[name, t, unit]))


def _joined(run: Run[Any], name: str, start: int, stop: int) -> Array:
    return np.concatenate([getattr(part, name) for part in run.window(start, stop)])
