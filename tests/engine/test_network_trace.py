"""The trace of a network as a file, beside traces of its layers by themselves."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.engine.layers import Array, random_layer
from tests.engine.networks import keras_cases

from unrolled import GRU, OptionError, SequenceFileError, ShapeError, write_trace
from unrolled.anatomy import Quantity
from unrolled.network import Dense, Embedding, Foreign, Masking, Network, Recurrent
from unrolled.stateful import Batches
from unrolled.trace import Trace

RANDOM = np.random.default_rng(2)
BELOW, FORWARD, BACKWARD = random_layer(3, 2, seed=1), GRU.initialize(2, 3, 4), GRU.initialize(2, 3, 5)
NETWORK = Network((Recurrent("first", BELOW), Recurrent("both", FORWARD, BACKWARD, "sum"), Dense("d", np.ones((2, 2)))))
LSTM_NAMES = ["x", "h", "c", "i", "f", "g", "o", "z_i", "z_f", "z_g", "z_o"]
GRU_NAMES = ["x", "h", "z", "r", "n", "z_z", "z_r", "z_n"]


def written(network: Network, values: Array, path: Path, **options: int | str) -> dict[str, Array]:
    write_trace(network, values, str(path), force=True, **options)  # type: ignore[arg-type]  # the options of each test
    with np.load(path) as archive:
        return dict(archive)


def test_every_gate_of_every_layer_in_the_order_of_the_input(tmp_path: Path) -> None:
    xs = RANDOM.standard_normal((600, 2))
    found = written(NETWORK, xs, tmp_path / "t.npz")
    below = BELOW.trace(xs)
    expected: dict[str, Trace[Any]] = {
        "first": below,
        "both/forward": FORWARD.trace(below.h),
        "both/backward": BACKWARD.trace(below.h[::-1]),
    }
    names = {"first": LSTM_NAMES, "both/forward": GRU_NAMES, "both/backward": GRU_NAMES}
    assert list(found) == [f"{layer}/{name}" for layer in names for name in names[layer]]
    for layer, trace in expected.items():
        order = slice(None, None, -1 if layer.endswith("backward") else 1)
        for name in names[layer]:
            gate = name.removeprefix("z_")
            places = [quantity.name for quantity in trace_gates(layer)]
            array = trace.pre_activations[:, places.index(gate)] if name != gate else getattr(trace, name)
            np.testing.assert_allclose(found[f"{layer}/{name}"], array[order], rtol=0, atol=1e-12)


def trace_gates(layer: str) -> tuple[Quantity, ...]:
    return (BELOW if layer == "first" else FORWARD).anatomy.gates


def test_a_batch_is_batch_major(tmp_path: Path) -> None:
    xs = RANDOM.standard_normal((3, 9, 2))
    found = written(NETWORK, xs, tmp_path / "t.npz")
    assert found["both/backward/z_n"].shape == (3, 9, 2)
    for number, sequence in enumerate(xs):
        alone = written(NETWORK, sequence, tmp_path / "one.npz")
        assert all(np.array_equal(found[name][number], array) for name, array in alone.items())


def test_a_single_layer_has_no_prefix(tmp_path: Path) -> None:
    xs = RANDOM.standard_normal((5, 2))
    network = Network((Recurrent("first", BELOW, return_sequences=False), Dense("d", np.ones((3, 2)))))
    found, alone = written(network, xs, tmp_path / "a.npz"), BELOW.trace(xs)
    assert list(found) == LSTM_NAMES
    np.testing.assert_allclose(found["c"], alone.c, atol=1e-12)


@pytest.mark.parametrize("go_backwards", [False, True])
def test_masked_timesteps(tmp_path: Path, go_backwards: bool) -> None:
    xs = RANDOM.standard_normal((6, 2))
    xs[[0, 2, 5]] = 0
    network = Network((Masking("m"), Recurrent("first", BELOW, go_backwards=go_backwards)))
    found = written(network, xs, tmp_path / "t.npz")
    order = [4, 3, 1] if go_backwards else [1, 3, 4]
    trace = BELOW.trace(xs[order])
    rows = [2, 2, 1, 1, 0, None] if go_backwards else [None, 0, 0, 1, 2, 2]
    assert np.array_equal(found["x"], xs)
    for name in LSTM_NAMES[1:]:
        for t, row in enumerate(rows):
            if name in ("h", "c"):
                expected = 0 if row is None else getattr(trace, name)[row]
            elif t in (0, 2, 5):
                expected = np.nan
            else:
                place = "ifgo".index(name[-1])
                expected = trace.pre_activations[row, place] if "_" in name else getattr(trace, name)[row]
            np.testing.assert_allclose(found[name][t], np.broadcast_to(expected, (3,)), atol=1e-12)


def test_a_sequence_of_nothing_but_padding(tmp_path: Path) -> None:
    network = Network((Masking("m"), Recurrent("first", BELOW)))
    found = written(network, np.zeros((4, 2)), tmp_path / "t.npz")
    assert not found["c"].any()
    assert np.isnan(found["z_o"]).all()


def test_text_has_the_same_numbers(tmp_path: Path) -> None:
    case = keras_cases()["masked bidirectional"]
    arrays = written(case.network, case.x, tmp_path / "t.npz")
    write_trace(case.network, case.x, str(tmp_path / "t.csv"))
    write_trace(case.network, case.x, str(tmp_path / "t.jsonl"))
    with (tmp_path / "t.csv").open() as file:
        rows = list(csv.DictReader(file))
    records = [json.loads(line) for line in (tmp_path / "t.jsonl").read_text().splitlines()]
    assert len(rows) == len(records) == 21
    for row, record in zip(rows, records, strict=True):
        place = record.pop("batch") - 1, record.pop("t") - 1
        assert (int(row["batch"]) - 1, int(row["t"]) - 1) == place
        assert list(record) == list(arrays)
        for name, array in arrays.items():
            columns = [row[f"{name}{number}"] for number in range(1, array.shape[-1] + 1)]
            for numbers in (columns, record[name]):
                assert np.array_equal(np.array(numbers, array.dtype), array[place], equal_nan=True), name


def test_outputs_are_those_of_keras(tmp_path: Path) -> None:
    case = keras_cases()["masked bidirectional"]
    found = written(case.network, case.x, tmp_path / "t.npz")
    h = np.concatenate([found["layer1/forward/h"], found["layer1/backward/h"]], axis=-1)
    masked = np.isnan(found["layer1/forward/i"][..., :1])
    np.testing.assert_allclose(np.where(masked, 0, h), case.outputs["layer1"], rtol=0, atol=1e-6)


def test_token_ids(tmp_path: Path) -> None:
    table = RANDOM.standard_normal((9, 2))
    network = Network((Embedding("words", table), Recurrent("first", BELOW)))
    ids = np.array([[1, 2, 3], [8, 0, 2]])
    found = written(network, ids, tmp_path / "batch.npz")
    assert np.array_equal(found["x"], table[ids])
    one = written(network, ids[1], tmp_path / "one.npz")
    assert np.array_equal(one["h"], found["h"][1])
    column = written(network, ids[1][:, None], tmp_path / "column.npz")
    assert np.array_equal(column["h"], one["h"])
    with pytest.raises(SequenceFileError, match="expected token ids from 0 to 8 for words, got 9"):
        write_trace(network, np.array([1, 9]), str(tmp_path / "wrong.npz"))
    with pytest.raises(ShapeError, match=r"input: expected \(T,\) or \(batch, T\), got shape \(1, 2, 3\)"):
        write_trace(network, ids[None], str(tmp_path / "wrong.npz"))
    assert not (tmp_path / "wrong.npz").exists()


def test_stateful_batches(tmp_path: Path) -> None:
    case = keras_cases()["stateful"]
    found = written(case.network, case.x, tmp_path / "t.npz", batch_size=2)
    np.testing.assert_allclose(found["layer0/h"], case.outputs["layer0"], rtol=0, atol=1e-6)
    last = Batches(case.network, case.x, 2).read(5).passage("layer1/backward")
    assert np.array_equal(found["layer1/backward/h"][5, 0], last.final_state[0])
    apart = written(case.network, case.x, tmp_path / "t.npz")
    assert not np.allclose(apart["layer0/h"][5], found["layer0/h"][5])


def test_the_layer_that_reads_can_be_chosen(tmp_path: Path) -> None:
    network = Network((Recurrent("a", BELOW), Foreign("attention", "Attention"), Recurrent("b", FORWARD)))
    xs = RANDOM.standard_normal((4, 3))
    found = written(network, xs, tmp_path / "t.npz", reader="b")
    np.testing.assert_allclose(found["h"], FORWARD.trace(xs).h, atol=1e-12)
    with pytest.raises(OptionError, match="layer: expected one of a, b, got 'c'"):
        write_trace(network, xs, str(tmp_path / "c.npz"), reader="c")


def test_progress_counts_every_timestep_once(tmp_path: Path) -> None:
    told: list[int] = []
    write_trace(NETWORK, np.ones((2, 700, 2)), str(tmp_path / "t.csv"), progress=told.append)
    assert sum(told) == 1400
    assert len(told) > 4


def test_too_large_a_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    size = 10 * 8 * (2 + 10 * 3 + 2 * (3 + 7 * 2))
    monkeypatch.setattr("unrolled.export.MOST_BYTES", size)
    write_trace(NETWORK, np.ones((10, 2)), str(tmp_path / "t.npz"))
    with pytest.raises(OptionError, match=r"write \.csv or \.jsonl"):
        write_trace(NETWORK, np.ones((11, 2)), str(tmp_path / "u.npz"))
