"""The fast form of the LSTM: see `kernel` for what it is for, and `lstm` for the arithmetic in its clear form.

What makes it fast, each measured in `tests/benchmarks`:

- One product for all gates, and one call of the sigmoid for i, f and o, whose blocks lie side by side: the blocks are
  i, f, o, g in here, and in Keras's order i, f, g, o again in what is shown. The sigmoid wants -z: the sign is folded
  into the weights, which is exact.
- A row of memory holds i, f, o, g, c_(t-1), so that one multiplication gives (i·g, f·c_(t-1)).
- With few features, a row holds (h_(t-1), x_t, 1) and the weights are stacked alike, so that one product is all of
  the projection. With many, W·x_t + b of a whole chunk is one matrix product.
- Every view is made once, when the chunk is, and the weights start on a cache line.

A batch is an axis behind the units, so that each gate stays one stretch of memory.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

import numpy as np

from unrolled.activations import Activation
from unrolled.arrays import Array, State, aligned
from unrolled.kernel import Chunk, Kernel, Record
from unrolled.step import LSTMStep
from unrolled.trace import LSTMTrace

FEW_FEATURES = 8
"""Up to here x_t is part of the row that is multiplied."""


@dataclass(frozen=True, eq=False, slots=True)
class LSTMRecord(Record[LSTMStep]):
    """Memory for T timesteps of an LSTM.

    Attributes:
        z: Pre-activations, (T, 4, units[, batch]), in Keras's order.
        rows: i, f, o, g and c_(t-1) side by side, (T + 1, 5·units[, batch]).
        tanh_c: (T, units[, batch]).
        states: h_(t-1), and in a chunk x_t and 1 behind it, (T + 1, units or more[, batch]).
        units: The number of units.
    """

    batch: tuple[int, ...]
    z: Array
    rows: Array
    tanh_c: Array
    states: Array
    units: int

    def trace(self, x: Array, start: int = 0) -> LSTMTrace:
        """The arrays as they are read, read-only, with their inputs `x`."""
        read, units, rows = self.readable, self.units, self.rows
        past = slice(0, len(x))
        i, f, o, g, c_previous = (read(rows[past, k * units : (k + 1) * units]) for k in range(5))
        return LSTMTrace(
            start=start,
            x=x,
            h_previous=read(self.states[past, :units]),
            z=read(self.z[past]),
            h=read(self.states[1 : len(x) + 1, :units]),
            c_previous=c_previous,
            i=i,
            f=f,
            g=g,
            o=o,
            c=read(rows[1 : len(x) + 1, 4 * units :]),
            tanh_c=read(self.tanh_c[past]),
        )


class LSTMKernel(Kernel[LSTMStep]):
    """An LSTM's weights, prepared for runs."""

    def __init__(
        self,
        kernel: Array,
        recurrent_kernel: Array,
        bias: Array | None,
        activation: Activation,
        recurrent_activation: Activation,
    ) -> None:
        self.features, self.units = len(kernel), len(recurrent_kernel)
        self.dtype = kernel.dtype
        self.activation, self.recurrent_activation = activation, recurrent_activation
        self.joined = self.features <= FEW_FEATURES
        bias = np.zeros(4 * self.units, self.dtype) if bias is None else bias
        self.kernel, self.bias = self._folded(kernel), self._folded(bias[None])[0]
        recurrent = self._folded(recurrent_kernel)
        stacked = np.vstack([recurrent, self.kernel, self.bias]) if self.joined else recurrent
        product = aligned(stacked.shape, self.dtype)
        product[...] = stacked
        self.product = product.T  # (4·units, units or more): the row that it multiplies is a column, with any batch

    def _folded(self, weights: Array) -> Array:
        """Weights (rows, 4·units) with the blocks in the order i, f, o, g and the sigmoid's sign in the first three."""
        i, f, g, o = np.split(weights, 4, axis=-1)
        sign = self.recurrent_activation.sign
        return np.concatenate([sign * i, sign * f, sign * o, g], axis=-1)

    def rows(self, batch: tuple[int, ...]) -> int:
        """How many timesteps a chunk holds: few enough to stay in the cache, or many where the weights do not."""
        width = self.units * prod(batch)
        if width < 384:
            return 64
        fitting = (24 << 20) // (11 * width * self.dtype.itemsize)
        return int(max(8, min(256, 1 << fitting.bit_length() >> 1)))

    def record(self, rows: int, batch: tuple[int, ...]) -> LSTMRecord:
        """New memory for the arrays of `rows` timesteps."""
        return self._memory(rows, batch, self.units)

    def chunk(self, batch: tuple[int, ...]) -> "LSTMChunk":
        """New memory for a stretch of timesteps."""
        columns = self.units + self.features + 1 if self.joined else self.units
        return LSTMChunk(self, self._memory(self.rows(batch), batch, columns))

    def _memory(self, rows: int, batch: tuple[int, ...], columns: int) -> LSTMRecord:
        behind = (prod(batch),) if batch else ()
        units = self.units
        return LSTMRecord(
            batch=batch,
            z=np.empty((rows, 4, units, *behind), self.dtype),
            rows=np.empty((rows + 1, 5 * units, *behind), self.dtype),
            tanh_c=np.empty((rows, units, *behind), self.dtype),
            states=np.ones((rows + 1, columns, *behind), self.dtype),
            units=units,
        )


class LSTMChunk(Chunk[LSTMStep]):
    """A stretch of timesteps of an LSTM in the making."""

    def __init__(self, kernel: LSTMKernel, record: LSTMRecord) -> None:
        super().__init__()
        self._kernel, self._record = kernel, record
        units, behind = kernel.units, record.tanh_c.shape[2:]
        z, rows, states = record.z.reshape(len(record.z), 4 * units, *behind), record.rows, record.states
        raw = self._raw = aligned(z.shape, kernel.dtype)  # sign · z, in the order i, f, o, g
        gates, cells = rows[:-1, : 3 * units], rows[1:, 4 * units :]
        self._views = list(
            zip(
                states[:-1],
                raw,
                raw[:, : 3 * units],
                raw[:, 3 * units :],
                gates,
                rows[:-1, 3 * units : 4 * units],
                rows[:-1, : 2 * units],
                rows[:-1, 3 * units :],
                cells,
                record.tanh_c,
                rows[:-1, 2 * units : 3 * units],
                states[1:, :units],
                strict=True,
            )
        )
        self._shown = (z[:, : 2 * units], z[:, 3 * units :], z[:, 2 * units : 3 * units])
        self._kept = (raw[:, : 2 * units], raw[:, 2 * units : 3 * units], raw[:, 3 * units :])
        self._signed = np.negative if kernel.recurrent_activation.sign < 0 else np.positive
        self._squash = kernel.recurrent_activation.prepare(gates.shape[1:], kernel.dtype)
        self._activate = kernel.activation.prepare_unsigned(cells.shape[1:], kernel.dtype)
        self._products = np.empty((2 * units, *behind), kernel.dtype)
        self._projection = np.empty((4 * units, *behind), kernel.dtype)

    def trace(self) -> LSTMTrace:
        """The arrays of all rows, read-only; those not done yet hold nothing of meaning."""
        return self._record.trace(self._x, self.start)

    def copy_into(self, record: LSTMRecord, row: int) -> None:
        """Copies all rows into `record`, from its row `row` on."""
        units, here, length = self._kernel.units, self._record, self.length
        record.z[row : row + length] = here.z[:length]
        record.rows[row : row + length + 1] = here.rows[: length + 1]
        record.tanh_c[row : row + length] = here.tanh_c[:length]
        record.states[row : row + length + 1, :units] = here.states[: length + 1, :units]

    def _load(self, x: Array, state: State) -> None:
        kernel, record, units = self._kernel, self._record, self._kernel.units
        h, c = state
        record.states[0, :units] = record.writable(h)
        record.rows[0, 4 * units :] = record.writable(c)
        x = record.writable(x)
        if kernel.joined:
            record.states[: len(x), units : units + kernel.features] = x
        elif record.batch:
            np.matmul(kernel.kernel.T, x, self._raw[: len(x)])
            self._raw[: len(x)] += kernel.bias[:, None]
        else:
            np.matmul(x, kernel.kernel, self._raw[: len(x)])
            self._raw[: len(x)] += kernel.bias

    def _run(self) -> Iterator[None]:
        kernel, units = self._kernel, self._kernel.units
        dot, add, multiply = kernel.product.dot, np.add, np.multiply
        squash, activate = self._squash, self._activate
        joined, projection, products = kernel.joined, self._projection, self._products
        written, kept = products[:units], products[units:]
        for row, raw, raw_gates, raw_g, gates, g, i_and_f, g_and_c, c, tanh_c, o, h in self._views[: self.length]:
            if joined:
                dot(row, raw)
            else:
                dot(row, projection)
                add(raw, projection, raw)
            squash(raw_gates, gates)
            activate(raw_g, g)
            multiply(i_and_f, g_and_c, products)
            add(written, kept, c)
            activate(c, tanh_c)
            multiply(o, tanh_c, h)
            yield

    def _finish(self, rows: slice) -> None:
        self._show(*(array[rows] for array in self._kept + self._shown))

    def _run_finished(self, loop: Iterator[None]) -> Iterator[None]:
        for _, *views in zip(loop, *self._kept, *self._shown, strict=False):
            self._show(*views)
            yield

    def _show(self, i_f: Array, o: Array, g: Array, shown_i_f: Array, shown_o: Array, shown_g: Array) -> None:
        self._signed(i_f, shown_i_f)
        self._signed(o, shown_o)
        np.positive(g, shown_g)

    def _state_after(self, row: int) -> State:
        record, units = self._record, self._kernel.units
        return record.readable(record.states[row, :units]), record.readable(record.rows[row, 4 * units :])
