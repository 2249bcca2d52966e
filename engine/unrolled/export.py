"""Traces as files: every gate and state of every unit at every timestep, as .npz, .csv or .jsonl.

The names are those of the cell's anatomy: x, the states, the gates, and `z_` before a gate's name for its
pre-activation; for an LSTM x, h, c, i, f, g, o, z_i, z_f, z_g, z_o. A batch is run a sequence at a time, so that it
gives the same numbers as its sequences alone.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, TypeAlias

import numpy as np
import numpy.typing as npt

from unrolled.anatomy import Anatomy
from unrolled.arrays import Array
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


def write_trace(
    layer: RecurrentLayer[Any],
    values: npt.ArrayLike,
    path: str,
    force: bool = False,
    progress: Progress = lambda _count: None,
) -> None:
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

    Raises:
        OptionError: If the ending is none of these, or a .npz would need more than 4 GiB.
        OutputFileError: If the file exists and `force` is not given, or cannot be written.
        ShapeError: If the sequence does not fit the layer.
    """
    with naming(path, OptionError):
        extension = check_ending(path, tuple(_WRITERS))
    batch = _sequences(layer, np.asarray(values))
    if extension == ".npz":
        _check_size(layer, batch, path)
    with writing(path, force) as file:
        _WRITERS[extension](file, layer, batch, progress)


def _sequences(layer: RecurrentLayer[Any], values: Array) -> Array:
    if values.ndim not in (2, 3):
        raise ShapeError(f"input: expected (T, features) or (batch, T, features), got shape {values.shape}")
    if not len(values):
        raise ShapeError(f"input: expected one sequence or more, got shape {values.shape}")
    layer.sequence(values[:1] if values.ndim == 2 else values[0])
    return values


def _stretches(layer: RecurrentLayer[Any], batch: Array, progress: Progress) -> Iterator[tuple[int, Trace[Any]]]:
    """The traces of all sequences, a stretch at a time, each with the number of its sequence."""
    for row, sequence in enumerate(batch if batch.ndim == 3 else batch[None]):
        run = Run(layer, sequence)
        for start in range(0, len(run), _AT_ONCE):
            for trace in run.window(start, min(start + _AT_ONCE, len(run))):
                yield row, trace
                progress(len(trace))


def _check_size(layer: RecurrentLayer[Any], batch: Array, path: str) -> None:
    widths = [layer.features if name == "x" else layer.units for name in names(layer.anatomy)]
    size = batch.size // layer.features * sum(widths) * layer.dtype.itemsize
    if size > MOST_BYTES:
        raise OptionError(
            f"{printable(path)}: expected at most {MOST_BYTES >> 30} GiB of arrays, got {size / 2**30:,.1f} GiB: "
            f"write .csv or .jsonl, which need little memory"
        )


def _write_npz(file: BinaryIO, layer: RecurrentLayer[Any], batch: Array, progress: Progress) -> None:
    leading = batch.shape[:-1]
    whole = {
        name: np.empty((*leading, layer.features if name == "x" else layer.units), layer.dtype)
        for name in names(layer.anatomy)
    }
    for row, trace in _stretches(layer, batch, progress):
        rows = slice(trace.start, trace.start + len(trace))
        for name, part in arrays(layer.anatomy, trace).items():
            (whole[name][row] if batch.ndim == 3 else whole[name])[rows] = part
    np.savez(file, allow_pickle=False, **whole)


def _write_csv(file: BinaryIO, layer: RecurrentLayer[Any], batch: Array, progress: Progress) -> None:
    widths = {name: layer.features if name == "x" else layer.units for name in names(layer.anatomy)}
    columns = [f"{name}{number}" for name, width in widths.items() for number in range(1, width + 1)]
    file.write((",".join([*_keys(batch), *columns]) + "\n").encode())
    for row, trace in _stretches(layer, batch, progress):
        table = np.concatenate(list(arrays(layer.anatomy, trace).values()), axis=1)
        for t, numbers in enumerate(_shortest(table), trace.start):
            cells = [*map(str, _place(batch, row, t).values()), *map(repr, numbers)]
            file.write((",".join(cells) + "\n").encode())


def _write_jsonl(file: BinaryIO, layer: RecurrentLayer[Any], batch: Array, progress: Progress) -> None:
    for row, trace in _stretches(layer, batch, progress):
        parts = {name: _shortest(part) for name, part in arrays(layer.anatomy, trace).items()}
        for index in range(len(trace)):
            numbers = {name: part[index] for name, part in parts.items()}
            record = _place(batch, row, trace.start + index) | numbers
            file.write((json.dumps(record) + "\n").encode())


_WRITERS: dict[str, Callable[[BinaryIO, RecurrentLayer[Any], Array, Progress], None]] = {
    ".npz": _write_npz,
    ".csv": _write_csv,
    ".jsonl": _write_jsonl,
}


def _keys(batch: Array) -> tuple[str, ...]:
    return ("t",) if batch.ndim == 2 else ("batch", "t")


def _place(batch: Array, row: int, t: int) -> dict[str, Any]:
    """Which timestep, of which sequence if there are several, counted from 1."""
    return {"t": t + 1} if batch.ndim == 2 else {"batch": row + 1, "t": t + 1}


def _shortest(table: Array) -> list[list[float]]:
    """Rows of plain numbers whose shortest decimal form reads back to the same bits in the dtype of `table`."""
    if table.dtype == np.float64:
        rows: list[list[float]] = table.tolist()
        return rows
    return [[float(str(value)) for value in row] for row in table]
