"""Weights that were rounded to half precision, float16 or bfloat16, where the numbers are those of the others."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from unrolled.agreement import Report
from unrolled.arrays import Array
from unrolled.evidence import Given
from unrolled.layer import RecurrentLayer
from unrolled.mistakes import Kind
from unrolled.network import Dense, Direction, Embedding, NetworkLayer, Recurrent
from unrolled.remedies import Account, Remedy
from unrolled.verify import compared, computed

_DIGITS = {"bfloat16": (8, -126), "float16": (11, -14)}
"""The binary digits of each, and its least exponent, the coarser one first."""

_TRIALS = 3
_MARGIN = 4.0
"""The differences may be so many times as large as those that other roundings make."""


def rounded_there(account: Account) -> Iterator[Remedy]:
    """The framework's numbers are those of weights that were rounded, and the file's were not."""
    for stored in _DIGITS:
        if not _is_rounded(account, stored):
            change = _with_weights(partial(_rounded, stored=stored))
            yield Remedy(Kind.FILE, "", f"the weights are rounded to {stored} there", change, is_rare=True)


def rounded_here(account: Account, report: Report, layer: str) -> str:
    """A sentence if the file's weights are rounded, and that explains the differences; nothing if not."""
    stored = next((name for name in _DIGITS if _is_rounded(account, name)), None)
    if stored is None or not np.isfinite(report.largest):
        return ""
    worst = max(report.compared, key=lambda each: each.largest).worst
    one = account.evidence.sample(worst.sample or 0)
    ours = computed(account.network, one, layer)
    wanted = replace(one, arrays={name: Given(ours[name], given.tolerance) for name, given in one.arrays.items()})
    chance, changed = np.random.default_rng(0), 0.0
    for _ in range(_TRIALS):
        other = _with_weights(lambda array: array + chance.uniform(-0.5, 0.5, array.shape) * _step(array, stored))
        found = compared(other(account).network, wanted, layer)
        changed = max(changed, *(each.largest for each in found))
    if report.largest > _MARGIN * changed:
        return ""
    return (
        f"they agree to {report.largest:.2g}, which is within what rounding changes: the weights of this file are "
        f"rounded to {stored}, and rounding them otherwise moves its numbers by {changed:.2g}; --tolerance takes that "
        f"for none"
    )


def _is_rounded(account: Account, stored: str) -> bool:
    """Whether all weights are numbers of that type; of the biases, which may be the sum of two, this is not asked."""
    directions = [each for layer in account.network.recurrent for each in layer.directions]
    weights = [each.layer.weights for each in directions]
    arrays = [array for each in weights for name, array in each.items() if name != "bias"]
    return all(np.array_equal(_rounded(array, stored), array) for array in arrays)


def _with_weights(change: Callable[[Array], Array]) -> Callable[[Account], Account]:
    """Every weight of the network changed."""

    def of_cell(direction: Direction) -> RecurrentLayer[Any]:
        layer, biases = direction.layer, direction.biases
        weights = {name: change(array).astype(layer.dtype) for name, array in layer.weights.items()}
        if biases is not None:
            weights["bias"] = change(biases).sum(axis=0).astype(layer.dtype)
        kernel, recurrent_kernel = weights.pop("kernel"), weights.pop("recurrent_kernel")
        return layer.with_weights(kernel, recurrent_kernel, weights.pop("bias", None), **weights)

    def of_layer(layer: NetworkLayer) -> NetworkLayer:
        match layer:
            case Recurrent():
                forward, *backward = map(of_cell, layer.directions)
                return replace(layer, forward=forward, backward=backward[0] if backward else None)
            case Dense():
                bias = None if layer.bias is None else change(layer.bias)
                return replace(layer, kernel=change(layer.kernel), bias=bias)
            case Embedding():
                return replace(layer, table=change(layer.table))
        return layer

    return lambda account: account.with_layers(*map(of_layer, account.network.layers))


@np.errstate(over="ignore", invalid="ignore")
def _rounded(array: Array, stored: str) -> Array:
    """The nearest numbers of that type."""
    step = _step(array, stored)
    return np.asarray(np.rint(array / step) * step, array.dtype)


def _step(array: Array, stored: str) -> Array:
    """How far from each number the next one of that type is."""
    digits, least = _DIGITS[stored]
    exponents = np.frexp(array)[1] - 1
    return np.asarray(np.ldexp(array.dtype.type(1), np.maximum(exponents, least) - (digits - 1)))
