"""From the configuration and the weights of a Keras model to the layers of a network."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from unrolled.activations import activation_named
from unrolled.checks import MOST_UNITS
from unrolled.files import UnreadableError
from unrolled.formats.asking import Asking
from unrolled.formats.keras_cells import GATES, Arrays, Functions, arranged, make
from unrolled.formats.keras_config import Described, LayerConfig, describe
from unrolled.formats.keras_kinds import CELLS, CUDNN, FOREIGN, RECURRENT, UNCHANGED
from unrolled.formats.keras_version import KerasVersion
from unrolled.formats.keras_weights import WHOLE, Part, Weights
from unrolled.layer import RecurrentLayer
from unrolled.network import Dense, Embedding, Foreign, Masking, NetworkLayer, Recurrent, Unchanged
from unrolled.npy import AnyArray
from unrolled.text import printable


@dataclass(frozen=True, slots=True)
class Source:
    """What the layers are made from.

    Attributes:
        weights: Their weights.
        version: The Keras that wrote them.
        asking: What the user is asked for, where the file does not say.
        seen: The arrays that were read, by the layer's name and a number.
    """

    weights: Weights
    version: KerasVersion
    asking: Asking
    seen: dict[str, AnyArray] = field(default_factory=dict)

    def arrays(self, layer: LayerConfig, part: Part = WHOLE) -> tuple[AnyArray, ...]:
        """The weight arrays of a layer, or of a part of it.

        Raises:
            UnreadableError: If they cannot be read.
        """
        found = self.weights.arrays(layer, part)
        for array in found:
            self.seen[f"{layer.shown}, array {sum(name.startswith(layer.shown) for name in self.seen) + 1}"] = array
        return found


def network_layers(layers: Sequence[LayerConfig], source: Source) -> Iterator[NetworkLayer]:
    """The layers of a network, in the order in which they run.

    Where a layer reads anything else than the output of the one before it, a foreign layer stands between them.

    Raises:
        UnreadableError: If a layer is of no known kind, or its weights are not as its configuration says.
        ShapeError: If the shapes of its weights disagree.
        OptionError: If there is no such activation.
    """
    for layer in layers:
        if not layer.follows and layer.kind != "InputLayer":
            yield Foreign(f"input of {layer.shown}", "Branch")
        yield from _layer(layer, source)


def _layer(layer: LayerConfig, source: Source) -> Iterator[NetworkLayer]:
    _check_kind(layer.described, layer.shown)
    options = layer.options
    match layer.kind:
        case "InputLayer" if layer.follows:
            return
        case "InputLayer":
            yield Foreign(layer.shown, "InputLayer")
        case "Embedding":
            yield _embedding(layer, source)
        case "Masking":
            yield Masking(layer.shown, _number(options, "mask_value", layer.shown))
        case "Dense" | "TimeDistributedDense":
            yield _dense(layer, options, source)
        case "TimeDistributed":
            yield _time_distributed(layer, source)
        case "Activation" if options.get("activation") == "linear":
            yield Unchanged(layer.shown, layer.kind)
        case kind if kind in RECURRENT:
            yield from _recurrent(layer, source)
        case kind if kind in UNCHANGED:
            yield Unchanged(layer.shown, kind)
        case _:
            yield Foreign(layer.shown, printable(layer.kind, 40), source.weights.parameters(layer))


def _check_kind(described: Described, where: str) -> None:
    """Checks that a class is one of Keras's own that runs nothing of its own."""
    known = described.kind in RECURRENT | UNCHANGED | FOREIGN
    is_operation = ".ops." in described.module
    if not described.is_keras or not (known or is_operation):
        raise UnreadableError(f"{where}: expected a layer that Keras brings along, got one of type {described.told}")


def _embedding(layer: LayerConfig, source: Source) -> Embedding:
    arrays = source.arrays(layer)
    if len(arrays) != 1:
        raise UnreadableError(f"{layer.shown}: expected one array of embeddings, got {len(arrays)}")
    return Embedding(layer.shown, arrays[0], _flag(layer.options, "mask_zero", layer.shown))


def _dense(layer: LayerConfig, options: Mapping[str, Any], source: Source, part: Part = WHOLE) -> Dense:
    arrays = source.arrays(layer, part)
    has_bias = _flag(options, "use_bias", layer.shown, default=_flag(options, "bias", layer.shown, default=True))
    if len(arrays) != 1 + has_bias:
        raise UnreadableError(f"{layer.shown}: expected {1 + has_bias} weight arrays, got {len(arrays)}")
    activation = _activation(options.get("activation"), source.version, f"{layer.shown}: activation")
    dense = Dense(layer.shown, arrays[0], arrays[1] if has_bias else None, activation)
    _check_units(options, dense.kernel.shape[1], layer.shown)
    return dense


def _time_distributed(layer: LayerConfig, source: Source) -> NetworkLayer:
    inner = describe(layer.options.get("layer"), layer.shown)
    _check_kind(inner, layer.shown)
    if inner.kind == "Dense":
        return _dense(layer, inner.options, source, Part("layer"))
    if inner.kind in UNCHANGED:
        return Unchanged(layer.shown, f"TimeDistributed({inner.kind})")
    return Foreign(layer.shown, f"TimeDistributed({printable(inner.kind, 40)})", source.weights.parameters(layer))


def _recurrent(layer: LayerConfig, source: Source) -> Iterator[Recurrent]:
    if layer.states_from:
        states = ", ".join(layer.states_from)
        source.asking.remark(f"{layer.shown}: its initial state comes from {states}, here it is zero")
    if layer.kind == "Bidirectional":
        yield _bidirectional(layer, source)
        return
    options = layer.options
    if _flag(options, "time_major", layer.shown):
        source.asking.remark(
            f"{layer.shown}: was made to read (T, batch, features), here it reads (batch, T, features)"
        )
    returns = _flag(options, "return_sequences", layer.shown)
    backwards = _flag(options, "go_backwards", layer.shown)
    cells = _cells(layer.described, layer.shown)
    for number, (name, part, cell) in enumerate(cells):
        shown = layer.shown if len(cells) == 1 else f"{layer.shown}/{name}"
        is_last = number == len(cells) - 1
        made, parameters = _cell(layer, cell, part, source)
        yield Recurrent(
            shown,
            made,
            parameters=parameters,
            go_backwards=backwards and number == 0,
            return_sequences=returns or not is_last,
            stateful=_flag(options, "stateful", layer.shown),
            return_state=_flag(options, "return_state", layer.shown),
            zero_output_for_mask=_flag(options, "zero_output_for_mask", layer.shown),
        )


def _bidirectional(layer: LayerConfig, source: Source) -> Recurrent:
    options, shown = layer.options, layer.shown
    forward = describe(options.get("layer"), shown)
    mirrored = options.get("backward_layer")
    backward = forward if mirrored is None else describe(mirrored, f"{shown}: backward_layer")
    ahead, forward_parameters = _direction(layer, forward, "forward_layer", source)
    back, backward_parameters = _direction(layer, backward, "backward_layer", source)
    if _flag(forward.options, "go_backwards", shown):
        raise UnreadableError(f"{shown}: expected a forward layer, got one that goes backwards")
    merge = options.get("merge_mode", "concat")
    if merge not in ("concat", "sum", "ave", "mul", None):
        raise UnreadableError(f"{shown}: merge_mode: expected concat, sum, ave, mul or null, got {_short(merge)}")
    returns = _flag(forward.options, "return_sequences", shown)
    return Recurrent(
        shown,
        ahead,
        back,
        merge=merge,
        parameters=forward_parameters + backward_parameters,
        return_sequences=returns,
        stateful=_flag(forward.options, "stateful", shown),
        return_state=_flag(forward.options, "return_state", shown),
        zero_output_for_mask=returns,
    )


def _direction(layer: LayerConfig, described: Described, path: str, source: Source) -> tuple[RecurrentLayer[Any], int]:
    """One direction of a bidirectional layer, and how many parameters it has."""
    cells = _cells(described, layer.shown)
    if len(cells) != 1:
        raise UnreadableError(f"{layer.shown}: expected one cell in each direction, got {len(cells)}")
    number = ("forward_layer", "backward_layer").index(path)
    return _cell(layer, cells[0][2], Part(f"{path}/cell", number, 2), source)


def _cells(described: Described, where: str) -> list[tuple[str, Part, Described]]:
    """The cells of a recurrent layer: one, or several on top of each other."""
    _check_kind(described, where)
    if described.kind in GATES or described.kind in CUDNN:
        return [("", Part("cell"), described)]
    if described.kind != "RNN":
        raise UnreadableError(f"{where}: expected a recurrent layer, got one of type {described.told}")
    outer = describe(described.options.get("cell"), where)
    if outer.kind != "StackedRNNCells" or not outer.is_keras:
        return [("", Part("cell"), _known_cell(outer, where))]
    inner = outer.options.get("cells")
    if not isinstance(inner, list) or not 1 <= len(inner) <= 100:
        raise UnreadableError(f"{where}: expected cells, got {_short(inner)}")
    found: list[tuple[str, Part, Described]] = []
    for number, entry in enumerate(inner):
        cell = _known_cell(describe(entry, where), where)
        before = sum(other.kind == cell.kind for _, _, other in found)
        name = CELLS[cell.kind][1] + (f"_{before}" if before else "")
        found.append((name, Part(f"cell/cells/{name}", number, len(inner)), cell))
    return found


def _known_cell(cell: Described, where: str) -> Described:
    if cell.kind not in CELLS or not cell.is_keras:
        raise UnreadableError(f"{where}: expected a cell that Keras brings along, got one of type {cell.told}")
    return cell


def _cell(layer: LayerConfig, described: Described, part: Part, source: Source) -> tuple[RecurrentLayer[Any], int]:
    """A cell with its weights, which have to be as the configuration says, and how many the file has of them."""
    shown, options = layer.shown, described.options
    kind = CUDNN.get(described.kind) or (CELLS[described.kind][0] if described.kind in CELLS else described.kind)
    written = source.arrays(layer, part)
    arrays = arranged(kind, written, shown)
    _check_units(options, arrays.units, shown)
    has_bias = described.kind in CUDNN or _flag(options, "use_bias", shown, default=True)
    if has_bias != (arrays.bias is not None):
        raise UnreadableError(f"{shown}: expected weights {'with' if has_bias else 'without'} a bias, got the other")
    functions = _functions(kind, described, source, shown)
    _check_reset_after(kind, options, arrays, shown)
    activation_named(functions.activation, f"{shown}: activation")
    activation_named(functions.recurrent_activation, f"{shown}: recurrent_activation")
    return make(kind, arrays, functions), sum(array.size for array in written)


def _functions(kind: str, described: Described, source: Source, shown: str) -> Functions:
    options, version = described.options, source.version
    if described.kind in CUDNN:
        return Functions("tanh", "sigmoid", reset_after=True)
    gate = options.get("recurrent_activation", options.get("inner_activation", version.recurrent_activation))
    return Functions(
        _activation(options.get("activation", "tanh"), version, f"{shown}: activation"),
        "sigmoid" if kind == "SimpleRNN" else _activation(gate, version, f"{shown}: recurrent_activation"),
        _flag(options, "reset_after", shown),
    )


def _check_reset_after(kind: str, options: Mapping[str, Any], arrays: Arrays, shown: str) -> None:
    if kind != "GRU" or arrays.bias is None or "reset_after" not in options or arrays.was_cudnn:
        return
    wanted = 2 if options["reset_after"] else 1
    if arrays.bias.ndim != wanted:
        says = str(options["reset_after"]).lower()
        raise UnreadableError(
            f"{shown}: expected a bias of {wanted} axes, as reset_after is {says}, got shape {arrays.bias.shape}"
        )


def _activation(found: object, version: KerasVersion, where: str) -> str:
    """The name of an activation. A layer in its place counts, where it is a function of one number."""
    if found is None:
        return "linear"
    if isinstance(found, str):
        return version.activation(found)
    if not isinstance(found, dict):
        raise UnreadableError(f"{where}: expected the name of an activation, got {_short(found)}")
    inner = found.get("config")
    if found.get("class_name") == "function" and isinstance(inner, str) and found.get("module") in (None, "builtins"):
        return version.activation(inner)
    described = describe(found, where)
    parameters = {"LeakyReLU": ("negative_slope", "alpha"), "ELU": ("alpha",)}.get(described.kind)
    if parameters is not None and described.is_keras:
        default = 0.3 if described.kind == "LeakyReLU" else 1.0
        value = next((described.options[name] for name in parameters if name in described.options), default)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return f"{'leaky_relu' if described.kind == 'LeakyReLU' else 'elu'}({float(value)!r})"
    raise UnreadableError(f"{where}: expected the name of an activation, got an object of type {described.told}")


def _check_units(options: Mapping[str, Any], units: int, where: str) -> None:
    told = options.get("units", options.get("output_dim", units))
    if isinstance(told, bool) or not isinstance(told, int) or not 1 <= told <= MOST_UNITS:
        raise UnreadableError(f"{where}: units: expected a whole number from 1 to {MOST_UNITS:,}, got {_short(told)}")
    if told != units:
        raise UnreadableError(f"{where}: expected {told:,} units, as the configuration says, got weights of {units:,}")


def _flag(options: Mapping[str, Any], name: str, where: str, default: bool = False) -> bool:
    value = options.get(name, default)
    if not isinstance(value, bool):
        raise UnreadableError(f"{where}: {printable(name)}: expected true or false, got {_short(value)}")
    return value


def _number(options: Mapping[str, Any], name: str, where: str) -> float:
    value = options.get(name, 0.0)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UnreadableError(f"{where}: {name}: expected a number, got {_short(value)}")
    return float(value)


def _short(found: object) -> str:
    return printable(repr(found), 60)
