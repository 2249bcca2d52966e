"""Where the weights of a Keras model are in its HDF5 file, in each of the two ways in which Keras puts them there."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from unrolled.files import UnreadableError
from unrolled.formats.hdf5 import Tree
from unrolled.formats.keras_config import LayerConfig
from unrolled.npy import AnyArray
from unrolled.text import printable

_MOST_VARIABLES = 64
_NOT_PARAMETERS = ("seed_generator", "optimizer")


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a layer that has weights of its own.

    Attributes:
        path: Where Keras 3 keeps them below the layer: `cell`, `forward_layer/cell`, `cell/cells/lstm_cell`.
        number: Which of the parts it is.
        count: How many there are.
    """

    path: str = ""
    number: int = 0
    count: int = 1


WHOLE = Part()


class Weights(Protocol):
    """The weight arrays of a model, by layer."""

    def arrays(self, layer: LayerConfig, part: Part = WHOLE) -> tuple[AnyArray, ...]:
        """The arrays of a layer, or of a part of it, in Keras's order.

        Raises:
            UnreadableError: If they are not there, or cannot be read.
        """

    def parameters(self, layer: LayerConfig) -> int:
        """How many numbers there are in all of a layer's arrays."""


class PathWeights:
    """The way of Keras 3, and of `.keras` and `.weights.h5` files of Keras 2.12 and later: a path for each layer."""

    def __init__(self, tree: Tree) -> None:
        """Reads nothing yet."""
        self._tree = tree

    def arrays(self, layer: LayerConfig, part: Part = WHOLE) -> tuple[AnyArray, ...]:
        """The arrays of a layer, or of a part of it, in Keras's order."""
        base = self.place(layer.path)
        inner = f"{base}/{part.path}".rstrip("/")
        if inner.endswith("/cell") and not self._tree.names(f"{inner}/vars"):
            inner = inner.removesuffix("/cell")  # layers of cuDNN have no cell
        path = f"{inner}/vars"
        names = self._tree.names(path)
        if len(names) > _MOST_VARIABLES:
            raise UnreadableError(f"{layer.shown}: expected a few weight arrays, got {len(names):,}")
        return tuple(self._tree.array(f"{path}/{number}") for number in range(len(names)))

    def parameters(self, layer: LayerConfig) -> int:
        """How many numbers there are in all of a layer's arrays."""
        total = 0
        for path in self._tree.groups(self.place(layer.path)):
            if path.endswith("/vars") and not any(part in _NOT_PARAMETERS for part in path.split("/")):
                total += sum(self._tree.count(f"{path}/{name}") for name in self._tree.names(path))
        return total

    def place(self, path: str) -> str:
        """Where a layer is: Keras 2.12 and 2.13 had another name for `layers`."""
        if self._tree.has("_layer_checkpoint_dependencies"):
            return path.replace("layers/", "_layer_checkpoint_dependencies/")
        return path


class NamedWeights:
    """The way of Keras 1 and 2, and of `.h5` files of Keras 3: lists of names, of the layers and of their weights."""

    def __init__(self, tree: Tree, root: str) -> None:
        """Reads the names of the layers.

        Raises:
            UnreadableError: If there are none, or one is there twice.
        """
        self._tree = tree
        self._root = root
        """The path before each layer's, with a slash at its end, or empty."""
        names = tree.texts(root.rstrip("/"), "layer_names")
        if names is None:
            raise UnreadableError("expected the weights of a Keras model, got an HDF5 file without any")
        twice = next((name for name, count in Counter(names).items() if count > 1), None)
        if twice is not None:
            raise UnreadableError(
                f"layer_names: expected a name of its own for each layer, got {printable(twice, 60)} twice"
            )
        self.layers = names

    @cached_property
    def by_layer(self) -> dict[str, tuple[str, ...]]:
        """The paths of each layer's weights below its group."""
        found = {}
        for layer in self.layers:
            _check_path(layer, "layer_names")
            names = self._tree.texts(f"{self._root}{layer}", "weight_names")
            if names is None:
                raise UnreadableError(f"{printable(layer, 60)}: expected weight_names, got none")
            found[layer] = names
        return found

    def arrays(self, layer: LayerConfig, part: Part = WHOLE) -> tuple[AnyArray, ...]:
        """The arrays of a layer, or of a part of it, in Keras's order."""
        return self.read(layer.outermost, part_of(self.names(layer), part))

    def read(self, layer: str, names: Sequence[str]) -> tuple[AnyArray, ...]:
        """The arrays of these names, below the group of an outermost layer."""
        if len(names) > _MOST_VARIABLES:
            raise UnreadableError(f"{printable(layer, 60)}: expected a few weight arrays, got {len(names):,}")
        for name in names:
            _check_path(name, "weight_names")
        return tuple(self._tree.array(f"{self._root}{layer}/{name}") for name in names)

    def parameters(self, layer: LayerConfig) -> int:
        """How many numbers there are in all of a layer's arrays."""
        for name in self.names(layer):
            _check_path(name, "weight_names")
        return sum(self._tree.count(f"{self._root}{layer.outermost}/{name}") for name in self.names(layer))

    def names(self, layer: LayerConfig) -> tuple[str, ...]:
        """The paths of a layer's weights; in a nested model, those that have its name in them."""
        names = self.by_layer.get(layer.outermost, ())
        if layer.outermost == layer.name and "/" not in layer.path.removeprefix("layers/"):
            return names
        return tuple(name for name in names if layer.name in name.split("/")[:-1])


def part_of(names: tuple[str, ...], part: Part) -> tuple[str, ...]:
    """The names of one of several parts: each begins with its kernel, or they are of one size, as in Keras 1."""
    begins = [number for number, name in enumerate(names) if name.rpartition("/")[2].startswith("kernel")]
    if len(begins) != part.count:
        begins = [len(names) * number // part.count for number in range(part.count)]
    ends = [*begins[1:], len(names)]
    return names[begins[part.number] : ends[part.number]]


def _check_path(path: str, where: str) -> None:
    if any(part in ("", ".", "..") for part in path.split("/")):
        raise UnreadableError(
            f"{where}: expected a path inside of the file, got {printable(path, 60) or 'an empty one'}"
        )
