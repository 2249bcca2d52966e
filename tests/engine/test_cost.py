"""What makes it fast, without a clock: how many NumPy calls a timestep takes, and how much it allocates."""

import tracemalloc
from collections import Counter, deque
from collections.abc import Callable
from itertools import islice
from typing import Any

import numpy as np
import pytest
from tests.engine.layers import Array, random_gru, random_input, random_layer

from unrolled import LSTM
from unrolled.kernel import WIDE
from unrolled.lstm_kernel import FEW_FEATURES, LSTMChunk, LSTMKernel

CALLS: Counter[str] = Counter()
ROWS = 20

GATES = {"exp": 1, "reciprocal": 1, "tanh": 2, "multiply": 2}
FEW = {**GATES, "dot": 1, "add": 2}
MANY = {**GATES, "dot": 1, "add": 3}


class Counted(np.ndarray[Any, Any]):
    """An array that counts the ufuncs and the products that it takes part in."""

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, out: tuple[Any, ...], **options: Any) -> Any:
        assert (method, options) == ("__call__", {})
        assert all(isinstance(array, np.ndarray) and array.ndim for array in inputs), "no Python scalar"
        CALLS[ufunc.__name__] += 1
        return ufunc(*(np.asarray(array) for array in inputs), *(np.asarray(array) for array in out))

    def dot(self, *arrays: Any) -> Any:
        CALLS["dot"] += 1
        return np.asarray(self).dot(*(np.asarray(array) for array in arrays))


def lstm_kernel(layer: LSTM) -> LSTMKernel:
    kernel = layer.fast
    assert isinstance(kernel, LSTMKernel)
    return kernel


def counted_chunk(units: int, features: int, monkeypatch: pytest.MonkeyPatch) -> LSTMChunk:
    layer = random_layer(units, features)
    kernel = lstm_kernel(layer)
    chunk = kernel.chunk(kernel.record(ROWS, ()), lasting=True)
    assert chunk._views is not None
    monkeypatch.setattr(chunk, "_views", [tuple(view.view(Counted) for view in row) for row in chunk._views])
    monkeypatch.setattr(kernel, "product", kernel.product.view(Counted))
    chunk.begin(random_input(layer, ROWS), layer.zero_state(), 0)
    CALLS.clear()
    return chunk


@pytest.mark.parametrize(
    ("units", "features", "calls"),
    [(1, 1, FEW), (3, 2, FEW), (3, FEW_FEATURES, FEW), (3, FEW_FEATURES + 1, MANY), (200, 100, MANY)],
)
def test_numpy_calls_of_a_timestep(
    units: int, features: int, calls: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    chunk = counted_chunk(units, features, monkeypatch)
    chunk.advance(ROWS)
    assert dict(CALLS) == {name: ROWS * count for name, count in calls.items()}
    assert sum(calls.values()) <= 10


def test_numpy_calls_of_a_timestep_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = counted_chunk(3, 2, monkeypatch).steps()
    for _ in islice(steps, 5):
        pass
    assert dict(CALLS) == {name: 5 * count for name, count in FEW.items()}


@pytest.mark.parametrize("batch", [(), (4,)])
@pytest.mark.parametrize(("units", "features"), [(600, 2), (600, 30)])
def test_the_loop_allocates_no_array(units: int, features: int, batch: tuple[int, ...]) -> None:
    layer = random_layer(units, features, np.float32)
    chunk = layer.fast.chunk(layer.fast.record(ROWS, batch), lasting=True)
    chunk.begin(random_input(layer, ROWS, batch), layer.zero_state(batch), 0)
    smallest = units * layer.dtype.itemsize  # h_t alone
    assert peak_of(lambda: deque(islice(chunk._loop, 9), 0)) < smallest
    steps = chunk.steps()
    next(steps)
    assert peak_of(lambda: next(steps)) < smallest  # the views of a step, no numbers


@pytest.mark.parametrize("reset_after", [True, False])
def test_the_loop_of_a_gru_allocates_no_array(reset_after: bool) -> None:
    layer = random_gru(600, 30, np.float32, reset_after=reset_after)
    chunk = layer.fast.chunk(layer.fast.record(ROWS, ()), lasting=True)
    chunk.begin(random_input(layer, ROWS), layer.zero_state(), 0)
    next(chunk._loop)
    assert peak_of(lambda: deque(islice(chunk._loop, 9), 0)) < 600 * layer.dtype.itemsize


def test_a_trace_allocates_little_beside_its_arrays() -> None:
    layer = random_layer(600, 30)
    xs = random_input(layer, 500)
    layer.trace(xs[:1])
    trace = layer.trace(xs)
    size = xs.nbytes + 500 * 11 * 600 * 8  # z is four of the eleven
    assert sum(array.nbytes for array in (trace.z, trace.i, trace.f, trace.g, trace.o)) < size
    assert peak_of(lambda: layer.trace(xs)) < 1.7 * size


def peak_of(work: Callable[[], object]) -> int:
    """The most bytes that `work` holds at a time."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        work()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def chunks_made(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    made: list[int] = []
    make = LSTMKernel.chunk

    def counting(kernel: LSTMKernel, *options: Any, **named: Any) -> LSTMChunk:
        made.append(1)
        return make(kernel, *options, **named)

    monkeypatch.setattr(LSTMKernel, "chunk", counting)
    return made


def test_traces_share_a_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    made, layer = chunks_made(monkeypatch), random_layer(3, 2)
    for _ in range(3):
        layer.trace(random_input(layer, 700))
    assert len(made) == 1
    layer.trace(random_input(layer, 7, (2,)))
    assert len(made) == 2


def test_memory_of_chunks_is_freed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    layer = random_layer(100, 2)
    monkeypatch.setattr(LSTMKernel, "rows", lambda *_: 64)
    xs = random_input(layer, 64 * 30)

    def unroll() -> None:
        for _ in layer.unroll(xs):
            pass

    record = 64 * 16 * 100 * 8
    assert peak_of(unroll) < 4 * record


def test_projections_start_on_a_cache_line() -> None:
    def aligned(array: Array) -> bool:
        return bool(array.ctypes.data % 64 == 0)

    for features in (2, 20):
        kernel = lstm_kernel(random_layer(WIDE // 8, features))
        assert aligned(kernel.product.T)
        assert kernel.product.T.flags.c_contiguous
        assert all(aligned(array) and array.flags.c_contiguous for array in kernel.batch_weights)
