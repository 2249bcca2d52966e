"""From the recurrent nodes of an ONNX graph to a network: what runs on what, as far as that is certain."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from unrolled.formats.onnx_values import At, DenseStage, Opaque, RecurrentStage, Stage, Value, View
from unrolled.network import Dense, Embedding, Foreign, Network, NetworkLayer
from unrolled.text import printable


@dataclass(frozen=True, eq=False, slots=True)
class _Way:
    """How an array came to be.

    Attributes:
        start: The recurrent node that it comes from, or None if it comes from the graph's input.
        layers: The layers behind that.
        at: Which timesteps of it they read: see `View.at`.
    """

    start: RecurrentStage | None
    layers: tuple[NetworkLayer, ...]
    at: At


def network_of(stages: Sequence[RecurrentStage], outputs: Mapping[str, Value | None]) -> Network:
    """The network of recurrent nodes, in the order of the graph, whose outputs are told by name.

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
    at_last = readout.at == "last"
    layers[-1] = replace(stages[-1].layer, return_sequences=readout.at == "all", at_last_timestep=at_last)
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


def _readout(last: RecurrentStage, outputs: Mapping[str, Value | None]) -> _Way:
    """What the graph makes of the output of its last recurrent node: something foreign, where nobody knows."""
    ways = []
    for output in outputs.values():
        view = output.reads if isinstance(output, Opaque) else output
        way = _way(view) if isinstance(view, View) else None
        if way is not None and way.start is last and _is_understood(last, way.at):
            foreign = (Foreign(output.name, output.kind),) if isinstance(output, Opaque) else ()
            ways.append(_Way(last, (*way.layers, *foreign), way.at))
    whole = [way for way in ways if way.layers and not isinstance(way.layers[-1], Foreign)]
    sequences = [way for way in ways if way.at == "all"]
    found = next(iter(whole or [way for way in ways if way.layers] or sequences or ways), None)
    return found or _Way(last, tuple(_foreign(*output) for output in list(outputs.items())[:1]), "all")


def _is_understood(last: RecurrentStage, at: At) -> bool:
    """Whether the timesteps that a readout reads are some that a layer of ours can give."""
    return at in ("all", "end") or (at == "last" and last.width == 2)


def _foreign(name: str, output: Value | None) -> Foreign:
    """What gives an output of the graph, where that is not followed."""
    if isinstance(output, Opaque):
        return Foreign(output.name, output.kind or "Branch")
    return Foreign(f"output {printable(name, 60)}", "Branch")


def _way(view: View) -> _Way | None:
    """How a view came to be; None if it is not the whole output of a layer."""
    layers: list[NetworkLayer] = []
    at = view.at
    while view.pieces:
        stage: Stage | None = view.stage
        if stage is None:
            return None
        if isinstance(stage, RecurrentStage):
            return _Way(stage, tuple(reversed(layers)), at)
        layers.append(_layer(stage))
        view = stage.reads
    return _Way(None, tuple(reversed(layers)), at)


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
