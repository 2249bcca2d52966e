"""The Embedding before and the Linear behind a recurrent module, where their names and sizes leave no doubt."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from unrolled.formats.asking import Asking
from unrolled.formats.tensors import Tensor, check_total
from unrolled.network import Dense, Embedding, Recurrent
from unrolled.text import printable

_WEIGHT = ".weight"
_EMBEDDING = re.compile(r"(\w*_)?emb(ed(ding)?)?s?(_tokens|_layer|_table)?\d*\Z")
_LINEAR = re.compile(
    r"(fc|lin|linear|dense|out|output|head|decoder|classifier|readout|logits|predictor|pred(iction)?|regressor|h2o|hidden2\w+)"
    r"(_?(layer|out|head|proj))?\d*\Z"
)
_IN_SEQUENTIAL = re.compile(r"\.\d{1,3}\Z")


@dataclass(frozen=True, eq=False, slots=True)
class Beside:
    """A layer that was found beside a recurrent module.

    Attributes:
        layer: The layer.
        keys: The tensors that it is made of.
    """

    layer: Embedding | Dense
    keys: tuple[str, ...]


def embeddings(others: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors that are called an embedding, and have no bias."""
    return {
        key: one
        for key, one in others.items()
        if _EMBEDDING.match(_last(key)) or _has_decoder(key, one, others)
        if len(one.shape) == 2 and all(one.shape) and one.is_float and f"{_owner(key)}.bias" not in others
    }


def _has_decoder(key: str, one: Tensor, others: Mapping[str, Tensor]) -> bool:
    """Whether it is called encoder, and a decoder beside it has as many tokens, as in PyTorch's language models."""
    decoder = others.get(f"{_parent(key)}.decoder{_WEIGHT}".removeprefix("."))
    return _last(key) == "encoder" and decoder is not None and decoder.shape[:1] == one.shape[:1]


def key_before(module: str, features: int, found: Mapping[str, Tensor], is_alone: bool) -> str | None:
    """The key of the embedding that the module called `module` reads, if one of those `found` is the only candidate.

    It has a column for each feature. Where there are several modules it stands beside its own in the names.
    """
    before = module.rpartition(".")[0]
    fitting = [key for key, one in found.items() if one.shape[1] == features and (is_alone or _parent(key) == before)]
    return fitting[0] if len(fitting) == 1 else None


def embedding(key: str, table: Tensor, asking: Asking) -> Beside:
    """The Embedding of that key.

    Raises:
        UnreadableError: If it cannot be read.
    """
    check_total([table])
    name = printable(_owner(key), 60)
    numbers = table.numbers(name)
    asking.remark_not_finite(f"{name}.weight", numbers)
    return Beside(Embedding(name, numbers), (key,))


def owner_of_linear(last: Recurrent, others: Mapping[str, Tensor]) -> str | None:
    """The name of the Linear that reads the layer `last`, if all the `others` are its own."""
    owners = {_owner(key) for key in others}
    if len(owners) != 1:
        return None
    (owner,) = owners
    weight = others.get(f"{owner}.weight")
    if weight is None or not _LINEAR.match(_IN_SEQUENTIAL.sub("", owner).rpartition(".")[2]):
        return None
    rows = weight.shape[:1]
    shapes = {f"{owner}.weight": (*rows, last.outputs), f"{owner}.bias": rows}
    if 0 in rows or any(shapes.get(key) != one.shape or not one.is_float for key, one in others.items()):
        return None
    return owner


def linear_behind(last: Recurrent, others: Mapping[str, Tensor], asking: Asking) -> Beside | None:
    """The Linear that reads the layer `last`, if nothing else is left that might.

    Raises:
        UnreadableError: If it cannot be read.
        OptionError: If there is no such activation.
    """
    owner = owner_of_linear(last, others)
    if owner is None:
        return None
    check_total(others.values())
    name = printable(owner, 60)
    activation = asking.ask("dense_activation", "linear", _applied, "--dense-activation softmax")
    numbers = {key.rpartition(".")[2]: one.numbers(name) for key, one in others.items()}
    for key, array in numbers.items():
        asking.remark_not_finite(f"{name}.{key}", array)
    return Beside(Dense(name, numbers["weight"].T, numbers.get("bias"), activation), tuple(others))


def _applied(activation: str) -> str:
    return "nothing" if activation == "linear" else activation


def _owner(key: str) -> str:
    """The module that a tensor is in."""
    return key.rpartition(".")[0]


def _parent(key: str) -> str:
    return _owner(_owner(key))


def _last(key: str) -> str:
    """The last part of the name of the module whose weight this is; nothing if it is another tensor."""
    return _owner(key).rpartition(".")[2] if key.endswith(_WEIGHT) else ""
