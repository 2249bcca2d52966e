"""The configuration of a Keras model: which layers it has, and in which order they run.

It is data and stays data: a class or a function that it names is looked up in the lists here, never imported.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from unrolled.files import UnreadableError
from unrolled.formats.keras_graph import Graph, read_graph
from unrolled.text import printable

MOST_LAYERS = 500
_MOST_NESTED = 8
MODELS = frozenset({"Sequential", "Functional", "Model"})
_PARTS = frozenset({"Functional", "Model"})
_OURS = re.compile(r"(keras|tf_keras|tensorflow\.keras|tensorflow\.python\.keras|keras_core)(\.[\w.]+)?\Z")


@dataclass(frozen=True, slots=True)
class Described:
    """An object in a configuration.

    Attributes:
        kind: The name of its class.
        module: Where that class is from; empty if it is not said.
        options: What it was made with.
    """

    kind: str
    module: str
    options: Mapping[str, Any]

    @property
    def is_keras(self) -> bool:
        """Whether it claims to be of Keras."""
        return not self.module or _OURS.match(self.module) is not None

    @property
    def told(self) -> str:
        """Its class, for a message."""
        return printable(f"{self.module}.{self.kind}" if self.module and not self.is_keras else self.kind, 80)


@dataclass(frozen=True, slots=True)
class LayerConfig:
    """A layer of a model, wherever in it.

    Attributes:
        name: Its name, as the file has it.
        shown: Its name to show: printable, and behind the names of the models that it is nested in.
        described: Its class and options.
        path: Where Keras 3 keeps its weights, such as `layers/lstm_1`.
        outermost: The name of the layer of the whole model that it is, or is nested in.
        follows: Whether it reads the output of the layer before it in the list, and nothing else.
        states_from: The layers that give it its initial state, to show.
    """

    name: str
    shown: str
    described: Described
    path: str
    outermost: str
    follows: bool = True
    states_from: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """The name of its class."""
        return self.described.kind

    @property
    def options(self) -> Mapping[str, Any]:
        """What it was made with."""
        return self.described.options


@dataclass(slots=True)
class _Place:
    """Where in a model the reading is."""

    path: str = ""
    shown: str = ""
    outermost: str = ""
    depth: int = 0
    counts: dict[str, int] = field(default_factory=dict)

    def next_path(self, kind: str) -> str:
        """Where Keras 3 keeps the weights of the next layer of a class: it numbers them in snake_case."""
        base = snake_case(kind)
        number = self.counts.get(base, 0)
        self.counts[base] = number + 1
        return f"{self.path}layers/{base}" + (f"_{number}" if number else "")


def describe(found: object, where: str) -> Described:
    """The object that a configuration describes.

    Raises:
        UnreadableError: If it describes none.
    """
    if not isinstance(found, dict) or not isinstance(found.get("class_name"), str):
        raise UnreadableError(f"{where}: expected the description of a layer, got {_short(found)}")
    options = found.get("config", {})
    if isinstance(options, list):
        options = {"layers": options}  # Keras 1 and the first of Keras 2 describe a Sequential model so
    if not isinstance(options, dict):
        raise UnreadableError(
            f"{where}: expected the options of {printable(found['class_name'], 80)}, got {_short(options)}"
        )
    module = found.get("module")
    if not isinstance(module, str | None):
        raise UnreadableError(
            f"{where}: expected the module of {printable(found['class_name'], 80)}, got {_short(module)}"
        )
    return Described(found["class_name"], module or "", options)


def is_known_model(described: Described) -> bool:
    """Whether the layers of the model can be read from its configuration: it is no subclass."""
    return described.kind in MODELS and described.is_keras


def layers_of(model: Described) -> tuple[LayerConfig, ...]:
    """The layers of a model in the order in which they run, those of nested models in their place.

    Raises:
        UnreadableError: If the configuration is damaged or too large.
    """
    layers: list[LayerConfig] = []
    for layer in _walk(model, _Place(), follows=True):
        layers.append(layer)
        if len(layers) > MOST_LAYERS:
            raise UnreadableError(f"expected a model of at most {MOST_LAYERS} layers, got more")
    return tuple(layers)


def batch_size_of(layers: Sequence[LayerConfig]) -> int | None:
    """How many sequences a batch has; None if that is left open.

    Keras 3 says it of an InputLayer, as `batch_shape`; Keras 2 also of the first layer, as `batch_input_shape`.
    """
    for number, layer in enumerate(layers):
        for shape in (layer.options.get("batch_shape"), layer.options.get("batch_input_shape")):
            match shape:
                case [int(size), *_] if (number == 0 or layer.kind == "InputLayer") and size > 0 and size is not True:
                    return size
    return None


def snake_case(name: str) -> str:
    """A class's name as Keras 3 turns it into that of a group: SimpleRNN is simple_rnn."""
    name = re.sub(r"\W+", "", name)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def _walk(model: Described, place: _Place, follows: bool) -> Iterator[LayerConfig]:
    if place.depth > _MOST_NESTED:
        raise UnreadableError(f"expected models nested at most {_MOST_NESTED} deep, got more")
    described = model.options.get("layers")
    if not isinstance(described, list):
        raise UnreadableError(f"expected the layers of {model.told}, got {_short(described)}")
    if len(described) > MOST_LAYERS:
        raise UnreadableError(f"expected a model of at most {MOST_LAYERS} layers, got {len(described):,}")
    found = [describe(entry, f"layer {number + 1}") for number, entry in enumerate(described)]
    named = [
        (_name(layer, entry, number), layer) for number, (layer, entry) in enumerate(zip(found, described, strict=True))
    ]
    paths = [place.next_path(layer.kind) for _, layer in named]
    graph = read_graph(model.options, [name for name, _ in named], described) if model.kind in _PARTS else None
    for position, (index, chained) in enumerate(_order(graph, len(named))):
        name, layer = named[index]
        on = chained and (follows or position > 0)
        inner = _Place(
            f"{paths[index]}/", f"{place.shown}{printable(name, 60)}/", place.outermost or name, place.depth + 1
        )
        if layer.kind in MODELS and layer.is_keras:
            yield from _walk(layer, inner, on)
            continue
        states = () if graph is None else tuple(printable(source, 60) for source in graph.states_of(index))
        yield LayerConfig(name, place.shown + printable(name, 60), layer, paths[index], inner.outermost, on, states)


def _order(graph: Graph | None, count: int) -> Iterator[tuple[int, bool]]:
    """The layers by number as they run, and whether each reads just the one before it."""
    if graph is None:
        yield from ((number, True) for number in range(count))
    else:
        yield from graph.order()


def _name(layer: Described, entry: Mapping[str, Any], number: int) -> str:
    name = layer.options.get("name", entry.get("name"))
    if name is None or name == "":
        return f"{snake_case(layer.kind)}_{number + 1}"
    if not isinstance(name, str):
        raise UnreadableError(f"layer {number + 1}: expected a name, got {_short(name)}")
    return name


def _short(found: object) -> str:
    return printable(repr(found), 60)
