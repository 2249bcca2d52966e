"""A model with its layers to move between, reading one sequence of a batch after another."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from unrolled import InputSequence, ShapeError
from unrolled.network import Network, Recurrent
from unrolled.passage import Passage
from unrolled.progress import Progress
from unrolled.stateful import Batches
from unrolled_tui.layer_view import NEAR, LayerView, in_order


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model says at one timestep.

    Attributes:
        values: A number for each class or output; none where it says nothing or that is not computed yet.
        names: What they are called.
        shares: Whether they are probabilities that add up to 1.
        remark: When it says so.
    """

    values: tuple[float, ...]
    names: tuple[str, ...]
    shares: bool
    remark: str


@dataclass(frozen=True, slots=True)
class Stop:
    """A layer of the model, as one of a list.

    Attributes:
        name: Its name; of a recurrent layer with two directions, of one of them.
        place: Its place among the directions of recurrent layers, None if it is none of them.
    """

    name: str
    place: int | None


class Tour:
    """A network reading a batch of sequences, or a single one.

    Args:
        network: The network.
        sequence: What it reads: values (T, features) or (batch, T, features); token ids have one feature.
        reader: The layer that reads it, if not the first one: see `Network.read`.
        batch_size: How many sequences a batch has, for stateful layers; all of them if it is not given.
        classes: What the outputs of the last layer are called, if that is known.
        framework: What wrote the model, if that is known.

    Attributes:
        place: The direction of a recurrent layer that is on show.
        row: The sequence on show, from 0.
        reading: The network reading it.

    Raises:
        UnrolledError: If the sequence does not fit the network.
    """

    def __init__(
        self,
        network: Network,
        sequence: InputSequence,
        reader: str | None = None,
        batch_size: int | None = None,
        classes: tuple[str, ...] = (),
        framework: str = "",
    ) -> None:
        self.network, self.sequence, self.framework = network, sequence, framework
        self.place = self.row = 0
        stretch = network.stretch(reader)
        samples = sequence.values if sequence.values.ndim == 3 else sequence.values[None]
        self._samples = samples[..., 0] if stretch.embedding is not None else samples
        self._reader, self._size, self._classes = reader, batch_size or len(samples), classes
        self._stateful = any(layer.stateful for layer in stretch.recurrent)
        self._resets: frozenset[int] = frozenset()
        self._batches = self._with_resets()
        self.reading = self._batches.read(0)
        self._views: dict[int, LayerView] = {}

    # Layers.

    @property
    def names(self) -> tuple[str, ...]:
        """The directions of recurrent layers."""
        return tuple(passage.name for passage in self.reading.passages)

    @property
    def stops(self) -> tuple[Stop, ...]:
        """All layers of the model in their order, those that can be looked at with their places."""
        places = {name: place for place, name in enumerate(self.names)}
        names = (
            direction
            for layer in self.network.layers
            for direction in (
                [each.name for each in layer.directions] if isinstance(layer, Recurrent) else [layer.name]
            )
        )
        return tuple(Stop(name, places.get(name)) for name in names)

    @property
    def passage(self) -> Passage:
        """The direction on show."""
        return self.reading.passages[self.place]

    def view(self) -> LayerView:
        """The direction on show as a view; what stands before it has to be computed as a whole by now: see `prepare`.

        Raises:
            ShapeError: If every timestep is masked, or too much would have to be kept.
        """
        if self.place not in self._views:
            passage = self.passage
            sequence = in_order(self.sequence.row(self.row), passage.clock)
            plain = passage.clock.read is None and not passage.backwards
            self._views[self.place] = LayerView(passage.run, sequence, passage.name, None if plain else passage.clock)
        return self._views[self.place]

    # Sequences and states.

    def __len__(self) -> int:
        """How many sequences there are."""
        return len(self._samples)

    @property
    def masked(self) -> int:
        """How many timesteps of the sequence the layer on show passes over."""
        return self.reading.timesteps - len(self.passage.clock)

    @property
    def batch(self) -> int:
        """The batch that the sequence on show is in, from 0."""
        return self.row // self._size

    @property
    def batches(self) -> int:
        """How many batches there are; 0 if the states of no layer go on from one to the next."""
        return -(-len(self) // self._size) if self._stateful else 0

    @property
    def reset(self) -> bool:
        """Whether the states were set to zeros before this batch."""
        return self.batch == 0 or self.batch in self._resets

    def toggle_reset(self) -> None:
        """Sets the states to zeros before this batch, or lets them go on; the sequence has to be opened again."""
        self._resets ^= {self.batch}
        self._batches = self._with_resets()

    def open(self, row: int) -> Iterator[Progress]:
        """Turns to a sequence, and goes through those whose states lead to it; whoever stops asking stays.

        Raises:
            ShapeError: If every timestep of it is masked. The tour stays where it is.
        """
        batches = self._batches
        yield from batches.explore(row)
        reading = batches.read(row)
        if not len(reading.passages[self.place].clock):
            name = self.sequence.row(row).name
            raise ShapeError(f"{name}: expected a timestep to read, got {reading.timesteps:,}, which are all masked")
        self.row, self.reading, self._views = row, reading, {}

    def _with_resets(self) -> Batches:
        return Batches(self.network, self._samples, self._size, self._resets, self._reader)

    # Timesteps.

    def is_near(self, timestep: int) -> bool:
        """Whether every layer is known at a timestep, or nearly so."""
        return all(_is_near(passage, timestep) for passage in self.reading.passages)

    def prediction(self, timestep: int) -> Prediction | None:
        """What the model says at a timestep; None if it has no layer that says something."""
        readout = self.reading.readout
        if readout is None:
            return None
        known = self.is_near(timestep)
        said = self.reading.prediction(timestep) if known else None
        values = () if said is None else tuple(np.asarray(said, float).tolist())
        width = readout.layers[-1].kernel.shape[1]
        names = self._classes if len(self._classes) == width else tuple(map(str, range(width)))
        shares = readout.activation == "softmax" and width > 1
        return Prediction(values, names, shares, self._remark(readout.when, readout.backwards, known, timestep))

    def _remark(self, when: str, backwards: bool, known: bool, timestep: int) -> str:
        if not known:
            return "not computed yet"
        if when == "whole":
            return "at the end" if timestep == self.reading.timesteps - 1 else "the model answers at the last timestep"
        last = self.reading.passages[-1]
        if when == "so far" and last.row(timestep) != len(last.clock) - 1:
            return "if the sequence began here" if backwards else "if the sequence ended here"
        return ""


def _is_near(passage: Passage, timestep: int) -> bool:
    if not passage.ready:
        return False
    row = passage.row(timestep)
    return row is None or row < passage.run.frontier + NEAR
