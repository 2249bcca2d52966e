"""What can be told of a layer whose true output is known at every timestep: its start and its bias, by themselves.

Each timestep is computed from the true output of the one before, so that what was wrong there is not wrong again.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from unrolled.arrays import Array, State
from unrolled.cell import Cell
from unrolled.evidence import Sample, passes_over
from unrolled.gru import GRU
from unrolled.lstm import LSTM
from unrolled.remedies import Account, directions_of, shown
from unrolled.stretch import Stretch

_ROUNDS = 40
_OTHER_STARTS = 6
_STEP = 1e-6
_LOOSER = 20.0
"""How much less exact a cell state is that is computed back from an output."""


@dataclass(frozen=True, eq=False, slots=True)
class Known:
    """A direction of a layer whose output is known, in the order in which it reads.

    Attributes:
        holder: The name of its layer.
        name: Its own name.
        layer: Its cell.
        x: What it reads, (T, samples, features).
        h: Its true output, (T, samples, units).
        tolerance: The largest difference that is none.
    """

    holder: str
    name: str
    layer: Cell[Any]
    x: Array
    h: Array
    tolerance: float


def known_outputs(account: Account, stretch: Stretch) -> Iterator[Known]:
    """The directions of the last layer, if the file has its output at every timestep, and it passes over none."""
    evidence = account.evidence
    found = next(((name, layer) for name, layer in shown(evidence, stretch) if layer is stretch.recurrent[-1]), None)
    if found is None or passes_over(stretch):
        return
    name, layer = found
    given = evidence.arrays[name]
    halves = directions_of(layer, given.values)
    reads = stretch.recurrent[0].name
    readings = [account.network.read(x, layer=reads, row=row) for row, x in enumerate(evidence.x, evidence.first)]
    for direction in layer.directions:
        if direction.name in halves and isinstance(direction.layer, Cell):
            x = np.stack([Sample(reading, ("x",)).column(direction.name, "x") for reading in readings], axis=1)
            h = np.swapaxes(halves[direction.name], 0, 1)
            turn = slice(None, None, -1 if direction.backwards else 1)
            yield Known(layer.name, direction.name, direction.layer, x[turn], h[turn], given.tolerance)


def another_start(known: list[Known]) -> float | None:
    """The largest difference once the layer goes on from the true outputs of the first timesteps, if that is none."""
    largest = 0.0
    for each in known:
        begun = _begun(each)
        if begun is None:
            return None
        first, state = begun
        h = each.layer.trace(each.x[first:].astype(each.layer.dtype), state).h
        away = float((np.abs(h - each.h[first:]) / np.fmax(1, np.abs(each.h[first:]))).max())
        if not away <= _LOOSER * each.tolerance:
            return None
        largest = max(largest, away)
    return largest if known else None


def _begun(known: Known) -> tuple[int, State] | None:
    """The first timestep that can be computed from the outputs before, and the state before it."""
    layer, h = known.layer, known.h.astype(known.layer.dtype)
    if not isinstance(layer, LSTM):
        return (1, (h[0],)) if len(h) > 3 else None
    is_plain = layer.peepholes is None and layer.projection is None
    if len(h) < 5 or not is_plain or (layer.output_activation or layer.activation) != "tanh":
        return None
    step = layer.step(known.x[1].astype(layer.dtype), (h[0], np.zeros_like(h[0])))  # o does not hear c
    with np.errstate(all="ignore"):
        c = np.arctanh(h[1] / step.o)
    return (2, (h[1], c)) if np.isfinite(c).all() else None


def another_bias(known: Known, is_late: Callable[[], bool]) -> Array | None:
    """The bias that comes nearest to the true outputs, by Levenberg's and Marquardt's method, each unit by itself.

    None where the units cannot be looked at one by one, there are too few timesteps, or it gets late.
    """
    layer = known.layer
    is_odd = isinstance(layer, GRU) and not layer.reset_after
    if is_odd or layer.clip is not None or {"projection", "peepholes"} & layer.weights.keys():
        return None
    blocks = len(layer.anatomy.gates) + isinstance(layer, GRU)
    timesteps, samples, _ = known.h.shape
    if timesteps * samples < 3 * blocks:
        return None
    layer = _without_bias(layer)
    x, h = layer.project(known.x.astype(np.float64)), known.h.astype(np.float64)
    own, chance = _start(known.layer, blocks), np.random.default_rng(0)
    best, left = own, np.full(known.layer.units, np.inf)
    for begin in (own, np.zeros_like(own), *(chance.normal(size=own.shape) for _ in range(_OTHER_STARTS))):
        with np.errstate(all="ignore"):
            for bias, away in _nearing(layer, begin, x, h):
                if is_late():
                    return None
                size = np.abs(away).max(axis=0)
                best, left = np.where(size < left, bias, best), np.fmin(size, left)
                if left.max() < known.tolerance / 5:
                    return _whole(layer, best)
    return _whole(layer, best)


def _nearing(layer: Cell[Any], bias: Array, x: Array, h: Array) -> Iterator[tuple[Array, Array]]:
    """Biases that come nearer and nearer, each with how far the outputs are from the true ones."""
    blocks, units = bias.shape
    damping, away = np.full(units, 1e-3), _away(layer, bias, x, h)
    for _ in range(_ROUNDS):
        yield bias, away
        moved = np.stack([_away(layer, bias + _STEP * np.eye(blocks)[:, [k]], x, h) for k in range(blocks)])
        slopes = (moved - away) / _STEP  # (blocks, T·samples, units)
        normal = np.einsum("amk,bmk->kab", slopes, slopes)
        downhill = np.einsum("amk,mk->ka", slopes, away)
        scale = np.einsum("kaa->ka", normal) + 1e-12
        damped = normal + np.einsum("k,ka,ab->kab", damping, scale, np.eye(blocks))
        other = bias - np.linalg.solve(damped, downhill[..., None])[..., 0].T
        tried = _away(layer, other, x, h)
        better = (tried**2).sum(axis=0) < (away**2).sum(axis=0)
        bias, away = np.where(better, other, bias), np.where(better, tried, away)
        damping = np.clip(np.where(better, damping / 5, damping * 5), 1e-10, 1e6)


def _start(layer: Cell[Any], blocks: int) -> Array:
    """The layer's own bias as a row for each gate; of a GRU also the one beside U in the candidate."""
    if layer.bias is None:
        return np.zeros((blocks, layer.units))
    bias = layer.bias.astype(np.float64)
    if isinstance(layer, GRU):
        beside_w, beside_u = bias.reshape(2, 3, layer.units)
        return np.stack([beside_w[0] + beside_u[0], beside_w[1] + beside_u[1], beside_w[2], beside_u[2]])
    return bias.reshape(blocks, layer.units)


def _whole(layer: Cell[Any], bias: Array) -> Array:
    """The bias as the layer has it."""
    if not isinstance(layer, GRU):
        return bias.reshape(-1)
    beside_u = np.concatenate([np.zeros_like(bias[:2]), bias[3:]])
    return np.stack([bias[:3].reshape(-1), beside_u.reshape(-1)])


def _without_bias(layer: Cell[Any]) -> Cell[Any]:
    kernels = layer.kernel.astype(np.float64), layer.recurrent_kernel.astype(np.float64)
    return layer.with_weights(*kernels, None if layer.bias is None else np.zeros_like(layer.bias, np.float64))


def _away(layer: Cell[Any], bias: Array, projected: Array, h: Array) -> Array:
    """How far each output is from the true one with that bias, (T·samples, units); `projected` is W·x."""
    whole = _whole(layer, bias)
    if isinstance(layer, GRU):
        layer, whole = layer.with_weights(layer.kernel, layer.recurrent_kernel, whole), whole[0]
    names = [each.name for each in fields(layer.trace_type.step_type)][2:]  # what `advance` gives, in its order
    state, found = layer.zero_state(h.shape[1:2]), []
    for now, truth in zip(projected + whole, h, strict=True):
        step = dict(zip(names, layer.advance(now, *state), strict=True))
        found.append(step["h"] - truth)
        state = (truth, *(step[name] for name in layer.anatomy.carries[1:]))
    return np.concatenate(found)
