"""The fast form of the LSTM: see `kernel` for what it is for, and `lstm` for the arithmetic in its clear form.

What makes it fast, each measured in `tests/benchmarks`:

- One product for all gates, and one call of the sigmoid for o, i and f, whose blocks lie side by side. The sigmoid
  wants -z: the sign is folded into the weights, which is exact.
- The blocks are g, o, i, f in here. Keras's i, f, g, o are its two halves swapped, so that one multiplication, by the
  signs, gives the z that is shown.
- A row of memory holds o, i, f, g, c_(t-1), so that one multiplication gives (i·g, f·c_(t-1)).
- With few features, a row holds (h_(t-1), x_t, 1) and the weights are stacked alike, so that one product is all of
  the projection. With many, W·x_t + b of a whole chunk is one matrix product.
- Every view is made once, where a chunk is begun many times, and the weights start on a cache line.

A batch is an axis behind the units, so that each gate stays one stretch of memory.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from math import prod

import numpy as np

from unrolled.activations import Activation, Into
from unrolled.arrays import Array, State, aligned, on_cache_line
from unrolled.kernel import WIDE, Chunk, Kernel, Record
from unrolled.step import LSTMStep
from unrolled.trace import LSTMTrace

FEW_FEATURES = 8
"""Up to here x_t is part of the row that is multiplied."""

CACHE = 2 << 20
"""The bytes that a chunk may take."""


@dataclass(frozen=True, eq=False, slots=True)
class LSTMRecord(Record[LSTMStep]):
    """Memory for T timesteps of an LSTM.

    Attributes:
        z: Pre-activations, (T, 4, units[, batch]), in Keras's order.
        rows: o, i, f, g and c_(t-1) side by side, (T + 1, 5·units[, batch]).
        tanh_c: (T, units[, batch]).
        states: h_(t-1), and with few features x_t and 1 behind it, (T + 1, units or more[, batch]).
    """

    batch: tuple[int, ...]
    z: Array
    rows: Array
    tanh_c: Array
    states: Array

    def trace(self, x: Array, start: int = 0) -> LSTMTrace:
        """The arrays as they are read, read-only, with their inputs `x`."""
        read, length, units = self.readable, len(x), self.tanh_c.shape[1]
        o, i, f, g, c_previous = (read(self.rows[:length, k * units : (k + 1) * units]) for k in range(5))
        return LSTMTrace(
            start=start,
            x=x,
            h_previous=read(self.states[:length, :units]),
            pre_activations=read(self.z[:length]),
            h=read(self.states[1 : length + 1, :units]),
            c_previous=c_previous,
            i=i,
            f=f,
            g=g,
            o=o,
            c=read(self.rows[1 : length + 1, 4 * units :]),
            tanh_c=read(self.tanh_c[:length]),
        )

    def stretch(self, rows: slice) -> tuple[Array, ...]:
        """The memory of the timesteps `rows`, and of the state after them."""
        longer = slice(rows.start, rows.stop + 1)
        return self.z[rows], self.rows[longer], self.tanh_c[rows], self.states[longer]

    def part(self, rows: slice) -> "LSTMRecord":
        """The timesteps `rows` as a record of their own in the same memory."""
        return LSTMRecord(self.batch, *self.stretch(rows))


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
        super().__init__()
        self.features, self.units = len(kernel), len(recurrent_kernel)
        self.dtype = kernel.dtype
        self.activation, self.recurrent_activation = activation, recurrent_activation
        self.joined = self.features <= FEW_FEATURES
        sign = recurrent_activation.sign
        self.signs = np.repeat(np.array([sign, sign, 1, sign], self.dtype), self.units)
        bias = np.zeros(4 * self.units, self.dtype) if bias is None else bias
        self.bias, self.kernel, recurrent = (self._folded(array) for array in (bias, kernel, recurrent_kernel))
        stacked = np.vstack([recurrent, self.kernel, self.bias]) if self.joined else recurrent
        self.product = on_cache_line(stacked).T  # (4·units, units or more): it multiplies a column, with any batch

    @cached_property
    def batch_weights(self) -> tuple[Array, Array]:
        """The recurrent product and W, both transposed in memory: with a batch, products are quicker that way."""
        return on_cache_line(self.product), on_cache_line(self.kernel.T)

    def _folded(self, weights: Array) -> Array:
        """Weights (…, 4·units) with the blocks in the order g, o, i, f and the sigmoid's sign in the last three."""
        return np.roll(weights * self.signs, 2 * self.units, axis=-1)

    def rows(self, batch: tuple[int, ...]) -> int:
        """How many timesteps a chunk holds.

        Many, as each chunk costs what 10 timesteps of a small layer do, but no more than the cache holds. Wide layers
        do not fit it anyway, and read W once for each chunk; with a batch that is little beside the rest.
        """
        width = max(1, self.units * prod(batch))
        if width >= WIDE:
            return 256 if width <= 4096 else 16
        fitting = CACHE // (15 * width * self.dtype.itemsize)
        return max(64, min(256, 1 << fitting.bit_length() >> 1))

    def record(self, rows: int, batch: tuple[int, ...]) -> LSTMRecord:
        """New memory for the arrays of `rows` timesteps."""
        behind, units = (prod(batch),) if batch else (), self.units
        columns = units + self.features + 1 if self.joined else units
        return LSTMRecord(
            batch=batch,
            z=np.empty((rows, 4, units, *behind), self.dtype),
            rows=np.empty((rows + 1, 5 * units, *behind), self.dtype),
            tanh_c=np.empty((rows, units, *behind), self.dtype),
            states=np.empty((rows + 1, columns, *behind), self.dtype),
        )

    def chunk(self, record: LSTMRecord, lasting: bool = False) -> "LSTMChunk":
        """A chunk that works in `record`; a `lasting` one is begun many times, so it makes its views in advance."""
        return LSTMChunk(self, record, lasting)


class LSTMChunk(Chunk[LSTMStep]):
    """A stretch of timesteps of an LSTM in the making."""

    record: LSTMRecord

    def __init__(self, kernel: LSTMKernel, record: LSTMRecord, lasting: bool) -> None:
        units, (length, *behind) = kernel.units, (record.z.shape[0], *record.z.shape[3:])
        self._kernel = kernel
        self._signed_z = aligned((length, 4 * units, *behind), kernel.dtype)
        halves = (length, 2, 2 * units, *behind)
        signs = np.empty(halves[1:], kernel.dtype)
        signs.T[...] = kernel.signs.reshape(2, -1).T
        super().__init__(record)
        self._raw, self._shown, self._signs = self._signed_z.reshape(halves)[:, ::-1], record.z.reshape(halves), signs
        self._views = list(self._make_views()) if lasting else None
        self._squash = kernel.recurrent_activation.prepare((3 * units, *behind), kernel.dtype)
        self._activate = kernel.activation.prepare_unsigned((units, *behind), kernel.dtype)
        self._products = np.empty((2 * units, *behind), kernel.dtype)
        # A product of float64 columns with many rows is up to twice as quick the other way round.
        self._turned = bool(behind) and not kernel.joined and kernel.dtype == np.float64 and units >= WIDE
        self._projection = np.empty((*behind, 4 * units) if self._turned else (4 * units, *behind), kernel.dtype)

    def advance(self, until: int) -> None:
        """Computes the rows up to, and without, `until`."""
        rows = slice(self.done, until)
        super().advance(until)
        np.multiply(self._raw[rows], self._signs, self._shown[rows])

    def steps(self) -> Iterator[LSTMStep]:
        """Computes a row at each `next`, and yields its step."""
        quietly, loop, signs, multiply = self._quiet.run, self._loop, self._signs, np.multiply
        for step, raw, shown in zip(self.trace(), self._raw, self._shown, strict=False):
            quietly(next, loop)  # the step is made of views, so it shows what is computed now
            shown[...] = raw  # a product into another order would take three times as long, on a single row
            multiply(shown, signs, shown)
            self.done += 1
            yield step

    def _make_views(self) -> Iterator[tuple[Array, ...]]:
        units, raw, rows, states = self._kernel.units, self._signed_z, self.record.rows, self.record.states
        here, after = rows[:-1], rows[1:]
        return zip(
            states[:-1],
            raw,
            raw[:, units:],
            raw[:, :units],
            here[:, : 3 * units],
            here[:, 3 * units : 4 * units],
            here[:, units : 3 * units],
            here[:, 3 * units :],
            after[:, 4 * units :],
            self.record.tanh_c,
            here[:, :units],
            states[1:, :units],
            strict=True,
        )

    def _load(self, x: Array, state: State) -> None:
        kernel, record, raw, units = self._kernel, self.record, self._signed_z[: len(x)], self._kernel.units
        h, c = state
        record.states[0, :units] = record.writable(h)
        record.rows[0, 4 * units :] = record.writable(c)
        if kernel.joined:
            record.states[: len(x), units:-1] = record.writable(x)
            record.states[: len(x), -1] = 1
        elif record.batch:
            columns = kernel.batch_weights[1] @ x.reshape(-1, kernel.features).T
            np.add(np.moveaxis(columns.reshape(4 * units, len(x), -1), 1, 0), kernel.bias[:, None], raw)
        else:
            np.matmul(x, kernel.kernel, raw)
            np.add(raw, kernel.bias, raw)

    def _run(self, length: int) -> Iterator[None]:
        projection = self._projection.T if self._turned else None if self._kernel.joined else self._projection
        views = islice(self._views or self._make_views(), length)
        return _loop(views, self._product(), projection, self._products, self._squash, self._activate)

    def _product(self) -> Into:
        """What multiplies a row's state by the weights, into the array it is given."""
        if self._turned:
            weights = self._kernel.product.T
            return lambda state, out: state.T.dot(weights, out.T)
        return (self._kernel.batch_weights[0] if self.record.batch else self._kernel.product).dot

    def _state_before(self, row: int) -> State:
        record, units = self.record, self._kernel.units
        return record.readable(record.states[row, :units]), record.readable(record.rows[row, 4 * units :])


def _loop(
    views: Iterable[tuple[Array, ...]],
    dot: Into,
    projection: Array | None,
    products: Array,
    squash: Into,
    activate: Into,
) -> Iterator[None]:
    """The arithmetic of a timestep at each `next`. With a `projection` to work in, raw holds W·x_t + b already."""
    add, multiply = np.add, np.multiply
    written, kept = np.split(products, 2)
    for row, raw, raw_gates, raw_g, gates, g, i_and_f, g_and_c, c, tanh_c, o, h in views:
        if projection is None:
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
