"""Bytes changed at random, over every reader of files: `python tests/benchmarks/fuzz.py [--seconds 180] [--seed 0]`.

The files are those in tests/formats/models and some of each other kind. They are read in a process of their own, which
is started again if it dies; each change comes from the seed and its number, so that `--seed 0 --first 123 --stop 124`
makes a finding again. What counts as one: an error that is none of ours, or is told in more than a line of printable
characters; more than 5 s; more than 300 MiB; a file opened for writing, or any but the one that is read; a process
started, a connection, code that is run.
"""

import argparse
import faulthandler
import io
import json
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from unrolled import Choices, UnrolledError, read_sequence
from unrolled.text import printable
from unrolled.verify import read_arrays
from unrolled.vocabulary import read_vocabulary
from unrolled_tui.commands.watchdog import load_in_time
from unrolled_tui.marks import read_marks

try:
    import resource
except ImportError:  # on Windows
    memory: Callable[[], int] = lambda: 0  # noqa: E731 - one of two
else:

    def memory() -> int:
        """The most bytes that this process has held."""
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


MODELS = Path(__file__).parents[1] / "formats" / "models"
MOST_SECONDS, MOST_BYTES = 5.0, 300 << 20
LONGEST = 60.0
"""A process that says nothing for so long has hung where no watchdog reaches."""

FORBIDDEN = ("exec", "socket.", "subprocess.", "os.", "shutil.", "ctypes.", "pty.", "webbrowser.", "ftplib.", "urllib.")
HARMLESS = ("os.listdir", "os.scandir", "os.walk", "os.fwalk", "os.putenv", "os.unsetenv")

Read = Callable[[str], object]


@dataclass(frozen=True)
class Source:
    """A file to change, and what reads it."""

    name: str
    raw: bytes
    read: Read


def sources(folder: Path) -> list[Source]:
    """Every kind of file, as small as they come."""
    paths = [path for path in sorted(MODELS.glob("*/*")) if not path.name.endswith((".expected.npz", ".data"))]
    found = [Source(path.name, path.read_bytes(), load) for path in paths]
    x, h = np.zeros((3, 2)), np.ones((3, 4), np.float32)
    np.savez(folder / "numbers.npz", x=x, h=h)
    np.savez_compressed(folder / "packed.npz", x=x)
    np.save(folder / "x.npy", x)
    marks = {"version": 1, "bookmarks": [1, 3], "notes": []}
    texts = {
        "x.csv": "a,b\n1,-2.5e3\n3,nan\n",
        "x.jsonl": "[1, -2.5e3]\n[3, NaN]\n",
        "x.txt": "1 2\n3 4\n",
        "words.json": json.dumps({"<pad>": 0, "the": 1, "cat": 2}),
        "words.txt": "<pad>\nthe\ncat\n",
        "marks.json": json.dumps(marks),
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
    others: list[tuple[str, Read]] = [("numbers.npz", read_arrays), ("words.json", read_vocabulary)]
    others += [("words.txt", read_vocabulary), ("marks.json", lambda path: read_marks(path, 4, [3]))]
    others += [(name, read_sequence) for name in ("numbers.npz", "packed.npz", "x.npy", "x.csv", "x.jsonl", "x.txt")]
    return [*found, *(Source(name, (folder / name).read_bytes(), read) for name, read in others)]


def load(path: str) -> object:
    """A model, in time."""
    return load_in_time(path, Choices(), 2 * MOST_SECONDS)


# What is changed.


def changed(raw: bytes, chance: np.random.Generator) -> bytes:
    """The file with some of its bytes changed, or those of a member of an archive, whose CRC is right again."""
    if raw.startswith(b"PK") and chance.random() < 0.6:
        return _in_member(raw, chance)
    return mutated(raw, chance)


def mutated(raw: bytes, chance: np.random.Generator) -> bytes:
    """Bytes with one to four changes."""
    data = bytearray(raw)
    for _ in range(int(chance.integers(1, 5))):
        if data:
            CHANGES[int(chance.integers(len(CHANGES)))](data, chance)
    return bytes(data)


def _at(data: bytearray, chance: np.random.Generator) -> int:
    """A place: near the beginning, where headers are, every other time."""
    return int(chance.integers(len(data) if chance.random() < 0.5 else min(len(data), 512)))


def _byte(data: bytearray, chance: np.random.Generator) -> None:
    data[_at(data, chance)] = int(chance.choice([0, 1, 0x7F, 0x80, 0xFF, int(chance.integers(256))]))


def _bit(data: bytearray, chance: np.random.Generator) -> None:
    data[_at(data, chance)] ^= 1 << int(chance.integers(8))


def _number(data: bytearray, chance: np.random.Generator) -> None:
    at, size = _at(data, chance), int(chance.choice([2, 4, 8]))
    value = int(chance.choice([-1, 0, 1, 2**15 - 1, 2**31 - 1, 2**40, 2**63 - 1])) & (256**size - 1)
    data[at : at + size] = value.to_bytes(size, "little")


def _digits(data: bytearray, chance: np.random.Generator) -> None:
    """A number that is written in digits, if there is one near."""
    at = next((at for at in range(_at(data, chance), len(data)) if 48 <= data[at] < 58), None)
    if at is not None:
        data[at : at + 1] = bytes(chance.choice([b"-1", b"1e9", b"99999999999", b"0", b"null"]))


def _cut(data: bytearray, chance: np.random.Generator) -> None:
    del data[_at(data, chance) :]


def _remove(data: bytearray, chance: np.random.Generator) -> None:
    at = _at(data, chance)
    del data[at : at + int(chance.integers(1, 64))]


def _repeat(data: bytearray, chance: np.random.Generator) -> None:
    at, size = _at(data, chance), int(chance.integers(1, 256))
    data[at:at] = data[at : at + size] * int(chance.choice([1, 2, 50]))


def _move(data: bytearray, chance: np.random.Generator) -> None:
    at, to, size = _at(data, chance), _at(data, chance), int(chance.integers(1, 64))
    data[to : to + size] = data[at : at + size]


CHANGES = (_byte, _byte, _bit, _bit, _number, _digits, _cut, _remove, _repeat, _move)


def _in_member(raw: bytes, chance: np.random.Generator) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as archive, zipfile.ZipFile(out, "w") as copy:
        names = archive.namelist()
        victim = names[int(chance.integers(len(names)))]
        for name in names:
            data = archive.read(name)
            copy.writestr(zipfile.ZipInfo(name), mutated(data, chance) if name == victim else data)
    return out.getvalue()


# What is seen.


class Witness:
    """Sees what Python itself does meanwhile: https://docs.python.org/3/library/audit_events.html."""

    def __init__(self) -> None:
        self.allowed: tuple[str, ...] | None = None
        self.seen: list[str] = []
        sys.addaudithook(self._hook)

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.allowed is None:
            return
        if event == "open":
            path, mode, flags = arguments
            writes = (isinstance(mode, str) and set(mode) & set("wax+")) or flags & (os.O_WRONLY | os.O_RDWR)
            if writes or not str(path).startswith(self.allowed):
                self.seen.append(f"open {path!r} {mode!r}")
        elif event == "exec" and str(arguments[0].co_filename).startswith(self.allowed[1:]):
            return  # an installed module, which is imported late
        elif event.startswith(FORBIDDEN) and event not in HARMLESS:
            self.seen.append(f"{event} {arguments!r}")


def judged(read: Read, path: str, witness: Witness) -> str:
    """What is wrong with the way in which the file is read; nothing, as it should be."""
    begin, before = time.monotonic(), memory()
    witness.seen.clear()
    witness.allowed = (path, *filter(None, sys.path[1:]), sys.base_prefix)
    found = ""
    try:
        read(path)
    except UnrolledError as error:
        found = "" if str(error).isprintable() and len(str(error)) < 1500 else f"not one printable line: {error!r}"
    except Exception as error:  # that is what is looked for
        found = f"{type(error).__name__}: {error}"
    finally:
        witness.allowed = None
    seconds, grown = time.monotonic() - begin, memory() - before
    if seconds > MOST_SECONDS:
        found = found or f"took {seconds:.1f} s"
    if grown > MOST_BYTES:
        found = found or f"took {grown >> 20} MiB"
    return found or "; ".join(witness.seen[:3])


def attempt(each: list[Source], seed: int, number: int) -> tuple[Source, bytes]:
    """Change number `number`: always the same for a seed. Each kind of file has its turn as often as any other."""
    chance = np.random.default_rng((seed, number))
    endings = sorted({Path(one.name).suffix for one in each})
    ending = endings[int(chance.integers(len(endings)))]
    those = [one for one in each if one.name.endswith(ending)]
    source = those[int(chance.integers(len(those)))]
    return source, changed(source.raw, chance)


def work(seed: int, first: int, stop: int, seconds: float, folder: Path) -> None:
    """Reads one change after the other, and tells each on standard output: its number, and what is wrong."""
    each, witness, end = sources(folder), Witness(), time.monotonic() + seconds
    for source in each:  # what is imported late is imported now
        with suppress(UnrolledError):  # some files are there to be refused
            source.read(_written(source.name, source.raw, folder))
    for number in range(first, stop):
        if time.monotonic() > end:
            break
        faulthandler.dump_traceback_later(LONGEST, exit=True)
        source, raw = attempt(each, seed, number)
        print(json.dumps([number, source.name, None]), flush=True)
        wrong = judged(source.read, _written(source.name, raw, folder), witness)
        print(json.dumps([number, source.name, wrong]), flush=True)
    faulthandler.cancel_dump_traceback_later()


def _written(name: str, raw: bytes, folder: Path) -> str:
    path = folder / name
    path.write_bytes(raw)
    return str(path)


def watched(seed: int, first: int, stop: int, seconds: float) -> Iterator[tuple[int, str, str]]:
    """Every change that was read: its number, the file, and what is wrong if anything is. A dead process is."""
    end = time.monotonic() + seconds
    while first < stop and time.monotonic() < end:
        with tempfile.TemporaryDirectory() as folder:
            options = {"seed": seed, "first": first, "stop": stop, "seconds": end - time.monotonic(), "work": folder}
            command = [sys.executable, __file__, *(f"--{name}={value}" for name, value in options.items())]
            name = "?"
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
                assert process.stdout is not None
                for line in process.stdout:
                    first, name, wrong = json.loads(line)
                    if wrong is not None:
                        yield first, name, wrong
                        first += 1
            if not process.returncode:
                return
            yield first, name, f"the process ended with code {process.returncode}"
            first += 1


def main() -> int:
    """Reads as many changes as there is time for, tells what was found, and returns how many findings there are."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=180)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="the number of the first change")
    parser.add_argument("--stop", type=int, default=1 << 40, help="the number behind the last one")
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.work is not None:
        work(asked.seed, asked.first, asked.stop, asked.seconds, asked.work)
        return 0
    count = findings = 0
    for number, name, wrong in watched(asked.seed, asked.first, asked.stop, asked.seconds):
        count += 1
        if wrong:
            findings += 1
            again = f"--seed {asked.seed} --first {number} --stop {number + 1}"
            print(f"{name}: {printable(wrong, 300)}   ({again})")
    print(f"{count:,} changed files were read, {findings} findings")
    return min(findings, 1)


if __name__ == "__main__":
    sys.exit(main())
