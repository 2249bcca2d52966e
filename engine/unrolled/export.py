"""Traces as files: every gate and state of every unit at every timestep, as .npz, .csv or .jsonl.

The names are those of the cell's anatomy: x, the states, the gates, and `z_` before a gate's name for its
pre-activation; for an LSTM x, h, c, i, f, g, o, z_i, z_f, z_g, z_o, for a GRU x, h, z, r, n, z_z, z_r,
z_n. A batch is run a sequence at a time, so that it gives the same numbers as its sequences alone. A condition selects
the timesteps that are written.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, BinaryIO, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from unrolled.anatomy import Anatomy
from unrolled.arrays import Array
from unrolled.clock import Mask, Numbers
from unrolled.conditions import Condition, within
from unrolled.decimals import shortest
from unrolled.errors import OptionError, ShapeError
from unrolled.files import check_ending, naming
from unrolled.layer import RecurrentLayer
from unrolled.network import Network, Recurrent
from unrolled.network_reading import Reading
from unrolled.output import writing
from unrolled.passage import Passage
from unrolled.stateful import Batches
from unrolled.streams import stretches
from unrolled.stretch import Stretch
from unrolled.text import printable
from unrolled.trace import Trace

MOST_BYTES = 4 << 30
"""A .npz file that would hold more is refused, as its arrays are held in memory."""

Progress: TypeAlias = Callable[[int], object]
"""Told how many more timesteps are done."""

Tokens: TypeAlias = Callable[[int], Sequence[str]]
"""Gives what each timestep of a sequence stands for, as shown, by the number of the sequence, from 0."""

_AT_ONCE = 256


def names(anatomy: Anatomy) -> tuple[str, ...]:
    """The names of the arrays of a trace, in the order in which they are written."""
    return (*_attributes(anatomy), *(f"z_{gate.name}" for gate in anatomy.gates))


def _attributes(anatomy: Anatomy) -> tuple[str, ...]:
    """The attributes of a trace among the names: x, the states, then what else a unit has."""
    return tuple(dict.fromkeys(("x", *anatomy.carries, *(quantity.name for quantity in anatomy.quantities))))


def arrays(anatomy: Anatomy, trace: Trace[Any]) -> dict[str, Array]:
    """The arrays of a trace by name, each of shape (T, …, units) or (T, …, features)."""
    held = {name: getattr(trace, name) for name in _attributes(anatomy)}
    return held | {f"z_{gate.name}": trace.pre_activations[:, row] for row, gate in enumerate(anatomy.gates)}


def columns(passage: Passage, times: Numbers) -> dict[str, Array]:
    """The arrays of a direction by name at `times`, each of shape (len(times), units or features).

    The times follow each other. At a masked timestep the states are what they were, and the gates NaN.
    """
    layer, (rows, traces) = passage.layer, passage.take(times)
    masked = passage.clock.are_masked(times)
    parts = [arrays(layer.anatomy, trace) for trace in traces]
    held = {name: np.concatenate([part[name] for part in parts]) for name in (parts[0] if parts else ())}
    if not masked.any():  # so the rows follow each other
        return {name: array[::-1] if passage.backwards else array for name, array in held.items()}
    before = dict(zip(layer.anatomy.carries, passage.initial_state, strict=True))
    found = {}
    for name in names(layer.anatomy):
        array = np.full((len(times), layer.width(name)), before.get(name, np.nan), layer.dtype)
        if name in held:
            known = rows >= 0 if name in before else ~masked
            array[known] = held[name][rows[known]]
        found[name] = array
    found["x"][masked] = passage.inputs(times[masked])
    return found


def write_trace(
    layer: RecurrentLayer[Any] | Network,
    values: npt.ArrayLike,
    path: str,
    force: bool = False,
    progress: Progress = lambda _count: None,
    reader: str | None = None,
    batch_size: int | None = None,
    when: Condition | None = None,
    tokens: Sequence[str] | Tokens = (),
    direction: str | None = None,
) -> int:
    """Runs `layer` over a sequence and writes everything that happens to `path`.

    The ending says what is written. `.npz`: an array for each name, (T, units) or (T, features), or (batch, T, …).
    `.csv`: a row per timestep, with columns t, x1, …, h1, … counted from 1, and batch before them if there is one.
    `.jsonl`: an object per timestep, with the names as keys; NaN and Infinity as Python's json writes them. Numbers
    are written so that they read back to the same bits. Text is written as it is computed, in little memory.

    Where a network has more than one recurrent layer, or one of both directions, the names have the layer before
    them: `lstm/h`, `bidirectional/forward/h`. All is in the order of the input, whichever way a layer reads it. At a
    masked timestep the states are what they were, and the gates NaN.

    Args:
        layer: The layer, or a network.
        values: The sequence, (T, features) or (batch, T, features); token ids, (T,) or (batch, T), for a network that
            begins with an Embedding, also (T, 1) or (batch, T, 1).
        path: The file, which is there whole or not at all.
        force: Whether a file that exists is replaced.
        progress: Told of the timesteps that are done.
        reader: The layer of a network that reads `values`, if not the first one: see `Network.read`.
        batch_size: How many sequences a batch has, for stateful layers: the next batch goes on where it ended. All
            of them are one batch if it is not given.
        when: What a timestep has to fulfil to be written. A .npz then has their numbers, from 1, as `t`.
        tokens: What each timestep stands for, as shown, if `when` asks for that: `InputSequence.labels`. For a batch,
            what gives them for a sequence by its number.
        direction: The direction of a layer of a network that `when` is about, if not the first one.

    Returns:
        How many timesteps were written.

    Raises:
        OptionError: If the ending is none of these, or a .npz would need more than 4 GiB, or would hold what `when`
            selects of a batch. If there is no such layer.
        OutputFileError: If the file exists and `force` is not given, or cannot be written.
        ShapeError: If the sequence does not fit the layer.
        SequenceFileError: If a token id is not in the vocabulary.
    """
    with naming(path, OptionError):
        extension = check_ending(path, tuple(_WRITERS))
    network = layer if isinstance(layer, Network) else Network((Recurrent("layer", layer),))
    selection = None if when is None else _Selection(when, tokens, direction)
    job = _job(network, np.asarray(values), reader, batch_size, selection)
    if extension == ".npz" and when is None:
        _check_size(job, job.timesteps * (job.sequences or 1), path)
    elif extension == ".npz" and job.sequences is not None:
        raise OptionError(
            f"{printable(path)}: expected .csv or .jsonl for what a condition selects of a batch, got .npz, whose "
            f"arrays need as many timesteps of every sequence"
        )
    with writing(path, force) as file:
        return _WRITERS[extension](file, job, progress, path)


class _Stretch(NamedTuple):
    """Some timesteps of a sequence, those that are written.

    Attributes:
        number: The number of the sequence, from 0.
        times: Which timesteps, from 0.
        arrays: What happens there, by name, each of shape (timesteps, units) or (timesteps, features).
    """

    number: int
    times: Numbers
    arrays: dict[str, Array]


@dataclass(frozen=True, eq=False, slots=True)
class _Selection:
    """Which timesteps are written.

    Attributes:
        condition: What they have to fulfil.
        tokens: What the timesteps stand for, as shown: of the only sequence, or of each.
        direction: The direction of a layer of a network that the condition is about; None for the first.
    """

    condition: Condition
    tokens: Sequence[str] | Tokens
    direction: str | None

    def passage(self, reading: Reading) -> Passage:
        """The direction of a layer that the condition is about."""
        return reading.passages[0] if self.direction is None else reading.passage(self.direction)

    def of(self, reading: Reading, number: int) -> Callable[[Numbers], Mask]:
        """What says of timesteps of a sequence whether they fulfil it; a masked one does not."""
        passage = self.passage(reading)
        clock, tokens = passage.clock, self.tokens(number) if callable(self.tokens) else self.tokens
        timesteps: list[int] = []
        if clock.read is not None or clock.backwards:  # what is asked is of the order in which they are read
            timesteps = clock.at(slice(None)).tolist()
            tokens = [tokens[t] for t in timesteps] if tokens else ()

        def fulfilled(times: Numbers) -> Mask:
            rows, masked = clock.rows(times), clock.are_masked(times)
            answers, read = np.zeros(len(times), np.bool_), rows[~masked]
            if len(read):
                first, stop = int(read.min()), int(read.max()) + 1
                answers[~masked] = within(self.condition, passage.run, tokens, first, stop, timesteps)[read - first]
            return answers

        return fulfilled


@dataclass(frozen=True, eq=False, slots=True)
class _Job:
    """What is to be written.

    Attributes:
        read: Gives the reading of a sequence by its number.
        sequences: How many sequences the batch has, None for a single one that is none.
        timesteps: How many timesteps each has.
        widths: The columns of each name.
        dtypes: The dtype of each name.
        selection: Which timesteps are written; None for all of them.
    """

    read: Callable[[int], Reading]
    sequences: int | None
    timesteps: int
    widths: dict[str, int]
    dtypes: dict[str, np.dtype[Any]]
    selection: _Selection | None

    def stretches(self, progress: Progress) -> Iterator[_Stretch]:
        """The arrays of all sequences by name, a stretch at a time."""
        for number in range(1 if self.sequences is None else self.sequences):
            reading = self.read(number)
            fulfilled = None if self.selection is None else self.selection.of(reading, number)
            for times in stretches(self.timesteps, size=_AT_ONCE):
                found: dict[str, Array] = {}
                for passage in reading.passages:
                    prefix = _prefix(reading, passage)
                    found |= {prefix + name: array for name, array in columns(passage, times).items()}
                if fulfilled is not None:
                    kept = fulfilled(times)
                    yield _Stretch(number, times[kept], {name: array[kept] for name, array in found.items()})
                else:
                    yield _Stretch(number, times, found)
                progress(len(times))

    def place(self, number: int, t: int) -> dict[str, int]:
        """Which timestep, of which sequence if there are several, counted from 1."""
        return {"t": t + 1} if self.sequences is None else {"batch": number + 1, "t": t + 1}


def _prefix(reading: Reading, passage: Passage) -> str:
    return f"{passage.name}/" if len(reading.passages) > 1 else ""


def _job(
    network: Network,
    values: npt.NDArray[Any],
    reader: str | None,
    batch_size: int | None,
    selection: _Selection | None,
) -> _Job:
    samples, is_batch = _samples(network.stretch(reader), values)
    batches = Batches(network, samples, batch_size or len(samples), layer=reader)
    first = batches.read(0)
    if selection is not None:
        selection.passage(first)  # an error about its name comes before anything is written
    layers = {_prefix(first, passage): passage.layer for passage in first.passages}
    named = {(prefix + name): (name, layer) for prefix, layer in layers.items() for name in names(layer.anatomy)}
    return _Job(
        batches.read,
        len(samples) if is_batch else None,
        first.timesteps,
        {key: layer.width(name) for key, (name, layer) in named.items()},
        {key: layer.dtype for key, (_, layer) in named.items()},
        selection,
    )


def _samples(stretch: Stretch, values: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], bool]:
    """The sequences as a batch, (batch, T, features) or (batch, T) for token ids, and whether they came as one."""
    tokens = stretch.embedding is not None
    single = 1 if tokens else 2
    if tokens and values.ndim > 1 and values.shape[-1] == 1:
        values = values[..., 0]
    if values.ndim not in (single, single + 1):
        expected = "(T,) or (batch, T)" if tokens else "(T, features) or (batch, T, features)"
        raise ShapeError(f"input: expected {expected}, got shape {values.shape}")
    if not len(values):
        raise ShapeError(f"input: expected one sequence or more, got shape {values.shape}")
    is_batch = values.ndim > single
    return values if is_batch else values[None], is_batch


def _check_size(job: _Job, timesteps: int, path: str) -> None:
    size = timesteps * sum(width * job.dtypes[name].itemsize for name, width in job.widths.items())
    if size > MOST_BYTES:
        raise OptionError(
            f"{printable(path)}: expected at most {MOST_BYTES >> 30} GiB of arrays, got {size / 2**30:,.1f} GiB: "
            f"write .csv or .jsonl, which need little memory"
        )


def _write_npz(file: BinaryIO, job: _Job, progress: Progress, path: str) -> int:
    if job.selection is not None:
        selected = _selected(job, progress, path)
        np.savez(file, allow_pickle=False, **selected)
        return len(selected["t"])
    leading = (job.sequences or 1, job.timesteps)
    whole = {name: np.empty((*leading, width), job.dtypes[name]) for name, width in job.widths.items()}
    for number, times, found in job.stretches(progress):
        for name, part in found.items():
            whole[name][number, times[0] : times[-1] + 1] = part
    if job.sequences is None:
        whole = {name: array[0] for name, array in whole.items()}
    np.savez(file, allow_pickle=False, **whole)
    return job.timesteps * (job.sequences or 1)


def _selected(job: _Job, progress: Progress, path: str) -> dict[str, npt.NDArray[Any]]:
    """The arrays of the timesteps that are selected, and their numbers from 1."""
    numbers: list[Numbers] = [np.empty(0, np.intp)]
    parts = {name: [np.empty((0, width), job.dtypes[name])] for name, width in job.widths.items()}
    for _, times, found in job.stretches(progress):
        numbers.append(times + 1)
        _check_size(job, sum(map(len, numbers)), path)
        for name, part in found.items():
            parts[name].append(part)
    return {"t": np.concatenate(numbers), **{name: np.concatenate(part) for name, part in parts.items()}}


def _write_csv(file: BinaryIO, job: _Job, progress: Progress, _path: str) -> int:
    titles = [f"{name}{number}" for name, width in job.widths.items() for number in range(1, width + 1)]
    file.write((",".join([*job.place(0, 0), *titles]) + "\n").encode())
    timesteps = 0
    for number, times, found in job.stretches(progress):
        tables = [shortest(found[name]) for name in job.widths]
        for t, parts in zip(times.tolist(), zip(*tables, strict=True), strict=True):
            cells = [*map(str, job.place(number, t).values()), *map(repr, chain.from_iterable(parts))]
            file.write((",".join(cells) + "\n").encode())
        timesteps += len(times)
    return timesteps


def _write_jsonl(file: BinaryIO, job: _Job, progress: Progress, _path: str) -> int:
    timesteps = 0
    for number, times, found in job.stretches(progress):
        tables = {name: shortest(found[name]) for name in job.widths}
        for t, parts in zip(times.tolist(), zip(*tables.values(), strict=True), strict=True):
            record = job.place(number, t) | dict(zip(tables, parts, strict=True))
            file.write((json.dumps(record) + "\n").encode())
        timesteps += len(times)
    return timesteps


_WRITERS: dict[str, Callable[[BinaryIO, _Job, Progress, str], int]] = {
    ".npz": _write_npz,
    ".csv": _write_csv,
    ".jsonl": _write_jsonl,
}
