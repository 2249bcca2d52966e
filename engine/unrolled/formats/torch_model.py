"""From weights under PyTorch's names to a model. How its modules are joined is nowhere in such a file.

What the names leave no doubt about is taken, and told; what they do is left out, and told too.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count

from unrolled.files import UnreadableError
from unrolled.formats.asking import PYTORCH, Asking
from unrolled.formats.model import MAY_STAND_BEFORE, Model
from unrolled.formats.tensors import Tensor, check_total
from unrolled.formats.torch_beside import Beside, embedding, embeddings, key_before, linear_behind
from unrolled.formats.torch_cells import cell_of, recurrent_layers
from unrolled.formats.torch_names import Module, modules
from unrolled.formats.torch_order import Named, ordered
from unrolled.network import Embedding, Foreign, Network, NetworkLayer
from unrolled.text import printable

_MOST_MODULES = 100
_MOST_LAYERS = 500
_MOST_NAMED = 6
_WEIGHT = ".weight"
_BUFFERS = ("running_mean", "running_var", "num_batches_tracked")
"""What a module keeps beside its parameters: https://pytorch.org/docs/stable/generated/torch.nn.BatchNorm1d.html."""


def model_of(name: str, tensors: Mapping[str, Tensor], asking: Asking) -> Model:
    """The model whose weights are `tensors`; `name` is the file's.

    Raises:
        UnreadableError: If there is no recurrent module among them, or its weights do not belong together.
        ShapeError: If shapes disagree.
        OptionError: If there is no such activation, or no such layer.
    """
    asking = replace(asking, options=PYTORCH)
    found, others = modules(tensors)
    if not found:
        got = _listed([printable(key, 40) or "a tensor without a name" for key in tensors]) or "no tensor"
        raise UnreadableError(
            f"expected weights such as weight_ih_l0 and weight_hh_l0 of an LSTM, GRU or RNN, got {got}: save all "
            "those of a model that has one, as torch.save(model.state_dict(), …) does"
        )
    if len(found) > _MOST_MODULES:
        raise UnreadableError(f"expected at most {_MOST_MODULES} recurrent modules, got {len(found):,}")
    layers = sum(module.layers or 1 for module in found)
    if layers > _MOST_LAYERS:
        raise UnreadableError(f"expected at most {_MOST_LAYERS} layers, got {layers:,}")
    check_total(one for module in found for one in module.tensors.values())
    named = [Named(each, module, tuple(recurrent_layers(module, each, asking))) for each, module in _names(found)]
    network = Network(tuple(_layers(ordered(named, others, asking), others, asking)))
    batch_first = all(module.layers is None for module in found) or asking.ask("batch_first", True, _yes_or_no)
    remarks = [
        *(f"{name}: {remark}" for remark in asking.finished()),
        *(f"{name}: {remark}" for remark in _about_types(tensors)),
    ]
    return Model(name, network, tuple(remarks), "PyTorch", batch_first)


def _names(found: Sequence[Module]) -> Iterator[tuple[str, Module]]:
    """The modules with what they are called: their cell if they have no name, and a number where a name is taken."""
    taken: Counter[str] = Counter()
    for module in found:
        name = module.name or cell_of(module).lower()
        taken[name] += 1
        yield name if taken[name] == 1 else f"{name} ({taken[name]})", module


def _layers(chains: list[list[Named]], others: dict[str, Tensor], asking: Asking) -> list[NetworkLayer]:
    """The layers of the network. Between modules whose connection is not known stands a foreign layer."""
    layers: list[NetworkLayer] = []
    left, candidates, is_alone = dict(others), embeddings(others), len(chains) == 1
    firsts = [(chain[0].module.name, chain[0].layers[0].forward.features) for chain in chains]
    keys = [key_before(module, features, candidates, is_alone) for module, features in firsts]
    for number, (chain, key) in enumerate(zip(chains, keys, strict=True)):
        if number:
            layers.append(Foreign(f"input of {chain[0].name}", "not in the file"))
        if key is not None and keys.count(key) == 1:
            layers.append(_used(embedding(key, others[key], asking), left, f"that {chain[0].name} reads", asking))
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
        if not isinstance(layers[0], Embedding):
            _remark_on_before(chains[0][0], left, asking)
        weights = [each for key, each in left.items() if each.is_float and not key.endswith(_BUFFERS)]
        if weights:
            parameters = sum(each.parameters for each in weights)
            owners = list(dict.fromkeys(printable(key.rpartition(".")[0] or key, 60) for key in left))
            why = f"the file does not say where {_joined(owners)} stand{'s' if len(owners) == 1 else ''}"
            layers.append(Foreign(_free_name("other tensors", layers), "not placed", parameters, why))
    return layers


def _remark_on_before(first: Named, left: Mapping[str, Tensor], asking: Asking) -> None:
    """Names what is left out and puts out as many features as the first module reads, as a Linear before it does."""
    fitting = [
        key.removesuffix(_WEIGHT)
        for key, one in left.items()
        if key.endswith(_WEIGHT) and len(one.shape) == 2 and one.shape[0] == first.features
    ]
    if len(fitting) == 1:
        asking.remark(
            f"{printable(fitting[0], 60)} {MAY_STAND_BEFORE} {first.name}, whose {first.features:,} features it puts "
            f"out: x must be what {first.name} reads"
        )


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


def _joined(names: Sequence[str]) -> str:
    """The same with `and` before the last one, if there are not too many."""
    if len(names) > _MOST_NAMED or len(names) == 1:
        return _listed(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _yes_or_no(answer: bool) -> str:
    return "yes" if answer else "no"
