"""`unrolled trace --when`: only the timesteps that fulfil a condition."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from unrolled import LSTM

Run = Callable[..., Any]
NAMES = "x h c i f g o z_i z_f z_g z_o"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    np.save("in.npy", np.arange(-25.0, 25.0)[:, None] / 8)
    return tmp_path


@pytest.mark.parametrize("output", ["out.npz", "out.csv", "out.jsonl"])
def test_only_those_timesteps_are_written(run: Run, folder: Path, output: str) -> None:
    rows = np.flatnonzero(LSTM.initialize(3, 1, 7).trace(np.load("in.npy")).f[:, 1] < 0.7)
    assert 0 < len(rows) < 50
    outcome = run("trace", "--input", "in.npy", "--when", "f[2] < 0.7", "-o", output)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == f"{output}: {NAMES} at {len(rows)} of 50 timesteps\n"
    if output == "out.npz":
        assert np.load(output)["t"].tolist() == (rows + 1).tolist()
    else:
        assert len((folder / output).read_text().splitlines()) == len(rows) + (output == "out.csv")


def test_tokens_of_a_text(run: Run) -> None:
    outcome = run("trace", "--text", "f(a, (b))", "--when", "token == '('", "-o", "out.npz")
    assert outcome.out == f"out.npz: {NAMES} at 2 of 9 timesteps\n"
    assert np.load("out.npz")["t"].tolist() == [2, 6]
    outcome = run("trace", "--input", "in.npy", "--when", "token == '('", "-o", "out2.npz")
    assert outcome.sentence.endswith("expected a sequence that has tokens, such as --text gives, got one of numbers")


def test_none_is_said_to_be_none(run: Run, folder: Path) -> None:
    outcome = run("trace", "--input", "in.npy", "--when", "f[2] < -1", "-o", "out.csv")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == "out.csv: no row, as none of 50 timesteps fulfils f[2] < -1\n"
    assert (folder / "out.csv").read_text().count("\n") == 1


def test_a_batch(run: Run, folder: Path) -> None:
    np.save("batch.npy", np.load("in.npy").reshape(5, 10, 1))
    outcome = run("trace", "--input", "batch.npy", "--when", "x[1] > 2", "-o", "out.csv")
    assert outcome.out == f"out.csv: {NAMES} at 8 of 50 timesteps of 5 sequences\n"
    sentence = run("trace", "--input", "batch.npy", "--when", "x[1] > 2", "-o", "out.npz").sentence
    assert sentence.startswith("out.npz: expected .csv or .jsonl for what a condition selects of a batch, got .npz")
    assert not (folder / "out.npz").exists()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("f[4] < 1", 'condition "f[4] < 1", character 3: expected the number of a unit from 1 to 3, got 4'),
        ("f[1] = 1", 'condition "f[1] = 1", character 6: expected < <= > >= == != or changes, got ='),
        ("f[1]\x1b[2J", r'condition "f[1]\x1b[2J", character 5: expected < <= > >= == != or changes, got \x1b'),
    ],
)
def test_a_wrong_condition_is_told_before_anything_is_run(run: Run, folder: Path, text: str, sentence: str) -> None:
    assert run("trace", "--input", "in.npy", "--when", text, "-o", "out.csv").sentence == sentence
    assert not (folder / "out.csv").exists()
