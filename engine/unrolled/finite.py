"""Finding NaN and infinity, which are shown and never hidden."""

from dataclasses import dataclass

import numpy as np

from unrolled.arrays import Array

_AT_ONCE = 1 << 20


@dataclass(frozen=True, slots=True)
class NotFinite:
    """The values of an array that are NaN or infinite.

    Attributes:
        count: How many there are.
        first: The index of the first one.
        value: The first one.
    """

    count: int
    first: tuple[int, ...]
    value: float

    def told(self, place: str) -> str:
        """How many there are and where, with `place` naming the first one's."""
        if self.count == 1:
            return f"1 value is not finite: {self.value} at {place}"
        return f"{self.count:,} values are not finite, the first is {self.value} at {place}"


def not_finite(values: Array) -> NotFinite | None:
    """What is not finite in `values`, or None. It looks at a stretch at a time, so a mapped file stays on the disk."""
    rows = max(1, _AT_ONCE * len(values) // max(values.size, 1))
    count, first = 0, None
    for start in range(0, len(values), rows):
        wrong = ~np.isfinite(values[start : start + rows])
        here = int(np.count_nonzero(wrong))
        if here and first is None:
            row, *rest = np.unravel_index(int(np.argmax(wrong)), wrong.shape)
            first = (start + int(row), *map(int, rest))
        count += here
    return None if first is None else NotFinite(count, first, float(values[first]))
