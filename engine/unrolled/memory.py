"""Who wrote what is in a state now: the cell equation unrolled, write by write.

A state that is kept by a gate, state_t = keep_t ⊙ state_(t-1) + written_t, is the sum of all that was ever written,
each write times the product of the gates since: c_t = Σ_s (Π_(r>s) f_r)·i_s·g_s + (Π_r f_r)·c_0 for an LSTM. Nothing
here divides, so a gate at exactly 0 or 1 is a number like any other. What is not finite goes through as it is.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from unrolled.anatomy import Account
from unrolled.arrays import Array, frozen
from unrolled.errors import OptionError, TimestepError
from unrolled.run import Run


@dataclass(frozen=True, eq=False, slots=True)
class Memory:
    """What is in the state of one unit at one timestep, and which timestep wrote it.

    The arrays are float64, read-only and of shape (t - first + 1,): the timesteps from `first` to `t`, the oldest one
    first.

    Attributes:
        state: The name of the state.
        unit: The unit, from 0.
        t: The timestep at which the state is read, from 0.
        first: The first timestep whose write is told apart.
        written: What each timestep wrote.
        kept: How much of that is left: the product of the gates since.
        left: written · kept.
        before: What is left of the state as it was before `first`: of c_0, where that is the first timestep.
        value: The state at `t`, as the engine has it.
    """

    state: str
    unit: int
    t: int
    first: int
    written: Array
    kept: Array
    left: Array
    before: float
    value: float

    def __len__(self) -> int:
        """The number of timesteps told apart."""
        return len(self.left)

    @property
    @np.errstate(over="ignore", invalid="ignore")
    def totals(self) -> Array:
        """What is left of all up to each timestep; the last one is `value`, but for rounding."""
        return frozen(self.before + np.cumsum(self.left))

    def by_size(self) -> npt.NDArray[np.intp]:
        """The indices of the writes of which most is left, of either sign, first; what is not a number comes last."""
        return np.argsort(-np.abs(self.left), kind="stable")


@dataclass(frozen=True, eq=False, slots=True)
class MemoryTriangle:
    """What is left of each timestep's write, at each timestep: written at s, read at t.

    The arrays are float64 and read-only; n timesteps from `first` on.

    Attributes:
        state: The name of the state.
        unit: The unit, from 0.
        first: The first timestep, from 0.
        left: What timestep first + s wrote, as it is left at first + t: shape (n, n) in the order s, t; 0 where t < s.
        before: What is left at each timestep of the state as it was before `first`, shape (n,).
        values: The state at each timestep, as the engine has it, shape (n,).
    """

    state: str
    unit: int
    first: int
    left: Array
    before: Array
    values: Array

    def __len__(self) -> int:
        """The number of timesteps."""
        return len(self.values)


@np.errstate(over="ignore", invalid="ignore", under="ignore")
def memory(run: Run[Any], t: int, unit: int, first: int = 0) -> Memory:
    """Which timestep wrote what is in the state of `unit` at timestep `t`, both from 0.

    A later `first` makes it a short account of a long run, exact all the same: what came before is one number.

    Example:
        >>> run = unrolled.Run(layer, [[1.0], [2.0], [3.0], [4.0]])
        >>> account = unrolled.memory(run, t=3, unit=1)
        >>> [*zip(account.written, account.kept, account.left)]

    Raises:
        OptionError: If the cell has no state that is kept by a gate, or no such unit, or the run is of a batch.
        TimestepError: If `t` or `first` is not in the sequence, or `first` comes after `t`.
    """
    account, history = _account(run), _history(run, first, t, unit)
    since = np.multiply.accumulate(np.append(1.0, history.keep[::-1]))[::-1]
    return Memory(
        state=account.state,
        unit=unit,
        t=t,
        first=first,
        written=frozen(history.written),
        kept=frozen(since[1:].copy()),
        left=frozen(history.written * since[1:]),
        before=float(history.previous * since[0]),
        value=float(history.values[-1]),
    )


@np.errstate(over="ignore", invalid="ignore", under="ignore")
def memory_triangle(run: Run[Any], first: int, last: int, unit: int) -> MemoryTriangle:
    """What is left of each write at each timestep, both from `first` to `last`, for `unit`, all from 0.

    Raises:
        OptionError: If the cell has no state that is kept by a gate, or no such unit, or the run is of a batch.
        TimestepError: If `first` or `last` is not in the sequence, or `first` comes after `last`.
    """
    account, history = _account(run), _history(run, first, last, unit)
    count = len(history.values)
    read, written = np.arange(count)[:, None], np.arange(count)
    # Down each column: ones, what its timestep writes, and the gates from then on.
    factors = np.where(read > written, history.keep[:, None], np.where(read == written, history.written, 1.0))
    left = np.where(read >= written, np.multiply.accumulate(factors, axis=0), 0.0)
    before = np.multiply.accumulate(np.append(history.previous, history.keep))[1:]
    return MemoryTriangle(account.state, unit, first, frozen(left.T.copy()), frozen(before), frozen(history.values))


@np.errstate(divide="ignore", invalid="ignore")
def half_life(keep: npt.ArrayLike) -> Array:
    """The timesteps until half of what is written now would be left, if the gate stayed at `keep`: ln ½ / ln keep.

    Infinite for a gate of 1 or more, 0 for a gate of 0 or less; not a number for what is none.
    """
    gate = np.asarray(keep, np.float64)
    lives = np.log(0.5) / np.log(np.clip(gate, 0.0, 1.0))
    return np.where(gate >= 1, np.inf, np.abs(lives))


@dataclass(frozen=True, eq=False, slots=True)
class _History:
    """What one unit's state went through: the gate, the writes and the state itself, and the state before them."""

    keep: Array
    written: Array
    values: Array
    previous: float


def _account(run: Run[Any]) -> Account:
    anatomy = run.layer.anatomy
    if anatomy.account is None:
        raise OptionError(f"memory: expected a cell whose state is kept by a gate, got {anatomy.cell}")
    return anatomy.account


def _history(run: Run[Any], first: int, last: int, unit: int) -> _History:
    account = _account(run)
    if run.sequence.ndim != 2:
        raise OptionError(f"memory: expected a run of a single sequence, got inputs of shape {run.sequence.shape}")
    if not 0 <= unit < run.layer.units:
        raise OptionError(f"unit: expected 0 to {run.layer.units - 1}, got {unit}")
    if first > last:
        raise TimestepError(f"timestep: expected the first one at most {last}, got {first}")
    parts = run.window(first, last + 1)
    keep, written, values = (
        np.concatenate([getattr(part, name)[:, unit] for part in parts], dtype=np.float64)
        for name in (account.keep, "written", account.state)
    )
    return _History(keep, written, values, float(getattr(parts[0], account.previous)[0, unit]))
