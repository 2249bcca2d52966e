"""What the layers of a network give each other: features at each timestep, computed when they are taken."""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator
from typing import Any, Literal, TypeAlias

import numpy as np

from unrolled.arrays import Array
from unrolled.clock import Mask, Numbers
from unrolled.errors import ShapeError
from unrolled.network_layers import Dense, Embedding

MOST_KEPT_BYTES = 1 << 30
"""The outputs that one reading keeps may take so much."""

STRETCH = 256
"""Timesteps between two tellings of how far something is."""

Order: TypeAlias = Literal["any", "forward", "backward", "whole"]
"""How a stream can be taken from without computing what lies ahead: anywhere, from the first timestep on, from the
last one back, or only once all of it is known."""


def stretches(timesteps: int, start: int = 0, size: int = STRETCH) -> Iterator[Numbers]:
    """The timesteps from `start` on, `size` of them at a time."""
    for first in range(start, timesteps, size):
        yield np.arange(first, min(first + size, timesteps))


class Stream(ABC):
    """The output of a layer over a sequence, by the timesteps of the sequence as it was given.

    Attributes:
        timesteps: How many there are, T.
        features: How many features each has.
        dtype: What they are computed in.
        order: In which order it may be taken from at no further cost.
    """

    timesteps: int
    features: int
    dtype: np.dtype[Any]
    order: Order

    @abstractmethod
    def take(self, times: Numbers) -> Array:
        """The output at `times`, shape (len(times), features)."""

    def prepare(self) -> Iterator[int]:
        """Computes what must be known before taking in its order, and yields how many timesteps more are done."""
        yield from ()

    def unwind(self) -> Iterator[int]:
        """Goes through what runs from the last timestep back, before it is taken from the first one on."""
        yield from ()

    @property
    def preparing(self) -> int:
        """How many timesteps `prepare` has to go through."""
        return 0

    @property
    def unwinding(self) -> int:
        """How many timesteps `unwind` has to go through."""
        return 0

    def fork(self) -> "Stream":
        """Another reader of the same, for another thread."""
        return self


class Values(Stream):
    """The user's own array, (T, features)."""

    order: Order = "any"

    def __init__(self, values: Array, dtype: np.dtype[Any]) -> None:
        self.timesteps, self.features = values.shape
        self.dtype = dtype
        self._values = values

    def take(self, times: Numbers) -> Array:
        """The rows, in the dtype of the network."""
        with np.errstate(over="ignore"):  # a number too large for float32 becomes infinite
            return np.asarray(self._values[times], self.dtype)


class Embedded(Stream):
    """The rows of an Embedding's table for token ids (T,)."""

    order: Order = "any"

    def __init__(self, layer: Embedding, ids: Numbers) -> None:
        self.timesteps, self.features = len(ids), layer.table.shape[1]
        self.dtype = layer.table.dtype
        self._layer, self._ids = layer, ids

    def take(self, times: Numbers) -> Array:
        """The rows of the tokens."""
        return np.asarray(self._layer.table[self._ids[times]])

    def is_token(self) -> Mask:
        """Where there is a token, and not 0, which is padding."""
        return np.asarray(self._ids != 0)


class Projected(Stream):
    """The output of a Dense layer at each timestep."""

    def __init__(self, layer: Dense, below: Stream) -> None:
        self.timesteps, self.features = below.timesteps, layer.kernel.shape[1]
        self.dtype = np.result_type(layer.kernel, below.dtype)
        self.order = below.order
        self._layer, self._below = layer, below

    def take(self, times: Numbers) -> Array:
        """The layer's output."""
        return self._layer(self._below.take(times))

    def prepare(self) -> Iterator[int]:
        """What the layer below needs."""
        yield from self._below.prepare()

    def unwind(self) -> Iterator[int]:
        """What the layer below needs."""
        yield from self._below.unwind()

    @property
    def preparing(self) -> int:
        """What the layer below needs."""
        return self._below.preparing

    @property
    def unwinding(self) -> int:
        """What the layer below needs."""
        return self._below.unwinding

    def fork(self) -> Stream:
        """The same over a fork of the layer below."""
        return Projected(self._layer, self._below.fork())


class Kept(Stream):
    """The whole output of the layers below, kept, so that it can be read in any order.

    Args:
        below: What is kept.
        bytes_before: What the reading keeps otherwise.
        name: The layer that reads it.
    """

    order: Order = "any"

    def __init__(self, below: Stream, bytes_before: int, name: str) -> None:
        self.timesteps, self.features, self.dtype = below.timesteps, below.features, below.dtype
        self.bytes = bytes_before + below.timesteps * below.features * below.dtype.itemsize
        self._below, self._name = below, name
        self._array: Array | None = None
        self._done = 0  # rows of it that are known, from the first on

    def take(self, times: Numbers) -> Array:
        """The rows; if they are not known yet, all of them are computed first."""
        deque(self.prepare(), 0)
        return np.asarray(self._array)[times]

    def prepare(self) -> Iterator[int]:
        """Computes all of it. Two threads may, as they write the same bits.

        Raises:
            ShapeError: If it is too much to keep.
        """
        if self._done == self.timesteps:
            return
        self._check_size()
        below = self._below.fork()
        yield from below.prepare()
        yield from below.unwind()
        if self._array is None:
            self._array = np.empty((self.timesteps, self.features), self.dtype)
        array = self._array
        for times in stretches(self.timesteps, self._done):
            array[times] = below.take(times)
            self._done = max(self._done, int(times[-1]) + 1)
            yield len(times)

    def _check_size(self) -> None:
        if self.bytes > MOST_KEPT_BYTES:
            raise ShapeError(
                f"{self._name} reads the whole output of the layers before it: expected at most "
                f"{MOST_KEPT_BYTES / 2**30:,.3g} GiB to keep, got {self.bytes / 2**30:,.3g} GiB for "
                f"{self.timesteps:,} timesteps: read fewer"
            )

    @property
    def preparing(self) -> int:
        """Nothing once it is known."""
        left = self.timesteps - self._done
        return left and left + self._below.preparing + self._below.unwinding
