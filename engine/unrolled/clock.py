"""Which timestep of a sequence a direction of a layer reads at which row of its run."""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from unrolled.errors import TimestepError

Numbers: TypeAlias = npt.NDArray[np.signedinteger[Any]]
Mask: TypeAlias = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False, slots=True)
class Clock:
    """The rows of a run beside the timesteps of the sequence as it was given.

    Masked timesteps are in no row: the layer passes over them with its state unchanged.

    Attributes:
        timesteps: How many timesteps the sequence has.
        backwards: Whether row 0 is the last timestep that is read, and not the first.
        read: The timesteps that are read, ascending; None for all of them.
    """

    timesteps: int
    backwards: bool = False
    read: Numbers | None = None

    @classmethod
    def masked_by(cls, mask: Mask | None, timesteps: int, backwards: bool) -> "Clock":
        """The clock of a direction that reads where `mask` is true."""
        return cls(timesteps, backwards, None if mask is None or mask.all() else np.flatnonzero(mask))

    def __len__(self) -> int:
        """How many rows the run has."""
        return self.timesteps if self.read is None else len(self.read)

    def timestep(self, row: int) -> int:
        """The timestep that row `row` is about.

        Raises:
            TimestepError: If there is no such row.
        """
        if not 0 <= row < len(self):
            raise TimestepError(f"row: expected 0 to {len(self) - 1}, got {row}")
        return int(self.at(slice(row, row + 1))[0])

    def row(self, t: int) -> int | None:
        """The last row of the run that is done when the direction has come to timestep `t`; None before the first.

        Raises:
            TimestepError: If `t` is not in the sequence.
        """
        if not 0 <= t < self.timesteps:
            raise TimestepError(f"timestep: expected 0 to {self.timesteps - 1}, got {t}")
        row = int(self.rows(np.array([t]))[0])
        return None if row < 0 else row

    def masked(self, t: int) -> bool:
        """Whether the layer passes over timestep `t`."""
        return bool(self.are_masked(np.array([t]))[0])

    def at(self, rows: slice) -> Numbers:
        """The timesteps of the rows from `rows.start` up to, and without, `rows.stop`."""
        numbers = np.arange(*rows.indices(len(self)))
        if self.backwards:
            numbers = len(self) - 1 - numbers
        return numbers if self.read is None else self.read[numbers]

    def rows(self, times: Numbers) -> Numbers:
        """As `row`, for timesteps in the sequence; -1 before the first row."""
        if self.read is None:
            return self.timesteps - 1 - times if self.backwards else times
        if self.backwards:
            return len(self.read) - 1 - np.searchsorted(self.read, times, "left")
        return np.searchsorted(self.read, times, "right") - 1

    def are_masked(self, times: Numbers) -> Mask:
        """As `masked`, for timesteps in the sequence."""
        if self.read is None:
            return np.zeros(len(times), np.bool_)
        places = np.minimum(np.searchsorted(self.read, times), max(len(self.read) - 1, 0))
        return self.read[places] != times if len(self.read) else np.ones(len(times), np.bool_)
