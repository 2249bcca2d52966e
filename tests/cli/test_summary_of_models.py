"""`unrolled summary` of whole models: the counts are those that Keras itself gives."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.formats.keras_models import CASES, Case, case

from unrolled import LSTM, Model
from unrolled.network import Dense, Network, Recurrent
from unrolled_tui.commands.model_summary import whole
from unrolled_tui.commands.printing import cells

Run = Callable[..., Any]


def counted_by_keras(one: Case) -> int:
    expected = one.expected
    return int(expected["parameters"] if "parameters" in expected else json.loads(str(expected["meta"]))["params"])


@pytest.mark.parametrize("one", CASES, ids=str)
def test_the_total_is_that_of_keras(run: Run, one: Case) -> None:
    outcome = run("summary", one.path)
    assert (outcome.code, outcome.err) == (0, "")
    title = re.search(r"(\d+) parameters, as Keras counts them", outcome.out.splitlines()[0])
    total = title or re.search(r"\nsum .* (\d+)\n", outcome.out)
    assert total is not None
    assert int(total[1]) == counted_by_keras(one)


def test_a_row_for_each_layer_then_the_gates_of_each_recurrent_one(run: Run) -> None:
    lines = run("summary", case("keras3/mixed.keras").path).out.splitlines()
    assert lines[:9] == [
        "mixed.keras · 202 parameters, as Keras counts them",
        "",
        "layer       kind       output  parameters",
        "lstm        LSTM            4         128",
        "dropout     Dropout                     0",
        "gru         GRU             2          48",
        "simple_rnn  SimpleRNN       3          18",
        "dense       Dense           2           8",
        "sum                                   202",
    ]
    titles = [line for line in lines if "unit" in line and " · " in line]
    assert titles == [
        "LSTM · 4 units · 3 features · float32 · lstm · mixed.keras",
        "GRU · 2 units · 4 features · float32 · gru · mixed.keras",
        "SimpleRNN · 3 units · 2 features · float32 · simple_rnn · mixed.keras",
    ]
    # torch.nn.LSTM(3, 4) has 144 parameters, GRU(4, 2) has 48, RNN(2, 3) has 21, Linear(3, 2) has 8
    assert "PyTorch, ONNX  221, 19 more: the biases of recurrent layers, each told below" in lines


def test_both_directions(run: Run) -> None:
    out = run("summary", case("keras3/bilstm_concat.keras").path).out
    assert "bidirectional  Bidirectional(LSTM)" in out
    assert "· bidirectional/forward · bilstm_concat.keras" in out
    assert "· bidirectional/backward · bilstm_concat.keras" in out
    apart = run("summary", case("keras3/both_ways_apart.keras").path).out
    assert re.search(r"bidirectional  Bidirectional\(\w+\)  +(\d+) \+ \1 ", apart)


def test_a_layer_that_is_not_computed_is_counted(run: Run) -> None:
    out = run("summary", case("keras3/convolved.keras").path).out
    assert re.search(r"\nconv1d +Conv1D, not computed +28\n", out)
    assert out.endswith(
        "\n\nconv1d (Conv1D) is not computed: lstm behind it reads the array that you give, as its own input\n"
    )


def test_two_biases_that_are_added_are_told(run: Run) -> None:
    out = run("summary", case("keras2/cudnn_both_ways.h5").path).out
    assert "both  112 as Keras counts, 96 in the gates below: two biases per gate and unit" in out


def test_remarks_come_once_at_the_end(run: Run) -> None:
    out = run("summary", case("keras2/subclassed.weights.h5").path).out
    told = [line for line in out.splitlines() if line.startswith("subclassed.weights.h5: ")]
    assert len(told) == len(set(told)) > 1
    assert out.endswith("\n".join(told) + "\n")


def test_one_layer_of_many(run: Run) -> None:
    path = case("keras3/bilstm_concat.keras").path
    whole = run("summary", path).out
    both = run("summary", path, "--layer", "bidirectional").out
    back = run("summary", path, "--layer", "bidirectional/backward").out
    assert whole.endswith(both)
    assert both.endswith(back)
    assert (both.count("LSTM · "), back.count("LSTM · ")) == (2, 1)
    assert "as Keras counts them" not in both


def test_a_layer_that_there_is_not(run: Run) -> None:
    sentence = run("summary", case("keras3/bilstm_concat.keras").path, "--layer", "lstm\x1b[2J").sentence
    assert sentence == r"layer: expected one of bidirectional/forward, bidirectional/backward, got lstm\x1b[2J"
    outcome = run("summary", "--layer", "lstm")
    assert outcome.code == 2
    assert "--layer goes with MODEL" in outcome.err


def test_a_file_of_one_layer_is_that_layer(run: Run, tmp_path: Path) -> None:
    weights: dict[str, Any] = LSTM.initialize(2, 4, seed=3).weights
    np.savez(tmp_path / "m.npz", **weights)
    assert run("summary", tmp_path / "m.npz").out.startswith("LSTM · 2 units · 4 features · float64 · m.npz\n\n   ")


def test_names_of_any_characters_stay_in_their_columns() -> None:
    dense = Dense("e\u0301", np.zeros((2, 5)))
    told = [*whole(Model("m", Network((Recurrent("名前 長い", LSTM.initialize(2, 1, 7)), dense))))]
    table = told[2:6]
    assert "名前 長い  LSTM" in table[1]
    assert {cells(line) for line in table} == {cells(table[0])}
    assert [line.split()[-1] for line in table] == ["parameters", "32", "10", "42"]


def test_a_whole_model_in_ascii(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C")
    out = run("summary", case("keras3/mixed.keras").path).out
    assert out.isascii()
    assert out.startswith("mixed.keras, 202 parameters, as Keras counts them\n")


def test_several_models_with_a_line_between(run: Run) -> None:
    path = case("keras3/lstm_stack.keras").path
    once = run("summary", path).out
    assert run("summary", path, path).out == f"{once}\n{once}"
