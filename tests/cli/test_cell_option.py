"""Fresh layers of each cell, from the command line."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import unrolled

Run = Callable[..., Any]


@pytest.mark.parametrize(
    ("cell", "title", "total"), [("lstm", "LSTM", 60), ("gru", "GRU", 54), ("simple_rnn", "SimpleRNN", 15)]
)
def test_summary(run: Run, cell: str, title: str, total: int) -> None:
    lines = run("summary", "--cell", cell).out.splitlines()
    assert lines[0] == f"{title} · 3 units · 1 feature · float64 · seed 7"
    assert any(line.startswith("sum ") and line.endswith(f" {total}") for line in lines)


def test_summary_of_a_gru_tells_why_it_has_two_biases(run: Run) -> None:
    out = run("summary", "--cell", "gru", "--units", 2).out
    assert "z  update gate       2                 4     4   10\n" in out
    assert "Keras, PyTorch, ONNX  3·units·(features + units + 2) = 3·2·(1 + 2 + 2) = 30\n" in out
    assert "the reset gate multiplies the second one" in out


def test_trace(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "gru.npz"
    assert run("trace", "--cell", "gru", "--seed", 3, "-o", path).out.endswith(
        ": x h z r n z_z z_r z_n at 4 timesteps\n"
    )
    trace = unrolled.GRU.initialize(3, 1, seed=3).trace([[1.0], [2.0], [3.0], [4.0]])
    arrays = np.load(path)
    assert np.array_equal(arrays["n"], trace.n)
    assert np.array_equal(arrays["z_r"], trace.pre_activations[:, 1])


def test_a_cell_that_there_is_not(run: Run) -> None:
    outcome = run("summary", "--cell", "rnn")
    assert outcome.code == 2
    assert "'rnn' is not one of 'lstm', 'gru', 'simple_rnn'" in outcome.err


def test_a_model_brings_its_own_cell(run: Run, tmp_path: Path) -> None:
    weights: dict[str, Any] = unrolled.LSTM.initialize(2, 1, seed=3).weights
    np.savez(tmp_path / "m.npz", **weights)
    outcome = run("summary", tmp_path / "m.npz", "--cell", "gru")
    assert outcome.code == 2
    assert "--cell cannot go with MODEL" in outcome.err
