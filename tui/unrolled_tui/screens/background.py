"""Long work in a thread, a slice of time after the other: no key waits for it, and leaving it stops it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from time import monotonic
from typing import TypeVar

T = TypeVar("T")

SLICE = 0.05
"""Seconds of work between two tellings."""


async def in_background(stretches: Iterator[T]) -> AsyncIterator[T]:
    """Takes all of `stretches` in a thread, and tells the newest now and then.

    Whoever is cancelled here lets the thread end its slice, and nobody asks for the next one. What the thread works
    with must be its own, such as a `Run.fork`.
    """
    ended = False
    while not ended:
        newest, ended = await asyncio.to_thread(_slice, stretches)
        for stretch in newest:
            yield stretch


def _slice(stretches: Iterator[T]) -> tuple[tuple[T, ...], bool]:
    """The newest of what comes in a slice, if anything, and whether there is no more."""
    due = monotonic() + SLICE
    newest: tuple[T, ...] = ()
    for stretch in stretches:
        newest = (stretch,)
        if monotonic() >= due:
            return newest, False
    return newest, True
