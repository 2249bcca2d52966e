"""Keras files that hold weights alone: which layers they are of is read from names and shapes.

What neither of these says, such as the activations, is asked for.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from unrolled.errors import OptionError
from unrolled.files import UnreadableError
from unrolled.formats.asking import Asking
from unrolled.formats.hdf5 import Tree
from unrolled.formats.keras_cells import GATES
from unrolled.formats.keras_config import MOST_LAYERS, Described, LayerConfig
from unrolled.formats.keras_kinds import UNTOLD
from unrolled.formats.keras_version import KerasVersion
from unrolled.formats.keras_weights import NamedWeights
from unrolled.text import printable

Shape = tuple[int, ...]
_NOT_LAYERS = frozenset({"optimizer", "_optimizer", "metrics", "seed_generator", "loss_tracker"})
_KERAS_1 = re.compile(r"_[WUb](_[a-z])?\Z")
_MOST_TRIES = 20_000


@dataclass(frozen=True, slots=True)
class Untold:
    """A layer as far as names and shapes tell.

    Attributes:
        name: Its name.
        path: Its group.
        kind: Its class, or what is nearest to it.
        shapes: The shapes of its weights; of a bidirectional layer, those of the forward one.
        both_ways: Whether it is bidirectional.
    """

    name: str
    path: str
    kind: str
    shapes: tuple[Shape, ...]
    both_ways: bool = False

    @property
    def is_recurrent(self) -> bool:
        """Whether it is recurrent."""
        return self.kind.removeprefix("CuDNN") in GATES

    @property
    def features(self) -> int | None:
        """The number of features that it reads, if it minds."""
        return self.shapes[0][0] if self.is_recurrent or self.kind == "Dense" else None

    def outputs(self, merge: str) -> int | None:
        """The number of features that it puts out, if that can be told."""
        if self.is_recurrent:
            units = self.shapes[1][0] if len(self.shapes) < 9 else self.shapes[2][-1]
            return units * 2 if self.both_ways and merge == "concat" else units
        return self.shapes[0][1] if self.kind in ("Dense", "Embedding") else None


def named_layers(weights: NamedWeights, tree: Tree, root: str) -> list[Untold]:
    """The layers of a file with lists of names, in the order of the list."""
    found = []
    for layer, names in weights.by_layer.items():
        if not names:
            continue
        shapes = tuple(tree.shape(f"{root}{layer}/{name}") or () for name in names)
        found.append(from_names(layer, names, shapes))
    return found


def path_layers(tree: Tree) -> list[Untold]:
    """The layers of a file with a path for each, by class, and in its class by number."""
    found: list[Untold] = []
    for path in tree.groups():
        parts = path.split("/")
        if parts[-1] != "vars" or _NOT_LAYERS & set(parts) or not tree.names(path):
            continue
        layer = _from_path(tree, parts[:-1])
        if layer is not None:
            found.append(layer)
        if len(found) > MOST_LAYERS:
            raise UnreadableError(f"expected a model of at most {MOST_LAYERS} layers, got more")
    return sorted(found, key=lambda one: (one.path.rpartition("/")[0], _class_and_number(one.path)))


def ordered(layers: list[Untold], asking: Asking, is_listed: bool) -> list[Untold]:
    """The layers as they run: as the user says, else as listed, else in an order in which their sizes fit.

    Raises:
        OptionError: If the user names others.
    """
    if len(layers) < 2:
        return layers
    usual = layers if is_listed else _fitting(layers, asking.choices.merge or "concat")
    names = {_shown(layer): layer for layer in usual}
    chosen = asking.ask("layer_order", tuple(names), ", ".join)
    if sorted(chosen) != sorted(names):
        raise OptionError(f"layer_order: expected the names {', '.join(names)}, in any order, got {', '.join(chosen)}")
    return [names[name] for name in chosen]


def configured(layers: Sequence[Untold], version: KerasVersion, asking: Asking) -> Iterator[LayerConfig]:
    """The layers with the options that they would have in a configuration, as far as they matter."""
    last = max((number for number, layer in enumerate(layers) if layer.is_recurrent), default=-1)
    # a Dense layer behind it may see every timestep or the last one only
    matters = last < len(layers) - 1 or asking.choices.return_sequences is not None
    for number, layer in enumerate(layers):
        described = _described(layer, version, asking, asks=number == last and matters)
        yield LayerConfig(layer.name, _shown(layer), described, layer.path, layer.name)


def from_names(layer: str, names: Sequence[str], shapes: tuple[Shape, ...]) -> Untold:
    """The layer that weights of these names and shapes make."""
    ends = [name.rpartition("/")[2] for name in names]
    halves = 2 if any("backward" in name for name in names) else 1
    first = shapes[: len(shapes) // halves]
    kind = f"{layer}"
    if len(first) in (9, 12) and all(_KERAS_1.search(end) for end in ends):
        kind = "GRU" if len(first) == 9 else "LSTM"
    elif any("recurrent_kernel" in end for end in ends) or (len(first) == 3 and ends[1].endswith("_U")):
        kind = _recurrent_kind(first) or kind
    elif len(first) == 1 and len(first[0]) == 2:
        kind = "Embedding" if "embeddings" in ends[0] or ends[0].endswith("_W") else "Dense"
    elif len(first) == 2 and [len(shape) for shape in first] == [2, 1]:
        kind = "Dense"
    return Untold(layer, f"layers/{layer}", kind, first, halves == 2)


def _from_path(tree: Tree, parts: Sequence[str]) -> Untold | None:
    """The layer whose weights these are; None for the parts of one that others stand for."""
    both_ways = "forward_layer" in parts
    if "backward_layer" in parts:
        return None
    shapes = _shapes(tree, "/".join([*parts, "vars"]))
    base = list(parts[: parts.index("forward_layer")] if both_ways else parts)
    if base[-1:] == ["cell"]:
        base.pop()
    if not base:
        return None
    name = tree.text("/".join([*base, "vars"]), "name") or ("/".join(base) if base[0] != "layers" else base[-1])
    return Untold(name, "/".join(base), _kind_of_path(base[-1], parts, shapes), shapes, both_ways)


def _kind_of_path(base: str, parts: Sequence[str], shapes: tuple[Shape, ...]) -> str:
    kind = _recurrent_kind(shapes)
    is_cell = parts[-1] == "cell" or parts[-1].partition("_cell")[1] != ""  # a cell of several has its class's name
    if kind is not None and (is_cell or kind.startswith("CuDNN")):
        return kind
    if [len(shape) for shape in shapes] == [2]:
        return "Embedding" if base.startswith("embedding") else "Dense"
    return "Dense" if [len(shape) for shape in shapes] == [2, 1] else base


def _recurrent_kind(shapes: tuple[Shape, ...]) -> str | None:
    """The cell that weights of these shapes make; a bias of twice the length is in the layout of cuDNN."""
    if len(shapes) not in (2, 3) or [len(shape) for shape in shapes[:2]] != [2, 2]:
        return None
    units, columns = shapes[1]
    cell = next((cell for cell, gates in GATES.items() if columns == gates * units), None)
    if cell in ("LSTM", "GRU") and shapes[2:] == ((2 * columns,),):
        return f"CuDNN{cell}"
    return cell


def _shapes(tree: Tree, path: str) -> tuple[Shape, ...]:
    return tuple(tree.shape(f"{path}/{number}") or () for number in range(len(tree.names(path))))


def _class_and_number(path: str) -> tuple[str, int]:
    """`lstm_10` as lstm and 10: by name alone it would stand before `lstm_2`."""
    found = re.match(r"(.*?)(?:_(\d{1,6}))?\Z", path.rpartition("/")[2], re.DOTALL)
    return (found[1], int(found[2] or 0)) if found else (path, 0)


def _fitting(layers: list[Untold], merge: str) -> list[Untold]:
    """An order in which each layer reads what the one before puts out, with those of a class in their order."""
    classes: dict[tuple[str, str], list[Untold]] = {}
    for layer in layers:
        classes.setdefault((layer.path.rpartition("/")[0], _class_and_number(layer.path)[0]), []).append(layer)
    queues = sorted(classes.values(), key=lambda queue: _rank(queue[0]))
    tries = iter(range(_MOST_TRIES))

    def complete(taken: tuple[int, ...], order: list[Untold], size: int | None) -> list[Untold] | None:
        if len(order) == len(layers):
            return order
        for number, queue in enumerate(queues):
            if taken[number] == len(queue) or next(tries, None) is None:
                continue
            layer = queue[taken[number]]
            if size is not None and layer.features not in (None, size):
                continue
            after = (*taken[:number], taken[number] + 1, *taken[number + 1 :])
            found = complete(after, [*order, layer], layer.outputs(merge))
            if found is not None:
                return found
        return None

    return complete((0,) * len(queues), [], None) or layers


def _rank(layer: Untold) -> int:
    if layer.is_recurrent:
        return 2
    return {"Embedding": 0, "Dense": 3}.get(layer.kind, 1)


def _described(layer: Untold, version: KerasVersion, asking: Asking, asks: bool) -> Described:
    if not layer.is_recurrent:
        return _described_other(layer, version, asking)
    options: dict[str, Any] = {"use_bias": len(layer.shapes) != 2}
    options["return_sequences"] = not asks or asking.ask("return_sequences", True, _yes_or_no)
    if layer.kind in GATES:
        options["activation"] = asking.ask("activation", "tanh", version.activation)
    if layer.kind in ("LSTM", "GRU"):
        options["recurrent_activation"] = asking.ask(
            "recurrent_activation", version.recurrent_activation, version.activation
        )
    if layer.kind == "GRU" and len(layer.shapes) == 2:
        options["reset_after"] = asking.ask("reset_after", version.reset_after, _after_or_before)
    if not layer.both_ways:
        return Described(layer.kind, "", options)
    inner = {"class_name": layer.kind, "config": options}
    return Described("Bidirectional", "", {"layer": inner, "merge_mode": asking.ask("merge", "concat")})


def _described_other(layer: Untold, version: KerasVersion, asking: Asking) -> Described:
    if layer.kind == "Dense":
        activation = asking.ask("dense_activation", "linear", version.activation)
        return Described("Dense", "", {"use_bias": len(layer.shapes) == 2, "activation": activation})
    if layer.kind == "Embedding":
        return Described("Embedding", "", {"mask_zero": asking.ask("mask_zero", False, _yes_or_no)})
    return Described(UNTOLD, "", {})


def _shown(layer: Untold) -> str:
    return printable(layer.name, 60)


def _yes_or_no(answer: bool) -> str:
    return "yes" if answer else "no"


def _after_or_before(answer: bool) -> str:
    return "after the recurrent kernel" if answer else "before the recurrent kernel"
