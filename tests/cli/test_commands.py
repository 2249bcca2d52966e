"""What the commands do when all is well."""

import io
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import unrolled
from unrolled import LSTM
from unrolled_tui.commands import COMMANDS

Run = Callable[..., Any]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.npz"
    weights: dict[str, Any] = LSTM.initialize(units=2, features=4, seed=3, dtype=np.float32).weights
    np.savez(path, **weights)
    return path


def test_version(run: Run) -> None:
    assert run("--version").out == f"unrolled {version('unrolled')}\n"


@pytest.mark.parametrize("command", [(), *((name,) for name in COMMANDS)])
def test_help_has_examples_and_fits_a_terminal(run: Run, command: tuple[str, ...]) -> None:
    for name in ("--help", "-h"):
        outcome = run(*command, name)
        assert outcome.code == 0
        assert "Examples:\n    unrolled" in outcome.out
        assert max(map(len, outcome.out.splitlines())) <= 100


def test_help_lists_the_commands(run: Run) -> None:
    out = run("--help").out
    assert all(f"  {name} " in out for name in COMMANDS)
    assert "--units" in out


SUMMARY = """\
LSTM · 3 units · 2 features · float64 · seed 7

                kernel  recurrent_kernel  bias  sum
                   2×3               3×3     3
i  input gate        6                 9     3   18
f  forget gate       6                 9     3   18
g  candidate         6                 9     3   18
o  output gate       6                 9     3   18
sum                 24                36    12   72

Keras          4·units·(features + units + 1) = 4·3·(2 + 3 + 1) = 72
"""


def test_summary(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LC_ALL", raising=False)
    outcome = run("summary", "--units", 3, "--features", 2)
    assert outcome.out.startswith(SUMMARY)
    assert "PyTorch, ONNX  4·units·(features + units + 2) = 4·3·(2 + 3 + 2) = 84\n" in outcome.out
    assert "two biases" in outcome.out
    assert (outcome.code, outcome.err) == (0, "")


@pytest.mark.parametrize(
    ("units", "features", "keras", "pytorch"),
    [(1, 1, 12, 16), (1, 2, 16, 20), (2, 1, 32, 40), (2, 2, 40, 48), (3, 1, 60, 72), (256, 4096, 4457472, 4458496)],
)
def test_summary_of_other_sizes(run: Run, units: int, features: int, keras: int, pytorch: int) -> None:
    out = run("summary", "--units", units, "--features", features).out
    assert f" = {keras}\n" in out
    assert f" = {pytorch}\n" in out


def test_summary_in_ascii(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C")
    out = run("summary").out
    assert out.isascii()
    assert "LSTM, 3 units, 1 feature, float64, seed 7" in out
    assert "4*units*(features + units + 1) = 4*3*(1 + 3 + 1) = 60" in out
    assert " 1x3 " in out


def test_summary_of_several_models(run: Run, model: Path) -> None:
    out = run("summary", model, model).out
    assert out.count("LSTM · 2 units · 4 features · float32 · model.npz") == 2
    assert out.count(" = 56\n") == 2
    assert "\n\nLSTM" in out


def test_summary_tells_of_the_models_that_can_be_read(run: Run, model: Path) -> None:
    outcome = run("summary", "missing.npz", model)
    assert outcome.sentence == "missing.npz: there is no such file"
    assert " = 56\n" in outcome.out


def test_summary_remarks_on_weights_that_are_not_finite(run: Run, tmp_path: Path) -> None:
    weights: dict[str, Any] = {**LSTM.initialize(1, 1, 7).weights, "bias": np.array([np.nan, 0, 0, 0])}
    np.savez(tmp_path / "m.npz", **weights)
    assert run("summary", tmp_path / "m.npz").out.endswith("\nm.npz: bias: 1 value is not finite: nan at [0]\n")


def test_summary_without_bias(run: Run, tmp_path: Path) -> None:
    layer = LSTM.initialize(3, 2, 7)
    np.savez(tmp_path / "m.npz", kernel=layer.kernel, recurrent_kernel=layer.recurrent_kernel)
    out = run("summary", tmp_path / "m.npz").out
    assert "4·3·(2 + 3) = 60\n" in out
    assert "sum                 24                36     0   60" in out


def test_trace_of_a_fresh_layer(run: Run, tmp_path: Path) -> None:
    np.save(tmp_path / "in.npy", np.arange(5.0))
    line = ("trace", "--units", 3, "--features", 1, "--seed", 7, "--input", tmp_path / "in.npy")
    outcome = run(*line, "-o", tmp_path / "out.npz")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == f"{tmp_path}/out.npz: x h c i f g o z_i z_f z_g z_o at 5 timesteps\n"
    arrays = np.load(tmp_path / "out.npz")
    trace = LSTM.initialize(3, 1, 7).trace(np.arange(5.0)[:, None])
    assert [*arrays] == ["x", "h", "c", "i", "f", "g", "o", "z_i", "z_f", "z_g", "z_o"]
    assert np.array_equal(arrays["h"], trace.h)
    assert arrays["x"].shape == (5, 1)
    first = (tmp_path / "out.npz").read_bytes()
    assert run(*line, "-o", tmp_path / "out.npz", "--force").code == 0
    assert (tmp_path / "out.npz").read_bytes() == first


def test_trace_defaults_are_the_example_of_the_stepper(run: Run, tmp_path: Path) -> None:
    assert run("trace", "-o", tmp_path / "out.npz").code == 0
    arrays = np.load(tmp_path / "out.npz")
    assert arrays["x"].tolist() == [[1.0], [2.0], [3.0], [4.0]]
    trace = LSTM.initialize(3, 1, 7).trace([[1.0], [2.0], [3.0], [4.0]])
    assert np.array_equal(arrays["c"], [step.c for step in trace])


def test_trace_of_a_model(run: Run, model: Path, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("1,2,3,4\n5,6,7,8\n")
    assert run("trace", model, "--input", tmp_path / "in.csv", "-o", tmp_path / "out.npz").code == 0
    arrays = np.load(tmp_path / "out.npz")
    assert arrays["h"].dtype == np.float32
    assert np.array_equal(arrays["h"], unrolled.load(model).layers[0].layer.trace(arrays["x"]).h)
    assert run("trace", model, "-o", tmp_path / "example.npz").code == 0
    assert np.load(tmp_path / "example.npz")["x"][-1].tolist() == [3.25, 3.5, 3.75, 4.0]


def test_trace_of_a_batch(run: Run, tmp_path: Path) -> None:
    np.save(tmp_path / "in.npy", np.zeros((6, 5, 2)))
    outcome = run("trace", "--input", tmp_path / "in.npy", "-o", tmp_path / "out.npz")
    assert outcome.out.endswith(" at 6 sequences of 5 timesteps\n")
    assert np.load(tmp_path / "out.npz")["h"].shape == (6, 5, 3)


def test_the_features_are_those_of_the_sequence(run: Run, tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("1 2 3\n")
    run("trace", "--input", tmp_path / "in.txt", "-o", tmp_path / "file.npz")
    assert np.load(tmp_path / "file.npz")["x"].tolist() == [[1.0, 2.0, 3.0]]
    run("trace", "--text", "hello", "--dtype", "float32", "-o", tmp_path / "text.npz")
    assert np.load(tmp_path / "text.npz")["x"].argmax(axis=1).tolist() == [1, 0, 2, 2, 3]
    assert np.load(tmp_path / "text.npz")["h"].dtype == np.float32


def test_text_for_a_model_of_as_many_features(run: Run, model: Path, tmp_path: Path) -> None:
    assert run("trace", model, "--text", "hello", "-o", tmp_path / "out.npz").code == 0
    assert run("trace", "--features", 4, "--text", "hello", "-o", tmp_path / "out.npz", "--force").code == 0


def test_trace_from_standard_input(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"1\n2\n")))
    run("trace", "--input", "-", "-o", tmp_path / "out.csv")
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 3


def test_trace_remarks_on_what_is_not_finite(run: Run, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("1\nnan\n")
    outcome = run("trace", "--input", tmp_path / "in.csv", "-o", tmp_path / "out.csv")
    assert outcome.code == 0
    assert outcome.err == "unrolled: in.csv: 1 value is not finite: nan at timestep 2, feature 1\n"


def test_a_long_trace_shows_its_progress_in_a_terminal(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.save(tmp_path / "in.npy", np.zeros(3000))
    monkeypatch.setattr("unrolled_tui.commands.trace._LONG_RUN", 9000)
    assert run("trace", "--input", tmp_path / "in.npy", "-o", tmp_path / "quiet.csv").err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    outcome = run("trace", "--input", tmp_path / "in.npy", "-o", tmp_path / "out.csv")
    assert "100%" in outcome.err
    assert (tmp_path / "out.csv").read_bytes() == (tmp_path / "quiet.csv").read_bytes()


def test_screenshot_is_the_same_whatever_the_environment_says(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = ("screenshot", "--size", "80x24", "--press", "right, right")
    outcome = run(*line, "-o", tmp_path / "a.svg")
    assert outcome.out == f"{tmp_path}/a.svg\n"
    for name, value in (("NO_COLOR", ""), ("TERM", "xterm"), ("COLORTERM", ""), ("LC_ALL", "C"), ("COLUMNS", "20")):
        monkeypatch.setenv(name, value)
    assert run(*line, "-o", tmp_path / "b.svg").code == 0
    first = (tmp_path / "a.svg").read_text()
    assert first.startswith("<svg")
    assert first == (tmp_path / "b.svg").read_text()


def test_screenshot_presses_keys(run: Run, tmp_path: Path) -> None:
    run("screenshot", "-o", tmp_path / "first.svg")
    run("screenshot", "--press", "right,right", "-o", tmp_path / "pressed.svg")
    run("screenshot", "--at", 3, "-o", tmp_path / "at.svg")
    first, pressed, at = ((tmp_path / f"{name}.svg").read_text() for name in ("first", "pressed", "at"))
    assert first != pressed
    assert at == pressed
