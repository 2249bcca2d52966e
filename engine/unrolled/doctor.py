"""What would have to be read otherwise, so that a model's numbers agree with those of a framework.

Each mistake that is common (see `mistakes`) is tried in the layers that may be to blame: those up to the first one
whose numbers part, without those before it whose numbers are known to agree.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any, TypeAlias

import numpy as np

from unrolled.errors import OptionError, ShapeError
from unrolled.evidence import INPUT
from unrolled.formats.model import Model
from unrolled.layer import RecurrentLayer
from unrolled.mistakes import Mistake, directions, mistakes
from unrolled.network import Dense, Embedding, Network, NetworkLayer, Recurrent
from unrolled.npy import AnyArray
from unrolled.stretch import Stretch
from unrolled.verify import Report, verify

_DENSE_ACTIVATIONS = ("linear", "softmax", "sigmoid", "tanh", "relu")

Change: TypeAlias = Callable[[RecurrentLayer[Any]], RecurrentLayer[Any] | None]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that would make the numbers agree.

    Attributes:
        truth: What would have to be so, as a clause.
        largest: The largest difference that is left then.
    """

    truth: str
    largest: float

    @property
    def sentence(self) -> str:
        """The same as a sentence."""
        return f"they agree to {self.largest:.2g} if {self.truth}"


@dataclass(frozen=True, eq=False, slots=True)
class Diagnosis:
    """What the doctor says.

    Attributes:
        findings: All that would make the numbers agree, usually one.
        tried: How many mistakes were tried.
    """

    findings: tuple[Finding, ...]
    tried: int

    @property
    def sentences(self) -> tuple[str, ...]:
        """The same in sentences: one for each finding, or that there is none."""
        if self.findings:
            return tuple(finding.sentence for finding in self.findings)
        return (
            f"none of the {self.tried:,} common mistakes explains it: order of the gates, bias, activation, "
            f"transposition, equations, direction, order of the layers",
        )


@dataclass(frozen=True, eq=False, slots=True)
class _Variant:
    """A model read in another way; `truth` says which, as a clause."""

    truth: str
    model: Model


def diagnose(
    model: Model,
    arrays: Mapping[str, AnyArray],
    report: Report,
    layer: str | None = None,
    tolerance: float | None = None,
) -> Diagnosis:
    """Finds what would make the numbers agree: see `verify` for the arguments, of which `report` came.

    Raises:
        OptionError: If there is no such layer.
    """
    stretch = model.network.stretch(layer)
    layer = stretch.recurrent[0].name
    few = _one_sample(arrays, stretch, report)
    tried, findings = 0, []
    for variant in _variants(model, stretch, report):
        tried += 1
        with suppress(ShapeError, OptionError):  # an array has no such shape then, so it is not that
            some = few if variant.model.batch_first == model.batch_first else arrays
            if verify(variant.model, some, "", layer, tolerance).agrees:
                whole = verify(variant.model, arrays, "", layer, tolerance)
                findings += [Finding(variant.truth, whole.largest)] if whole.agrees else []
    return Diagnosis(tuple(findings), tried)


def _one_sample(arrays: Mapping[str, AnyArray], stretch: Stretch, report: Report) -> dict[str, AnyArray]:
    """The sample that parts first, which is enough to see that a variant is none; all where none is told."""
    x, first = arrays.get(INPUT), report.first
    is_batch = x is not None and x.ndim > (1 if stretch.embedding is not None else 2)
    if first is None or first.sample is None or not (report.batch_first and is_batch):
        return dict(arrays)
    one = slice(first.sample, first.sample + 1)
    return {name: array[one] if array.ndim else array for name, array in arrays.items()}


def _variants(model: Model, stretch: Stretch, report: Report) -> Iterator[_Variant]:
    yield from _other_layouts(model)
    blamed = _blamed(stretch, report)
    recurrent = [layer for layer in blamed if isinstance(layer, Recurrent)]
    yield from _other_cells(model, recurrent)
    for each in recurrent:
        for truth, other in directions(each):
            yield from _with(model, f"in {each.name} {truth}", {each.name: other})
    yield from _other_orders(model, recurrent)
    for layer in blamed:
        match layer:
            case Embedding():
                truth = "is" if not layer.mask_zero else "is not"
                changed = replace(layer, mask_zero=not layer.mask_zero)
                yield from _with(model, f"in {layer.name} token 0 {truth} padding", {layer.name: changed})
            case Dense():
                yield from _other_dense(model, layer)


def _other_layouts(model: Model) -> Iterator[_Variant]:
    if model.framework == "ONNX":
        return  # both were tried
    order, option = ("(T, batch, …)", "--no-batch-first") if model.batch_first else ("(batch, T, …)", "--batch-first")
    told = f"; {option} says so" if model.framework == "PyTorch" else ""
    yield _Variant(f"the arrays are {order}{told}", replace(model, batch_first=not model.batch_first))


def _blamed(stretch: Stretch, report: Report) -> tuple[NetworkLayer, ...]:
    """The layers that may be to blame, in their order."""
    parted = min(each.place for each in report.compared if not each.agrees)
    right = [each.place for each in report.compared if each.agrees and each.place < parted and each.is_output]
    return stretch.layers[max(right, default=-1) + 1 : parted + 1]


def _other_cells(model: Model, recurrent: Sequence[Recurrent]) -> Iterator[_Variant]:
    """Each mistake in all directions of all layers that it fits, and in each alone."""
    every = {each.name: each.layer for layer in recurrent for each in layer.directions}
    groups = [tuple(every)]
    if len(recurrent) > 1:
        groups += [tuple(each.name for each in layer.directions) for layer in recurrent]
    groups += [(name,) for name in every if (name,) not in groups]
    seen = set()
    for group in groups:
        for cell in dict.fromkeys(every[name].anatomy.cell for name in group):
            names = tuple(name for name in group if every[name].anatomy.cell == cell)
            if names not in seen:
                seen.add(names)
                yield from _mistaken(model, recurrent, {name: every[name] for name in names})


def _mistaken(
    model: Model, recurrent: Sequence[Recurrent], layers: Mapping[str, RecurrentLayer[Any]]
) -> Iterator[_Variant]:
    """Each mistake in those directions at once."""
    for one in mistakes(next(iter(layers.values())), model.framework):
        changed: dict[str, RecurrentLayer[Any]] = {}
        for name, layer in layers.items():
            other = _same(one, layer, model.framework)
            if other is not None:
                changed[name] = other
        if len(changed) == len(layers):
            replaced = {layer.name: _rebuilt(layer, changed) for layer in recurrent}
            yield from _with(model, f"in {_called(recurrent, layers)} {one.truth}", replaced)


def _called(recurrent: Sequence[Recurrent], names: Collection[str]) -> str:
    """The names of the directions; of a layer whose directions are all among them, its own."""
    called: list[str] = []
    for layer in recurrent:
        directions_of = [each.name for each in layer.directions if each.name in names]
        called += [layer.name] if len(directions_of) == len(layer.directions) else directions_of
    return " and ".join(called)


def _same(mistake: Mistake, layer: RecurrentLayer[Any], framework: str) -> RecurrentLayer[Any] | None:
    """The layer without the same mistake."""
    found = next((each for each in mistakes(layer, framework) if each.truth == mistake.truth), None)
    return None if found is None else found.change(layer)


def _rebuilt(recurrent: Recurrent, changed: Mapping[str, RecurrentLayer[Any]]) -> Recurrent:
    forward, *backward = (changed.get(each.name, each.layer) for each in recurrent.directions)
    return replace(recurrent, forward=forward, backward=backward[0] if backward else None)


def _other_orders(model: Model, recurrent: Sequence[Recurrent]) -> Iterator[_Variant]:
    """Two layers, each with the weights of the other."""
    for one, other in combinations(recurrent, 2):
        swapped = {
            one.name: replace(one, forward=other.forward, backward=other.backward),
            other.name: replace(other, forward=one.forward, backward=one.backward),
        }
        yield from _with(model, f"{one.name} and {other.name} stand in the other order", swapped)


def _other_dense(model: Model, layer: Dense) -> Iterator[_Variant]:
    for name in _DENSE_ACTIVATIONS:
        if name != layer.activation:
            truth = f"in {layer.name} the activation is {name}, not {layer.activation}"
            yield from _with(model, truth, {layer.name: replace(layer, activation=name)})
    rows, units = layer.kernel.shape
    if rows == units:
        changed = replace(layer, kernel=layer.kernel.T)
        yield from _with(model, f"in {layer.name} the kernel is transposed", {layer.name: changed})
    changed = replace(layer, kernel=np.ascontiguousarray(layer.kernel).reshape(units, rows).T)
    truth = f"in {layer.name} the kernel is stored as (units, features) and has to be transposed, not reshaped"
    yield from _with(model, truth, {layer.name: changed})


def _with(model: Model, truth: str, layers: Mapping[str, NetworkLayer]) -> Iterator[_Variant]:
    """The model with other layers under those names, if they fit."""
    with suppress(ShapeError, OptionError):
        network = Network(tuple(layers.get(layer.name, layer) for layer in model.network.layers))
        yield _Variant(truth, replace(model, network=network))
