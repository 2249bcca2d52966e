"""A run of any length: every timestep at once, in bounded memory, and a cursor over it."""

import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from tests.engine.layers import assert_same_bits, random_input, random_layer, random_state

import unrolled
import unrolled.run
from unrolled import LSTM, Run
from unrolled.kernel import Chunk
from unrolled.lstm_kernel import LSTMKernel

LENGTH = 200


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LSTMKernel, "rows", lambda *_: 8)
    monkeypatch.setattr(unrolled.run, "BLOCK", 32)


@pytest.fixture
def layer() -> unrolled.LSTM:
    return random_layer(4, 2)


@pytest.fixture
def run(layer: unrolled.LSTM) -> unrolled.Run[unrolled.LSTMStep]:
    return unrolled.Run(layer, random_input(layer, LENGTH), random_state(layer))


@pytest.fixture
def trace(layer: unrolled.LSTM) -> unrolled.LSTMTrace:
    return layer.trace(random_input(layer, LENGTH), random_state(layer))


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of rows of every stretch that is computed from now on."""
    stretches: list[int] = []
    advance = Chunk.advance

    def counting(chunk: Chunk[unrolled.LSTMStep], until: int) -> None:
        if until > chunk.done:
            stretches.append(until - chunk.done)
        advance(chunk, until)

    monkeypatch.setattr(Chunk, "advance", counting)
    return stretches


def test_nothing_is_computed_before_it_is_asked_for(run: unrolled.Run[unrolled.LSTMStep], computed: list[int]) -> None:
    assert (len(run), run.frontier, computed) == (LENGTH, 0, [])
    assert run[2].t == 2
    assert (run.frontier, computed) == (3, [3])
    assert run[3].t == 3
    assert (run.frontier, computed) == (4, [3, 1])


def test_back_and_forth_close_by_computes_nothing(run: unrolled.Run[unrolled.LSTMStep], computed: list[int]) -> None:
    assert run[60].t == 60
    computed.clear()
    for t in (59, 60, 31, 47, 60, 32, 60):
        assert run[t].t == t
    assert computed == []


def test_a_seek_computes_no_more_than_from_the_checkpoint_before(
    run: unrolled.Run[unrolled.LSTMStep], computed: list[int]
) -> None:
    assert run[LENGTH - 1].t == LENGTH - 1
    for t in (5, 170, 63, 64, 100, 0, 199, 31, 32):
        computed.clear()
        assert run[t].t == t
        assert sum(computed) <= 32


def test_stepping_back_computes_each_timestep_but_twice(
    run: unrolled.Run[unrolled.LSTMStep], trace: unrolled.LSTMTrace, computed: list[int]
) -> None:
    assert run[LENGTH - 1].t == LENGTH - 1
    computed.clear()
    for t in range(LENGTH - 1, -1, -1):
        assert_same_bits(run[t], trace[t])
    assert sum(computed) <= 2 * LENGTH


@pytest.mark.parametrize("most", [1, 2, 5, 1000])
def test_few_checkpoints_change_no_bit(
    layer: unrolled.LSTM, trace: unrolled.LSTMTrace, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unrolled.run, "CHECKPOINTS", most)
    monkeypatch.setattr(unrolled.run, "CHECKPOINT_BYTES", 0)
    run = unrolled.Run(layer, random_input(layer, LENGTH), random_state(layer))
    for t in np.random.default_rng(most).integers(0, LENGTH, 60).tolist():
        assert_same_bits(run[t], trace[t])


@pytest.mark.parametrize(("start", "stop"), [(0, 1), (0, 8), (3, 5), (7, 9), (0, LENGTH), (150, 200), (33, 33), (9, 4)])
def test_window(run: unrolled.Run[unrolled.LSTMStep], trace: unrolled.LSTMTrace, start: int, stop: int) -> None:
    steps = [step for part in run.window(start, stop) for step in part]
    assert [step.t for step in steps] == list(range(start, stop))
    for step in steps:
        assert_same_bits(step, trace[step.t])


def test_a_window_in_sight_computes_nothing(run: unrolled.Run[unrolled.LSTMStep], computed: list[int]) -> None:
    run.window(70, 100)
    computed.clear()
    run.window(75, 99)
    assert computed == []


def test_explore_can_be_stopped_and_goes_on_from_there(
    run: unrolled.Run[unrolled.LSTMStep], trace: unrolled.LSTMTrace, computed: list[int]
) -> None:
    progress = run.explore(150)
    assert [next(progress), next(progress)] == [8, 16]
    assert (run.frontier, sum(computed)) == (16, 16)
    assert_same_bits(run[3], trace[3])
    assert list(run.explore(150))[-1] == run.frontier == 152
    assert sum(computed) == 152 + 16  # timestep 3 meant a new start, and then the way back to the frontier
    assert list(run.explore(150)) == []
    assert_same_bits(run[150], trace[150])


def test_explore_to_the_end(run: unrolled.Run[unrolled.LSTMStep]) -> None:
    assert list(run.explore(LENGTH - 1))[-1] == LENGTH


@pytest.mark.parametrize("t", [-1, LENGTH, 10**9])
def test_a_timestep_that_is_not_there(run: unrolled.Run[unrolled.LSTMStep], t: int) -> None:
    expected = rf"^timestep: expected 0 to 199, got {t}$"
    walk = unrolled.Walk(run.layer, run.sequence)
    with pytest.raises(unrolled.TimestepError, match=expected):
        run[t]
    with pytest.raises(unrolled.TimestepError, match=expected):
        next(run.explore(t))
    with pytest.raises(unrolled.TimestepError, match=expected):
        run.window(min(t, 5), max(t + 1, 8))
    with pytest.raises(IndexError, match=expected):
        walk.seek(t)
    assert walk.t == 0


def test_a_walk_goes_forward_back_and_anywhere(layer: unrolled.LSTM) -> None:
    xs = random_input(layer, LENGTH)
    walk, trace = unrolled.Walk(layer, xs), layer.trace(xs)
    assert (len(walk), walk.t, walk.step.t) == (LENGTH, 0, 0)

    def visits() -> Iterator[unrolled.LSTMStep]:
        yield walk.forward()
        yield walk.forward(9)
        yield walk.back()
        yield walk.seek(150)
        yield walk.back(149)
        yield walk.forward(10**9)
        yield walk.forward()
        yield walk.back(10**9)
        yield walk.back()

    for t, step in zip([1, 10, 9, 150, 1, 199, 199, 0, 0], visits(), strict=True):
        assert t == step.t == walk.t == walk.step.t
        assert_same_bits(step, trace[t])


@pytest.mark.parametrize("batch", [(), (3,)])
def test_memory_of_a_long_run(batch: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    layer = random_layer(16, 1)
    noise = np.random.default_rng(0).standard_normal((20_000, *batch, 1))
    every_array = noise.size * 11 * layer.units * 8
    list(layer.unroll(noise[:1]))
    tracemalloc.start()
    run = unrolled.Run(layer, noise)
    for _ in run.explore(len(noise) - 1):
        pass
    for t in range(len(noise) - 1, 0, -999):
        assert run[t].t == t
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < every_array / 10


def test_checkpoints_of_a_run_of_a_million_timesteps_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    layer = random_layer(128, 1)
    endless = np.broadcast_to(np.ones((1, 1)), (1_000_000, 1))
    tracemalloc.start()
    run = unrolled.Run(layer, endless)
    assert run[1000].t == 1000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 12 * 2**20


def test_a_fork_knows_what_was_passed_and_has_memory_of_its_own() -> None:
    layer = LSTM.initialize(3, 2, seed=5)
    sequence = np.random.default_rng(5).normal(size=(3000, 2))
    run = Run(layer, sequence)
    step = run[2000]
    reader = run.fork()
    assert reader.frontier == run.frontier == 2001
    late = reader[2900]
    assert run.frontier == 2901
    trace = layer.trace(sequence)
    for mine, t in ((step, 2000), (late, 2900), (run[2950], 2950), (reader[10], 10), (run[2000], 2000)):
        assert np.array_equal(mine.c, trace.c[t])


def test_two_threads_read_one_run() -> None:
    layer = LSTM.initialize(4, 2, seed=6)
    sequence = np.random.default_rng(6).normal(size=(20_000, 2))
    trace, run = layer.trace(sequence), Run(layer, sequence)

    def read(seed: int) -> bool:
        reader, rng = run.fork(), np.random.default_rng(seed)
        return all(np.array_equal(reader[t].h, trace.h[t]) for t in rng.integers(0, len(sequence), 60).tolist())

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(read, range(8)))
    assert run.frontier > 19_000
