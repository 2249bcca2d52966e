"""What a model file does not say is told, and can be said, on the command line."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tests.formats.keras_models import case
from tests.formats.torch_models import FOLDER

from unrolled import Choices
from unrolled_tui.commands.model_options import CHOICE_NAMES

Run = Callable[..., Any]
WEIGHTS = case("keras2/lstm3.weights.h5").path


def test_summary_tells_what_was_taken(run: Run) -> None:
    out = run("summary", WEIGHTS).out
    assert "lstm3.weights.h5: the activation of the gates is not in the file: taken sigmoid" in out


def test_an_answer_means_what_the_keras_of_the_file_meant_by_it(run: Run) -> None:
    out = run("summary", WEIGHTS, "--recurrent-activation", "hard_sigmoid").out
    assert "the activation of the gates is not in the file: hard_sigmoid_keras2, as --recurrent-activation says" in out


def test_several_answers(run: Run) -> None:
    path = case("keras3/subclassed.keras").path
    out = run("summary", path, "--layer-order", "gru, lstm", "--no-return-sequences", "--activation", "relu").out
    assert "the order of the layers is not in the file: gru, lstm, as --layer-order says" in out
    assert "the activation is not in the file: relu, as --activation says" in out


def test_where_the_order_is_in_doubt_an_error_about_the_input_names_the_option(run: Run, tmp_path: Any) -> None:
    np.save(tmp_path / "x.npy", np.zeros((5, 2)))
    path = FOLDER / "pair.pt"
    outcome = run("trace", path, "--input", tmp_path / "x.npy", "-o", tmp_path / "t.npz")
    assert "expected 3 features per timestep, got 2" in outcome.sentence
    assert "taken encoder, decoder; --layer-order decoder,encoder says otherwise" in outcome.sentence
    other = ("--layer-order", "decoder,encoder", "-o", tmp_path / "t.npz")
    assert run("trace", path, "--input", tmp_path / "x.npy", *other).code == 0
    missing = run("trace", path, "--input", tmp_path / "none.npy", "-o", tmp_path / "u.npz").sentence
    assert missing.endswith("none.npy: there is no such file")


def test_a_summary_of_pytorch_speaks_its_words(run: Run) -> None:
    out = run("summary", FOLDER / "tagger.pt").out
    assert "Linear" in out
    assert "Dense" not in out
    assert "RNN " in run("summary", FOLDER / "rnn_relu.pt").out.partition("SimpleRNN ·")[0]


@pytest.mark.parametrize("command", ["summary", "trace"])
def test_an_answer_without_a_question(run: Run, command: str) -> None:
    outcome = run(command, "--activation", "relu", *(["-o", "x.npz"] if command == "trace" else []))
    assert outcome.code == 2
    assert "--activation goes with MODEL" in outcome.err


def test_an_activation_that_there_is_not(run: Run) -> None:
    sentence = run("summary", WEIGHTS, "--activation", "os.mkdir\x1b").sentence
    assert "activation: expected one of" in sentence


def test_trace_says_it_on_standard_error(run: Run, tmp_path: Any) -> None:
    outcome = run("trace", case("keras3/lstm3.keras").path, "-o", tmp_path / "t.npz")
    assert outcome.code == 0
    (line,) = outcome.err.splitlines()
    assert "no --input is given: the model reads counting to 4 in steps of 1/3" in line
    outcome = run("trace", WEIGHTS, "-o", tmp_path / "u.npz")
    assert "taken tanh; --activation says otherwise" in outcome.err


def test_a_file_that_is_no_model_ends_with_one_line(run: Run, tmp_path: Any) -> None:
    (tmp_path / "m.keras").write_bytes(b"PK\x03\x04" + bytes(100))
    assert "m.keras: the zip archive is damaged" in run("summary", tmp_path / "m.keras").sentence


def test_there_is_an_option_for_each_question() -> None:
    assert sorted(CHOICE_NAMES) == sorted(Choices.__dataclass_fields__)
