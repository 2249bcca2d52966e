"""A user's mistake gets one printable sentence on standard error and exit code 1; wrong usage gets 2."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from unrolled import LSTM
from unrolled_tui.terminal import TerminalError, require_keyboard, require_terminal

Run = Callable[..., Any]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, "in.csv: there is no such file"),
        ("", "in.csv: the file is empty"),
        ("1,2\n3\n", "in.csv: line 2: expected 2 values as in line 1, got 1"),
        ("1\nx\x1b[2J\n", r'in.csv: line 2, column 1: expected a number, got "x\x1b[2J"'),
        ("1,2\n", "in.csv: expected 1 feature per timestep, got 2: shape (1, 2); each line is one timestep"),
        ("name\n", "in.csv: expected one timestep or more, got shape (0, 1)"),
    ],
)
def test_a_sequence_that_cannot_be_read(run: Run, folder: Path, content: str | None, expected: str) -> None:
    if content is not None:
        (folder / "in.csv").write_text(content)
    assert run("trace", "--features", 1, "--input", "in.csv", "-o", "out.csv").sentence == expected
    assert not (folder / "out.csv").exists()


def test_files_that_are_none(run: Run, folder: Path) -> None:
    os.mkfifo(folder / "pipe.npz")
    for name, kind in ((".", "a directory"), ("pipe.npz", "a pipe"), ("/dev/zero", "a device")):
        assert run("summary", name).sentence == f"{name}: expected a file, got {kind}"
        assert run("trace", "--input", name, "-o", "out.csv").sentence == f"{name}: expected a file, got {kind}"


def test_pickled_objects_are_never_loaded(run: Run, folder: Path) -> None:
    class Trap:
        def __reduce__(self) -> Any:
            return os.mkdir, ("trapped",)

    np.save("in.npy", np.array([Trap()], dtype=object))
    np.savez("in.npz", kernel=np.array([Trap()], dtype=object))
    assert "never loaded" in run("trace", "--input", "in.npy", "-o", "out.csv").sentence
    assert "never loaded" in run("summary", "in.npz").sentence
    assert not (folder / "trapped").exists()


def test_control_characters_in_names_are_shown(run: Run, folder: Path) -> None:
    assert run("summary", "m\x1b]0;x\x07\n.npz").sentence == r"m\x1b]0;x\x07\n.npz: there is no such file"
    assert run("trace", "-o", "\x1b[2J/out.csv").sentence.startswith(r"\x1b[2J/out.csv: cannot be written")
    assert run("trace", "-o", "t\x1b[2J.csv").out.startswith(r"t\x1b[2J.csv: x h c")
    assert [*folder.iterdir()] == [folder / "t\x1b[2J.csv"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--units", "0"), "units: expected a number from 1 to 65,536, got 0"),
        (("--units", "-3"), "units: expected a number from 1 to 65,536, got -3"),
        (("--units", "1000000"), "units: expected a number from 1 to 65,536, got 1,000,000"),
        (("--units", "60000"), "units: expected weights of at most 1 GiB, got 107.3 GiB for 60,000 units"),
        (("--features", "0"), "features: expected a number from 1 to 65,536, got 0"),
        (("--seed", "-1"), "seed: expected 0 or more, got -1"),
    ],
)
def test_sizes_that_cannot_be(run: Run, arguments: tuple[str, ...], expected: str) -> None:
    assert run("summary", *arguments).sentence.startswith(expected)


def test_sequences_that_do_not_fit(run: Run, folder: Path) -> None:
    weights: dict[str, Any] = LSTM.initialize(2, 3, 1).weights
    np.savez(folder / "m.npz", **weights)
    np.save(folder / "flat.npy", np.zeros(12))
    np.save(folder / "batch.npy", np.zeros((4, 5, 3)))
    trace = ("trace", "-o", "out.csv", "m.npz")
    assert run(*trace, "--input", "flat.npy").sentence.endswith("use x.reshape(-1, 3) for 4 timesteps")
    assert run(*trace, "--text", "hello").sentence.startswith("--text: expected 3 distinct characters")
    assert run(*trace, "--text", "").sentence == "text: expected one character or more, got none"
    assert run("trace", "--features", 0, "-o", "out.csv").sentence == "features: expected 1 or more, got 0"
    sentence = run("screenshot", "-o", "out.svg", "m.npz", "--input", "batch.npy", "--row", 5).sentence
    assert sentence == "--row: expected 1 to 4, got 5"


@pytest.mark.parametrize("at", [0, -1, 5, 10**30])
def test_at_outside_of_the_sequence(run: Run, folder: Path, at: int) -> None:
    sentence = run("screenshot", "--at", at, "-o", "out.svg").sentence
    assert sentence == f"timestep: expected 1 to 4, got {at}"
    assert not (folder / "out.svg").exists()


def test_an_output_that_exists_is_kept(run: Run, folder: Path) -> None:
    for command, name in (("trace", "out.csv"), ("screenshot", "out.svg")):
        (folder / name).write_text("mine")
        assert run(command, "-o", name).sentence == f"{name}: exists already and was kept (use --force, or force=True)"
        assert (folder / name).read_text() == "mine"
        assert run(command, "-o", name, "--force").code == 0
        assert (folder / name).read_text() != "mine"


def test_an_output_that_cannot_be_written(run: Run, folder: Path) -> None:
    (folder / "folder.csv").mkdir()
    assert run("trace", "-o", "a/b.csv").sentence == "a/b.csv: cannot be written: No such file or directory"
    assert run("trace", "-o", "folder.csv", "--force").sentence.endswith("got a directory or a device")
    assert (
        run("trace", "-o", "out.xlsx").sentence == "out.xlsx: expected the extension .npz or .csv or .jsonl, got .xlsx"
    )
    assert run("screenshot", "-o", "out.png").sentence == "out.png: expected the extension .svg, got .png"


@pytest.mark.parametrize("size", ["", "120", "0x40", "120x0", "1e3x4", "99999x9", "-1x5", "12\x1bx4"])
def test_a_size_that_cannot_be_drawn(run: Run, folder: Path, size: str) -> None:
    assert run("screenshot", "--size", size, "-o", "out.svg").sentence.startswith("--size: expected columns and lines")
    assert not [*folder.iterdir()]


@pytest.mark.parametrize("keys", ["rigth", "right,,left", "hyper+a", "ctrl+", "\x1b"])
def test_keys_that_there_are_none(run: Run, folder: Path, keys: str) -> None:
    assert run("screenshot", "--press", keys, "-o", "out.svg").sentence.startswith(
        "--press: expected the name of a key"
    )
    assert not [*folder.iterdir()]


def test_a_key_that_ends_the_app(run: Run, folder: Path) -> None:
    assert run("screenshot", "--press", "q,right", "-o", "out.svg").sentence.startswith("--press: q ended the app")
    assert not [*folder.iterdir()]


@pytest.mark.parametrize(
    "arguments",
    [
        ("--units", "three"),
        ("--colour",),
        ("summary", "m.npz", "--units", "3"),
        ("summary", "m.npz", "--dtype", "float32"),
        ("trace", "m.npz", "--seed", "3", "-o", "out.csv"),
        ("m.npz", "--features", "3"),
        ("trace",),
        ("trace", "--input", "a.csv", "--text", "a", "-o", "out.csv"),
        ("summary", "--dtype", "int8"),
        ("one.npz", "two.npz"),
        ("summary", "--\x1b[2J"),
    ],
)
def test_wrong_usage(run: Run, arguments: tuple[str, ...]) -> None:
    outcome = run(*arguments)
    assert outcome.code == 2
    assert outcome.out == ""
    assert outcome.err.startswith("Usage: unrolled")
    assert all(line.isprintable() for line in outcome.err.splitlines())


class Terminal:
    """Standard output, or whatever, that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("arguments", [(), ("--units", "2")])
def test_the_stepper_without_a_terminal(run: Run, arguments: tuple[str, ...]) -> None:
    assert run(*arguments).sentence == (
        "the stepper needs a terminal, and standard output is none: use unrolled screenshot or unrolled trace"
    )


def test_a_terminal_that_cannot_draw_or_be_typed_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    require_terminal()
    monkeypatch.setenv("TERM", "dumb")
    with pytest.raises(TerminalError, match="TERM is dumb"):
        require_terminal()
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(TerminalError, match="standard input is no terminal"):
        require_keyboard(may_reopen=False)
    monkeypatch.setattr(os, "open", lambda *_: (_ for _ in ()).throw(OSError("no tty")))
    with pytest.raises(TerminalError, match="there is no terminal to read it"):
        require_keyboard(may_reopen=True)
    monkeypatch.setattr(sys, "stdin", Terminal())
    require_keyboard(may_reopen=False)
