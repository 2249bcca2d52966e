"""Layers in a .npz file by their parameters' names: Keras's, such as `lstm/kernel`, or PyTorch's, as `weight_ih_l0`.

`numpy.savez(path, kernel=…, recurrent_kernel=…, bias=…)` writes a single layer, in Keras's layout. `bias` may be
absent, and so may `activation` and `recurrent_activation`, which are single strings.
"""

import io
from collections.abc import Mapping, Sequence

from unrolled.choices import Choices
from unrolled.files import UnreadableError
from unrolled.finite import not_finite
from unrolled.formats.asking import Asking
from unrolled.formats.keras_cells import Arrays, Functions, cell_of, make
from unrolled.formats.keras_config import LayerConfig, snake_case
from unrolled.formats.keras_layers import Source, network_layers
from unrolled.formats.keras_untold import configured, from_names, ordered
from unrolled.formats.keras_version import KerasVersion
from unrolled.formats.keras_weights import WHOLE, Part, part_of
from unrolled.formats.model import Model
from unrolled.formats.remarks import about_numbers, about_types
from unrolled.formats.tensors import of_array
from unrolled.formats.torch_model import model_of
from unrolled.formats.torch_names import is_recurrent
from unrolled.network import Network, NetworkLayer, Recurrent
from unrolled.npy import ZIP_MAGIC, AnyArray, read_npz
from unrolled.text import printable

_WEIGHTS = ("kernel", "recurrent_kernel", "bias")
_ACTIVATIONS = ("activation", "recurrent_activation")
_MOST_NAME_BYTES = 1024
_MOST_LAYERS = 500
_NOW = KerasVersion(3)
"""NumPy wrote it, so nothing in it is from before."""


def recognises(beginning: bytes, members: Sequence[str]) -> bool:
    """Whether a file that begins so may be one of these; `members` are the names in it if it is an archive."""
    return beginning.startswith(ZIP_MAGIC) and any(member.endswith(".npy") for member in members)


def read(file: io.BufferedReader, name: str, choices: Choices) -> Model:
    """The model in `file`.

    Raises:
        UnreadableError: If it holds other arrays than these, or none that can be read.
        ShapeError: If the shapes disagree.
        OptionError: If there is no such activation.
    """
    arrays = read_npz(file, texts=_ACTIVATIONS)
    asking = Asking(choices)
    if set(_WEIGHTS[:2]) <= arrays.keys() <= {*_WEIGHTS, *_ACTIVATIONS}:
        return _single_layer(name, arrays, asking)
    if any(map(is_recurrent, arrays)):
        return model_of(name, {key: of_array(array) for key, array in arrays.items()}, asking)
    if any(_plain(key).endswith("/recurrent_kernel") for key in arrays):
        return _model(name, _keras_layers(arrays, asking), arrays, asking)
    found = printable(", ".join(arrays)) or "none"
    raise UnreadableError(
        "expected the arrays kernel and recurrent_kernel, and bias, activation and recurrent_activation if there are "
        f"any, or the names of Keras's or PyTorch's parameters, got {found}"
    )


def _single_layer(name: str, arrays: Mapping[str, AnyArray], asking: Asking) -> Model:
    """A layer whose arrays have no name of a layer before theirs. An LSTM says best what is wrong with odd shapes."""
    weights = {key: arrays[key] for key in _WEIGHTS if key in arrays}
    cell = cell_of(list(weights.values())) or "LSTM"
    functions = Functions(
        _function("activation", "tanh", arrays, asking),
        "sigmoid" if cell == "SimpleRNN" else _function("recurrent_activation", "sigmoid", arrays, asking),
        cell == "GRU" and "bias" not in weights and asking.ask("reset_after", True),
    )
    layer = make(cell, Arrays(weights["kernel"], weights["recurrent_kernel"], weights.get("bias")), functions)
    told = [
        *(f"{name}: {remark}" for remark in asking.finished()),
        *about_types(name, {key: array.dtype for key, array in weights.items()}),
    ]
    for key, array in weights.items():
        found = not_finite(array)
        if found:
            told.append(f"{name}: {key}: {found.told(str(list(found.first)))}")
    return Model(name, Network((Recurrent(snake_case(cell), layer),)), tuple(told))


def _model(name: str, layers: Sequence[NetworkLayer], arrays: Mapping[str, AnyArray], asking: Asking) -> Model:
    network = Network(tuple(layers))
    types = {printable(key, 60): array.dtype for key, array in arrays.items()}
    remarks = [f"{name}: {remark}" for remark in asking.finished()]
    return Model(name, network, (*remarks, *about_types(name, types), *about_numbers(name, network)), "Keras")


def _keras_layers(arrays: Mapping[str, AnyArray], asking: Asking) -> list[NetworkLayer]:
    """Layers by the names of Keras's weights: `lstm/kernel`, or `lstm/lstm_cell/kernel:0`."""
    groups: dict[str, list[str]] = {}
    for key in arrays:
        groups.setdefault(_plain(key).partition("/")[0] if "/" in _plain(key) else "layer", []).append(key)
    if len(groups) > _MOST_LAYERS:
        raise UnreadableError(f"expected a model of at most {_MOST_LAYERS} layers, got {len(groups):,}")
    weights = _ArrayWeights(arrays, {layer: tuple(sorted(keys, key=_place)) for layer, keys in groups.items()})
    untold = [
        from_names(layer, [_plain(key) for key in keys], tuple(arrays[key].shape for key in keys))
        for layer, keys in weights.groups.items()
    ]
    layers = configured(ordered(untold, asking, is_listed=True), _NOW, asking)
    return list(network_layers(tuple(layers), Source(weights, _NOW, asking)))


class _ArrayWeights:
    """Weights that are there already, by layer."""

    def __init__(self, arrays: Mapping[str, AnyArray], groups: Mapping[str, tuple[str, ...]]) -> None:
        self._arrays = arrays
        self.groups = groups

    def arrays(self, layer: LayerConfig, part: Part = WHOLE) -> tuple[AnyArray, ...]:
        """The arrays of a layer, or of a part of it, in Keras's order."""
        return tuple(self._arrays[key] for key in part_of(self.groups[layer.name], part))

    def parameters(self, layer: LayerConfig) -> int:
        """How many numbers there are in all of a layer's arrays."""
        return sum(self._arrays[key].size for key in self.groups[layer.name])


def _plain(key: str) -> str:
    """A parameter's name without the number that TensorFlow puts behind it."""
    return key.removesuffix(":0")


def _place(key: str) -> tuple[bool, int]:
    """Where Keras lists a weight of a layer."""
    end = _plain(key).rpartition("/")[2]
    return "backward" in key, _WEIGHTS.index(end) if end in _WEIGHTS else len(_WEIGHTS)


def _function(key: str, usual: str, arrays: Mapping[str, AnyArray], asking: Asking) -> str:
    if key not in arrays:
        return asking.ask(key, usual)
    array = arrays[key]
    if array.dtype.kind not in "US" or array.nbytes > _MOST_NAME_BYTES:
        raise UnreadableError(f"{key}: expected the name of an activation, got {printable(str(array.dtype))}")
    value = array.item()
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)
