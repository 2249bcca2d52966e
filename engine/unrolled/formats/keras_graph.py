"""The graph of a functional Keras model: which layer reads the output of which."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from unrolled.files import UnreadableError
from unrolled.formats.keras_kinds import MASK_MAKING
from unrolled.text import printable

_MOST_DEPTH = 30


@dataclass(frozen=True, slots=True)
class _Tensor:
    """An output of a layer, as another one reads it: the layer's number, and which of its outputs."""

    layer: int
    output: int


@dataclass(frozen=True, slots=True)
class Graph:
    """Who reads whom, by the numbers of the layers.

    Attributes:
        names: The layers' names.
        calls: For each layer the tensors that it reads, for each time that it is called.
        kept: The layers that are more than the making of a mask.
    """

    names: tuple[str, ...]
    calls: tuple[tuple[tuple[_Tensor, ...], ...], ...]
    kept: frozenset[int]

    def states_of(self, number: int) -> tuple[str, ...]:
        """The layers that a layer reads beside its input."""
        return tuple(dict.fromkeys(self.names[tensor.layer] for call in self.calls[number] for tensor in call[1:]))

    def order(self) -> Iterator[tuple[int, bool]]:
        """The layers as they run, and whether each reads just the output of the one before it.

        Raises:
            UnreadableError: If they wait for each other.
        """
        waiting = {number: {tensor.layer for call in self.calls[number] for tensor in call} for number in self.kept}
        last: int | None = None
        while waiting:
            ready = [number for number, needed in waiting.items() if not needed & waiting.keys()]
            if not ready:
                raise UnreadableError(
                    f"expected layers that run one after the other, got a circle at {self._named(waiting)}"
                )
            # what reads the last one comes first, so that a branch stays in one piece
            number = min(ready, key=lambda one: (last not in waiting[one], one))
            del waiting[number]
            yield number, self._is_chained(number, last)
            last = number

    def _is_chained(self, number: int, last: int | None) -> bool:
        calls = self.calls[number]
        if last is None:
            return not calls
        return len(calls) == 1 and calls[0][0] == _Tensor(last, 0)

    def _named(self, numbers: Mapping[int, object]) -> str:
        return printable(self.names[next(iter(numbers))], 60)


def read_graph(options: Mapping[str, Any], names: Sequence[str], layers: Sequence[Mapping[str, Any]]) -> Graph:
    """The graph that the options of a functional model describe.

    Raises:
        UnreadableError: If it is damaged.
    """
    numbers = {name: number for number, name in enumerate(names)}
    if len(numbers) != len(names):
        twice = next(name for number, name in enumerate(names) if numbers[name] != number)
        raise UnreadableError(f"expected a name of its own for each layer, got {printable(twice, 60)} twice")
    calls = tuple(_calls(layer.get("inbound_nodes", []), numbers) for layer in layers)
    outputs = {tensor.layer for tensor in _tensors(options.get("output_layers", []), numbers)}
    return Graph(tuple(names), calls, _kept(calls, outputs, layers))


def _calls(nodes: object, numbers: Mapping[str, int]) -> tuple[tuple[_Tensor, ...], ...]:
    if not isinstance(nodes, list):
        raise UnreadableError(f"expected the inputs of a layer, got {printable(repr(nodes), 60)}")
    calls = []
    for node in nodes:
        if isinstance(node, dict):  # Keras 3: the arguments of the call
            named = node.get("kwargs")
            others = [value for name, value in named.items() if name != "mask"] if isinstance(named, dict) else []
            tensors = [*_tensors(node.get("args", []), numbers), *_tensors(others, numbers)]
        else:
            tensors = list(_tensors(node, numbers))
        if tensors:
            calls.append(tuple(tensors))
    return tuple(calls)


def _tensors(found: object, numbers: Mapping[str, int], depth: int = 0) -> Iterator[_Tensor]:
    """The tensors in a piece of configuration: Keras 3 wraps them, Keras 2 writes [layer, call, output, options]."""
    if depth > _MOST_DEPTH:
        raise UnreadableError("expected the inputs of a layer, got lists nested too deeply")
    if isinstance(found, dict):
        history = found.get("config", {}).get("keras_history") if isinstance(found.get("config"), dict) else None
        if found.get("class_name") == "__keras_tensor__":
            yield _tensor(history, numbers)
            return
        for value in found.values():
            yield from _tensors(value, numbers, depth + 1)
    elif isinstance(found, list) and len(found) >= 3 and isinstance(found[0], str):
        yield _tensor(found[:3], numbers)
        yield from _tensors(found[3:], numbers, depth + 1)
    elif isinstance(found, list):
        for value in found:
            yield from _tensors(value, numbers, depth + 1)


def _tensor(history: object, numbers: Mapping[str, int]) -> _Tensor:
    match history:
        case [str(name), int(), int(output)] if name in numbers:
            return _Tensor(numbers[name], output)
    raise UnreadableError(f"expected the output of a layer of the model, got {printable(repr(history), 60)}")


def _kept(
    calls: Sequence[tuple[tuple[_Tensor, ...], ...]], outputs: set[int], layers: Sequence[Mapping[str, Any]]
) -> frozenset[int]:
    """All but the operations whose only use is a mask, which Keras 3 writes as layers of their own."""
    kept = set(range(len(layers)))
    while True:
        read = {tensor.layer for number in kept for call in calls[number] for tensor in call}
        unread = {number for number in kept - read - outputs if _is_operation(layers[number])}
        if not unread:
            return frozenset(kept)
        kept -= unread


def _is_operation(layer: Mapping[str, Any]) -> bool:
    """Whether it is a function and no layer. In `.h5` files Keras 3 does not say where it is from."""
    return ".ops." in str(layer.get("module")) or ("module" not in layer and layer.get("class_name") in MASK_MAKING)
