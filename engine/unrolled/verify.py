"""Whether a model's numbers agree with what a framework computed, and where they first part if they do not."""

import math
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

import numpy as np

from unrolled.agreement import Compared, Place, Report
from unrolled.arrays import Array
from unrolled.compare import differences
from unrolled.errors import OptionError, SequenceFileError, ShapeError
from unrolled.evidence import (
    AT_LAST,
    HIDDEN,
    OUTPUT,
    Evidence,
    Given,
    Layout,
    Quantity,
    Sample,
    input_of,
    quantities,
    traced,
)
from unrolled.files import UnreadableError, naming, opened
from unrolled.finite import not_finite
from unrolled.formats.model import Model
from unrolled.network import Network
from unrolled.npy import AnyArray, read_npz
from unrolled.stretch import Stretch
from unrolled.text import printable

_FEW = 8
"""So many different numbers may all be round by chance."""

Told: TypeAlias = Callable[[int, int], object]
"""Told how much is done, and of how much."""


def read_arrays(path: str | os.PathLike[str]) -> dict[str, AnyArray]:
    """The arrays of numbers in a .npz file.

    Raises:
        SequenceFileError: If it cannot be read, or x, h or y is not finite.
    """
    where = os.fspath(path)
    with naming(where, SequenceFileError), opened(where) as file:
        arrays = read_npz(file, needed=("x", HIDDEN, OUTPUT))
        for name in ("x", HIDDEN, OUTPUT):
            found = not_finite(arrays[name]) if name in arrays and arrays[name].ndim else None
            if found is not None:
                raise UnreadableError(f"array {name}: expected finite numbers to compare, got {found.value}")
    return arrays


def verify(
    model: Model,
    arrays: Mapping[str, AnyArray],
    against: str = "the arrays",
    layer: str | None = None,
    tolerance: float | None = None,
    told: Told = lambda _done, _of: None,
) -> Report:
    """Compares what a model computes with the arrays that a framework computed.

    Args:
        model: The model.
        arrays: `x`, what it reads, and any of: `h`, the output of its last recurrent layer at every timestep; `y`, its
            own output; either at the last timestep alone; and what a trace has, such as `lstm_1/h`,
            `bidirectional/forward/c` or `i`.
        against: What the arrays are called, printable.
        layer: A layer of the stretch that reads `x`, if not the first one: see `Network.read`.
        tolerance: The largest difference that is none, in proportion to numbers above 1. If it is not given, what
            the order of a sum may change in numbers of such a precision and in layers of such a width.
        told: Told how many samples are done.

    Raises:
        ShapeError: If there is nothing to compare, or an array has another shape than it should have.
        OptionError: If there is no such layer, or the tolerance is none.
        SequenceFileError: If a token id is not in the vocabulary.
    """
    if tolerance is not None and not 0 <= tolerance < math.inf:
        raise OptionError(f"tolerance: expected 0 or more, got {tolerance}")
    stretch = model.network.stretch(layer)
    reports: list[Report] = []
    problems: list[ShapeError] = []
    for batch_first in _orders(model, stretch, arrays):
        try:
            evidence, ignored = evidence_of(model, stretch, arrays, batch_first, tolerance)
            found = compared(model.network, evidence, stretch.recurrent[0].name, told)
            shown = tuple(printable(key, 60) for key in ignored)
            reports.append(Report(model.name, against, found, shown, batch_first))
        except ShapeError as problem:
            problems.append(problem)
    if not reports:
        raise problems[0]
    return next((report for report in reports if report.agrees), reports[0])


def verify_file(
    model: Model,
    path: str | os.PathLike[str],
    layer: str | None = None,
    tolerance: float | None = None,
    told: Told = lambda _done, _of: None,
) -> Report:
    """Compares what a model computes with the arrays in a .npz file: see `verify`.

    Raises:
        SequenceFileError: If the file cannot be read, or its arrays are not what they should be.
        OptionError: If there is no such layer, or the tolerance is none.
    """
    arrays = read_arrays(path)
    where = os.fspath(path)
    try:
        return verify(model, arrays, printable(Path(where).name, 60), layer, tolerance, told)
    except (ShapeError, SequenceFileError) as problem:
        doubt = model.doubt(problem)
        said = f"{problem}; {doubt}" if doubt else problem
        raise SequenceFileError(f"{printable(where)}: {said}") from problem


def _orders(model: Model, stretch: Stretch, arrays: Mapping[str, AnyArray]) -> tuple[bool, ...]:
    """Whether the batch comes first, in the order in which it is tried: an ONNX graph may have either."""
    if traced(stretch, arrays):
        return (True,)
    return (model.batch_first, not model.batch_first) if model.framework == "ONNX" else (model.batch_first,)


def evidence_of(
    model: Model, stretch: Stretch, arrays: Mapping[str, AnyArray], batch_first: bool, tolerance: float | None
) -> tuple[Evidence, tuple[str, ...]]:
    """The arrays of a file that can be compared, and the names of the others.

    Raises:
        ShapeError: If there is nothing to compare, or an array has another shape than it should have.
    """
    name, x = input_of(stretch, arrays)
    layout, is_trace = Layout.of(stretch, name, x, batch_first), traced(stretch, arrays)
    stretch.check_batch(len(layout.samples))
    known = quantities(model.network.read(layout.samples[0], layer=stretch.recurrent[0].name), is_trace)
    wanted = [key for key in known if key in arrays and key != name]
    ignored = tuple(key for key in arrays if key not in wanted and key != name)
    if not wanted:
        raise ShapeError(_nothing(stretch, list(ignored)))
    given = {}
    for key in wanted:
        what, values = _placed(known, key, layout, arrays[key])
        given[what] = Given(values, _tolerance(stretch, arrays[key]) if tolerance is None else tolerance)
    return Evidence(layout.samples, given, layout.is_batch, is_trace), ignored


def _placed(known: Mapping[str, Quantity], key: str, layout: Layout, array: AnyArray) -> tuple[str, AnyArray]:
    """What an array is, and the array with its samples first: h and y may be of the last timestep alone."""
    try:
        return key, layout.by_sample(known[key], array)
    except ShapeError:
        last = f"{key}{AT_LAST}"
        if last in known:
            with suppress(ShapeError):
                return last, layout.by_sample(known[last], array)
        raise


def compared(
    network: Network, evidence: Evidence, layer: str, told: Told = lambda _done, _of: None
) -> tuple[Compared, ...]:
    """Each array beside what the network computes, in the order of the network; `layer` reads x.

    Raises:
        ShapeError: If the network gives an array of another shape, or cannot read x.
        OptionError: If there is no such layer.
        SequenceFileError: If a token id is not in the vocabulary.
    """
    known = quantities(network.read(evidence.x[0], layer=layer), evidence.is_trace)
    unknown = next((key for key in evidence.arrays if key not in known), None)
    if unknown is not None:
        raise ShapeError(f"{printable(unknown)}: nothing of the network has this name")
    kept = {key.rpartition("/")[2] for key in evidence.arrays}
    found: dict[str, list[Compared]] = {key: [] for key in evidence.arrays}
    for number, values in enumerate(evidence.x, evidence.first):
        sample = Sample(network.read(values, layer=layer, row=number), kept)
        for key, given in evidence.arrays.items():
            beside = known[key].take(sample), given.values[number - evidence.first]
            found[key].append(_beside(known[key], *beside, given.tolerance, number if evidence.is_batch else None))
        told(number + 1 - evidence.first, len(evidence.x))
    return tuple(sorted(map(_joined, found.values()), key=lambda each: each.place))


def computed(network: Network, evidence: Evidence, layer: str) -> dict[str, AnyArray]:
    """What the network computes, as the arrays of the file: see `compared`."""
    known = quantities(network.read(evidence.x[0], layer=layer), evidence.is_trace)
    kept = {key.rpartition("/")[2] for key in evidence.arrays}
    rows = enumerate(evidence.x, evidence.first)
    samples = [Sample(network.read(values, layer=layer, row=row), kept) for row, values in rows]
    return {key: np.stack([known[key].take(sample) for sample in samples]) for key in evidence.arrays}


def _nothing(stretch: Stretch, others: list[str]) -> str:
    got = printable(", ".join(others)) or "none"
    last = stretch.recurrent[-1]
    if OUTPUT in others and stretch.before is not None:
        why = stretch.before.why or f"{stretch.before.name} ({stretch.before.kind}) is not"
        return f"y: cannot be computed, as {why}: give h of {last.name}"
    return (
        f"expected, beside x, an array h (the output of {last.name} at every timestep), y (that of the model) or one "
        f"with the name of a layer, such as {last.directions[0].name}/h, got {got}"
    )


def _tolerance(stretch: Stretch, theirs: AnyArray) -> float:
    """What the order of a sum may change, as measured on models of 1 to 256 units; less is not to be had."""
    ours = np.result_type(*(each.layer.dtype for layer in stretch.recurrent for each in layer.directions))
    if _is_bfloat16(theirs):
        return 5e-3
    if _is_float16(theirs):
        return 5e-4
    if theirs.dtype == np.float64 and ours == np.float64:
        return 1e-12
    widest = max(each.layer.units for layer in stretch.recurrent for each in layer.directions)
    return 1e-6 * min(5.0, max(1.0, math.sqrt(widest / 8)))


def _is_bfloat16(array: AnyArray) -> bool:
    """Whether none of many numbers needs more digits than bfloat16 has, for which .npz files have no type."""
    if array.dtype.kind != "f" or array.dtype.itemsize != 4 or np.unique(array).size <= _FEW:
        return False
    return not (np.ascontiguousarray(array, np.float32).view(np.uint32) & 0xFFFF).any()


@np.errstate(over="ignore", invalid="ignore")
def _is_float16(array: AnyArray) -> bool:
    """Whether none of many numbers needs more digits than float16 has, however they are stored."""
    if array.dtype.kind != "f" or np.unique(array).size <= _FEW:
        return array.dtype == np.float16
    return np.array_equal(array.astype(np.float16), array, equal_nan=True)


@np.errstate(invalid="ignore", over="ignore")
def _beside(quantity: Quantity, ours: Array, theirs: AnyArray, tolerance: float, sample: int | None) -> Compared:
    """One sample of an array beside what is computed."""
    if ours.shape != theirs.shape:
        raise ShapeError(f"{printable(quantity.name)}: expected shape {ours.shape}, got {theirs.shape}")
    rows = ours.astype(np.float64).reshape(-1, quantity.width)
    others = theirs.astype(np.float64).reshape(-1, quantity.width)
    size = np.abs(differences(rows, others))
    apart = np.where(np.isfinite(size), size / np.fmax(1, np.abs(others)), np.inf)

    def place(t: int, unit: int) -> Place:
        numbers = float(rows[t, unit]), float(others[t, unit])
        return Place(quantity.name, quantity.layer, unit, t if quantity.is_each else None, sample, *numbers)

    t, unit = divmod(int(apart.argmax()), quantity.width)
    worst, largest = place(t, unit), float(apart[t, unit])
    parted = np.flatnonzero((apart > tolerance).any(axis=1))
    first, turn = None, 0
    if len(parted):
        t = int(parted[-1 if quantity.backwards else 0])
        turn = len(rows) - 1 - t if quantity.backwards else t
        first = place(t, int(apart[t].argmax()))
    return Compared(
        quantity.name, quantity.layer, quantity.place, rows.size, tolerance, largest, worst, first, (turn, sample or 0)
    )


def _joined(samples: list[Compared]) -> Compared:
    """The same array over all samples."""
    worst = max(samples, key=lambda each: each.largest)
    parted = [each for each in samples if not each.agrees]
    soonest = min(parted, key=lambda each: each.sooner) if parted else worst
    return Compared(
        worst.name,
        worst.layer,
        worst.place,
        sum(each.values for each in samples),
        worst.tolerance,
        worst.largest,
        worst.worst,
        soonest.first,
        soonest.sooner,
    )
