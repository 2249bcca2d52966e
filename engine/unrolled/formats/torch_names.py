"""The names that PyTorch gives to the weights of recurrent layers, and what they tell.

`weight_ih_l0` and `weight_hh_l1_reverse` are those of `torch.nn.LSTM`, GRU and RNN, `weight_ih` those of their cells:
https://pytorch.org/docs/stable/generated/torch.nn.LSTM.html.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from unrolled.files import UnreadableError
from unrolled.formats.tensors import Tensor
from unrolled.npy import AnyArray
from unrolled.text import printable

_RECURRENT = re.compile(
    r"(?P<module>|.*[._/])(?P<kind>weight|bias|w|b)_(?P<of>ih|hh|hr)"
    r"(?:_?l(?P<layer>\d{1,3}))?(?P<reverse>_reverse)?(?P<form>_raw|_g|_v)?\Z",
    re.DOTALL,
)
_PARAMETRIZED = re.compile(r"(.*)parametrizations\.([^.]+)\.original([01])\Z", re.DOTALL)
_UNREAD = re.compile(
    r"(?:.*\.)?(?:parametrizations\.)?(?P<own>(?:weight|bias)_(?:ih|hh|hr)(?:_l\d{1,3})?(?:_reverse)?)"
    r"(?:_orig|\.original)\Z",
    re.DOTALL,
)
"""What `spectral_norm` and pruning call the weight that they compute the true one from."""

_WRAPPERS = ("module", "_orig_mod")
_CONTAINERS = ("model_state_dict", "state_dict")
_FORMS = {"0": "_g", "1": "_v"}


@dataclass(frozen=True, eq=False, slots=True)
class Module:
    """A recurrent module: one or several layers on top of each other, or a cell.

    Attributes:
        name: Its name, printable; empty if it is the whole model.
        tensors: Its weights, by the names that PyTorch gives them in the module.
        layers: How many layers it has; None if it is an LSTMCell, a GRUCell or an RNNCell.
        directions: What stands behind the names of the weights of each direction.
        kinds: The weights that each layer has: weight_ih and weight_hh, bias_ih and bias_hh, and weight_hr.
    """

    name: str
    tensors: dict[str, Tensor]
    layers: int | None
    directions: tuple[str, ...]
    kinds: tuple[str, ...]

    def weights(self, layer: int, direction: str) -> dict[str, Tensor]:
        """The weights of a layer in one direction, by kind.

        Raises:
            UnreadableError: If one is missing that other layers have.
        """
        behind = direction if self.layers is None else f"_l{layer}{direction}"
        for kind in self.kinds:
            if kind + behind not in self.tensors:
                beside = printable(", ".join(self.tensors), 120)
                raise UnreadableError(f"{self.shown}expected {kind}{behind} beside {beside}, got none")
        return {kind: self.tensors[kind + behind] for kind in self.kinds}

    @property
    def shown(self) -> str:
        """What messages begin with."""
        return f"{self.name}: " if self.name else ""


_SIGNS = {"weight_ih": "", "weight_hh": "", "bias_ih": "bias", "bias_hh": "bias", "weight_hr": "weight_hr"}
"""The weights of a layer. All layers have those that any has, judging by how the names of its weights begin."""


def is_recurrent(name: str) -> bool:
    """Whether that is the name of a weight of a recurrent module."""
    return _RECURRENT.match(_PARAMETRIZED.sub(r"\1\2", name)) is not None


def modules(tensors: Mapping[str, Tensor]) -> tuple[list[Module], dict[str, Tensor]]:
    """The recurrent modules, in the order of the file, and all other tensors by name, without what wraps a model.

    Raises:
        UnreadableError: If a name is there twice, or the weights are packed.
    """
    found: dict[str, dict[str, Tensor]] = {}
    others: dict[str, Tensor] = {}
    for name, one in _unwrapped(tensors).items():
        if "_packed_params" in name:
            raise UnreadableError(
                f"{printable(name, 60)}: expected plain weights, got quantized ones, which are packed: save those of "
                "the model before it is quantized"
            )
        match, unread = _RECURRENT.match(name), _UNREAD.match(name)
        if unread is not None:
            raise UnreadableError(
                f"{unread['own']}: expected a plain weight, or one of weight_norm, got {printable(name, 80)}, of "
                "another parametrization, such as spectral_norm, which is not read: remove it before the model is saved"
            )
        if match is None:
            others[name] = one
            continue
        kind = {"w": "weight", "b": "bias"}.get(match["kind"], match["kind"])
        layer = "" if match["layer"] is None else f"_l{int(match['layer'])}"
        own = f"{kind}_{match['of']}{layer}{match['reverse'] or ''}{match['form'] or ''}"
        _add(found.setdefault(match["module"].rstrip("._/"), {}), own, one, name)
    return [_module(name, weights) for name, weights in found.items()], others


def _unwrapped(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors by name, without what DataParallel, `torch.compile`, a checkpoint and fastai put around a module."""
    unwrapped: dict[str, Tensor] = {}
    for name, one in tensors.items():
        parametrized = _PARAMETRIZED.match(name) if is_recurrent(name) else None
        older = name if parametrized is None else f"{parametrized[1]}{parametrized[2]}{_FORMS[parametrized[3]]}"
        parts = [part for part in older.split(".") if part not in _WRAPPERS]
        while parts[1:] and parts[0] in _CONTAINERS:
            parts.pop(0)
        _add(unwrapped, ".".join(parts), one, name)
    return unwrapped


def _add(tensors: dict[str, Tensor], name: str, one: Tensor, told: str) -> None:
    if name in tensors:
        raise UnreadableError(f"expected each tensor once, got {printable(told, 60)} twice")
    tensors[name] = one


def _module(name: str, weights: dict[str, Tensor]) -> Module:
    shown = printable(name, 60)
    where = f"{shown}: " if shown else ""
    layers = {_layer(own) for own in weights}
    if len(layers) > 1 and None in layers:
        both = printable(", ".join(weights), 120)
        raise UnreadableError(f"{where}expected weights of layers or of a cell, got both: {both}")
    whole: dict[str, Tensor] = {}
    for own, one in weights.items():
        if not own.endswith(("_raw", "_g", "_v")):
            if f"{own}_raw" not in weights:  # otherwise it is what is left of that one after dropout
                whole[own] = one
        elif own.endswith("_raw"):
            whole[own.removesuffix("_raw")] = one
        elif own.endswith("_v"):
            whole[own.removesuffix("_v")] = _normed(one, weights.get(f"{own[:-2]}_g"), f"{where}{own[:-2]}")
        elif f"{own[:-2]}_v" not in weights:
            raise UnreadableError(f"{where}expected {own[:-2]}_v beside {own}, got none")
    kinds = tuple(kind for kind, sign in _SIGNS.items() if any(own.startswith(sign) for own in whole))
    directions = ("", "_reverse") if any(own.endswith("_reverse") for own in whole) else ("",)
    count = max((one for one in layers if one is not None), default=-1) + 1
    return Module(shown, whole, count or None, directions, kinds)


def _layer(own: str) -> int | None:
    """The number of the layer in the name of a weight."""
    found = re.search(r"_l(\d+)", own)
    return None if found is None else int(found[1])


def _normed(direction: Tensor, length: Tensor | None, where: str) -> Tensor:
    """The weight that `weight_norm` made two of: length · direction / ‖direction‖, each row by itself."""
    if length is None or len(direction.shape) != 2 or length.shape != (direction.shape[0], 1):
        got = "none" if length is None else printable(str(length.shape))
        raise UnreadableError(f"{where}: expected a length for each row from weight_norm, got {got}")

    def read() -> AnyArray:
        v, g = direction.numbers(where), length.numbers(where)
        with np.errstate(invalid="ignore", divide="ignore", over="ignore", under="ignore"):
            whole: AnyArray = v * (g / np.sqrt(np.square(v).sum(axis=1, keepdims=True)))
        return whole

    stored = "float64" if direction.stored == "float64" else "float32"
    return Tensor(direction.shape, stored, read, direction.parameters + length.parameters)
