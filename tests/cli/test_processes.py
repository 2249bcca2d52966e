"""What only a whole process shows: signals, pipes and exit codes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

UNROLLED = [sys.executable, "-m", "unrolled_tui.cli"]


def start(*arguments: str, **options: object) -> "subprocess.Popen[bytes]":
    # Popen has no type for options that are passed on.
    return subprocess.Popen([*UNROLLED, *arguments], **options)  # type: ignore[call-overload, no-any-return]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_trace_leaves_nothing_half_written(tmp_path: Path, number: int, code: int) -> None:
    np.save(tmp_path / "in.npy", np.zeros((50_000_000, 1), np.float32))
    (tmp_path / "out.csv").write_text("mine")
    process = start(
        "trace",
        "--dtype",
        "float32",
        "--input",
        "in.npy",
        "-o",
        "out.csv",
        "--force",
        cwd=tmp_path,
        stderr=subprocess.PIPE,
    )
    deadline = time.monotonic() + 30
    while not [*tmp_path.glob(".unrolled-*")] and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (code, b"")
    assert (tmp_path / "out.csv").read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.npy", "out.csv"]


def test_a_closed_pipe_ends_quietly() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    process = start("summary", stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (141, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device here")
def test_a_full_disk_gets_one_sentence() -> None:
    with Path("/dev/full").open("wb") as full:
        process = start("summary", stdout=full, stderr=subprocess.PIPE)
        _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (1, b"unrolled: cannot be written: No space left on device\n")


def test_the_stepper_with_its_output_in_a_file(tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb") as out:
        process = start(stdout=out, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert err.startswith(b"unrolled: the stepper needs a terminal, and standard output is none")
    assert (tmp_path / "out").read_bytes() == b""
