"""The fast form of the GRU: see `kernel` for what it is for, and `gru` for the arithmetic in its clear form.

The memory is that of `clear_kernel`. As in `lstm_kernel`, nothing is allocated in the loop, no ufunc gets a Python
scalar, the gates with the same activation are squashed in one call, and the views are made once.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from unrolled.activations import Into, activation_named
from unrolled.arrays import Array, State, on_cache_line
from unrolled.clear_kernel import ClearChunk, ClearKernel, ClearRecord
from unrolled.step import GRUStep

if TYPE_CHECKING:
    from unrolled.gru import GRU


class GRUKernel(ClearKernel[GRUStep]):
    """A GRU's weights, prepared for runs."""

    def __init__(self, cell: "GRU") -> None:
        super().__init__(cell)
        first, candidate = cell.recurrent_kernels
        self.first = on_cache_line(cell.recurrent_kernel if cell.reset_after else first)
        self.candidate = None if cell.reset_after else on_cache_line(candidate)
        self.bias = cell.bias[1] if cell.reset_after and cell.bias is not None else None
        self.activation = activation_named(cell.activation)
        self.recurrent_activation = activation_named(cell.recurrent_activation)

    def chunk(self, record: ClearRecord[GRUStep], lasting: bool = False) -> "GRUChunk":
        """A chunk that works in `record`; a `lasting` one is begun many times, so it makes its views in advance."""
        return GRUChunk(self, record, lasting)


class GRUChunk(ClearChunk[GRUStep]):
    """A stretch of timesteps of a GRU in the making."""

    def __init__(self, kernel: GRUKernel, record: ClearRecord[GRUStep], lasting: bool) -> None:
        super().__init__(kernel, record)
        self._gru = kernel
        length, units, dtype = len(record.others["n"]), kernel.units, kernel.cell.dtype
        self._inputs = np.empty((length, 3, *record.batch, units), dtype)
        self._squash = kernel.recurrent_activation.prepare_unsigned((2, *record.batch, units), dtype)
        self._activate = kernel.activation.prepare_unsigned((*record.batch, units), dtype)
        self._views = list(self._make_views()) if lasting else None

    def _make_views(self) -> Iterator[tuple[Array, ...]]:
        record, inputs = self.record, self._inputs
        h, sums = record.states["h"], record.others["pre_activations"]
        flat = h.reshape(len(h), prod(record.batch), -1) if record.batch else h
        return zip(
            h[:-1],
            flat[:-1],
            inputs[:, :2],
            inputs[:, 2],
            sums[:, :2],
            sums[:, 2],
            *(record.others[name] for name in ("z", "r", "n")),
            h[1:],
            strict=True,
        )

    def _load(self, x: Array, state: State) -> None:
        self.record.states["h"][0] = state[0]
        projected = self._gru.cell.project(x).reshape(*x.shape[:-1], 3, -1)
        self._inputs[: len(x)] = np.moveaxis(projected, -2, 1)

    def _run(self, length: int) -> Iterator[None]:
        views, kernel = islice(self._views or self._make_views(), length), self._gru
        weights = kernel.first, kernel.bias, kernel.candidate
        return _loop(views, *weights, self._squash, self._activate, self._inputs[0])


def _loop(
    views: Iterable[tuple[Array, ...]],
    recurrent_kernel: Array,
    bias: Array | None,
    candidate: Array | None,
    squash: Into,
    activate: Into,
    like: Array,
) -> Iterator[None]:
    """The arithmetic of a timestep at each `next`, in memory `like` the three gates of a row.

    With weights for the `candidate`, the reset gate comes before their product; else its block of U is the third.
    """
    add, subtract, multiply, copy = np.add, np.subtract, np.multiply, np.copyto
    gates, spare, ones = np.empty_like(like[:2]), np.empty_like(like[0]), np.ones_like(like[0])
    product, u = _product(like, 2 if candidate is not None else 3)
    product_n, u_n = _product(like, 1)
    u_gates, heard = u[:2], spare if candidate is None else u_n[0]
    flat_spare = spare.reshape(product_n.shape)
    biases = None if bias is None else np.zeros_like(product) + bias
    for h, flat_h, input_gates, input_n, sum_gates, sum_n, z, r, n, h_next in views:
        flat_h.dot(recurrent_kernel, product)
        if biases is not None:
            add(product, biases, product)
        add(input_gates, u_gates, sum_gates)
        squash(sum_gates, gates)
        copy(z, gates[0])
        copy(r, gates[1])
        if candidate is None:
            multiply(r, u[2], spare)
        else:
            multiply(r, h, spare)
            flat_spare.dot(candidate, product_n)
        add(input_n, heard, sum_n)
        activate(sum_n, n)
        subtract(ones, z, spare)
        multiply(spare, n, spare)
        multiply(z, h, h_next)
        add(h_next, spare, h_next)
        yield


def _product(like: Array, blocks: int) -> tuple[Array, Array]:
    """Memory for a product with so many blocks of U, (…, blocks·units), and the same by block."""
    _, *batch, units = like.shape
    product = np.empty((prod(batch), blocks * units) if batch else blocks * units, like.dtype)
    return product, np.moveaxis(product.reshape(*batch, blocks, units), -2, 0)
