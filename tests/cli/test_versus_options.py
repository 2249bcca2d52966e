"""The options that say how to look, and what to put beside the layer."""

import re
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from unrolled import LSTM

Run = Callable[..., Any]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def save(path: Path, units: int = 3, features: int = 1, seed: int = 7, dtype: type = np.float64) -> None:
    weights: dict[str, Any] = LSTM.initialize(units, features, seed, dtype).weights
    np.savez(path, **weights)


def screen(run: Run, folder: Path, *arguments: object) -> str:
    """The text of the screen that a command line opens."""
    outcome = run("screenshot", *arguments, "--force", "-o", "screen.svg")
    assert (outcome.code, outcome.err) == (0, "")
    svg = (folder / "screen.svg").read_text("utf-8")
    return " ".join(unescape(" ".join(re.findall(r"<text[^>]*>([^<]*)</text>", svg))).split())


def test_the_example_is_what_its_options_are(run: Run, folder: Path) -> None:
    shown = screen(run, folder, "--example", "units")
    assert "LSTM(1) beside LSTM(3)" in shown
    assert "12 | 60" in shown
    assert shown == screen(run, folder, "--units", 1, "--versus-units", 3)
    assert shown != screen(run, folder, "--example", "units", "--at", 2)


@pytest.mark.parametrize(
    ("lens", "said"), [("units", "h ▕"), ("ledger", "weight × signal = product"), ("wiring", "12 + 12 + 24 + 12 =")]
)
def test_a_lens_to_begin_with(run: Run, folder: Path, lens: str, said: str) -> None:
    shown = screen(run, folder, "--lens", lens, "--size", "80x24")
    assert said in shown
    key = {"units": "1", "ledger": "2", "wiring": "3"}[lens]
    assert shown == screen(run, folder, "--press", key, "--size", "80x24")


def test_an_example_through_a_lens(run: Run, folder: Path) -> None:
    shown = screen(run, folder, "--example", "units", "--lens", "wiring")
    assert "4 + 4 +" in shown
    assert "12 + 12 +" in shown


def test_another_seed_beside(run: Run, folder: Path) -> None:
    shown = screen(run, folder, "--seed", 1, "--versus-seed", 2)
    assert "LSTM(3) beside LSTM(3)" in shown
    assert "seed 1" in shown
    assert "seed 2" in shown
    both = screen(run, folder, "--units", 2, "--seed", 1, "--versus-seed", 2, "--versus-units", 4)
    assert "LSTM(2) beside LSTM(4)" in both
    assert "seed 2" in both


def test_a_fresh_layer_beside_reads_the_same_features(run: Run, folder: Path) -> None:
    shown = screen(run, folder, "--text", "hello", "--versus-units", 1)
    assert "LSTM(3) beside LSTM(1) · 4 features" in shown


def test_the_cut_layer_beside(run: Run, folder: Path) -> None:
    save(folder / "model.npz", dtype=np.float32)
    for arguments in ((), ("model.npz",)):
        shown = screen(run, folder, *arguments, "--versus-cut", "--press", "d", "--at", 2)
        assert "wires cut" in shown
        assert "first less second" in shown


def test_two_files(run: Run, folder: Path) -> None:
    save(folder / "before.npz", seed=1)
    save(folder / "after.npz", seed=2)
    shown = screen(run, folder, "before.npz", "--versus", "after.npz", "--press", "d")
    assert "before.npz − after.npz" in shown
    assert "before.npz − before.npz" in screen(run, folder, "before.npz", "--versus", "before.npz", "--press", "d")
    assert "LSTM(5) beside LSTM(3)" in screen(run, folder, "--units", 5, "--versus", "after.npz")


def test_two_files_with_other_features(run: Run, folder: Path) -> None:
    save(folder / "one.npz", features=1)
    save(folder / "two.npz", features=2)
    sentence = run("screenshot", "one.npz", "--versus", "two.npz", "-o", "out.svg").sentence
    assert sentence == (
        "two.npz: expected as many features as the layer of one.npz has, 1, to read the same sequence, got 2"
    )
    assert not (folder / "out.svg").exists()


def test_a_file_that_cannot_be_read(run: Run, folder: Path) -> None:
    assert run("screenshot", "--versus", "no.npz", "-o", "out.svg").sentence == "no.npz: there is no such file"
    (folder / "bad.npz").write_text("no archive")
    assert run("screenshot", "--versus", "bad.npz", "-o", "out.svg").sentence.startswith("bad.npz: ")
    assert not (folder / "out.svg").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--versus-units", "0"), "units: expected a number from 1 to 65,536, got 0"),
        (("--versus-seed", "-1"), "seed: expected 0 or more, got -1"),
    ],
)
def test_a_second_layer_that_cannot_be(run: Run, folder: Path, arguments: tuple[str, ...], sentence: str) -> None:
    assert run("screenshot", *arguments, "-o", "out.svg").sentence == sentence
    assert not (folder / "out.svg").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--versus", "m.npz", "--versus-units", "3"), "each name a second layer"),
        (("--versus", "m.npz", "--versus-seed", "3"), "each name a second layer"),
        (("--versus", "m.npz", "--versus-cut"), "each name a second layer"),
        (("--versus-cut", "--versus-units", "3"), "each name a second layer"),
        (("m.npz", "--versus-units", "3"), "use --versus beside a MODEL"),
        (("m.npz", "--versus-seed", "3"), "use --versus beside a MODEL"),
        (("--example", "units", "--units", "4"), "goes with --at, --lens and --marks only"),
        (("--example", "units", "--text", "hello"), "goes with --at, --lens and --marks only"),
        (("--example", "units", "--versus-cut"), "goes with --at, --lens and --marks only"),
        (("--example", "units", "m.npz"), "goes with --at, --lens and --marks only"),
        (("--layer", "lstm"), "--layer goes with MODEL"),
        (("--batch-size", "2"), "--batch-size goes with MODEL"),
        (("--verify", "numbers.npz"), "--verify goes with MODEL"),
        (("--example", "unit"), "'unit' is not"),
        (("--lens", "space"), "'space' is not one of"),
    ],
)
def test_options_that_do_not_go_together(run: Run, folder: Path, arguments: tuple[str, ...], said: str) -> None:
    outcome = run("screenshot", *arguments, "-o", "out.svg")
    assert outcome.code == 2
    assert said in " ".join(outcome.err.split())
    assert not (folder / "out.svg").exists()


@pytest.mark.parametrize("name", ["example", "versus", "versus-units", "versus-seed", "versus-cut", "lens"])
@pytest.mark.parametrize("command", [(), ("screenshot",)])
def test_the_help_names_them(run: Run, command: tuple[str, ...], name: str) -> None:
    assert f"--{name} " in run(*command, "--help").out
