"""A served session writes nothing and reads nothing: not by any key, nor by any command of the palette."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.tui.terminal import UNROLLED, Terminal

from unrolled import LSTM
from unrolled_tui.bindings import STEPPER_BINDINGS
from unrolled_tui.marks import Marks, Note, marks_as_json

AUDITED = Path(__file__).with_name("audited.py")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty folder beside those with the model, its input and marks."""
    layer = LSTM.initialize(3, 2, seed=1)
    weights = {name: getattr(layer, name) for name in ("kernel", "recurrent_kernel", "bias")}
    np.savez(tmp_path / "model.npz", **weights)
    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(size=(3, 40, 2)))
    (tmp_path / "marks.json").write_bytes(marks_as_json(Marks((4,), (Note(0, 1, "counts"),))))
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


def use(whose: str, home: Path) -> dict[str, Any]:
    """What a session does in which everything is used."""
    files = [str(home.parent / name) for name in ("model.npz", "x.npy", "marks.json")]
    done = subprocess.run(
        [sys.executable, "-B", str(AUDITED), whose, *files],
        cwd=home,
        env={**os.environ, "HOME": str(home), "XDG_DOWNLOAD_DIR": str(home)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_a_served_session_touches_no_file(home: Path) -> None:
    told = use("served", home)
    assert told["noted"] == []
    assert [*home.iterdir()] == []
    keys = [key for each in STEPPER_BINDINGS for key in each.key.split(",")]
    assert told["used"][: len(keys)] == keys
    assert {"Theme", "Keys", "Quit", "Follow", "Bookmarks and notes"} < {*told["used"]}


def test_the_same_in_a_session_of_ones_own_is_noticed(home: Path) -> None:
    noted = " ".join(use("own", home)["noted"])
    for name in ("x.csv", "x.json", ".svg"):
        assert name in noted


def test_an_option_takes_the_keys_for_files_away() -> None:
    with Terminal([UNROLLED, "--no-files"], 120, 60) as terminal:
        terminal.see("unit 1", "quit")
        terminal.press("e")
        terminal.press("?")
        terminal.see("Play, or pause")
        assert "Export" not in terminal.text
        terminal.press("?")
        terminal.press("M")
        terminal.see("bookmarks and notes", "enter go there")
        assert "to a file" not in terminal.text
        assert "Export" not in terminal.text
