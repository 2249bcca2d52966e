"""The screen in a pseudo-terminal: `python tests/benchmarks/screen.py [--quick] [--lenses]`.

Start beside a minimal Textual app, then what a step costs per lens, size and number of units: from the key byte to the
last byte of the frame, in CPU time, and in bytes, plain and as `ssh -C` sends them. Then play mode, on a fast line and
on a slow one. Medians, as machines are never quiet. Needs Linux: the CPU time is read from /proc.
"""

import argparse
import os
import shutil
import sys
import sysconfig
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter, sleep

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.tui.terminal import FRAME_END, KEYS, Terminal

from unrolled_tui.lenses.catalog import LENSES
from unrolled_tui.session import SPEEDS

UNROLLED = shutil.which("unrolled", path=sysconfig.get_path("scripts")) or "unrolled"
MINIMAL = """
from textual.app import App
from textual.widgets import Static
class Minimal(App):
    def compose(self):
        yield Static("ready")
Minimal().run()
"""
SMALL, MIDDLE, LARGE = (80, 24), (120, 40), (200, 60)
UNITS = (3, 16, 512)
QUIET = 0.3
"""Seconds without a byte after which a program has settled."""


@dataclass(frozen=True)
class Goal:
    """What a step of some units at some size may cost at most; None is no goal."""

    latency: float | None = None
    raw: float | None = None
    compressed: float | None = None


GOALS = {
    (SMALL, 3): Goal(latency=5, raw=4.6, compressed=0.3),
    (MIDDLE, 3): Goal(latency=5, raw=6.5, compressed=0.5),
    (MIDDLE, 16): Goal(latency=8, raw=21.0, compressed=0.9),
    (MIDDLE, 512): Goal(latency=8),
    (LARGE, 512): Goal(latency=15),
}


@dataclass(frozen=True)
class Start:
    """A start: milliseconds to the first frame and until settled, of CPU, frames, and kB sent."""

    first: float
    settled: float
    cpu: float
    frames: float
    sent: float


@dataclass(frozen=True)
class Step:
    """A step: milliseconds from the key byte to the last byte, kB sent, plain and compressed."""

    latency: float
    raw: float
    compressed: float


# Start.


def start(command: Sequence[str], ready: bytes) -> Start:
    """Starts a program, and waits until it has settled.

    Args:
        command: The program.
        ready: What its first frame has in it, near the end.
    """
    began = perf_counter()
    with Terminal(command, *MIDDLE) as terminal:
        terminal.until(lambda: ready in terminal.sent)
        first = last = perf_counter()
        while terminal.read(QUIET):
            last = perf_counter()
        cpu = cpu_seconds(terminal.pid)
        return Start(1e3 * (first - began), 1e3 * (last - began), 1e3 * cpu, terminal.frames, len(terminal.sent) / 1000)


def compare_starts(rounds: int) -> None:
    """Prints the start of bare `unrolled` beside a minimal Textual app, in turns."""
    programs = {
        "minimal Textual app": ([sys.executable, "-c", MINIMAL], b"ready"),
        "unrolled": ([UNROLLED], b" help"),
    }
    for command, ready in programs.values():
        start(command, ready)  # the first one may have to compile
    starts: dict[str, list[Start]] = {name: [] for name in programs}
    for _ in range(rounds):
        for name, (command, ready) in programs.items():
            starts[name].append(start(command, ready))
    print(f"start, 120x40, median of {rounds}  first frame ms   settled ms   CPU ms   frames   kB")
    for name, runs in starts.items():
        first, settled, cpu, frames, sent = (
            median(getattr(run, field) for run in runs) for field in ("first", "settled", "cpu", "frames", "sent")
        )
        print(f"{name:<30}{first:14.0f}{settled:13.0f}{cpu:9.0f}{frames:9.0f}{sent:5.0f}")
    minimal, own = starts.values()
    ratio = median(run.first for run in own) / median(run.first for run in minimal)
    print(f"first frame {ratio:.2f} x the minimal app's {mark(ratio, 1.35)}")
    print(f"{(frames := median(run.frames for run in own)):.0f} paints until settled {mark(frames, 3)}\n")


# Steps.


@contextmanager
def stepper(folder: Path, units: int, size: tuple[int, int], lens: int = 0) -> Iterator[Terminal]:
    """The stepper on a long sequence, settled."""
    sequence = folder / "sequence.txt"
    if not sequence.exists():
        sequence.write_text("\n".join(f"{(7 * t) % 11 / 5 - 1}" for t in range(5000)))
    command = [UNROLLED, "--units", str(units), "--input", str(sequence), "--at", "1000"]
    with Terminal(command, *size) as terminal:
        terminal.see("phase")
        if lens:
            terminal.press(str(lens + 1))
        terminal.settle(QUIET)
        yield terminal


def step(terminal: Terminal, wire: "zlib._Compress") -> Step:
    """Presses the right arrow, and reads until the frame has come whole and nothing follows."""
    before, frames = len(terminal.sent), terminal.frames
    began = last = perf_counter()
    terminal.write(KEYS["right"])
    while True:
        ended = terminal.sent.endswith(FRAME_END, before) and terminal.frames > frames
        if not terminal.read(0.02 if ended else 2.0):
            break
        last = perf_counter()
    sent = bytes(terminal.sent[before:])
    compressed = wire.compress(sent) + wire.flush(zlib.Z_SYNC_FLUSH)
    return Step(1e3 * (last - began), len(sent) / 1000, len(compressed) / 1000)


def measure_steps(folder: Path, rounds: int, lenses: Sequence[int]) -> None:
    """Prints what a step costs, for every lens, size and number of units."""
    print(f"step, median of {rounds}     latency p50/p95 ms   CPU ms     kB   kB zlib   MiB   goals")
    for lens in lenses:
        for size in (SMALL, MIDDLE, LARGE):
            for units in UNITS:
                with stepper(folder, units, size, lens) as terminal:
                    row = measure(terminal, rounds)
                name = f"{LENSES[lens].title} {size[0]}x{size[1]}, {units} units"
                goal = GOALS.get((size, units), Goal()) if lens == 0 else Goal()
                print(f"{name:<28}{row[0]}   {judge(row[1], goal)}", flush=True)
    print()


def measure(terminal: Terminal, rounds: int) -> tuple[str, Step]:
    """The cells of a row of the table, and the medians."""
    wire = zlib.compressobj(6)
    wire.compress(bytes(terminal.sent))
    wire.flush(zlib.Z_SYNC_FLUSH)
    for _ in range(5):
        step(terminal, wire)
    cpu = cpu_seconds(terminal.pid)
    steps = [step(terminal, wire) for _ in range(rounds)]
    cpu = 1e3 * (cpu_seconds(terminal.pid) - cpu) / rounds
    middle = Step(*(median(getattr(one, field) for one in steps) for field in ("latency", "raw", "compressed")))
    slow = quantiles([one.latency for one in steps], n=20)[-1]
    latency = f"{middle.latency:13.1f} /{slow:5.1f}"
    memory = resident_mib(terminal.pid)
    return f"{latency}{cpu:9.1f}{middle.raw:7.1f}{middle.compressed:10.2f}{memory:6.0f}", middle


def judge(step: Step, goal: Goal) -> str:
    """Which goals are met."""
    names = {"latency": "ms", "raw": "kB", "compressed": "kB zlib"}
    return "  ".join(
        f"{limit:g} {unit} {mark(getattr(step, field), limit)}"
        for field, unit in names.items()
        if (limit := getattr(goal, field)) is not None
    )


# Playing.


def play(terminal: Terminal) -> None:
    """Starts play mode at its full speed."""
    terminal.press("space", *"+" * len(SPEEDS))


def fast_line(folder: Path, seconds: float) -> None:
    """Prints what play mode costs on a line that is never the limit."""
    with stepper(folder, 16, MIDDLE) as terminal:
        play(terminal)
        read_for(terminal, 1.0)
        began, cpu, frames = perf_counter(), cpu_seconds(terminal.pid), terminal.frames
        read_for(terminal, seconds)
        passed = perf_counter() - began
        share = (cpu_seconds(terminal.pid) - cpu) / passed
        rate = (terminal.frames - frames) / passed
    print(f"play at {SPEEDS[-1]:g}/s, 16 units, 120x40: {share:.0%} of a core {mark(share, 1 / 3)}", end="")
    print(f", {rate:.0f} frames/s {mark(29, round(rate))}")


def slow_line(folder: Path, stops: int, rate: int = 50_000) -> None:
    """Prints for how long a line of 50 kB/s shows old frames after a stop."""
    stale = []
    with stepper(folder, 16, MIDDLE) as terminal:
        play(terminal)
        for stop in range(stops):
            read_for(terminal, 1.5 + stop / 30, rate)
            terminal.press("space")
            stopped = perf_counter()
            stale.append(read_for(terminal, None, rate) - stopped)
            terminal.press("space")
    middle = median(stale)
    print(f"stop on a line of {rate // 1000} kB/s, median of {stops}: the last byte {middle:.2f} s later", end=" ")
    print(f"{mark(middle, 0.2)}, at most {max(stale):.2f} s\n")


def read_for(terminal: Terminal, seconds: float | None, rate: int = 1 << 30) -> float:
    """Reads at `rate` bytes a second, until settled if there is no number of seconds. Returns when the last came."""
    began = last = perf_counter()
    count = 0
    while perf_counter() - began < seconds if seconds is not None else perf_counter() - last < 2 * QUIET:
        allowed = int(rate * (perf_counter() - began)) - count
        if allowed < 200:  # a line delivers in packets
            sleep(0.002)
        elif data := terminal.read(0.01, min(1 << 16, allowed)):
            count += len(data)
            last = perf_counter()
    return last


# Numbers.


def mark(value: float, most: float) -> str:
    """Whether a goal is met."""
    return "met" if value <= most else "MISSED"


def cpu_seconds(pid: int | str) -> float:
    """The CPU time of all threads."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def resident_mib(pid: int) -> float:
    """The memory in use."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def main() -> None:
    """Prints all of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("--lenses", action="store_true", help="every lens, not only the first")
    options = parser.parse_args()
    compare_starts(9 if options.quick else 15)
    with tempfile.TemporaryDirectory() as folder:
        lenses = range(len(LENSES)) if options.lenses else range(1)
        measure_steps(Path(folder), 20 if options.quick else 60, lenses)
        fast_line(Path(folder), 3.0)
        slow_line(Path(folder), 5 if options.quick else 9)


if __name__ == "__main__":
    main()
