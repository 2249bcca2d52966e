"""What a model computes beside what its framework computed."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.engine.framework_numbers import Arrays, named
from tests.formats import torch_models
from tests.formats.keras_models import CASES, Case, case
from tests.formats.onnx_files import random_x, recurrent_file, runtime

from unrolled import OptionError, SequenceFileError, ShapeError, load, write_trace
from unrolled.network import Dense, Foreign, Network
from unrolled.verify import read_arrays, verify, verify_file

WHOLE = [
    one for one in CASES if one.stem not in ("convolved", "subclassed", "branched")
]  # those whose input is the model's own, and whose output is told


@pytest.mark.parametrize("one", WHOLE, ids=str)
def test_keras_agrees(one: Case) -> None:
    model = load(one.path)
    report = verify(model, named(model, one.expected), "keras.npz")
    assert report.agrees, report.sentence
    assert report.values >= 2
    assert report.first is None
    assert report.largest <= report.tolerance
    assert "agrees with keras.npz" in report.sentence
    assert report.badge.startswith("verified against keras.npz")


@pytest.mark.parametrize("one", torch_models.cases(), ids=str)
def test_pytorch_agrees(one: torch_models.Case) -> None:
    model = one.load()
    report = verify(model, named(model, one.expected))
    assert report.agrees, report.sentence


@pytest.mark.parametrize("name", ["ts_lstm_both", "ts_gru_two", "ts_last_hidden", "ts_words", "dynamo_lstm_both"])
def test_an_export_agrees_with_onnx_runtime(name: str) -> None:
    folder = torch_models.FOLDER.parent / "onnx"
    with np.load(folder / f"{name}.expected.npz") as file:
        assert verify(load(folder / f"{name}.onnx"), dict(file)).agrees


@pytest.mark.parametrize("cell", ["LSTM", "GRU", "RNN"])
@pytest.mark.parametrize("directions", [1, 2])
def test_onnx_in_its_own_layout(tmp_path: Path, cell: str, directions: int) -> None:
    options: dict[str, Any] = {"direction": "bidirectional"} if directions == 2 else {}
    path = recurrent_file(cell, directions=directions, **options).save(tmp_path / "m.onnx")
    x = random_x()
    model, found = load(path), runtime(path, x)
    assert found["Y"].shape == (6, directions, 2, 4)
    report = verify(model, {"x": x, "h": found["Y"], "y": found["Y"]})
    assert report.agrees, report.sentence
    assert (report.batch_first, report.values) == (False, 2 * found["Y"].size)


def test_a_trace_of_its_own_agrees_exactly(tmp_path: Path) -> None:
    for name in ("keras3/each_timestep.keras", "keras3/backwards.keras", "keras3/masked_both_ways.keras"):
        one = case(name)
        model = load(one.path)
        write_trace(model.network, one.expected["x"], str(tmp_path / f"{one.stem}.npz"))
        report = verify_file(model, tmp_path / f"{one.stem}.npz")
        assert report.agrees
        assert report.largest == 0
        assert " exactly: " in report.sentence


def test_h_is_the_last_output_at_every_timestep() -> None:
    one = case("keras3/tokens.keras")  # an Embedding, an LSTM, a GRU that gives its last output, a Dense
    model, expected = load(one.path), one.expected
    report = verify(model, {"x": expected["x"], "h": expected["h.gru"]})
    assert report.agrees
    assert [each.layer for each in report.compared] == ["gru"]


def test_a_single_sequence() -> None:
    one = case("keras3/lstm3.keras")
    model, expected = load(one.path), one.expected
    report = verify(model, {"x": expected["x"][0], "h": expected["h.0.fwd"][0], "y": expected["y"][:1]})
    assert report.agrees
    assert report.compared[0].worst.sample is None


@pytest.mark.parametrize("key", ["y", "h"])
@pytest.mark.parametrize("name", ["lstm4.pt", "gru2.pt", "rnn_tanh.safetensors", "tagger.pt"])
def test_a_file_of_the_last_timestep_alone(name: str, key: str) -> None:
    """As `model(x)[0][:, -1]` gives it; PyTorch's own numbers."""
    one = torch_models.case(name)
    model, x, y = one.load(), one.expected["x"], one.expected["y"]
    if key == "h" and any(isinstance(layer, Dense) for layer in model.network.layers):
        last = len(model.network.recurrent) - 1
        y = one.expected[f"h.{last}.fwd"]
    assert y.ndim == 3
    for arrays in ({"x": x, key: y[:, -1]}, {"x": x[1], key: y[1, -1]}):
        report = verify(model, arrays)
        assert report.agrees, report.sentence
        assert f"numbers of {key} at the last timestep (" in report.sentence
    assert not verify(model, {"x": x, key: y[:, -2]}).agrees


def test_the_last_timestep_where_the_timesteps_come_first(tmp_path: Path) -> None:
    path = recurrent_file("LSTM").save(tmp_path / "m.onnx")
    x = random_x()
    model, found = load(path), runtime(path, x)
    report = verify(model, {"x": x, "y": found["Y"][-1, 0]})
    assert report.agrees, report.sentence
    assert (report.batch_first, [each.name for each in report.compared]) == (False, ["y at the last timestep"])


def test_what_stands_nowhere_is_named() -> None:
    gru = torch_models.case("gru.pt").load()
    foreign = Foreign("other tensors", "not placed", why="the file does not say where fc1 and fc2 stand")
    model = replace(gru, network=Network((*gru.network.layers, foreign)))
    x = np.zeros((5, gru.network.recurrent[0].forward.features), np.float32)
    told = "^y: cannot be computed, as the file does not say where fc1 and fc2 stand: give h of "
    with pytest.raises(ShapeError, match=told):
        verify(model, {"x": x, "y": np.zeros(3)})


def moved(array: np.ndarray[Any, Any], place: tuple[int, ...], by: float) -> np.ndarray[Any, Any]:
    changed = array.copy()
    changed[place] += by
    return changed


def test_where_they_first_part() -> None:
    one = case("keras3/bilstm_concat.keras")
    model = load(one.path)
    arrays = named(model, one.expected)
    arrays["bidirectional/backward/c"] = moved(arrays["bidirectional/backward/c"], (1, 2, 0), 0.5)
    arrays["bidirectional/backward/c"] = moved(arrays["bidirectional/backward/c"], (1, 4, 1), 0.25)
    arrays["y"] = moved(arrays["y"], (0, 0, 0), 2)
    report = verify(model, arrays, "n.npz")
    first = report.first
    assert first is not None  # backward comes to timestep 5 before it comes to 3; y stands in the same layer
    assert (first.array, first.t, first.unit, first.sample) == ("y", 0, 0, 0)
    del arrays["y"]
    report = verify(model, arrays, "n.npz")
    assert "parts from n.npz at bidirectional/backward, unit 2, timestep 5, sample 2" in report.sentence
    assert "the largest difference is 0.5, in bidirectional/backward/c at" in report.sentence
    assert "unit 1, timestep 3, sample 2" in report.sentence
    assert report.badge == "parts from n.npz at bidirectional/backward, unit 2, timestep 5, sample 2"


def test_the_first_layer_comes_first() -> None:
    one = case("keras3/lstm_stack.keras")
    model = load(one.path)
    arrays = named(model, one.expected)
    arrays["lstm_2/h"] = moved(arrays["lstm_2/h"], (1, 3, 1), 1e-4)
    arrays["y"] = moved(arrays["y"], (0, 0), 1)
    first = verify(model, arrays).first
    assert first is not None
    assert (first.layer, first.unit, first.t, first.sample) == ("lstm_2", 1, 3, 1)
    assert first.theirs - first.ours == pytest.approx(1e-4, rel=0.01)


@pytest.mark.parametrize("strange", [np.nan, np.inf])
def test_what_is_no_number_parts(strange: float) -> None:
    one = case("keras3/lstm3.keras")
    model = load(one.path)
    report = verify(model, named(model, one.expected) | {"y": moved(one.expected["y"], (0, 1, 0), strange)})
    assert report.first is not None
    assert (report.first.t, report.largest) == (1, np.inf)


def test_a_tolerance_of_ones_own() -> None:
    one = case("keras3/lstm3.keras")
    model = load(one.path)
    arrays = named(model, one.expected)
    assert not verify(model, arrays, tolerance=1e-12).agrees
    with pytest.raises(OptionError, match="tolerance: expected 0 or more, got -1"):
        verify(model, arrays, tolerance=-1)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda _: {}, "expected an array x, what the model reads, got none"),
        (lambda e: {"y": e["y"]}, "expected an array x, what the model reads, got y"),
        (lambda e: {"x": e["x"]}, r"expected, beside x, an array h \(the output of lstm_1 at every timestep\)"),
        (lambda e: {"x": e["x"], "H\x1b": e["y"]}, r"such as lstm_1/h, got H\\x1b"),
        (lambda e: {"x": e["x"][0, 0], "y": e["y"]}, r"x: expected \(T, features\) or \(batch, T, features\), got"),
        (lambda e: {"x": e["x"][:0], "y": e["y"]}, r"x: expected .* got shape \(0, 6, 3\)"),
        (lambda e: {"x": e["x"], "y": e["y"][:1]}, r"y: expected shape \(2, 6, 3\), got \(1, 6, 3\)"),
        (lambda e: {"x": e["x"], "y": e["y"][:, -1, :2]}, r"y: expected shape \(2, 6, 3\), got \(2, 2\)$"),
        (lambda e: {"x": e["x"][..., :2], "y": e["y"]}, r"expected \(T, features\) with 3 features, got"),
    ],
)
def test_arrays_that_do_not_fit(change: Callable[[Arrays], Arrays], sentence: str) -> None:
    one = case("keras3/lstm3.keras")
    with pytest.raises(ShapeError, match=sentence):
        verify(load(one.path), change(one.expected))


def test_what_is_not_computed() -> None:
    model = load(torch_models.case("pair.pt").path)
    before = model.network.stretches[0].before
    assert before is not None
    x = np.zeros((5, model.network.stretches[0].features), np.float32)
    with pytest.raises(ShapeError, match=f"y: cannot be computed, as {before.name} .* is not: give h of encoder"):
        verify(model, {"x": x, "y": np.zeros(3)})
    pair = load(case("keras3/both_ways_apart.keras").path)
    features = pair.network.stretches[0].features
    with pytest.raises(ShapeError, match="got y"):
        verify(pair, {"x": np.zeros((4, features)), "y": np.zeros((4, 2))})


def test_a_layer_behind_one_that_is_not_computed() -> None:
    model = load(torch_models.case("pair.pt").path)
    _, second = model.network.stretches
    name = second.recurrent[0].name
    x = np.linspace(-1, 1, 4 * second.features, dtype=np.float32).reshape(4, -1)
    h = second.recurrent[0].forward.trace(x).h
    assert verify(model, {"x": x, "h": h}, layer=name).agrees
    with pytest.raises(OptionError, match="layer: expected one of"):
        verify(model, {"x": x, "h": h}, layer="nothing")


def test_a_file_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "n.npz"
    path.write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(SequenceFileError, match=r"n\.npz: the zip archive is damaged"):
        read_arrays(path)
    np.savez(path, x=np.zeros((3, 4)), y=np.zeros(2))
    with pytest.raises(SequenceFileError, match=r"n.npz: .*3 features"):
        verify_file(load(case("keras3/lstm3.keras").path), path)
    np.savez(path, x=np.array(["a"], object))
    with pytest.raises(SequenceFileError, match="pickled Python objects, which are never loaded"):
        read_arrays(path)


def test_what_has_another_name_is_told() -> None:
    one = case("keras3/lstm3.keras")
    model = load(one.path)
    report = verify(model, named(model, one.expected) | {"late\x1b": np.zeros(2)})
    assert report.ignored == ("late\\x1b",)


def test_what_is_no_number_beside_the_numbers_is_passed_over(tmp_path: Path) -> None:
    path, numbers = tmp_path / "noted.npz", {"x": np.zeros((4, 2)), "h": np.zeros((4, 3))}
    np.savez(path, note=np.array("from a notebook"), x=numbers["x"], h=numbers["h"])
    assert sorted(read_arrays(path)) == ["h", "x"]


@pytest.mark.parametrize("name", ["x", "h", "y"])
def test_numbers_that_are_none_cannot_be_compared(name: str, tmp_path: Path) -> None:
    arrays = {"x": np.zeros((4, 2)), "h": np.zeros((4, 3)), "y": np.zeros((4, 3))}
    arrays[name][2, 1] = np.nan
    np.savez(tmp_path / "nan.npz", x=arrays["x"], h=arrays["h"], y=arrays["y"])
    with pytest.raises(SequenceFileError, match=f"array {name}: expected finite numbers to compare, got nan"):
        read_arrays(tmp_path / "nan.npz")
