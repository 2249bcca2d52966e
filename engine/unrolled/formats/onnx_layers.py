"""From the recurrent nodes of an ONNX graph to a network: what runs on what, as far as that is certain."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from unrolled.formats.onnx_values import DenseStage, Opaque, RecurrentStage, Stage, Value, View
from unrolled.network import Dense, Embedding, Foreign, Network, NetworkLayer


@dataclass(frozen=True, eq=False, slots=True)
class _Way:
    """How an array came to be.

    Attributes:
        start: The recurrent node that it comes from, or None if it comes from the graph's input.
        layers: The layers behind that.
        is_last: Whether they read its last output only.
    """

    start: RecurrentStage | None
    layers: tuple[NetworkLayer, ...]
    is_last: bool


def network_of(stages: Sequence[RecurrentStage], outputs: Sequence[Value | None]) -> Network:
    """The network of recurrent nodes, in the order of the graph.

    Where one reads anything else than what the one before it gives, a foreign layer stands between them.

    Raises:
        ShapeError: If two layers do not fit each other.
        OptionError: If two have the same name.
    """
    layers: list[NetworkLayer] = []
    before: RecurrentStage | None = None
    for stage in stages:
        layers += _in_front(stage, before)
        layers.append(stage.layer)
        before = stage
    readout = _readout(stages[-1], outputs)
    if readout is not None:
        layers[-1] = replace(stages[-1].layer, return_sequences=not readout.is_last)
        layers += readout.layers
    return Network(tuple(_named(layers)))


def _in_front(stage: RecurrentStage, before: RecurrentStage | None) -> tuple[NetworkLayer, ...]:
    """What stands between a recurrent node and the one before it."""
    if isinstance(stage.reads, Opaque):
        return (Foreign(stage.reads.name, stage.reads.kind),)
    way = _way(stage.reads)
    if way is not None and way.start is before:
        return way.layers
    return (Foreign(f"input of {stage.name}", "Branch"),)


def _readout(last: RecurrentStage, outputs: Sequence[Value | None]) -> _Way | None:
    """What the graph makes of the output of its last recurrent node."""
    ways = []
    for output in outputs:
        view = output.reads if isinstance(output, Opaque) else output
        way = _way(view) if isinstance(view, View) else None
        if way is not None and way.start is last:
            foreign = (Foreign(output.name, output.kind),) if isinstance(output, Opaque) else ()
            ways.append(_Way(last, (*way.layers, *foreign), way.is_last))
    whole = [way for way in ways if way.layers and not isinstance(way.layers[-1], Foreign)]
    sequences = [way for way in ways if not way.is_last]
    return next(iter(whole or [way for way in ways if way.layers] or sequences or ways), None)


def _way(view: View) -> _Way | None:
    """How a view came to be; None if it is not the whole output of a layer."""
    layers: list[NetworkLayer] = []
    is_last = view.is_last
    while view.pieces:
        stage: Stage | None = view.stage
        if stage is None:
            return None
        if isinstance(stage, RecurrentStage):
            return _Way(stage, tuple(reversed(layers)), is_last)
        layers.append(_layer(stage))
        view = stage.reads
    return _Way(None, tuple(reversed(layers)), is_last)


def _layer(stage: Stage) -> NetworkLayer:
    if isinstance(stage, RecurrentStage):
        return stage.layer
    if isinstance(stage, DenseStage):
        return Dense(stage.name, stage.kernel, stage.bias, stage.activation)
    return Embedding(stage.name, stage.table)


def _named(layers: Sequence[NetworkLayer]) -> list[NetworkLayer]:
    """The layers, each with a name of its own."""
    names: set[str] = set()
    named = []
    for layer in layers:
        name, number = layer.name, 2
        while name in names:
            name, number = f"{layer.name} ({number})", number + 1
        names.add(name)
        named.append(layer if name == layer.name else replace(layer, name=name))
    return named
