"""Inputs that are computed when a run reads them, such as the output of the layer below."""

from abc import ABC, abstractmethod
from typing import Any, Self

import numpy as np

from unrolled.arrays import Array


class LazySequence(ABC):
    """What a `Run` reads as it reads an array (T, features): a slice of timesteps at a time.

    The same slice gives the same bits each time.

    Attributes:
        shape: (T, features).
        dtype: The dtype of the slices.
    """

    shape: tuple[int, int]
    dtype: np.dtype[Any]

    @property
    def ndim(self) -> int:
        """2: the timesteps and the features."""
        return len(self.shape)

    def __len__(self) -> int:
        """The number of timesteps, T."""
        return self.shape[0]

    @abstractmethod
    def __getitem__(self, rows: slice) -> Array:
        """The timesteps from `rows.start` up to, and without, `rows.stop`."""

    @abstractmethod
    def fork(self) -> Self:
        """Another reader of the same, for another thread."""
