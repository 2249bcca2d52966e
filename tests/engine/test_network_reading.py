"""Networks reading a sequence, beside Keras's own numbers, ONNX Runtime, and runs by hand."""

from collections import deque
from threading import Thread
from typing import Any

import numpy as np
import pytest
from tests.engine.layers import Array, random_layer
from tests.engine.networks import KerasCase, every_h, keras_cases, onnx_outputs

import unrolled.streams
from unrolled import GRU, LSTM, OptionError, Run, SequenceFileError, ShapeError, TimestepError
from unrolled.network import Dense, Embedding, Foreign, Masking, Network, Recurrent
from unrolled.network_reading import Reading
from unrolled.passage import Passage
from unrolled.stateful import Batches

CASES = keras_cases()
RANDOM = np.random.default_rng(5)
INPUTS = RANDOM.standard_normal((6000, 2)).astype(np.float32)


def lstm(units: int, features: int, seed: int = 0) -> LSTM:
    return random_layer(units, features, np.float32, seed=seed)


def predicted(reading: Reading, t: int) -> Array:
    found = reading.prediction(t)
    assert found is not None
    return found


def output(reading: Reading, name: str) -> Array:
    found = reading.output(name)
    assert isinstance(found, np.ndarray)
    return found


def readings(case: KerasCase) -> list[Reading]:
    if case.batch_size is None:
        return [case.network.read(x) for x in case.x]
    batches = Batches(case.network, case.x, case.batch_size)
    return [batches.read(number) for number in reversed(range(len(batches)))][::-1]


# Keras's numbers.


@pytest.mark.parametrize("name", CASES)
def test_outputs_are_those_of_keras(name: str) -> None:
    case = CASES[name]
    for number, reading in enumerate(readings(case)):
        for layer, expected in case.outputs.items():
            np.testing.assert_allclose(output(reading, layer), expected[number], rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if isinstance(case.network.layers[-1], Dense)])
def test_predictions_are_those_of_keras(name: str) -> None:
    case = CASES[name]
    for reading, expected in zip(readings(case), case.y, strict=True):
        assert reading.readout is not None
        if reading.readout.when == "each":
            ours = np.array([predicted(reading, t) for t in range(reading.timesteps)])
            first_layer = reading.stretch.recurrent[0]
            ours = ours[::-1] if first_layer.go_backwards else ours  # Keras's are in the order of the computation
        else:
            ours = predicted(reading, 0 if reading.readout.backwards else reading.timesteps - 1)
        np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-6)


# ONNX Runtime's numbers.


@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
def test_stacked_layers_with_padding(direction: str) -> None:
    both = direction == "bidirectional"
    layers = [
        (lstm(4, 3, 1), lstm(4, 3, 2) if both else None),
        (lstm(5, 8 if both else 4, 3), lstm(5, 8, 4) if both else None),
    ]
    xs = RANDOM.standard_normal((5, 9, 3)).astype(np.float32)
    lengths = np.array([9, 5, 1, 8, 2])
    records = tuple(
        Recurrent(f"l{number}", *pair, "concat" if both else None, direction == "reverse", flips_back=True)
        for number, pair in enumerate(layers)
    )
    expected = onnx_outputs(layers, xs, lengths, direction)
    for row, length in enumerate(lengths.tolist()):
        reading = Network(records).read(xs[row], length=length)
        for number, outputs in enumerate(expected):
            np.testing.assert_allclose(output(reading, f"l{number}"), outputs[row], rtol=0, atol=2e-6)


# Runs by hand.


@pytest.mark.parametrize("go_backwards", [False, True])
def test_masked_timesteps_are_not_in_the_run(go_backwards: bool) -> None:
    cell = GRU.initialize(3, 2, 1)
    xs = RANDOM.standard_normal((8, 2))
    xs[[0, 3, 4, 7]] = -1
    passage = passage_of(Network((Masking("m", -1), Recurrent("g", cell, go_backwards=go_backwards))), xs)
    order = [6, 5, 2, 1] if go_backwards else [1, 2, 5, 6]
    assert [passage.timestep(row) for row in range(len(passage.run))] == order
    assert [passage.masked(t) for t in range(8)] == [True, False, False, True, True, False, False, True]
    rows = [passage.row(t) for t in range(8)]
    assert rows == ([3, 3, 2, 1, 1, 1, 0, None] if go_backwards else [None, 0, 1, 1, 1, 2, 3, 3])
    by_hand = every_h(cell, xs[order])
    np.testing.assert_allclose([step.h for step in map(passage.run.__getitem__, range(4))], by_hand, atol=1e-12)
    for t, row in enumerate(rows):
        np.testing.assert_allclose(passage.state(t)[0], 0 if row is None else by_hand[row], atol=1e-12)
    np.testing.assert_allclose(passage.final_state[0], by_hand[-1], atol=1e-12)


def test_a_layer_reads_the_output_of_the_one_below() -> None:
    below, above = lstm(4, 3, 1), lstm(2, 4, 2)
    xs = RANDOM.standard_normal((700, 3)).astype(np.float32)
    reading = Network((Recurrent("a", below), Recurrent("b", above))).read(xs)
    expected = every_h(above, every_h(below, xs))
    run = reading.passage("b").run
    np.testing.assert_allclose([run[t].h for t in range(700)], expected, rtol=0, atol=1e-6)
    assert run[699].x.tobytes() == reading.passage("a").run[699].h.tobytes()


def test_the_bits_are_the_same_whichever_way_one_came() -> None:
    xs = RANDOM.standard_normal((1500, 3)).astype(np.float32)
    network = Network((Recurrent("a", lstm(40, 3, 1)), Recurrent("b", lstm(40, 40, 2)), Recurrent("c", lstm(7, 40, 3))))
    straight = [step.h.tobytes() for step in steps(network.read(xs).passage("c").run)]
    jumping, order = network.read(xs).passage("c"), RANDOM.permutation(1500)[:60].tolist()
    fork = jumping.run.fork()
    for t in order:
        assert jumping.run[t].h.tobytes() == straight[t]
        assert fork[1499 - t].h.tobytes() == straight[1499 - t]


def steps(run: Run[Any]) -> list[Any]:
    return [run[t] for t in range(len(run))]


# What is computed when.


def test_reading_computes_nothing_in_advance() -> None:
    xs = RANDOM.standard_normal((100_000, 2)).astype(np.float32)
    reading = Network((Recurrent("a", lstm(3, 2)), Recurrent("b", lstm(3, 3)))).read(xs)
    assert not any("run" in vars(passage) for passage in reading.passages)
    first = reading.passage("b").run[0]
    assert first.t == 0
    assert reading.passage("a").run.frontier <= 2048
    reached = reading.passage("b").explore(5000)
    progress = deque(reached, 1).pop()
    assert progress.done == progress.total == 5001
    assert 5000 < reading.passage("a").run.frontier < 8000


def bidirectional_stack(timesteps: int) -> Reading:
    layers = Recurrent("a", lstm(3, 2, 1), lstm(3, 2, 2), "concat"), Recurrent("b", lstm(2, 6, 3), lstm(2, 6, 4), "sum")
    return Network(layers).read(INPUTS[:timesteps])


def test_what_is_read_as_a_whole_is_computed_in_stretches() -> None:
    reading = bidirectional_stack(5000)
    passage = reading.passage("b/backward")
    assert [one.ready for one in reading.passages] == [True, True, False, False]
    progress = list(passage.prepare())
    assert len(progress) > 30
    assert [each.done for each in progress] == sorted({each.done for each in progress})
    assert progress[-1].done == progress[-1].total == 10_000
    assert all(one.ready for one in reading.passages)
    assert list(passage.prepare()) == []


def test_a_cancelled_preparation_goes_on_where_it_was() -> None:
    reading, whole = bidirectional_stack(3000), bidirectional_stack(10)
    passage = reading.passage("b/forward")
    first = passage.prepare()
    done = [next(first) for _ in range(15)]
    del first
    rest = list(passage.prepare())
    assert rest[-1].total < done[0].total
    assert passage.ready
    assert not whole.passage("b/forward").ready


def test_too_much_to_keep_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unrolled.streams, "MOST_KEPT_BYTES", 5000 * 6 * 4)
    deque(bidirectional_stack(5000).passage("b/forward").prepare(), 0)
    reading = bidirectional_stack(5001)
    with pytest.raises(ShapeError, match="b reads the whole output of the layers before it: expected at most"):
        list(reading.explore(0))
    assert reading.passage("a/backward").run[0].h.shape == (3,)


@pytest.mark.parametrize("timesteps", [1, 255, 256, 257, 3000])
def test_explored_timesteps_are_at_hand(timesteps: int) -> None:
    reading = bidirectional_stack(timesteps)
    middle = timesteps // 2
    progress = list(reading.explore(middle))
    assert all(0 < each.done <= each.total for each in progress)
    for passage in reading.passages:
        row = passage.row(middle)
        assert row is not None
        assert passage.run.frontier > row
        assert passage.timestep(row) == middle
        assert list(passage.run.explore(row)) == []


def test_a_thread_may_explore_while_the_layers_below_are_read() -> None:
    reading, other = bidirectional_stack(4000), bidirectional_stack(4000)
    explored = Thread(target=lambda: deque(reading.explore(), 0))
    explored.start()
    below = reading.passage("a/forward").run
    seen = {t: below[t].h.tobytes() for t in RANDOM.integers(0, 4000, 200).tolist()}
    explored.join()
    straight = steps(other.passage("a/forward").run)
    assert all(straight[t].h.tobytes() == h for t, h in seen.items())
    assert np.array_equal(output(reading, "b"), output(other, "b"))


# The prediction.

OUT = Dense("out", RANDOM.standard_normal((3, 4)), RANDOM.standard_normal(4), "softmax")


def test_a_prediction_so_far_is_that_of_a_sequence_that_ends_there() -> None:
    network = Network((Recurrent("a", lstm(3, 2, 1)), Recurrent("b", lstm(3, 3, 2), return_sequences=False), OUT))
    xs = RANDOM.standard_normal((6, 2)).astype(np.float32)
    reading = network.read(xs)
    assert reading.readout is not None
    assert (reading.readout.when, reading.readout.backwards) == ("so far", False)
    for t in range(6):
        np.testing.assert_allclose(predicted(reading, t), predicted(network.read(xs[: t + 1]), t), atol=1e-7)
        assert predicted(reading, t).sum() == pytest.approx(1)


def test_backwards_a_prediction_so_far_is_that_of_a_sequence_that_begins_there() -> None:
    network = Network((Recurrent("a", lstm(3, 2, 1), go_backwards=True, return_sequences=False), OUT))
    xs = RANDOM.standard_normal((6, 2)).astype(np.float32)
    reading = network.read(xs)
    assert reading.readout is not None
    assert (reading.readout.when, reading.readout.backwards) == ("so far", True)
    for t in range(6):
        np.testing.assert_allclose(predicted(reading, t), predicted(network.read(xs[t:]), 0), atol=1e-7)


def test_a_model_of_both_directions_predicts_from_the_whole_sequence() -> None:
    layer = Recurrent("a", lstm(3, 2, 1), lstm(3, 2, 2), "ave", return_sequences=False)
    reading = Network((layer, OUT)).read(RANDOM.standard_normal((6, 2)))
    assert reading.readout is not None
    assert (reading.readout.when, reading.readout.activation) == ("whole", "softmax")
    assert [reading.prediction(t) for t in range(5)] == [None] * 5
    last = output(reading, "a")
    powers = np.exp(last @ OUT.kernel + np.asarray(OUT.bias))
    np.testing.assert_allclose(predicted(reading, 5), powers / powers.sum(), atol=1e-12)


def test_a_model_without_a_readout_predicts_nothing() -> None:
    layer = Recurrent("a", lstm(3, 2, 1))
    xs = np.ones((4, 2))
    for layers in ((layer,), (layer, OUT, Foreign("crf", "CRF")), (layer, Foreign("crf", "CRF"), OUT)):
        reading = Network(layers).read(xs)
        assert (reading.readout, reading.prediction(3)) == (None, None)
    with pytest.raises(TimestepError, match="expected 0 to 3, got 4"):
        Network((layer, OUT)).read(xs).prediction(4)


def test_a_softmax_of_large_numbers_does_not_overflow() -> None:
    probabilities = Dense("d", np.eye(2), None, "softmax")(np.array([[1e6, 1e6 + 1], [-1e6, 1e6]]))
    np.testing.assert_allclose(probabilities, np.array([[1 / (1 + np.e), np.e / (1 + np.e)], [0, 1]]))


# What does not fit, and what is fed by the user.


def passage_of(network: Network, xs: Array) -> Passage:
    (passage,) = network.read(xs).passages
    return passage


def test_a_sequence_of_nothing_but_padding() -> None:
    network = Network((Masking("m"), Recurrent("a", lstm(3, 2), return_sequences=False), OUT))
    reading = network.read(np.zeros((5, 2)))
    passage = reading.passage("a")
    with pytest.raises(ShapeError, match="a: expected a timestep to read, got 5, which are all masked"):
        _ = passage.run
    assert passage.row(4) is None
    assert [array.tolist() for array in passage.final_state] == [[0, 0, 0], [0, 0, 0]]
    assert output(reading, "a").tolist() == [0, 0, 0]
    assert list(reading.explore(4)) == []


def test_layers_behind_a_foreign_one_read_the_users_array() -> None:
    layers = Foreign("conv", "Conv1D"), Recurrent("a", lstm(3, 2, 1)), Foreign("att", "Attention"), OUT
    above = Recurrent("b", random_layer(5, 4), random_layer(6, 4), None)
    network = Network((*layers, above))
    xs = RANDOM.standard_normal((4, 2)).astype(np.float32)
    reading = network.read(xs)
    assert reading.stretch.after is layers[0]
    np.testing.assert_allclose(output(reading, "a"), every_h(lstm(3, 2, 1), xs), atol=1e-6)
    behind = network.read(np.ones((4, 3)), layer="b")
    assert [passage.name for passage in behind.passages] == ["b/forward", "b/backward"]
    assert [part.shape for part in behind.output("b")] == [(4, 5), (4, 6)]


def test_what_cannot_be_read() -> None:
    network = Network((Recurrent("a", lstm(3, 2)),))
    with pytest.raises(ShapeError, match=r"input: expected \(T, features\) with 2 features, got shape \(4, 3\)"):
        network.read(np.ones((4, 3)))
    with pytest.raises(ShapeError, match=r"input: expected one timestep or more, got shape \(0, 2\)"):
        network.read(np.ones((0, 2)))
    with pytest.raises(ShapeError, match="input: expected real numbers, got <U1"):
        network.read([["a", "b"]])
    with pytest.raises(ShapeError, match="input: expected numbers, the same many in every row"):
        network.read([[1.0, 2.0], [3.0]])
    with pytest.raises(ShapeError, match=r"initial state h: expected shape \(3,\), got \(2,\)"):
        network.read(np.ones((4, 2)), {"a": (np.ones(2), np.ones(3))})
    with pytest.raises(OptionError, match="initial state: expected one of a, got b"):
        network.read(np.ones((4, 2)), {"b": (np.ones(3), np.ones(3))})
    with pytest.raises(OptionError, match="length: expected 0 to 4, got 5"):
        network.read(np.ones((4, 2)), length=5)
    with pytest.raises(OptionError, match="layer: expected one of a, got b"):
        network.read(np.ones((4, 2))).passage("b")
    with pytest.raises(OptionError, match="layer: expected one of a, got b"):
        network.read(np.ones((4, 2))).output("b")
    with pytest.raises(TimestepError, match="row: expected 0 to 3, got 4"):
        network.read(np.ones((4, 2))).passage("a").timestep(4)
    with pytest.raises(TimestepError, match="timestep: expected 0 to 3, got -1"):
        network.read(np.ones((4, 2))).passage("a").row(-1)


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([1, 2, 10], "expected token ids from 0 to 9 for words, got 10 at timestep 3"),
        ([-1], "expected token ids from 0 to 9 for words, got -1 at timestep 1"),
        ([0.0, 1.5], "got 1.5 at timestep 2"),
        ([0.0, np.nan], "got nan at timestep 2"),
    ],
)
def test_tokens_that_are_not_in_the_vocabulary(ids: list[float], message: str) -> None:
    network = Network((Embedding("words", np.ones((10, 2))), Recurrent("a", lstm(3, 2))))
    with pytest.raises(SequenceFileError, match=message):
        network.read(ids)


def test_tokens_come_in_a_row_or_in_a_column() -> None:
    network = Network((Embedding("words", RANDOM.standard_normal((10, 2))), Recurrent("a", lstm(3, 2))))
    one, other = network.read([1, 2, 3]), network.read([[1.0], [2.0], [3.0]])
    assert np.array_equal(output(one, "a"), output(other, "a"))
    with pytest.raises(ShapeError, match=r"expected token ids of shape \(T,\) for words, got shape \(2, 2\)"):
        network.read([[1, 2], [3, 4]])


def test_numbers_that_are_not_finite_go_through() -> None:
    xs = np.array([[1, 1], [np.nan, 1e300], [1, 1]])
    h = output(Network((Recurrent("a", lstm(3, 2)),)).read(xs), "a")
    assert np.isfinite(h[0]).all()
    assert np.isnan(h[2]).all()
