"""From weights under PyTorch's names to a model. How its modules are joined is nowhere in such a file.

What the names leave no doubt about is taken, and told; what they do is left out, and told too.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count

from unrolled.errors import OptionError
from unrolled.files import UnreadableError
from unrolled.formats.asking import Asking
from unrolled.formats.model import Model
from unrolled.formats.remarks import about_numbers
from unrolled.formats.tensors import Tensor, check_total
from unrolled.formats.torch_beside import Beside, embedding, embeddings, key_before, linear_behind
from unrolled.formats.torch_cells import cell_of, recurrent_layers
from unrolled.formats.torch_names import Module, modules
from unrolled.network import Embedding, Foreign, Network, NetworkLayer, Recurrent
from unrolled.text import printable

_MOST_MODULES = 100
_MOST_LAYERS = 500
_MOST_NAMED = 6
_BUFFERS = ("running_mean", "running_var", "num_batches_tracked")
"""What a module keeps beside its parameters: https://pytorch.org/docs/stable/generated/torch.nn.BatchNorm1d.html."""
_NUMBERED = re.compile(r"(.*?)(\d{0,6})\Z", re.DOTALL)


@dataclass(frozen=True, eq=False, slots=True)
class _Named:
    """A recurrent module with its layers.

    Attributes:
        name: What it is called: its own name, or its cell's if it has none.
        module: The module.
        layers: Its layers.
    """

    name: str
    module: Module
    layers: tuple[Recurrent, ...]


def model_of(name: str, tensors: Mapping[str, Tensor], asking: Asking) -> Model:
    """The model whose weights are `tensors`; `name` is the file's.

    Raises:
        UnreadableError: If there is no recurrent module among them, or its weights do not belong together.
        ShapeError: If shapes disagree.
        OptionError: If there is no such activation, or no such layer.
    """
    found, others = modules(tensors)
    if not found:
        got = _listed([printable(key, 40) for key in tensors]) or "no tensor"
        raise UnreadableError(
            f"expected weights such as weight_ih_l0 and weight_hh_l0 of an LSTM, GRU or RNN, got {got}"
        )
    if len(found) > _MOST_MODULES:
        raise UnreadableError(f"expected at most {_MOST_MODULES} recurrent modules, got {len(found):,}")
    layers = sum(module.layers or 1 for module in found)
    if layers > _MOST_LAYERS:
        raise UnreadableError(f"expected at most {_MOST_LAYERS} layers, got {layers:,}")
    check_total(one for module in found for one in module.tensors.values())
    named = [_Named(each, module, tuple(recurrent_layers(module, each, asking))) for each, module in _names(found)]
    network = Network(tuple(_layers(_ordered(named, asking), others, asking)))
    batch_first = all(module.layers is None for module in found) or asking.ask("batch_first", True, _yes_or_no)
    remarks = [
        *(f"{name}: {remark}" for remark in asking.finished()),
        *(f"{name}: {remark}" for remark in _about_types(tensors)),
        *about_numbers(name, network),
    ]
    return Model(name, network, tuple(remarks), "PyTorch", batch_first)


def _names(found: Sequence[Module]) -> Iterator[tuple[str, Module]]:
    """The modules with what they are called: their cell if they have no name, and a number where a name is taken."""
    taken: Counter[str] = Counter()
    for module in found:
        name = module.name or cell_of(module).lower()
        taken[name] += 1
        yield name if taken[name] == 1 else f"{name} ({taken[name]})", module


def _ordered(named: list[_Named], asking: Asking) -> list[list[_Named]]:
    """The modules as they run, those that read each other together: as the user says, else as they are numbered."""
    if len(named) == 1:
        return [named]
    by_name = {one.name: one for one in named}
    usual = sorted(named, key=lambda one: _place(one, named))
    chosen = asking.ask("layer_order", tuple(one.name for one in usual), _listed)
    if sorted(chosen) != sorted(by_name):
        raise OptionError(
            f"layer_order: expected the names {', '.join(by_name)}, in any order, got {printable(', '.join(chosen))}"
        )
    is_told = asking.choices.layer_order is not None
    chains: list[list[_Named]] = []
    for one in (by_name[each] for each in chosen):
        before = chains[-1][-1] if chains else None
        if before is not None and _fit(before, one) and (is_told or _are_numbered(before, one)):
            chains[-1].append(one)
            asking.remark(
                f"{one.name} is taken to read {before.name}, as its {'place' if is_told else 'number'} and size say"
            )
        else:
            chains.append([one])
    return chains


def _place(one: _Named, named: Sequence[_Named]) -> tuple[int, int]:
    """Modules in the order of the file, but those that are numbered by their numbers: 10 behind 2."""
    stem, number = _stem_and_number(one)
    return next(place for place, other in enumerate(named) if _stem_and_number(other)[0] == stem), number


def _stem_and_number(one: _Named) -> tuple[str, int]:
    found = _NUMBERED.match(one.name)
    return (found[1], int(found[2] or 1)) if found else (one.name, 1)


def _are_numbered(before: _Named, one: _Named) -> bool:
    (stem, number), (other, following) = _stem_and_number(before), _stem_and_number(one)
    return stem == other and following == number + 1


def _fit(before: _Named, one: _Named) -> bool:
    return before.layers[-1].outputs == one.layers[0].forward.features


def _layers(chains: list[list[_Named]], others: dict[str, Tensor], asking: Asking) -> list[NetworkLayer]:
    """The layers of the network. Between modules whose connection is not known stands a foreign layer."""
    layers: list[NetworkLayer] = []
    left, candidates, is_alone = dict(others), embeddings(others), len(chains) == 1
    firsts = [(chain[0].module.name, chain[0].layers[0].forward.features) for chain in chains]
    keys = [key_before(module, features, candidates, is_alone) for module, features in firsts]
    for number, (chain, key) in enumerate(zip(chains, keys, strict=True)):
        if number:
            layers.append(Foreign(f"input of {chain[0].name}", "not in the file"))
        if key is not None and keys.count(key) == 1:
            layers.append(_used(embedding(key, others[key]), left, f"that {chain[0].name} reads", asking))
        layers += [layer for one in chain for layer in one.layers]
    last = chains[-1][-1].layers[-1]
    found = linear_behind(last, left, asking)
    if found is not None:
        returns = asking.ask("return_sequences", True, _yes_or_no)
        layers[-1] = replace(last, return_sequences=returns)
        layers.append(_used(found, left, f"that reads {last.name}", asking))
    if left:
        names = _listed([printable(key, 60) for key in left])
        asking.remark(f"not used, as the file does not say where they stand: {names}")
        weights = [each for key, each in left.items() if each.is_float and not key.endswith(_BUFFERS)]
        if weights:
            parameters = sum(each.parameters for each in weights)
            layers.append(Foreign(_free_name("other tensors", layers), "not placed", parameters))
    return layers


def _free_name(name: str, layers: list[NetworkLayer]) -> str:
    """A name that no layer has."""
    names = {layer.name for layer in layers}
    others = (f"{name} {number}" for number in count(2))
    return name if name not in names else next(free for free in others if free not in names)


def _used(found: Beside, left: dict[str, Tensor], place: str, asking: Asking) -> NetworkLayer:
    for key in found.keys:
        del left[key]
    kind = "Embedding" if isinstance(found.layer, Embedding) else "Linear"
    asking.remark(f"{found.layer.name} is taken for the {kind} {place}, as its name and size say")
    return found.layer


def _about_types(tensors: Mapping[str, Tensor]) -> Iterator[str]:
    """Which weights are stored in fewer bits than they are stepped in."""
    for stored in ("float16", "bfloat16"):
        names = [printable(key, 60) for key, one in tensors.items() if one.stored == stored]
        if names:
            verb = "is" if len(names) == 1 else "are"
            yield f"{_listed(names)} {verb} stored as {stored}, stepped in float32"


def _listed(names: Sequence[str]) -> str:
    """Names behind each other, the first few of them."""
    more = f" and {len(names) - _MOST_NAMED:,} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more


def _yes_or_no(answer: bool) -> str:
    return "yes" if answer else "no"
