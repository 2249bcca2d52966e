"""A short run of tests/benchmarks/fuzz.py, and that it sees what it looks for."""

import importlib
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from tests.benchmarks import fuzz

from unrolled import ModelFileError, UnrolledError

COUNT = 300


def test_a_short_run() -> None:
    command = [sys.executable, fuzz.__file__, "--seed", "1", "--stop", str(COUNT), "--seconds", "200"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == (f"{COUNT} changed files were read, 0 findings\n", 0), done.stderr


def test_the_changes_reach_every_reader_and_do_not_all_end_at_the_first_byte(tmp_path: Path) -> None:
    each = fuzz.sources(tmp_path)
    read: Counter[str] = Counter()
    refused: set[str] = set()
    for number in range(COUNT):
        source, raw = fuzz.attempt(each, 1, number)
        assert raw == fuzz.attempt(each, 1, number)[1]
        path = tmp_path / source.name
        path.write_bytes(raw)
        ending = path.suffix
        try:
            source.read(str(path))
        except UnrolledError as error:
            refused.add(str(error).partition(": ")[2])
        else:
            read[ending] += 1
    assert {".keras", ".h5", ".pt", ".safetensors", ".onnx", ".npz"} <= read.keys()
    assert COUNT / 10 < read.total() < COUNT * 9 / 10
    assert len(refused) > 50


@pytest.fixture(scope="module")
def witness() -> fuzz.Witness:
    return fuzz.Witness()


def starts(path: str) -> None:
    subprocess.run([sys.executable, "-c", ""], check=True)
    raise ModelFileError(path)


def connects(_: str) -> None:
    with socket.socket() as one, suppress(OSError):  # nobody is there
        one.connect(("127.0.0.1", 1))


def runs(_: str) -> None:
    exec("1 + 1")  # noqa: S102 - that is what must be seen


def shows_escapes(path: str) -> None:
    raise ModelFileError(f"{path}: \x1b[2J")


def fails(path: str) -> None:
    raise KeyError(path)


@pytest.mark.parametrize(
    ("read", "seen"),
    [
        (lambda path: Path(path).write_text("x"), "open"),
        (lambda path: Path(path).with_name("other").write_text("x"), "open"),
        (lambda path: Path(path).with_name("another").read_bytes(), "open"),
        (lambda path: Path(path).unlink(), "os.remove"),
        (starts, "subprocess.Popen"),
        (connects, "socket."),
        (runs, "exec"),
        (shows_escapes, "not one printable line"),
        (fails, "KeyError"),
    ],
)
def test_it_sees(tmp_path: Path, witness: fuzz.Witness, read: Callable[[str], object], seen: str) -> None:
    path = tmp_path / "m.keras"
    path.write_bytes(b"x")
    path.with_name("another").write_bytes(b"x")
    assert seen in fuzz.judged(read, str(path), witness)


def test_it_sees_what_takes_too_long(tmp_path: Path, witness: fuzz.Witness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzz, "MOST_SECONDS", 0.01)
    (tmp_path / "m").write_bytes(b"x")
    assert fuzz.judged(lambda _: time.sleep(0.05), str(tmp_path / "m"), witness).startswith("took 0.1 s")


def test_it_sees_what_takes_much_memory(tmp_path: Path, witness: fuzz.Witness, monkeypatch: pytest.MonkeyPatch) -> None:
    held = iter([100 << 20, 500 << 20])
    monkeypatch.setattr(fuzz, "memory", lambda: next(held))
    assert fuzz.judged(lambda _: None, str(tmp_path / "m"), witness) == "took 400 MiB"


def test_the_memory_of_a_process_is_known() -> None:
    program = (  # the most that its parent has held counts too, on some systems
        "from tests.benchmarks.fuzz import memory; a = memory(); b = b'abcd' * ((a + (200 << 20)) // 4); "
        "print(memory() - a)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert int(done.stdout) > 100 << 20


def test_a_late_import_is_no_finding(tmp_path: Path, witness: fuzz.Witness) -> None:
    sys.modules.pop("colorsys", None)
    (tmp_path / "m").write_bytes(b"x")
    assert not fuzz.judged(lambda _: importlib.import_module("colorsys"), str(tmp_path / "m"), witness)


def test_what_is_right_is_no_finding(tmp_path: Path, witness: fuzz.Witness) -> None:
    path = tmp_path / "m"
    path.write_bytes(b"x")
    assert not fuzz.judged(lambda where: Path(where).read_bytes(), str(path), witness)


def test_a_process_that_dies_is_a_finding_and_the_next_goes_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As a fault in a library in C would end it."""
    program = tmp_path / "dies.py"
    program.write_text(
        "import json, os, sys\n"
        "first = int(next(each for each in sys.argv if each.startswith('--first')).partition('=')[2])\n"
        "for number in range(first, 4):\n"
        "    print(json.dumps([number, 'm.h5', None]), flush=True)\n"
        "    if number == 2: os.abort()\n"
        "    print(json.dumps([number, 'm.h5', '']), flush=True)\n"
    )
    monkeypatch.setattr(fuzz, "__file__", str(program))
    found = list(fuzz.watched(0, 0, 4, 60))
    assert found == [(0, "m.h5", ""), (1, "m.h5", ""), (2, "m.h5", "the process ended with code -6"), (3, "m.h5", "")]
