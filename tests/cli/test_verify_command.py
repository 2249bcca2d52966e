"""`unrolled verify`, and the watchdog over the readers that it uses."""

import io
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.formats.keras_models import case
from tests.formats.torch_models import case as torch_case

import unrolled
from unrolled import Choices, ModelFileError
from unrolled_tui import cli
from unrolled_tui.commands import verify as verify_command
from unrolled_tui.commands import watchdog
from unrolled_tui.commands.watchdog import ended_after, load_in_time

Run = Callable[..., Any]
LSTM = case("keras3/lstm3.keras")


@pytest.fixture
def numbers(tmp_path: Path) -> Path:
    path = tmp_path / "numbers.npz"
    np.savez(path, x=LSTM.expected["x"], y=LSTM.expected["y"])
    return path


def test_they_agree(run: Run, numbers: Path) -> None:
    outcome = run("verify", LSTM.path, numbers)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.startswith("lstm3.keras agrees with numbers.npz to ")
    assert outcome.out.endswith(": 36 numbers of y (tolerance 1e-06)\n")


def test_they_part_and_the_doctor_names_the_order(run: Run, numbers: Path, tmp_path: Path) -> None:
    layer = unrolled.load(LSTM.path).layers[0].layer
    weights: dict[str, Any] = {
        name: np.concatenate([np.split(array, 4, -1)[place] for place in (0, 3, 1, 2)], -1)
        for name, array in layer.weights.items()
    }
    np.savez(tmp_path / "model.npz", **weights)
    outcome = run("verify", tmp_path / "model.npz", numbers)
    where, told, *rest = outcome.out.splitlines()
    assert (outcome.code, rest) == (1, [])
    assert "taken sigmoid; --recurrent-activation says otherwise" in outcome.err
    assert where.startswith("model.npz parts from numbers.npz at lstm, unit ")
    assert ", timestep 1, sample 1: y is " in where
    assert told.startswith("they agree to ")
    assert told.endswith("if in lstm the gate blocks stand in the order i, o, f, g (ONNX's iofc), not i, f, g, o")


def test_nothing_explains_it(run: Run, numbers: Path) -> None:
    np.savez(numbers, x=LSTM.expected["x"], y=LSTM.expected["y"][:, ::-1] * 3)
    outcome = run("verify", LSTM.path, numbers)
    assert outcome.code == 1
    assert "common mistakes explains it" in outcome.out


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("after", "kind", "is_shown"), [(0.0, Terminal, True), (60.0, Terminal, False), (0.0, io.StringIO, False)]
)
def test_progress_is_shown_in_front_of_somebody_once_it_takes_long(
    monkeypatch: pytest.MonkeyPatch, numbers: Path, after: float, kind: type[io.StringIO], is_shown: bool
) -> None:
    np.savez(numbers, x=LSTM.expected["x"], y=LSTM.expected["y"][:, ::-1] * 3)
    stderr, stdout = kind(), io.StringIO()
    monkeypatch.setattr(verify_command, "_LONG", after)
    monkeypatch.setattr("sys.stderr", stderr)
    monkeypatch.setattr("sys.stdout", stdout)
    assert cli.run(["verify", str(LSTM.path), str(numbers)]) == 1
    assert ("mistakes tried" in stderr.getvalue()) is is_shown
    assert "common mistakes explains it" in stdout.getvalue()


def test_what_the_user_says_of_the_model_counts(run: Run, numbers: Path) -> None:
    one = torch_case("lstm4.pt")
    x, y = (np.swapaxes(one.expected[name], 0, 1) for name in ("x", "y"))
    np.savez(numbers, x=x, y=y)
    assert "the arrays are (T, batch" in run("verify", one.path, numbers).out
    assert run("verify", one.path, numbers, "--no-batch-first").code == 0


def test_an_array_that_is_not_known_is_told(run: Run, numbers: Path) -> None:
    others: dict[str, Any] = {f"z{number}": np.zeros(3) for number in range(7)}
    np.savez(numbers, x=LSTM.expected["x"], y=LSTM.expected["y"], **others)
    err = run("verify", LSTM.path, numbers).err
    assert err.endswith("such a name: z0, z1, z2, z3, z4, z5 and 1 more\n")
    assert err.count("\n") == 1
    np.savez(numbers, x=LSTM.expected["x"], y=LSTM.expected["y"], other=np.zeros(3))
    outcome = run("verify", LSTM.path, numbers)
    assert outcome.code == 0
    assert "not compared, as nothing of the model has such a name: other" in outcome.err


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("n.npz", b"", "the file is empty"),
        ("n.npz", b"PNG", "expected a .npz archive"),
        ("none.npz", None, "there is no such file"),
    ],
)
def test_numbers_that_cannot_be_read(run: Run, tmp_path: Path, name: str, content: bytes | None, sentence: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    assert f"{name}: {sentence}" in run("verify", LSTM.path, tmp_path / name).sentence


def test_usage(run: Run, numbers: Path) -> None:
    assert run("verify", LSTM.path).code == 2
    assert run("verify", LSTM.path, numbers, "--tolerance", "much").code == 2
    assert run("verify", LSTM.path, numbers, "--tolerance", "1e-12").code == 1
    assert "layer: expected one of lstm_1" in run("verify", LSTM.path, numbers, "--layer", "x").sentence
    assert "unrolled verify model.keras numbers.npz" in run("verify", "--help").out


# The watchdog.


def hung(*_: object) -> None:
    while True:  # as a reader in Python that goes round in circles, and takes every error for one of the file's
        try:
            time.sleep(0.001)
        except Exception:  # noqa: S112 - what a library may do
            continue


def test_a_reader_that_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unrolled, "load", hung, raising=False)
    before, begin = signal.getsignal(signal.SIGINT), time.monotonic()
    with pytest.raises(ModelFileError, match=r"m\.keras: took more than 0\.1 s to read, and was given up"):
        load_in_time("m.keras", Choices(), 0.1)
    assert time.monotonic() - begin < 5
    assert signal.getsignal(signal.SIGINT) is before
    assert not [thread for thread in threading.enumerate() if thread.daemon and "_watch" in thread.name]


def test_a_reader_that_swallows_everything_is_interrupted_again(monkeypatch: pytest.MonkeyPatch) -> None:
    swallowed: list[BaseException] = []

    def swallows(*_: object) -> None:
        while len(swallowed) < 3:
            try:
                hung()
            except BaseException as error:  # the worst that a library may do
                swallowed.append(error)
        hung()

    monkeypatch.setattr(watchdog, "_AGAIN", 0.05)
    monkeypatch.setattr(unrolled, "load", swallows, raising=False)
    with pytest.raises(ModelFileError, match="took more than"):
        load_in_time("m.keras", Choices(), 0.05)
    assert len(swallowed) == 3


STUCK = """
import re, sys, time
import unrolled
from unrolled_tui import cli
from unrolled_tui import cli
from unrolled_tui.commands import verify as verify_command
from unrolled_tui.commands import watchdog
kind, path = sys.argv[1:]
calls = {
    "sleeps": lambda: time.sleep(100),
    "matches": lambda: re.match("(a+)+$", "a" * 60 + "b"),
}
unrolled.load = lambda *_: calls[kind]()
watchdog._AGAIN, watchdog._GRACE = 0.1, 0.5
watchdog.load_in_time.__defaults__ = (0.2,)
print("said before")
sys.exit(cli.run(["summary", path]))
"""


def test_a_call_into_c_that_does_not_end_ends_the_process_with_the_same_sentence() -> None:
    done = ended("sleeps")
    assert done.returncode == 1
    assert done.stdout == "said before\n"
    assert done.stderr == "unrolled: m.pt: took more than 0.2 s to read, and was given up\n"


def test_a_call_that_lets_no_other_thread_run_is_ended_too() -> None:
    done = ended("matches")
    assert done.returncode == 1
    assert done.stderr.startswith("Timeout (0:00:01")
    assert "Traceback" not in done.stderr


def ended(kind: str) -> "subprocess.CompletedProcess[str]":
    begin = time.monotonic()
    command = [sys.executable, "-c", STUCK, kind, "m.pt"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert time.monotonic() - begin < 30
    return done


def test_a_reader_in_time_is_left_alone() -> None:
    model = load_in_time(LSTM.path, Choices(), 30)
    assert model.layers[0].layer.units == 3
    with pytest.raises(ModelFileError, match="there is no such file"):
        load_in_time("none.keras", Choices(), 30)


def test_an_interruption_by_the_user_stays_one() -> None:
    with pytest.raises(KeyboardInterrupt), ended_after(30, "m.keras"):
        signal.raise_signal(signal.SIGINT)


def test_another_thread_reads_without_it() -> None:
    found: list[object] = []
    thread = threading.Thread(target=lambda: found.append(load_in_time(LSTM.path, Choices(), 30)))
    thread.start()
    thread.join()
    assert len(found) == 1
