"""Whether a model's numbers agree with what a framework computed, and where they first part if they do not."""

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from unrolled.arrays import Array
from unrolled.compare import differences
from unrolled.errors import OptionError, SequenceFileError, ShapeError
from unrolled.evidence import HIDDEN, OUTPUT, Layout, Quantity, Sample, input_of, quantities, traced
from unrolled.files import UnreadableError, naming, opened
from unrolled.finite import not_finite
from unrolled.formats.model import Model
from unrolled.npy import AnyArray, read_npz
from unrolled.stretch import Stretch
from unrolled.text import printable

_FEW = 8
"""So many different numbers may all be round by chance."""


@dataclass(frozen=True, slots=True)
class Place:
    """Two numbers that should be one.

    Attributes:
        array: The name of the array that has it.
        layer: The layer.
        unit: The unit, from 0.
        t: The timestep, from 0; None where there is one number for the whole sequence.
        sample: The sample, from 0; None where there is no axis for samples.
        ours: What is computed here.
        theirs: What the file has.
    """

    array: str
    layer: str
    unit: int
    t: int | None
    sample: int | None
    ours: float
    theirs: float

    def __str__(self) -> str:
        """Where it is, counted from 1."""
        parts = [self.layer, f"unit {self.unit + 1:,}"]
        if self.t is not None:
            parts.append(f"timestep {self.t + 1:,}")
        if self.sample is not None:
            parts.append(f"sample {self.sample + 1:,}")
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Compared:
    """One array beside what is computed here.

    Attributes:
        name: Its name.
        layer: The layer that it is of.
        place: Where that stands in the network.
        values: How many numbers it has.
        tolerance: The largest difference that is none, for numbers up to 1; in proportion to larger ones.
        largest: The largest difference, measured in the same way.
        worst: Where that is.
        first: Where they first part; None if they agree.
        sooner: The order of `first` among such places of one layer.
    """

    name: str
    layer: str
    place: int
    values: int
    tolerance: float
    largest: float
    worst: Place
    first: Place | None
    sooner: tuple[int, int]

    @property
    def agrees(self) -> bool:
        """Whether no number differs by more than the tolerance."""
        return self.first is None

    @property
    def is_output(self) -> bool:
        """Whether it is what a layer gives to the next one."""
        return self.name.rpartition("/")[2] in (HIDDEN, OUTPUT)


@dataclass(frozen=True, eq=False, slots=True)
class Report:
    """What came out of it.

    Attributes:
        model: The name of the model's file, printable.
        against: The name of what it was verified against, printable.
        compared: The arrays, in the order of the network.
        ignored: Those that are not known, printable.
        batch_first: Whether the axis of the samples was taken to come before the timesteps.
    """

    model: str
    against: str
    compared: tuple[Compared, ...]
    ignored: tuple[str, ...]
    batch_first: bool

    @property
    def agrees(self) -> bool:
        """Whether all numbers agree."""
        return all(each.agrees for each in self.compared)

    @property
    def values(self) -> int:
        """How many numbers were compared."""
        return sum(each.values for each in self.compared)

    @property
    def largest(self) -> float:
        """The largest difference."""
        return max(each.largest for each in self.compared)

    @property
    def tolerance(self) -> float:
        """The largest tolerance, as that of arrays in less precise numbers is larger."""
        return max(each.tolerance for each in self.compared)

    @property
    def first(self) -> Place | None:
        """Where they first part: in the first layer, the timestep that it comes to first; None if they agree."""
        parted = [each for each in self.compared if each.first is not None]
        return min(parted, key=lambda each: (each.place, each.sooner)).first if parted else None

    @property
    def badge(self) -> str:
        """The same in a few words, for a title."""
        first = self.first
        if first is None:
            return f"verified against {self.against}" + (f" ({self.largest:.1g})" if self.largest else "")
        return f"parts from {self.against} at {first}"

    @property
    def sentence(self) -> str:
        """All of this in one sentence."""
        names = ", ".join(printable(each.name, 60) for each in self.compared)
        first = self.first
        if first is None:
            largest = f"to {self.largest:.2g}" if self.largest else "exactly"
            return (
                f"{self.model} agrees with {self.against} {largest}: {self.values:,} numbers of {names} "
                f"(tolerance {self.tolerance:.2g})"
            )
        worst = max(self.compared, key=lambda each: each.largest)
        return (
            f"{self.model} parts from {self.against} at {first}: {printable(first.array, 60)} is {first.ours:.7g} here "
            f"and {first.theirs:.7g} there; the largest difference is {worst.largest:.2g}, in "
            f"{printable(worst.name, 60)} at {worst.worst} (tolerance {worst.tolerance:.2g})"
        )


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
) -> Report:
    """Compares what a model computes with the arrays that a framework computed.

    Args:
        model: The model.
        arrays: `x`, what it reads, and any of: `h`, the output of its last recurrent layer at every timestep; `y`, its
            own output; and what a trace has, such as `lstm_1/h`, `bidirectional/forward/c` or `i`.
        against: What the arrays are called, printable.
        layer: A layer of the stretch that reads `x`, if not the first one: see `Network.read`.
        tolerance: The largest difference that is none, in proportion to numbers above 1. If it is not given, what
            the order of a sum may change in numbers of such a precision and in layers of such a width.

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
            reports.append(_compare(model, stretch, arrays, against, batch_first, tolerance))
        except ShapeError as problem:
            problems.append(problem)
    if not reports:
        raise problems[0]
    return next((report for report in reports if report.agrees), reports[0])


def verify_file(
    model: Model, path: str | os.PathLike[str], layer: str | None = None, tolerance: float | None = None
) -> Report:
    """Compares what a model computes with the arrays in a .npz file: see `verify`.

    Raises:
        SequenceFileError: If the file cannot be read, or its arrays are not what they should be.
        OptionError: If there is no such layer, or the tolerance is none.
    """
    arrays = read_arrays(path)
    where = os.fspath(path)
    try:
        return verify(model, arrays, printable(Path(where).name, 60), layer, tolerance)
    except (ShapeError, SequenceFileError) as problem:
        raise SequenceFileError(f"{printable(where)}: {problem}") from problem


def _orders(model: Model, stretch: Stretch, arrays: Mapping[str, AnyArray]) -> tuple[bool, ...]:
    """Whether the batch comes first, in the order in which it is tried: an ONNX graph may have either."""
    if traced(stretch, arrays):
        return (True,)
    return (True, False) if model.framework == "ONNX" else (model.batch_first,)


def _compare(
    model: Model,
    stretch: Stretch,
    arrays: Mapping[str, AnyArray],
    against: str,
    batch_first: bool,
    tolerance: float | None,
) -> Report:
    name, x = input_of(stretch, arrays)
    layout = Layout.of(stretch, name, x, batch_first)
    read = model.network.read
    inside = stretch.recurrent[0].name
    known = quantities(read(layout.samples[0], layer=inside), arrays)
    wanted = {key: known[key] for key in known if key in arrays and key != name}
    ignored = [key for key in arrays if key not in wanted and key != name]
    if not wanted:
        raise ShapeError(_nothing(stretch, ignored))
    theirs = {key: layout.by_sample(each, arrays[key]) for key, each in wanted.items()}
    kept = {key.rpartition("/")[2] for key in wanted} | {HIDDEN}
    found: dict[str, list[Compared]] = {key: [] for key in wanted}
    for number, values in enumerate(layout.samples):
        sample = Sample(read(values, layer=inside), kept)
        for key, each in wanted.items():
            allowed = _tolerance(stretch, arrays[key]) if tolerance is None else tolerance
            shown = number if layout.is_batch else None
            found[key].append(_beside(each, each.take(sample), theirs[key][number], allowed, shown))
    joined = sorted(map(_joined, found.values()), key=lambda each: each.place)
    return Report(model.name, against, tuple(joined), tuple(printable(key, 60) for key in ignored), batch_first)


def _nothing(stretch: Stretch, others: list[str]) -> str:
    got = printable(", ".join(others)) or "none"
    last = stretch.recurrent[-1]
    if OUTPUT in others and stretch.before is not None:
        return f"y: cannot be computed, as {stretch.before.name} ({stretch.before.kind}) is not: give h of {last.name}"
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
