"""Traces as files: every gate and state of every unit at every timestep, as .npz, .csv or .jsonl.

The names are those of the cell's anatomy: x, the states, the gates, and `z_` before a gate's name for its
pre-activation; for an LSTM x, h, c, i, f, g, o, z_i, z_f, z_g, z_o. A batch is run a sequence at a time, so that it
gives the same numbers as its sequences alone. A condition selects the timesteps that are written.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from unrolled.anatomy import Anatomy
from unrolled.arrays import Array
from unrolled.conditions import Condition
from unrolled.errors import OptionError, ShapeError
from unrolled.files import check_ending, naming
from unrolled.layer import RecurrentLayer
from unrolled.output import writing
from unrolled.run import Run
from unrolled.text import printable
from unrolled.trace import Trace

MOST_BYTES = 4 << 30
"""A .npz file that would hold more is refused, as its arrays are held in memory."""

Progress: TypeAlias = Callable[[int], object]
"""Told how many more timesteps are done."""

_AT_ONCE = 1024


def names(anatomy: Anatomy) -> tuple[str, ...]:
    """The names of the arrays of a trace, in the order in which they are written."""
    gates = tuple(gate.name for gate in anatomy.gates)
    return ("x", *anatomy.carries, *gates, *(f"z_{name}" for name in gates))


def arrays(anatomy: Anatomy, trace: Trace[Any]) -> dict[str, Array]:
    """The arrays of a trace by name, each of shape (T, …, units) or (T, …, features)."""
    gates = [gate.name for gate in anatomy.gates]
    held = {name: getattr(trace, name) for name in ("x", *anatomy.carries, *gates)}
    return held | {f"z_{name}": trace.z[:, row] for row, name in enumerate(gates)}


class _Stretch(NamedTuple):
    """Some timesteps of a sequence, those that are written.

    Attributes:
        row: The number of the sequence, from 0.
        t: Which timesteps, from 0.
        arrays: What happens there, by name, each of shape (timesteps, units) or (timesteps, features).
    """

    row: int
    t: npt.NDArray[np.intp]
    arrays: dict[str, Array]


@dataclass(frozen=True, eq=False, slots=True)
class _Work:
    """What is run, and what of it is written.

    Attributes:
        layer: The layer.
        batch: The sequence, (T, features), or several, (batch, T, features).
        when: What the timesteps have to fulfil, if anything.
        tokens: What the timesteps of the one sequence stand for, as shown.
        progress: Told of the timesteps that are done.
        path: Where it goes, printable.
    """

    layer: RecurrentLayer[Any]
    batch: Array
    when: Condition | None
    tokens: Sequence[str]
    progress: Progress
    path: str

    @property
    def widths(self) -> dict[str, int]:
        """How many numbers each name has at a timestep."""
        layer = self.layer
        return {name: layer.features if name == "x" else layer.units for name in names(layer.anatomy)}

    def stretches(self) -> Iterator[_Stretch]:
        """Runs all sequences, a stretch at a time."""
        for row, sequence in enumerate(self.batch if self.batch.ndim == 3 else self.batch[None]):
            run = Run(self.layer, sequence)
            for start in range(0, len(run), _AT_ONCE):
                for trace, rows in self._selected(run, start, min(start + _AT_ONCE, len(run))):
                    t = np.arange(trace.start, trace.start + len(trace))
                    held = arrays(self.layer.anatomy, trace)
                    yield _Stretch(row, t[rows], {name: part[rows] for name, part in held.items()})
                    self.progress(len(trace))

    def _selected(self, run: Run[Any], start: int, stop: int) -> Iterator[tuple[Trace[Any], Any]]:
        """The traces of a stretch, each with its rows that are written."""
        before = 0 if self.when is None else min(self.when.before, start)
        traces = run.window(start - before, stop)
        answers = None if self.when is None else self.when.test(traces, self.tokens)[before:]
        for whole in traces:
            trace = whole.part(slice(max(start - whole.start, 0), len(whole)))
            if len(trace):
                first = trace.start - start
                yield trace, slice(None) if answers is None else answers[first : first + len(trace)]

    def check_size(self, timesteps: int) -> None:
        """Checks that the arrays of so many timesteps can be held.

        Raises:
            OptionError: If they cannot.
        """
        size = timesteps * sum(self.widths.values()) * self.layer.dtype.itemsize
        if size > MOST_BYTES:
            raise OptionError(
                f"{self.path}: expected at most {MOST_BYTES >> 30} GiB of arrays, got {size / 2**30:,.1f} GiB: "
                f"write .csv or .jsonl, which need little memory"
            )


def write_trace(
    layer: RecurrentLayer[Any],
    values: npt.ArrayLike,
    path: str,
    force: bool = False,
    progress: Progress = lambda _count: None,
    when: Condition | None = None,
    tokens: Sequence[str] = (),
) -> int:
    """Runs `layer` over a sequence and writes everything that happens to `path`.

    The ending says what is written. `.npz`: an array for each name, (T, units) or (T, features), or (batch, T, …).
    `.csv`: a row per timestep, with columns t, x1, …, h1, … counted from 1, and batch before them if there is one.
    `.jsonl`: an object per timestep, with the names as keys; NaN and Infinity as Python's json writes them. Numbers
    are written so that they read back to the same bits. Text is written as it is computed, in little memory.

    Args:
        layer: The layer.
        values: The sequence, (T, features) or (batch, T, features).
        path: The file, which is there whole or not at all.
        force: Whether a file that exists is replaced.
        progress: Told of the timesteps that are done.
        when: What a timestep has to fulfil to be written. A .npz then has their numbers, from 1, as `t`.
        tokens: What each timestep stands for, as shown, if `when` asks for that: `InputSequence.labels`.

    Returns:
        How many timesteps were written.

    Raises:
        OptionError: If the ending is none of these, or a .npz would need more than 4 GiB, or would hold what `when`
            selects of a batch.
        OutputFileError: If the file exists and `force` is not given, or cannot be written.
        ShapeError: If the sequence does not fit the layer.
    """
    with naming(path, OptionError):
        extension = check_ending(path, tuple(_WRITERS))
    work = _Work(layer, _sequences(layer, np.asarray(values)), when, tokens, progress, printable(path))
    if extension == ".npz" and when is None:
        work.check_size(work.batch.size // layer.features)
    elif extension == ".npz" and work.batch.ndim == 3:
        raise OptionError(
            f"{work.path}: expected .csv or .jsonl for what a condition selects of a batch, got .npz, whose arrays "
            f"need as many timesteps of every sequence"
        )
    with writing(path, force) as file:
        return _WRITERS[extension](file, work)


def _sequences(layer: RecurrentLayer[Any], values: Array) -> Array:
    if values.ndim not in (2, 3):
        raise ShapeError(f"input: expected (T, features) or (batch, T, features), got shape {values.shape}")
    if not len(values):
        raise ShapeError(f"input: expected one sequence or more, got shape {values.shape}")
    layer.sequence(values[:1] if values.ndim == 2 else values[0])
    return values


def _write_npz(file: BinaryIO, work: _Work) -> int:
    whole = _everything(work) if work.when is None else _selection(work)
    np.savez(file, allow_pickle=False, **whole)
    return len(whole["t"]) if work.when is not None else work.batch.size // work.layer.features


def _everything(work: _Work) -> dict[str, Array]:
    """The arrays of all timesteps, (T, …) or (batch, T, …)."""
    leading = work.batch.shape[:-1]
    whole = {name: np.empty((*leading, width), work.layer.dtype) for name, width in work.widths.items()}
    for row, t, held in work.stretches():
        for name, part in held.items():
            (whole[name][row] if len(leading) == 2 else whole[name])[t[0] : t[-1] + 1] = part
    return whole


def _selection(work: _Work) -> dict[str, npt.NDArray[Any]]:
    """The arrays of the timesteps that are selected, and their numbers from 1."""
    numbers = [np.empty(0, np.intp)]
    parts = {name: [np.empty((0, width), work.layer.dtype)] for name, width in work.widths.items()}
    timesteps = 0
    for _, t, held in work.stretches():
        timesteps += len(t)
        work.check_size(timesteps)
        numbers.append(t + 1)
        for name, part in held.items():
            parts[name].append(part)
    return {"t": np.concatenate(numbers), **{name: np.concatenate(part) for name, part in parts.items()}}


def _write_csv(file: BinaryIO, work: _Work) -> int:
    columns = [f"{name}{number}" for name, width in work.widths.items() for number in range(1, width + 1)]
    file.write((",".join([*_keys(work.batch), *columns]) + "\n").encode())
    timesteps = 0
    for row, numbers, held in work.stretches():
        table = shortest(np.concatenate(list(held.values()), axis=1))
        for t, values in zip(numbers.tolist(), table, strict=True):
            cells = [*map(str, _place(work.batch, row, t).values()), *map(repr, values)]
            file.write((",".join(cells) + "\n").encode())
        timesteps += len(numbers)
    return timesteps


def _write_jsonl(file: BinaryIO, work: _Work) -> int:
    timesteps = 0
    for row, numbers, held in work.stretches():
        parts = {name: shortest(part) for name, part in held.items()}
        for index, t in enumerate(numbers.tolist()):
            record = _place(work.batch, row, t) | {name: part[index] for name, part in parts.items()}
            file.write((json.dumps(record) + "\n").encode())
        timesteps += len(numbers)
    return timesteps


_WRITERS: dict[str, Callable[[BinaryIO, _Work], int]] = {
    ".npz": _write_npz,
    ".csv": _write_csv,
    ".jsonl": _write_jsonl,
}


def _keys(batch: Array) -> tuple[str, ...]:
    return ("t",) if batch.ndim == 2 else ("batch", "t")


def _place(batch: Array, row: int, t: int) -> dict[str, Any]:
    """Which timestep, of which sequence if there are several, counted from 1."""
    return {"t": t + 1} if batch.ndim == 2 else {"batch": row + 1, "t": t + 1}


def shortest(table: Array) -> list[list[float]]:
    """Rows of plain numbers whose shortest decimal form reads back to the same bits in the dtype of `table`."""
    if table.dtype == np.float64:
        rows: list[list[float]] = table.tolist()
        return rows
    return [[float(str(value)) for value in row] for row in table]
