"""Looks through a run for the timesteps that fulfil a condition."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from unrolled.conditions.condition import Booleans, Condition
from unrolled.errors import ShapeError
from unrolled.layer import RecurrentLayer
from unrolled.run import BLOCK, Run

LONGEST, SHORTEST = 1024, 16
_PRODUCTS = 1 << 23
"""So many products of weights are worked out before a search tells how far it is."""


class Search(NamedTuple):
    """How far a search is.

    Attributes:
        looked: How many timesteps were looked at.
        found: The timestep that fulfils the condition, from 0, or None if there was none yet.
    """

    looked: int
    found: int | None


def within(
    condition: Condition,
    run: Run[Any],
    tokens: Sequence[str],
    start: int,
    stop: int,
    timesteps: Sequence[int] = (),
) -> Booleans:
    """Whether each timestep from `start` up to, and without, `stop` fulfils the condition.

    Args:
        condition: What is asked.
        run: Of a single sequence.
        tokens: What each timestep stands for, as shown: `InputSequence.labels`.
        start: The first timestep, from 0.
        stop: The one after the last.
        timesteps: Which timestep, from 0, each row of the run is about, if that is not its own number.

    Raises:
        TimestepError: If they are not in the sequence.
    """
    first = max(start - condition.before, 0)
    return condition.test(run.window(first, stop), tokens, timesteps)[start - first :]


def search(
    condition: Condition, run: Run[Any], tokens: Sequence[str], start: int, forward: bool = True
) -> Iterator[Search]:
    """Looks for the nearest timestep from `start` on, itself included, that fulfils the condition.

    Args:
        condition: What is looked for.
        run: Of a single sequence.
        tokens: What each timestep stands for, as shown: `InputSequence.labels`.
        start: Where to begin, from 0. Outside of the sequence there is nothing to look at.
        forward: Whether to look towards the end, and not towards the first timestep.

    Yields:
        After each stretch how far it is, and what was found; then it ends. Whoever stops asking cancels. Where the run
        has not been through the timesteps before `start`, it goes there first, and says that it looked at none.

    Raises:
        ShapeError: If the run is one of a batch.
    """
    if run.sequence.ndim != 2:
        raise ShapeError(f"search: expected a run over (T, features), got shape {run.sequence.shape}")
    looked, size = 0, stretch(run.layer)
    if not 0 <= start < len(run):
        yield Search(0, None)
        return
    yield from _approach(run, start)
    for rows in _forward(start, len(run), size) if forward else _backward(start, max(size, BLOCK)):
        if not forward:
            for first in range(rows.start, rows.stop - size, size):  # a wide layer's timesteps come little by little
                run.window(first, first + size)
                yield Search(looked, None)
        hits = rows.start + np.flatnonzero(within(condition, run, tokens, rows.start, rows.stop))
        if len(hits):
            found = int(hits[0 if forward else -1])
            yield Search(abs(found - start) + 1, found)
            return
        looked += len(rows)
        yield Search(looked, None)


def stretch(layer: RecurrentLayer[Any]) -> int:
    """How many timesteps are looked at before a search tells how far it is: a few milliseconds' worth."""
    weights = sum(array.size for array in layer.weights.values())
    fitting = max(1, _PRODUCTS // weights)
    return max(SHORTEST, min(LONGEST, 1 << fitting.bit_length() - 1))


def _approach(run: Run[Any], start: int) -> Iterator[Search]:
    """Goes to the block where `start` is, if the run has not been there."""
    before = start - start % BLOCK - 1
    if before >= run.frontier:
        for _ in run.explore(before):
            yield Search(0, None)


def _forward(start: int, length: int, size: int) -> Iterator[range]:
    """The stretches from `start` on, which end where multiples of `size` are."""
    while start < length:
        stop = min(start - start % size + size, length)
        yield range(start, stop)
        start = stop


def _backward(start: int, size: int) -> Iterator[range]:
    """The stretches from `start` back, which begin where multiples of `size` are."""
    stop = start + 1
    while stop > 0:
        first = (stop - 1) - (stop - 1) % size
        yield range(first, stop)
        stop = first
