"""In which order the recurrent modules of a PyTorch file run, and which read each other. No file says it.

Numbers in their names tell, or sizes that fit in one order only, or that one is called encoder and the other decoder.
Where that leaves a doubt they stand by themselves, and the option is named that joins them.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise, permutations

from unrolled.errors import OptionError
from unrolled.formats.asking import Asking
from unrolled.formats.tensors import Tensor
from unrolled.formats.torch_beside import embeddings, key_before, owner_of_linear
from unrolled.formats.torch_names import Module
from unrolled.network import Recurrent
from unrolled.text import printable

_NUMBERED = re.compile(r"(.*?)(\d{0,6})\Z", re.DOTALL)
_ENCODER, _DECODER = (re.compile(rf"(.*[._])?{word}(oder)?([._\d].*)?\Z", re.DOTALL) for word in ("enc", "dec"))
_MOST_TRIED = 8
"""So many modules have 40,320 orders, which are gone through at once."""


@dataclass(frozen=True, eq=False, slots=True)
class Named:
    """A recurrent module with its layers.

    Attributes:
        name: What it is called: its own name, or its cell's if it has none.
        module: The module.
        layers: Its layers.
    """

    name: str
    module: Module
    layers: tuple[Recurrent, ...]

    @property
    def features(self) -> int:
        """How many numbers it reads at a timestep."""
        return self.layers[0].forward.features

    @property
    def outputs(self) -> int | None:
        """How many it puts out."""
        return self.layers[-1].outputs


def ordered(named: list[Named], others: Mapping[str, Tensor], asking: Asking) -> list[list[Named]]:
    """The modules as they run, those that read each other together; `others` are all other tensors of the file.

    Raises:
        OptionError: If the user names other modules than there are.
    """
    if len(named) == 1:
        return [named]
    numbered = sorted(named, key=lambda one: _place(one, named))
    candidates = embeddings(others)
    tables = {one.name: key_before(one.module.name, one.features, candidates, False) for one in named}
    fed = {name: key for name, key in tables.items() if key is not None}
    found, reason = _told_by_sizes(numbered, others, fed)
    usual = [one.name for one in found or numbered]
    backwards = ",".join(reversed(usual))
    chosen = asking.ask("layer_order", tuple(usual), ", ".join, f"--layer-order {printable(backwards)}")
    by_name = {one.name: one for one in named}
    if sorted(chosen) != sorted(by_name):
        known = ",".join(by_name)
        raise OptionError(
            f"--layer-order: expected {printable(known)}, in any order, got {printable(','.join(chosen))}"
        )
    is_told = asking.choices.layer_order is not None
    chains = [[by_name[chosen[0]]]]
    for before, one in pairwise(by_name[each] for each in chosen):
        if is_told or found:
            why = "as its place and size say" if is_told else reason
        else:
            why = "as its number and size say" if _are_numbered(before, one) else ""
        if why and _fit(before, one):
            chains[-1].append(one)
            asking.remark(f"{one.name} is taken to read {before.name}, {why}")
        else:
            chains.append([one])
            if is_told:
                sizes = f"it reads {one.features:,} features, {before.name} puts out {before.outputs or 0:,}"
                asking.remark(f"{one.name} does not read {before.name}, as their sizes do not fit: {sizes}")
    _remark_on_doubt(chains, is_told, fed, asking)
    return chains


def _remark_on_doubt(chains: Sequence[Sequence[Named]], is_told: bool, fed: Collection[str], asking: Asking) -> None:
    """Names the option that joins modules which fit each other and were not joined."""
    ends = [
        (before, one)
        for before, one in permutations(chains, 2)
        if _may_read(one[0], before[-1], fed) and not _is_decoder_of(one[0], before[-1])
    ]
    if not is_told and ends:
        before, one = ends[0]
        rest = [each for chain in chains if chain is not before and chain is not one for each in chain]
        names = ",".join(each.name for each in (*before, *one, *rest))
        asking.remark(
            f"whether {one[0].name} reads {before[-1].name}, whose output fits, is not in the file: taken no; "
            f"--layer-order {printable(names)} says otherwise"
        )


def _told_by_sizes(
    named: Sequence[Named], others: Mapping[str, Tensor], fed: Mapping[str, str]
) -> tuple[list[Named] | None, str]:
    """The only order in which all read each other, if there is one, and why it is that one.

    `fed` are those with an Embedding of their own, and its key.
    """
    if len(named) > _MOST_TRIED or all(_are_numbered(*pair) for pair in pairwise(named)):
        return None, ""
    orders = list(islice(_orders([], list(named), fed), 2))
    if len(orders) != 1:
        return None, ""
    (found,) = orders
    left = {key: one for key, one in others.items() if key not in fed.values()}
    is_linear = owner_of_linear(found[-1].layers[-1], left) is not None
    could_be_between = not is_linear and any(
        one.shape[:1] == (each.features,) for one in left.values() for each in found[1:]
    )
    if could_be_between:
        return None, ""
    are_called = any(_is_decoder_of(*pair) for pair in permutations(named, 2))
    return found, "as their names and sizes say" if are_called else "as their sizes fit in this order only"


def _orders(before: list[Named], rest: list[Named], fed: Collection[str]) -> Iterator[list[Named]]:
    """The orders of the rest in which each reads the one before."""
    if not rest:
        yield before
    for one in rest:
        if not before or (_may_read(one, before[-1], fed) and not any(_is_decoder_of(one, each) for each in before)):
            yield from _orders([*before, one], [other for other in rest if other is not one], fed)


def _place(one: Named, named: Sequence[Named]) -> tuple[int, int]:
    """Modules in the order of the file, but those that are numbered by their numbers: 10 behind 2."""
    stem, number = _stem_and_number(one)
    return next(place for place, other in enumerate(named) if _stem_and_number(other)[0] == stem), number


def _stem_and_number(one: Named) -> tuple[str, int]:
    found = _NUMBERED.match(one.name)
    return (found[1], int(found[2] or 1)) if found else (one.name, 1)


def _are_numbered(before: Named, one: Named) -> bool:
    (stem, number), (other, following) = _stem_and_number(before), _stem_and_number(one)
    return stem == other and following == number + 1


def _may_read(one: Named, before: Named, fed: Collection[str]) -> bool:
    return _fit(before, one) and one.name not in fed


def _is_decoder_of(encoder: Named, decoder: Named) -> bool:
    """Whether that is what they are called."""
    return _ENCODER.match(encoder.name) is not None and _DECODER.match(decoder.name) is not None


def _fit(before: Named, one: Named) -> bool:
    return before.outputs == one.features
