"""`--example`: the list of the built-in examples, and each of them in every command that takes one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from unrolled_tui.commands.request import EXAMPLES, FRESH_EXAMPLES, Request
from unrolled_tui.commands.subject import subject
from unrolled_tui.examples import trained

Run = Callable[..., Any]
TRAINED = [name for name in EXAMPLES if name not in FRESH_EXAMPLES]


@pytest.mark.parametrize(
    "line",
    [
        ("--example",),
        ("--example", "--at", 3),
        ("--units", 4, "--example"),
        ("screenshot", "--example"),
        ("trace", "--example"),
        ("summary", "--example"),
    ],
)
def test_without_a_name_it_lists_them(run: Run, line: tuple[object, ...]) -> None:
    outcome = run(*line)
    assert (outcome.code, outcome.err) == (0, "")
    lines = outcome.out.splitlines()
    assert [line.split()[0] for line in lines] == [*EXAMPLES]
    assert max(map(len, lines)) <= 80
    assert outcome.out.isascii()


@pytest.mark.parametrize("command", [(), ("screenshot", "-o", "x.svg"), ("trace", "-o", "x.csv"), ("summary",)])
def test_an_unknown_name_gets_the_known_ones(run: Run, command: tuple[str, ...]) -> None:
    outcome = run(*command, "--example", "bracket\x1b[2J")
    assert outcome.code == 2
    assert "'brackets', 'first', 'parity', 'units'" in outcome.err
    assert "\x1b" not in outcome.err


@pytest.mark.parametrize("name", TRAINED)
def test_a_trained_example_is_shown_from_where_one_says(name: str) -> None:
    request = Request(example=name, at=20, lens="ledger")
    session = subject(request).session(request)
    assert (session.t, session.lens, session.versus) == (19, 1, None)
    assert session.origin == f"example {name}"
    assert np.array_equal(session.sequence.values, trained(name).sequence.values)
    assert session.sequence.labels == tuple(session.sequence.tokens)


@pytest.mark.parametrize("name", TRAINED)
def test_screenshot_of_a_trained_example(run: Run, tmp_path: Path, name: str) -> None:
    assert run("screenshot", "--example", name, "--at", 5, "-o", tmp_path / "screen.svg").code == 0
    assert f"example&#160;{name}" in (tmp_path / "screen.svg").read_text("utf-8")


@pytest.mark.parametrize("name", TRAINED)
def test_trace_of_a_trained_example(run: Run, tmp_path: Path, name: str) -> None:
    assert run("trace", "--example", name, "-o", tmp_path / "out.npz").code == 0
    example = trained(name)
    assert np.array_equal(np.load(tmp_path / "out.npz")["c"], example.layer.trace(example.sequence.values).c)


def test_a_trace_is_of_one_layer(run: Run, tmp_path: Path) -> None:
    outcome = run("trace", "--example", "units", "-o", tmp_path / "out.npz")
    assert outcome.code == 2
    assert "--example units is two layers" in outcome.err
    assert not (tmp_path / "out.npz").exists()


def test_summary_of_examples(run: Run) -> None:
    brackets = run("summary", "--example", "brackets").out
    assert brackets.startswith("example brackets · 104 parameters\n")
    assert "LSTM · 3 units · 2 features · float32 · lstm · example brackets\n" in brackets
    both = run("summary", "--example", "units").out
    assert " = 12\n" in both
    assert " = 60\n" in both
    outcome = run("summary", "--example", "first", "model.npz")
    assert outcome.code == 2
    assert "goes without MODEL" in outcome.err


@pytest.mark.parametrize("command", [("trace", "-o", "x.csv"), ("summary",)])
def test_an_example_brings_its_own_layer(run: Run, command: tuple[str, ...]) -> None:
    outcome = run(*command, "--example", "first", "--units", 4)
    assert outcome.code == 2
    assert "--example brings its own layers" in outcome.err
