"""Networks: recurrent layers in the order in which they run, with what stands before, between and behind them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy.typing as npt

from unrolled.arrays import State
from unrolled.errors import OptionError, ShapeError
from unrolled.network_layers import (
    Dense,
    Direction,
    Embedding,
    Foreign,
    Masking,
    NetworkLayer,
    Recurrent,
    Unchanged,
)
from unrolled.network_reading import Reading
from unrolled.parameters import tally
from unrolled.stretch import Stretch, check

__all__ = [
    "Dense",
    "Direction",
    "Embedding",
    "Foreign",
    "LayerCount",
    "Masking",
    "Network",
    "NetworkLayer",
    "Recurrent",
    "Stretch",
    "Unchanged",
]


@dataclass(frozen=True, slots=True)
class LayerCount:
    """How many parameters a layer of a network has.

    Attributes:
        name: Its name.
        kind: What the framework calls it.
        parameters: The number.
    """

    name: str
    kind: str
    parameters: int


@dataclass(frozen=True, eq=False, slots=True)
class Network:
    """Layers in the order in which they run, at least one of them recurrent.

    Attributes:
        layers: The layers. Each reads the output of the one before.

    Raises:
        ShapeError: If two layers do not fit each other, or none is recurrent.
        OptionError: If two have the same name.
    """

    layers: tuple[NetworkLayer, ...]

    def __post_init__(self) -> None:
        """Checks that the layers fit each other."""
        names = [layer.name for layer in self.layers]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise OptionError(f"layers: expected a name of its own for each, got {twice} twice")
        if not self.recurrent:
            raise ShapeError(f"layers: expected a recurrent one among them, got {', '.join(names) or 'none'}")
        for stretch in self.stretches:
            check(stretch)

    @property
    def recurrent(self) -> tuple[Recurrent, ...]:
        """The recurrent layers."""
        return tuple(layer for layer in self.layers if isinstance(layer, Recurrent))

    @property
    def stretches(self) -> tuple[Stretch, ...]:
        """The parts that run by themselves, each with a recurrent layer: the whole network, where nothing is foreign.

        A layer with two outputs (a bidirectional one whose merge is None) ends a stretch.
        """
        stretches: list[Stretch] = []
        after: NetworkLayer | None = None
        layers: list[NetworkLayer] = []
        for layer in (*self.layers, None):
            if layer is not None and not isinstance(layer, Foreign):
                layers.append(layer)
            if layer is None or isinstance(layer, Foreign) or _has_two_outputs(layer):
                if any(isinstance(one, Recurrent) for one in layers):
                    stretches.append(Stretch(tuple(layers), after, layer if isinstance(layer, Foreign) else None))
                after, layers = layer, []
        return tuple(stretches)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What of the network is not computed, and what that means for its input, one sentence each."""
        told, stretches = [], self.stretches
        for stretch in stretches:
            first = stretch.layers[0].name
            if isinstance(stretch.after, Foreign):
                told.append(
                    f"{stretch.after.name} ({stretch.after.kind}) is not computed: {first} behind it reads the array "
                    f"that you give, as its own input"
                )
            elif stretch.after is not None:
                told.append(f"{stretch.after.name} has two outputs: {first} behind it reads the array that you give")
            if stretch.before is not None and stretch is stretches[-1]:
                told.append(f"{stretch.before.name} ({stretch.before.kind}) is not computed: there is no prediction")
        return tuple(told)

    def stretch(self, name: str | None = None) -> Stretch:
        """The stretch that the layer `name` is in; the first one if no name is given.

        Raises:
            OptionError: If there is no such layer, or it stands in none.
        """
        for stretch in self.stretches:
            if name is None or any(layer.name == name for layer in stretch.layers):
                return stretch
        known = ", ".join(layer.name for layer in self.recurrent)
        raise OptionError(f"layer: expected one of {known}, got {name!r}")

    def read(
        self,
        values: npt.ArrayLike,
        initial_states: Mapping[str, State] | None = None,
        length: int | None = None,
        layer: str | None = None,
        row: int = 0,
    ) -> Reading:
        """The network reading one sequence; nothing is computed until it is asked for.

        Args:
            values: The sequence, (T, features), or token ids (T,) where an Embedding stands first.
            initial_states: The state before the first timestep for directions by name. Those not named have the file's
                own, or zeros.
            length: How many timesteps the sequence has, if the rest is padding: a backward direction begins at the
                last of them, and the output past it is zero, as with ONNX's sequence_lens and PyTorch's packed ones.
            layer: A layer of the stretch that reads `values`, if not the first one.
            row: Which sequence of a batch it is, from 0, where the file has a state or a length for each.

        Raises:
            ShapeError: If the sequence or a state does not fit, or the file has none for that row.
            SequenceFileError: If a token id is not in the vocabulary.
            OptionError: If there is no such layer or direction, or the length is none.
        """
        return Reading(self.stretch(layer), values, initial_states, length, row)

    @property
    def counts(self) -> tuple[LayerCount, ...]:
        """The parameters of each layer, as the framework's own summary counts them."""
        return tuple(LayerCount(layer.name, _kind(layer), _parameters(layer)) for layer in self.layers)

    @property
    def parameters(self) -> int:
        """The parameters of all layers."""
        return sum(count.parameters for count in self.counts)


def _has_two_outputs(layer: NetworkLayer) -> bool:
    return isinstance(layer, Recurrent) and layer.outputs is None


def _kind(layer: NetworkLayer) -> str:
    match layer:
        case Unchanged() | Foreign():
            return layer.kind
        case Recurrent():
            cell = layer.forward.anatomy.cell
            return cell if layer.backward is None else f"Bidirectional({cell})"
    return type(layer).__name__


def _parameters(layer: NetworkLayer) -> int:
    if isinstance(layer, Recurrent) and layer.parameters is None:
        return sum(tally(direction.layer).total for direction in layer.directions)
    return layer.parameters or 0
