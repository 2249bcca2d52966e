"""What a framework computed, as the arrays of a .npz file, beside what is computed here under the same names."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from unrolled.activations import activation_named
from unrolled.arrays import Array
from unrolled.errors import ShapeError
from unrolled.export import columns, names
from unrolled.lstm import LSTM
from unrolled.network_layers import Embedding, Masking, Recurrent, Unchanged
from unrolled.network_reading import Reading
from unrolled.npy import AnyArray
from unrolled.passage import merged
from unrolled.streams import stretches
from unrolled.stretch import Stretch
from unrolled.text import printable

INPUT, OUTPUT, HIDDEN = "x", "y", "h"
AT_LAST = " at the last timestep"
"""Behind h and y where the file has no more of them."""

TANH_C = "tanh(c)"
"""What h is before the output gate."""


@dataclass(frozen=True, eq=False, slots=True)
class Given:
    """An array of the file.

    Attributes:
        values: (samples, T, width), or (samples, width) where there is one for the whole sequence.
        tolerance: The largest difference that is none, for numbers up to 1; in proportion to larger ones.
    """

    values: AnyArray
    tolerance: float


@dataclass(frozen=True, eq=False, slots=True)
class Evidence:
    """What a framework computed, with the samples first and then the timesteps.

    Attributes:
        x: The input, (samples, T, features), or token ids (samples, T).
        arrays: What else there is, by the names of `quantities`.
        is_batch: Whether the file has an axis for samples.
        is_trace: Whether it is a trace as `unrolled trace` writes it.
        first: The number of the first sample in the file, from 0.
    """

    x: AnyArray
    arrays: Mapping[str, Given]
    is_batch: bool = True
    is_trace: bool = False
    first: int = 0

    def sample(self, number: int) -> "Evidence":
        """One sample of it."""
        one = slice(number, number + 1)
        arrays = {name: replace(given, values=given.values[one]) for name, given in self.arrays.items()}
        return replace(self, x=self.x[one], arrays=arrays, first=self.first + number)

    def timesteps(self, times: slice) -> "Evidence":
        """Some timesteps of it, without what there is of the whole sequence only."""
        each = {name: given for name, given in self.arrays.items() if given.values.ndim == 3}
        arrays = {name: replace(given, values=given.values[:, times]) for name, given in each.items()}
        return replace(self, x=self.x[:, times], arrays=arrays)

    def instead(self, name: str, others: Mapping[str, AnyArray]) -> "Evidence":
        """The same with other arrays in the place of `name`."""
        arrays = {key: given for key, given in self.arrays.items() if key != name}
        arrays |= {key: replace(self.arrays[name], values=values) for key, values in others.items()}
        return replace(self, arrays=arrays)


class Sample:
    """A network reading one sequence, and what of it is asked for by name.

    Args:
        reading: The reading.
        wanted: The names in a trace that are asked for, such as h and z_i.
    """

    def __init__(self, reading: Reading, wanted: Collection[str]) -> None:
        self.reading = reading
        self._wanted = {*wanted, HIDDEN} | ({"c"} if TANH_C in wanted else set())
        self._found: dict[str, dict[str, Array]] = {}

    def column(self, direction: str, name: str) -> Array:
        """What a trace has under `name` of a direction, (T, units) or (T, features)."""
        if direction not in self._found:
            passage = self.reading.passage(direction)
            parts = [columns(passage, times) for times in stretches(self.reading.timesteps)]
            kept = [each for each in names(passage.layer.anatomy) if each in self._wanted]
            self._found[direction] = {each: np.concatenate([part[each] for part in parts]) for each in kept}
        return self._found[direction][name]

    def hidden(self, recurrent: Recurrent) -> Array:
        """The output of a layer at every timestep, (T, features), as the framework gives it with `return_sequences`."""
        whole = self.reading.output(recurrent.name) if recurrent.return_sequences else None
        if isinstance(whole, np.ndarray):
            return whole
        return merged(recurrent, [self.column(direction.name, HIDDEN) for direction in recurrent.directions])

    @cached_property
    def prediction(self) -> Array:
        """What the model gives: (T, outputs), or (outputs,) where it gives that once."""
        whole = self.reading.output(self.reading.stretch.recurrent[-1].name)
        joined = whole if isinstance(whole, np.ndarray) else np.concatenate(whole, axis=-1)
        return joined if self.reading.readout is None else self.reading.readout(joined)


@dataclass(frozen=True, eq=False, slots=True)
class Quantity:
    """Something that is computed here and may be in the file.

    Attributes:
        name: Its name in the file.
        layer: The layer that it is of, with `/forward` or `/backward` behind it if it is of one direction.
        place: Where that layer stands in the network: what is wrong at one place shows at those after it.
        take: Gives it of a sample: (T, width), or (width,) where there is one for the whole sequence.
        width: How many numbers each timestep has.
        is_each: Whether there is one at each timestep.
        backwards: Whether it begins with the last timestep.
    """

    name: str
    layer: str
    place: int
    take: Callable[[Sample], Array]
    width: int
    is_each: bool = True
    backwards: bool = False


def quantities(reading: Reading, is_trace: bool) -> dict[str, Quantity]:
    """All that a file may hold, by name: what a trace has, and h and y as the framework gives them."""
    stretch, found = reading.stretch, {}
    for recurrent in stretch.recurrent:
        for each in _of_layer(reading, recurrent):
            found[each.name] = each
    last = stretch.recurrent[-1]
    for each in tuple(found.values()):
        plain = each.name.rpartition("/")[2]
        if each.layer == last.name and plain != INPUT:  # without the layer's name it is of the last layer
            found[plain] = Quantity(
                plain, each.layer, each.place, each.take, each.width, each.is_each, each.backwards and is_trace
            )
    if last.outputs is not None:
        if not is_trace:
            found[HIDDEN] = _hidden(stretch, last, HIDDEN)
        if stretch.before is None:
            found[OUTPUT] = _output(reading)
    for key in (HIDDEN, OUTPUT):
        if key in found:
            found[f"{key}{AT_LAST}"] = _at_last(found[key], last)
    return found


def traced(stretch: Stretch, arrays: Collection[str]) -> bool:
    """Whether the arrays are a trace as `unrolled trace` writes it: all in the order of the input, batch first."""
    for direction in (each for layer in stretch.recurrent for each in layer.directions):
        for prefix in ("", f"{direction.name}/"):
            if all(f"{prefix}{name}" in arrays for name in names(direction.layer.anatomy)):
                return True
    return False


def passes_over(stretch: Stretch) -> bool:
    """Whether its layers may pass over timesteps."""
    for layer in stretch.layers:
        match layer:
            case Masking() | Embedding(mask_zero=True):
                return True
            case Recurrent() if layer.lengths is not None:
                return True
    return False


def input_of(stretch: Stretch, arrays: Mapping[str, AnyArray]) -> tuple[str, AnyArray]:
    """What the network reads, with its name: `x`, or in a trace what its first layer reads.

    Raises:
        ShapeError: If there is no such array.
    """
    candidates = [INPUT]
    first = next(layer for layer in stretch.layers if not isinstance(layer, Unchanged | Masking))
    if isinstance(first, Recurrent):
        candidates += [f"{direction.name}/{INPUT}" for direction in first.directions]
    for name in candidates:
        if name in arrays:
            return name, arrays[name]
    got = ", ".join(printable(name, 40) for name in arrays) or "none"
    raise ShapeError(f"expected an array {INPUT}, what the model reads, got {printable(got)}")


@dataclass(frozen=True, eq=False, slots=True)
class Layout:
    """Where the samples are in the arrays of a file.

    Attributes:
        samples: The input, (samples, T, features), or token ids (samples, T).
        is_batch: Whether there is an axis for samples.
        batch_first: Whether it comes before the timesteps.
    """

    samples: AnyArray
    is_batch: bool
    batch_first: bool

    @classmethod
    def of(cls, stretch: Stretch, name: str, x: AnyArray, batch_first: bool) -> "Layout":
        """The layout that the input `x` says.

        Raises:
            ShapeError: If it has too few or too many axes, or nothing in it.
        """
        single = 1 if stretch.embedding is not None else 2
        if x.ndim not in (single, single + 1) or not x.size:
            one = "T" if single == 1 else "T, features"
            batch = f"batch, {one}" if batch_first else f"T, batch{one[1:]}"
            raise ShapeError(f"{printable(name)}: expected ({one}) or ({batch}), got shape {x.shape}")
        is_batch = x.ndim > single
        if not is_batch:
            return cls(x[None], False, batch_first)
        return cls(x if batch_first else np.swapaxes(x, 0, 1), True, batch_first)

    def by_sample(self, quantity: Quantity, array: AnyArray) -> AnyArray:
        """`array` with its samples first: (samples, T, width), or (samples, width).

        ONNX's own Y is (T, directions, batch, units), its Y_h (directions, batch, units).

        Raises:
            ShapeError: If it has another shape.
        """
        count, timesteps = self.samples.shape[:2]
        width = quantity.width
        one = (timesteps, width) if quantity.is_each else (width,)
        if not self.is_batch:
            wanted: tuple[int, ...] = one
            if array.shape in (one, (1, *one)):
                return array.reshape(1, *one)
        elif self.batch_first or not quantity.is_each:
            wanted = (count, *one)
            if array.shape == wanted:
                return array
        else:
            wanted = (timesteps, count, width)
            if array.shape == wanted:
                return np.swapaxes(array, 0, 1)
        apart = self._of_onnx(array, quantity)
        if apart is not None:
            return apart
        if _is_reshaped(array.shape, wanted):
            return self.by_sample(quantity, array.reshape(wanted))
        raise ShapeError(f"{printable(quantity.name)}: expected shape {wanted}, got {array.shape}")

    def _of_onnx(self, array: AnyArray, quantity: Quantity) -> AnyArray | None:
        """The directions, which have an axis of their own, side by side; None if they have none."""
        count, timesteps = self.samples.shape[:2]
        axes = (timesteps, -1, count) if quantity.is_each else (-1, count)
        if self.batch_first or not self.is_batch or array.ndim != len(axes) + 1:
            return None
        directions, units = array.shape[-3], array.shape[-1]
        if array.shape[:-3] != axes[:-2] or array.shape[-2] != count or directions * units != quantity.width:
            return None
        return np.moveaxis(array, -2, 0).reshape(count, *axes[:-2], quantity.width)


def _is_reshaped(shape: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    """Whether it only has axes of size 1 more or fewer, or its first two axes, samples and timesteps, as one."""
    if shape != wanted and [size for size in shape if size != 1] == [size for size in wanted if size != 1]:
        return True
    return len(wanted) == 3 and shape == (wanted[0] * wanted[1], wanted[2])


def _of_layer(reading: Reading, recurrent: Recurrent) -> Iterator[Quantity]:
    place = reading.stretch.layers.index(recurrent)
    for direction in recurrent.directions:
        passage = reading.passage(direction.name)
        for name in names(passage.layer.anatomy):
            width, key = passage.layer.width(name), direction.name
            yield Quantity(f"{key}/{name}", key, place, _column(key, name), width, backwards=passage.backwards)
        if isinstance(passage.layer, LSTM):
            shown, c = activation_named(passage.layer.output_activation or passage.layer.activation), _column(key, "c")
            yield Quantity(f"{key}/{TANH_C}", key, place, _after(shown, c), passage.layer.units)
    if recurrent.backward is not None and recurrent.outputs is not None:
        yield _hidden(reading.stretch, recurrent, f"{recurrent.name}/{HIDDEN}")


def _column(direction: str, name: str) -> Callable[[Sample], Array]:
    return lambda sample: sample.column(direction, name)


def _after(function: Callable[[Array], Array], take: Callable[[Sample], Array]) -> Callable[[Sample], Array]:
    return lambda sample: function(take(sample))


def _hidden(stretch: Stretch, recurrent: Recurrent, name: str) -> Quantity:
    place = stretch.layers.index(recurrent)
    return Quantity(name, recurrent.name, place, lambda sample: sample.hidden(recurrent), recurrent.outputs or 0)


def _at_last(each: Quantity, last: Recurrent) -> Quantity:
    """The same at the last timestep alone; what the layer gives, where that is its last output only."""

    def take(sample: Sample) -> Array:
        given = sample.reading.output(last.name) if each.name == HIDDEN and not last.return_sequences else None
        if isinstance(given, np.ndarray):
            return given
        return each.take(sample)[-1] if each.is_each else each.take(sample)

    return replace(each, name=f"{each.name}{AT_LAST}", take=take, is_each=False, backwards=False)


def _output(reading: Reading) -> Quantity:
    """What the model gives, as the last layer that computes something gives it."""
    stretch, readout, last = reading.stretch, reading.readout, reading.stretch.recurrent[-1]
    layer = last if readout is None else readout.layers[-1]
    width = last.outputs or 0 if readout is None else int(readout.layers[-1].kernel.shape[1])
    place = stretch.layers.index(layer)
    return Quantity(OUTPUT, layer.name, place, lambda sample: sample.prediction, width, last.return_sequences)
