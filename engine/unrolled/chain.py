"""The layers of a network joined to each other over one sequence: each reads the stream of the one before."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from unrolled.arrays import State
from unrolled.clock import Mask, Numbers
from unrolled.errors import OptionError, SequenceFileError, ShapeError
from unrolled.network_layers import Dense, Embedding, Masking, NetworkLayer, Recurrent
from unrolled.passage import MaskOf, Outputs, Passage
from unrolled.streams import Embedded, Kept, Projected, Stream, Values, stretches
from unrolled.stretch import Stretch


class Chain:
    """What each layer of a stretch gives to the next, in the timesteps of the sequence as it was given.

    Nothing is computed while it is made. Keras's rules for masks: https://keras.io/guides/understanding_masking_and_padding/

    Args:
        stretch: The layers.
        values: The sequence, (T, features), or token ids (T,).
        states: Initial states by the name of a direction.
        length: How many timesteps the sequence has, if the rest is padding.
        row: Which sequence of a batch it is, from 0.

    Raises:
        ShapeError: If the sequence or a state does not fit, or the file has none for that row.
        SequenceFileError: If a token id is not in the vocabulary.
        OptionError: If there is no such direction, or the length is none.

    Attributes:
        stream: What the last layer gives.
        passages: The directions of the recurrent layers.
        outputs: What each recurrent layer gives.
        reversed: The recurrent layers whose output, as the framework gives it, is in reverse order.
    """

    def __init__(
        self, stretch: Stretch, values: npt.ArrayLike, states: Mapping[str, State], length: int | None, row: int = 0
    ) -> None:
        stretch.check_row(row)
        self.stream = _first_stream(stretch, values)
        timesteps = self.stream.timesteps
        if length is not None and not 0 <= length <= timesteps:
            raise OptionError(f"length: expected 0 to {timesteps}, got {length}")
        self.passages: list[Passage] = []
        self.outputs: dict[str, Outputs] = {}
        self.reversed: set[str] = set()
        self._states, self._padded, self._row = states, length is not None, row
        self._read: Mask | None = None if length is None else np.arange(timesteps) < length
        self._mask: MaskOf | None = None if length is None else lambda: self._read
        self._in_reverse, self._kept_bytes = False, 0
        for layer in stretch.layers:
            self._add(layer)
        names = [passage.name for passage in self.passages]
        unknown = next((name for name in states if name not in names), None)
        if unknown is not None:
            raise OptionError(f"initial state: expected one of {', '.join(names)}, got {unknown}")

    def _add(self, layer: NetworkLayer) -> None:
        match layer:
            case Embedding():
                if layer.mask_zero and isinstance(self.stream, Embedded):
                    self._mask_with(self.stream.is_token)
            case Masking():
                if self.stream.order != "any":
                    self._keep(layer.name)
                stream = self.stream
                self._mask_with(lambda: _unlike(stream, layer.value))
            case Dense():
                self.stream = Projected(layer, self.stream)
            case Recurrent():
                self._add_recurrent(layer)

    def _add_recurrent(self, layer: Recurrent) -> None:
        ways = [direction.backwards != self._in_reverse for direction in layer.directions]
        orders = {"backward" if backwards else "forward" for backwards in ways}
        if self.stream.order != "any" and orders != {self.stream.order}:
            self._keep(layer.name)
        mask = self._mask_of(layer)
        passages = tuple(
            Passage(
                direction, self.stream, mask, backwards, self._states.get(direction.name, direction.start(self._row))
            )
            for direction, backwards in zip(layer.directions, ways, strict=True)
        )
        is_padded = self._padded or layer.lengths is not None
        outputs = Outputs(layer, passages, layer.zero_output_for_mask or is_padded)
        self.passages += passages
        self.outputs[layer.name] = self.stream = outputs
        if layer.go_backwards and not layer.flips_back:
            self._turn(outputs)
        if self._in_reverse:
            self.reversed.add(layer.name)

    def _mask_of(self, layer: Recurrent) -> MaskOf:
        """What the layer reads: not what is past its own length, if it has one."""
        length, mask, timesteps = layer.length(self._row), self._mask or _nothing_masked, self.stream.timesteps
        if length is None:
            return mask

        def read() -> Mask:
            masked, within = mask(), np.arange(timesteps) < length
            return within if masked is None else within & masked

        return cache(read)

    def _turn(self, outputs: Outputs) -> None:
        """From here on what comes first is about the last timestep. Keras does not turn the mask along with it."""
        self._in_reverse = not self._in_reverse
        if self._mask is not None:
            before = self._mask
            self._mask = cache(lambda: _turned(before()))
            outputs.order = "whole"  # what the next layer passes over is not what this one did

    def _keep(self, name: str) -> None:
        self.stream = kept = Kept(self.stream, self._kept_bytes, name)
        self._kept_bytes = kept.bytes

    def _mask_with(self, mask: Callable[[], Mask]) -> None:
        read = self._read
        self._mask = cache(mask if read is None else lambda: mask() & read)


def _first_stream(stretch: Stretch, values: npt.ArrayLike) -> Stream:
    """What the user gives, as the first layer reads it."""
    array = _array(values)
    embedding, features = stretch.embedding, stretch.features
    if embedding is not None:
        return Embedded(embedding, _tokens(embedding, array))
    if array.ndim != 2 or array.shape[1] != features:
        raise ShapeError(f"input: expected (T, features) with {features} features, got shape {array.shape}")
    if not len(array):
        raise ShapeError(f"input: expected one timestep or more, got shape {array.shape}")
    dtypes = [layer.kernel.dtype if isinstance(layer, Dense) else layer.forward.dtype for layer in _computing(stretch)]
    return Values(array, dtypes[0])


def _computing(stretch: Stretch) -> list[Dense | Recurrent]:
    return [layer for layer in stretch.layers if isinstance(layer, Dense | Recurrent)]


def _array(values: npt.ArrayLike) -> npt.NDArray[Any]:
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise ShapeError(f"input: expected numbers, the same many in every row, got {error}") from error
    if array.dtype.kind not in "fiub":
        raise ShapeError(f"input: expected real numbers, got {array.dtype}")
    return array


def _tokens(embedding: Embedding, values: npt.NDArray[Any]) -> Numbers:
    """Token ids from an array (T,) or (T, 1)."""
    flat = values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values
    if flat.ndim != 1 or not len(flat):
        raise ShapeError(f"input: expected token ids of shape (T,) for {embedding.name}, got shape {values.shape}")
    vocabulary = len(embedding.table)
    wrong = ~((flat >= 0) & (flat < vocabulary) & (flat == np.trunc(flat)))
    if wrong.any():
        t = int(wrong.argmax())
        raise SequenceFileError(
            f"input: expected token ids from 0 to {vocabulary - 1:,} for {embedding.name}, got {flat[t]} at "
            f"timestep {t + 1:,}"
        )
    return flat.astype(np.intp)


def _unlike(stream: Stream, value: float) -> Mask:
    """Where any feature is not `value`."""
    mark = np.asarray(value, stream.dtype)
    return np.concatenate([(stream.take(times) != mark).any(axis=-1) for times in stretches(stream.timesteps)])


def _turned(mask: Mask | None) -> Mask | None:
    return None if mask is None else mask[::-1]


def _nothing_masked() -> None:
    return None
