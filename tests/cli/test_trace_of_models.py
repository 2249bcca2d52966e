"""`unrolled trace` of models: h and c of every recurrent layer are what Keras computes, at every timestep."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.formats.keras_models import CASES, Array, Case, case

Run = Callable[..., Any]
TOLERANCE = {"float16": 5e-4, "bfloat16": 5e-3}
OPTIONS = {"subclassed": ("--no-return-sequences",)}
WITH_STATES = [one for one in CASES if one.stem != "branched" and any(name.startswith("h.") for name in one.expected)]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def given(one: Case) -> Array:
    """What the model's first computed layer reads."""
    return one.expected["out.conv1d" if one.stem == "convolved" else "x"]


def states(expected: dict[str, Array], arrays: dict[str, Array]) -> list[tuple[Array, Array]]:
    """What was written of h and c of each direction, and what Keras says."""
    prefixes = list(dict.fromkeys(name.rpartition("/")[0] for name in arrays))
    layers = list(dict.fromkeys(prefix.removesuffix("/forward").removesuffix("/backward") for prefix in prefixes))
    pairs = []
    for prefix in prefixes:
        way = "bwd" if prefix.endswith("/backward") else "fwd"
        number = layers.index(prefix.removesuffix("/forward").removesuffix("/backward"))
        for letter in "hc":
            alone = [name for name in expected if not prefix and name.startswith(f"{letter}.")]
            names = (f"{letter}.{prefix}", f"{letter}.{number}.{way}", *alone)
            theirs = next((expected[name] for name in names if name in expected), None)
            ours = arrays.get(f"{prefix}/{letter}".lstrip("/"))
            if theirs is not None and ours is not None:
                pairs.append((ours, theirs))
    return pairs


@pytest.mark.parametrize("one", WITH_STATES, ids=str)
def test_every_state_is_that_of_keras(run: Run, one: Case) -> None:
    np.save("x.npy", given(one))
    outcome = run("trace", one.path, "--input", "x.npy", "-o", "out.npz", *OPTIONS.get(one.stem, ()))
    assert outcome.code == 0, outcome
    with np.load("out.npz") as file:
        arrays = {name: file[name] for name in file.files}
    pairs = states(one.expected, arrays)
    assert pairs
    for ours, theirs in pairs:
        assert ours.shape == theirs.shape
        assert np.abs(ours - theirs).max() <= TOLERANCE.get(one.stem, 1e-6) * max(1, np.abs(theirs).max())


def test_a_sequence_alone_is_one_of_the_batch(run: Run) -> None:
    one = case("keras3/tokens.keras")
    ids = one.expected["x"].astype(int)
    Path("ids.txt").write_text("\n".join(map(str, ids[1])))
    Path("rows.jsonl").write_text("\n".join(json.dumps(row.tolist()) for row in ids))
    np.save("ids.npy", ids)
    names = ("ids.txt", "rows.jsonl", "ids.npy")
    for name in names:
        assert run("trace", one.path, "--input", name, "-o", f"{name}.npz").code == 0
    alone, rows, batch = (np.load(f"{name}.npz") for name in names)
    assert [*alone] == [*batch] == [*rows]
    for name in alone:
        assert np.array_equal(alone[name], batch[name][1], equal_nan=True)
        assert np.array_equal(rows[name], batch[name], equal_nan=True)


def test_what_is_written_is_told_in_a_line(run: Run) -> None:
    np.save("x.npy", case("keras3/bilstm_concat.keras").expected["x"][0])
    path = case("keras3/bilstm_concat.keras").path
    outcome = run("trace", path, "--input", "x.npy", "-o", "out.npz")
    names = "x h c i f g o z_i z_f z_g z_o"
    timesteps = len(np.load("x.npy"))
    assert outcome.out == f"out.npz: bidirectional/forward/ bidirectional/backward/: {names} at {timesteps} timesteps\n"
    outcome = run("trace", case("keras3/mixed.keras").path, "-o", "mixed.npz")
    assert outcome.out == "mixed.npz: lstm/ gru/ simple_rnn/: x h … at 4 timesteps\n"
    outcome = run("trace", case("keras3/many.keras").path, "-o", "many.npz")
    assert outcome.out.startswith("many.npz: lstm/ lstm_1/ lstm_2/ lstm_3/ …: x h c i f g o")
    assert len(outcome.out) < 100


def test_a_condition_is_about_the_layer_that_is_asked_for(run: Run) -> None:
    path = case("keras3/mixed.keras").path
    np.save("x.npy", case("keras3/mixed.keras").expected["x"][0])
    assert run("trace", path, "--input", "x.npy", "-o", "all.npz").code == 0
    every = np.load("all.npz")
    for layer, name, text in (("lstm", "f", "f[2] < 0.5"), ("gru", "z", "z[2] < 0.5")):
        threshold = float(np.median(every[f"{layer}/{name}"][:, 1]))
        line = ("trace", path, "--input", "x.npy", "--layer", layer, "--when", text.replace("0.5", str(threshold)))
        assert run(*line, "-o", f"{layer}.npz").code == 0
        expected = np.flatnonzero(every[f"{layer}/{name}"][:, 1] < threshold)
        assert 0 < len(expected) < len(every["lstm/h"])
        assert np.load(f"{layer}.npz")["t"].tolist() == (expected + 1).tolist()
        assert [*np.load(f"{layer}.npz")][1:] == [*every]
    sentence = run("trace", path, "--input", "x.npy", "--layer", "gru", "--when", "f[2] < 1", "-o", "no.npz").sentence
    assert "expected" in sentence
    assert not Path("no.npz").exists()


def test_a_condition_about_a_backward_direction_is_in_the_order_of_the_input(run: Run) -> None:
    path = case("keras3/bilstm_concat.keras").path
    np.save("x.npy", case("keras3/bilstm_concat.keras").expected["x"][0])
    assert run("trace", path, "--input", "x.npy", "-o", "all.npz").code == 0
    h = np.load("all.npz")["bidirectional/backward/h"][:, 0]
    threshold = float(np.median(h))
    line = ("trace", path, "--input", "x.npy", "--layer", "bidirectional/backward", "--when", f"h[1] > {threshold}")
    assert run(*line, "-o", "some.npz").code == 0
    assert np.load("some.npz")["t"].tolist() == (np.flatnonzero(h > np.float32(threshold)) + 1).tolist()


def test_a_stateful_model_goes_on_where_the_batch_before_ended(run: Run) -> None:
    one = case("keras3/stateful.keras")
    x = one.expected["x"]
    np.save("batch.npy", x[:2])
    np.save("long.npy", x[:2].reshape(-1, x.shape[-1]))
    assert run("trace", one.path, "--input", "batch.npy", "--batch-size", 1, "-o", "batch.npz").code == 0
    assert run("trace", one.path, "--input", "long.npy", "-o", "long.npz").code == 0
    assert run("trace", one.path, "--input", "batch.npy", "-o", "together.npz").code == 0
    batch, long, together = (np.load(f"{name}.npz") for name in ("batch", "long", "together"))
    for name in ("h", "c"):
        assert np.array_equal(batch[name].reshape(long[name].shape), long[name])
        assert not np.array_equal(batch[name][1], together[name][1])


def test_tokens_of_each_sequence_of_a_batch(run: Run) -> None:
    path = case("keras2/emb_lstm_dense.h5").path
    Path("vocab.json").write_text(json.dumps([*"abcdefghij"]))
    np.save("ids.npy", np.array([[1, 2, 3], [3, 1, 1]]))
    line = ("trace", path, "--input", "ids.npy", "--vocab", "vocab.json", "--when", 'token == "b"')
    outcome = run(*line, "-o", "out.csv")
    assert outcome.out.endswith(" at 3 of 6 timesteps of 2 sequences\n")
    rows = [line.split(",")[:2] for line in Path("out.csv").read_text().splitlines()[1:]]
    assert rows == [["1", "1"], ["2", "2"], ["2", "3"]]
    assert run(*line[:4], "--when", 'token == "3"', "-o", "ids.csv").out.endswith(
        "at 2 of 6 timesteps of 2 sequences\n"
    )


def test_text_as_the_tokens_of_a_model(run: Run) -> None:
    path = case("keras2/emb_lstm_dense.h5").path
    Path("vocab.json").write_text(json.dumps({letter: number for number, letter in enumerate("abcdefghij")}))
    assert run("trace", path, "--vocab", "vocab.json", "--text", "badge", "-o", "text.npz").code == 0
    np.save("ids.npy", np.array([1, 0, 3, 6, 4]))
    assert run("trace", path, "--input", "ids.npy", "-o", "ids.npz").code == 0
    text, ids = np.load("text.npz"), np.load("ids.npz")
    assert all(np.array_equal(text[name], ids[name], equal_nan=True) for name in ids)


def test_one_hot_text_in_the_order_of_the_vocabulary(run: Run) -> None:
    path = case("keras3/lstm3.keras").path
    features = case("keras3/lstm3.keras").expected["x"].shape[-1]
    Path("vocab.json").write_text(json.dumps([*"zyxwvu"[:features]]))
    assert run("trace", path, "--vocab", "vocab.json", "--text", "zyyz", "-o", "text.npz").code == 0
    assert np.load("text.npz")["x"].argmax(axis=1).tolist() == [0, 1, 1, 0]
    Path("vocab.json").write_text(json.dumps([*"zyxwvutsrqponm"]))
    sentence = run("trace", path, "--vocab", "vocab.json", "--text", "zyyz", "-o", "no.npz").sentence
    assert f"expected {features}" in sentence


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (np.array([1, 2, 10]), "in.npy: expected token ids from 0 to 9, got 10 at timestep 3"),
        (np.array([1, -1]), "in.npy: expected token ids from 0 to 9, got -1 at timestep 2"),
        (np.array([[1, 2], [1, np.nan]]), "in.npy: expected token ids from 0 to 9, got nan at sequence 2, timestep 2"),
        (np.zeros(0), "in.npy: expected one timestep or more, got shape (0,)"),
        (np.zeros((2, 3, 4)), "in.npy: expected token ids, (T) or (batch, T), got shape (2, 3, 4)"),
    ],
)
def test_ids_that_cannot_be(run: Run, content: Array, expected: str) -> None:
    np.save("in.npy", content)
    assert run("trace", case("keras2/emb_lstm_dense.h5").path, "--input", "in.npy", "-o", "o.npz").sentence == expected
    assert not Path("o.npz").exists()


def test_t_in_a_condition_is_the_timestep_of_the_input_whichever_way_a_layer_reads(run: Run) -> None:
    one = case("keras3/bilstm_concat.keras")
    np.save("x.npy", one.expected["x"][0])
    options = ("--input", "x.npy", "--when", "t == 2", "-o", "out.npz", "--force")
    for direction in ("bidirectional/forward", "bidirectional/backward"):
        assert run("trace", str(one.path), "--layer", direction, *options).code == 0
        assert np.load("out.npz")["t"].tolist() == [2]
