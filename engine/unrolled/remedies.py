"""All that may be put right in how a model and a file of numbers are read: each mistake where it may have been made.

Mistakes about the weights of a cell are in `mistakes`; those about whole layers, the network and the file are here.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np

from unrolled.evidence import HIDDEN, OUTPUT, TANH_C, Evidence
from unrolled.layer import RecurrentLayer
from unrolled.lstm import LSTM
from unrolled.mistakes import Kind, Mistake, mistakes
from unrolled.network import Dense, Embedding, Network, NetworkLayer, Recurrent
from unrolled.network_layers import MERGES
from unrolled.npy import AnyArray
from unrolled.stretch import Stretch

_DENSE_ACTIVATIONS = ("linear", "softmax", "log_softmax", "sigmoid", "tanh", "relu")


@dataclass(frozen=True, eq=False, slots=True)
class Account:
    """How a model and a file of numbers are read.

    Attributes:
        network: The layers.
        evidence: The numbers.
    """

    network: Network
    evidence: Evidence

    def with_layers(self, *others: NetworkLayer) -> "Account":
        """The same with other layers under their names."""
        named = {layer.name: layer for layer in others}
        layers = tuple(named.get(layer.name, layer) for layer in self.network.layers)
        return replace(self, network=Network(layers))

    def recurrent(self, name: str) -> Recurrent:
        """The recurrent layer of that name."""
        return next(layer for layer in self.network.recurrent if layer.name == name)


@dataclass(frozen=True, eq=False, slots=True)
class Remedy:
    """One thing that is put right.

    Attributes:
        kind: What it is about.
        where: The place, as "in lstm_l0 and lstm_l1", or nothing.
        truth: What is true then, as a clause.
        change: How things are read then; None where there is nothing of the kind.
        is_rare: See `Mistake`.
    """

    kind: Kind
    where: str
    truth: str
    change: Callable[[Account], Account | None]
    is_rare: bool = False

    @property
    def clause(self) -> str:
        """The truth with its place."""
        return f"{self.where} {self.truth}".strip()


def remedies(account: Account, stretch: Stretch, blamed: Sequence[NetworkLayer], framework: str) -> Iterator[Remedy]:
    """All that may be put right in those layers and in the file, what is likely first."""
    recurrent = [layer for layer in blamed if isinstance(layer, Recurrent)]
    everywhere, *elsewhere = _of_cells(recurrent, framework)
    yield from everywhere
    for group in _groups_of_layers(recurrent):
        yield from _of_layers(group)
    yield from _orders(recurrent)
    for layer in blamed:
        match layer:
            case Embedding():
                truth = "token 0 is padding" if not layer.mask_zero else "token 0 is not padding"
                yield _layer_changed(layer, truth, replace(layer, mask_zero=not layer.mask_zero))
            case Dense():
                yield from _of_dense(layer)
    if not account.evidence.is_trace:
        yield from _of_arrays(account.evidence, stretch)
    for part in elsewhere:
        yield from part


# The cells.


def _of_cells(recurrent: Sequence[Recurrent], framework: str) -> list[list[Remedy]]:
    """Each mistake in all directions of all layers that it fits, and in each alone; what is rare behind the others."""
    every = {each.name: (layer, each) for layer in recurrent for each in layer.directions}
    tables = {
        name: {one.truth: one for one in mistakes(each.layer, framework, each.biases)}
        for name, (_, each) in every.items()
    }
    groups = [[*every]]
    groups += [[each.name for each in layer.directions] for layer in recurrent]
    groups += [[name] for name in every]
    found: list[list[Remedy]] = []
    seen = set()
    for group in groups:
        for cell in dict.fromkeys(every[name][1].layer.anatomy.cell for name in group):
            names = tuple(name for name in group if every[name][1].layer.anatomy.cell == cell)
            if names and names not in seen:
                seen.add(names)
                where = f"in {_called(recurrent, names)}"
                found.append([*_in_all(where, {name: tables[name] for name in names}, recurrent)])
    common = [[one for one in group if not one.is_rare] for group in found]
    return [*common, *([one for one in group if one.is_rare] for group in found)] or [[]]


def _in_all(
    where: str, tables: Mapping[str, Mapping[str, Mistake]], recurrent: Sequence[Recurrent]
) -> Iterator[Remedy]:
    """Each mistake that may have been made in all of those directions, in all of them at once."""
    holders = [layer.name for layer in recurrent if any(each.name in tables for each in layer.directions)]
    for truth, one in next(iter(tables.values())).items():
        if all(truth in table for table in tables.values()):
            changes = {name: table[truth].change for name, table in tables.items()}
            yield Remedy(one.kind, where, truth, changed(holders, changes), one.is_rare)


def changed(
    holders: Collection[str], changes: Mapping[str, Callable[[RecurrentLayer[Any]], RecurrentLayer[Any] | None]]
) -> Callable[[Account], Account | None]:
    """Directions changed by their names, of the layers `holders`."""

    def change(account: Account) -> Account | None:
        others = []
        for holder in map(account.recurrent, holders):
            cells = [
                changes[each.name](each.layer) if each.name in changes else each.layer for each in holder.directions
            ]
            if any(cell is None for cell in cells):
                return None
            forward, *backward = (cell for cell in cells if cell is not None)
            others.append(replace(holder, forward=forward, backward=backward[0] if backward else None))
        return account.with_layers(*others)

    return change


def _called(recurrent: Sequence[Recurrent], names: Collection[str]) -> str:
    """The names of the directions; of a layer whose directions are all among them, its own."""
    called: list[str] = []
    for layer in recurrent:
        directions_of = [each.name for each in layer.directions if each.name in names]
        called += [layer.name] if len(directions_of) == len(layer.directions) else directions_of
    return " and ".join(called)


# The layers.


def _groups_of_layers(recurrent: Sequence[Recurrent]) -> list[tuple[Recurrent, ...]]:
    """All layers of one kind, and each alone."""
    both = tuple(layer for layer in recurrent if layer.backward is not None)
    one = tuple(layer for layer in recurrent if layer.backward is None)
    return [group for group in (both, one) if len(group) > 1] + [(layer,) for layer in recurrent]


def _of_layers(group: Sequence[Recurrent]) -> Iterator[Remedy]:
    """Each mistake about whole layers, in all those of the group at once."""
    where = f"in {' and '.join(layer.name for layer in group)}"
    for truth, change in _layer_changes(group[0]).items():
        if all(truth in _layer_changes(layer) for layer in group):
            yield Remedy(Kind.DIRECTION, where, truth, _each([layer.name for layer in group], change))


def _each(names: Sequence[str], change: Callable[[Recurrent], Recurrent]) -> Callable[[Account], Account | None]:
    return lambda account: account.with_layers(*(change(account.recurrent(name)) for name in names))


def _layer_changes(layer: Recurrent) -> dict[str, Callable[[Recurrent], Recurrent]]:
    """What else a layer may be, by a clause that says so."""
    found: dict[str, Callable[[Recurrent], Recurrent]] = {}
    if layer.initial_states is not None:
        found["the initial state is zero, not the one of the file"] = lambda one: replace(one, initial_states=None)
    if layer.backward is None:
        return found | _ways(layer)
    found["the weights of its two directions are swapped"] = _directions_swapped
    if not layer.return_sequences and not layer.at_last_timestep:
        told = "the output is that of both directions at the last timestep, not the last one of each"
        found[told] = lambda one: replace(one, at_last_timestep=True)
    if layer.at_last_timestep or layer.return_sequences:
        told = "the output is the last one of each direction, not that of both at the last timestep"
        found[told] = lambda one: replace(one, at_last_timestep=False, return_sequences=False)
    for merge in MERGES:
        if merge != layer.merge:
            found[f"its directions are joined by {merge}, not {layer.merge}"] = partial(replace, merge=merge)
    return found


def _ways(layer: Recurrent) -> dict[str, Callable[[Recurrent], Recurrent]]:
    """The other ways in which a layer of one direction may read."""
    flips = ("its output is in the order in which it is computed", "its output is flipped back to the input's order")
    if layer.go_backwards:
        return {
            "it reads forwards, not backwards": lambda one: replace(one, go_backwards=False),
            flips[not layer.flips_back]: lambda one: replace(one, flips_back=not one.flips_back),
        }
    return {
        f"it reads backwards, and {flips[0]}": lambda one: replace(one, go_backwards=True, flips_back=False),
        f"it reads backwards, and {flips[1]}": lambda one: replace(one, go_backwards=True, flips_back=True),
    }


def _directions_swapped(layer: Recurrent) -> Recurrent:
    if layer.backward is None:
        return layer
    biases = None if layer.biases is None else layer.biases[::-1]
    return replace(layer, forward=layer.backward, backward=layer.forward, biases=biases)


def _orders(recurrent: Sequence[Recurrent]) -> Iterator[Remedy]:
    """Two layers, each with the weights of the other."""

    def swap(one: str, other: str) -> Callable[[Account], Account | None]:
        def change(account: Account) -> Account | None:
            first, second = account.recurrent(one), account.recurrent(other)
            return account.with_layers(
                replace(first, forward=second.forward, backward=second.backward),
                replace(second, forward=first.forward, backward=first.backward),
            )

        return change

    for one, other in combinations([layer.name for layer in recurrent], 2):
        yield Remedy(Kind.NETWORK, "", f"{one} and {other} stand in the other order", swap(one, other))


def _of_dense(layer: Dense) -> Iterator[Remedy]:
    for name in _DENSE_ACTIVATIONS:
        if name != layer.activation:
            told = f"the activation is {name}, not {layer.activation}"
            yield _layer_changed(layer, told, replace(layer, activation=name))
    rows, units = layer.kernel.shape
    if rows == units:
        yield _layer_changed(layer, "the kernel is transposed", replace(layer, kernel=layer.kernel.T))
    reshaped = np.ascontiguousarray(layer.kernel).reshape(units, rows).T
    told = "the kernel is stored as (units, features) and has to be transposed, not reshaped"
    yield _layer_changed(layer, told, replace(layer, kernel=reshaped))


def _layer_changed(layer: NetworkLayer, truth: str, other: NetworkLayer) -> Remedy:
    return Remedy(Kind.NETWORK, f"in {layer.name}", truth, lambda account: account.with_layers(other))


# The arrays.


def _of_arrays(evidence: Evidence, stretch: Stretch) -> Iterator[Remedy]:
    """What an array may hold that was taken for the output of a layer."""
    for name, layer in shown(evidence, stretch):
        for truth, others in _array_changes(name, layer, evidence.arrays[name].values, stretch).items():
            yield Remedy(Kind.ARRAY, f"in {name}", truth, _instead(name, others))


def _instead(name: str, others: Mapping[str, AnyArray]) -> Callable[[Account], Account | None]:
    return lambda account: replace(account, evidence=account.evidence.instead(name, others))


def shown(evidence: Evidence, stretch: Stretch) -> Iterator[tuple[str, Recurrent]]:
    """The arrays that hold the output of a recurrent layer at every timestep."""
    last = stretch.recurrent[-1]
    known = {f"{layer.name}/{HIDDEN}": layer for layer in stretch.recurrent} | {HIDDEN: last}
    if not any(isinstance(layer, Dense) for layer in stretch.layers[stretch.layers.index(last) :]):
        known[OUTPUT] = last
    for name in evidence.arrays:
        layer = known.get(name)
        if layer is not None and layer.outputs is not None and evidence.arrays[name].values.ndim == 3:
            yield name, layer


def _array_changes(name: str, layer: Recurrent, values: AnyArray, stretch: Stretch) -> dict[str, dict[str, AnyArray]]:
    """What stands in an array, by a clause that says so, as arrays under the names of what they are then."""
    found = {"the timesteps are in reverse order": {name: values[:, ::-1]}}
    halves = directions_of(layer, values)
    if len(halves) == 2:
        one, two = halves.values()
        found |= {
            "the output of the backward direction is not flipped back in time": {
                name: np.concatenate([one, two[:, ::-1]], axis=-1)
            },
            "the halves of the two directions are swapped": {name: np.concatenate([two, one], axis=-1)},
            "the directions take turns, unit by unit": {
                name: np.concatenate([values[..., ::2], values[..., 1::2]], axis=-1)
            },
        }
    if isinstance(layer.forward, LSTM) and halves:
        for other, told in (("c", "the cell state c"), (TANH_C, "tanh(c), before the output gate")):
            found[f"there is {told}, not h"] = {f"{key}/{other}": half for key, half in halves.items()}
    for each in stretch.recurrent:
        if each.name != layer.name and each.outputs == layer.outputs:
            found[f"there is the output of {each.name}, not of {layer.name}"] = {f"{each.name}/{HIDDEN}": values}
    return found


def directions_of(layer: Recurrent, values: AnyArray) -> dict[str, AnyArray]:
    """The h of each direction in a layer's output, by name, in the order of the input; none if they are not apart."""
    if layer.backward is None:
        turned = layer.go_backwards and not layer.flips_back
        return {layer.name: values[:, ::-1] if turned else values}
    if layer.merge != "concat":
        return {}
    units = layer.forward.outputs
    return {f"{layer.name}/forward": values[..., :units], f"{layer.name}/backward": values[..., units:]}
