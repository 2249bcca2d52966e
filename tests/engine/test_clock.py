"""Which timestep is in which row, beside a walk over the timesteps by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrolled import TimestepError
from unrolled.clock import Clock


@given(st.lists(st.booleans(), min_size=1, max_size=12), st.booleans())
def test_rows_and_timesteps(mask: list[bool], backwards: bool) -> None:
    clock = Clock.masked_by(np.array(mask), len(mask), backwards)
    order = reversed(range(len(mask))) if backwards else range(len(mask))
    done = 0
    for t in order:
        assert clock.masked(t) == (not mask[t])
        done += mask[t]
        assert clock.row(t) == (done - 1 if done else None)
        if mask[t]:
            assert clock.timestep(done - 1) == t
    assert len(clock) == done
    times = np.arange(len(mask))
    assert clock.rows(times).tolist() == [-1 if clock.row(t) is None else clock.row(t) for t in times.tolist()]
    assert clock.at(slice(0, done)).tolist() == [clock.timestep(row) for row in range(done)]
    assert clock.are_masked(times).tolist() == [not read for read in mask]


def test_without_a_mask_nothing_is_kept() -> None:
    assert Clock.masked_by(None, 10**9, True).read is None
    assert Clock.masked_by(np.ones(5, np.bool_), 5, False).read is None
    assert Clock(10**9, True).timestep(0) == 10**9 - 1
    assert Clock(10**9, True).row(0) == 10**9 - 1


def test_what_is_not_there() -> None:
    clock = Clock.masked_by(np.array([True, False]), 2, False)
    with pytest.raises(TimestepError, match="row: expected 0 to 0, got 1"):
        clock.timestep(1)
    with pytest.raises(TimestepError, match="timestep: expected 0 to 1, got 2"):
        clock.row(2)
