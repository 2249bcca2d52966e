"""The cursor: a position in a run that goes forward, back and anywhere."""

from typing import Generic

import numpy.typing as npt

from unrolled.arrays import State
from unrolled.layer import RecurrentLayer
from unrolled.lazy import LazySequence
from unrolled.run import Run
from unrolled.step import StepT


class Walk(Generic[StepT]):
    """A position in a sequence as a layer reads it, at the first timestep to begin with.

    Going back never runs the arithmetic backwards, and going back and forth gives the same bits: see `Run`.

    Args:
        layer: The layer.
        sequence: The whole input, shape (T, …, features).
        initial_state: The state before the first timestep. Zeros if not given.

    Raises:
        ShapeError: If the input or the state does not fit the layer.

    Attributes:
        run: The run that it walks over.
        t: The timestep where it is, from 0.
    """

    def __init__(
        self, layer: RecurrentLayer[StepT], sequence: npt.ArrayLike | LazySequence, initial_state: State | None = None
    ) -> None:
        self.run: Run[StepT] = Run(layer, sequence, initial_state)
        self.t = 0

    def __len__(self) -> int:
        """The number of timesteps, T."""
        return len(self.run)

    @property
    def step(self) -> StepT:
        """The step where the walk is."""
        return self.run[self.t]

    def forward(self, count: int = 1) -> StepT:
        """Goes `count` timesteps on, and stops at the last one."""
        return self.seek(min(self.t + count, len(self) - 1))

    def back(self, count: int = 1) -> StepT:
        """Goes `count` timesteps back, and stops at the first one."""
        return self.seek(max(self.t - count, 0))

    def seek(self, t: int) -> StepT:
        """Goes to timestep `t`, from 0.

        Raises:
            TimestepError: If it is not in the sequence. The walk stays where it is.
        """
        step = self.run[t]
        self.t = t
        return step
