"""Scales: where a bar or a chart ends."""

from math import isfinite
from typing import Any

import numpy as np

from unrolled import Run


def scale_of(run: Run[Any], name: str, early: int) -> float:
    """What fills a bar of `name`: its bound, or a round number that holds its values at the `early` timesteps."""
    low, high = run.layer.bounds(name)
    if isfinite(low) and isfinite(high):
        return max(-low, high)
    first = np.concatenate([getattr(part, name) for part in run.window(0, min(len(run), early))])
    return round_up(float(np.max(np.abs(first), initial=0, where=np.isfinite(first))))


def round_up(value: float) -> float:
    """The smallest of 1, 2, 5, 10, 20, 50, … that is not less than `value`; at least 1."""
    power = 1.0
    while power * 10 < value:
        power *= 10
    return next((step * power for step in (1, 2, 5, 10) if step * power >= value), 1.0)
