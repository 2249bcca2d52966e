"""A class over SSH: `python tests/benchmarks/serve.py [--sessions 1 20 100] [--seconds 20]`.

Students log in to the real `unrolled serve`, ten a second, and each steps once a second through 16 units at 120x40. It
prints how long a login takes to the first whole frame, a step from the key to the last byte of its frame, what share of
a core all processes of the server take meanwhile, and the memory of a session beside what all share. The students are
on the same machine, in one process of their own, and take their share of it. Needs Linux: it reads /proc.
"""

import argparse
import asyncio
import re
import shutil
import signal
import sys
import sysconfig
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter

import asyncssh

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.benchmarks.screen import cpu_seconds, mark
from tests.tui.terminal import FRAME_END, KEYS

UNROLLED = shutil.which("unrolled", path=sysconfig.get_path("scripts")) or "unrolled"
SIZE = (120, 40)
LENGTH, BEGIN = 5000, 1000
LOGINS_PER_SECOND = 10
MOST_SESSIONS, MOST_SECONDS = 200, 120
PATIENCE = 60.0
"""Seconds after which something that has not come is given up."""

QUERY, ANSWER = b"\x1b[?2026$p", b"\x1b[?2026;2$y"
"""A terminal is asked whether it shows frames whole, and says yes. Then each frame has an end."""

READY = b" help"
"""At the end of the first frame, which may come before the answer."""


@dataclass(frozen=True)
class Goal:
    """What may be taken at most, in milliseconds, % of a core and MiB, by so many sessions."""

    first: float
    first_slow: float
    step: float
    step_slow: float
    step_slowest: float
    cpu: float
    memory: float


GOALS = {100: Goal(120, 159, 24, 63, 85, 96, 14.6)}


class Student(asyncssh.SSHClientSession[bytes]):
    """A student's terminal."""

    def __init__(self) -> None:
        self.channel: asyncssh.SSHClientChannel[bytes] | None = None
        self.sent = bytearray()
        self._arrived = asyncio.Event()
        self._is_asked = False

    def connection_made(self, chan: "asyncssh.SSHClientChannel[bytes]") -> None:
        self.channel = chan

    def data_received(self, data: bytes, datatype: int | None) -> None:  # noqa: ARG002  # asyncssh's own
        self.sent += data
        if not self._is_asked and QUERY in self.sent:
            self._is_asked = True
            self.type(ANSWER)
        self._arrived.set()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncssh's own
        self._arrived.set()

    def type(self, keys: bytes) -> None:
        if self.channel is not None:
            self.channel.write(keys)

    async def until(self, wanted: bytes, end: bytes = b"") -> float:
        """Waits for `wanted` and, as the last that came, `end`. Returns when it had come."""
        async with asyncio.timeout(PATIENCE):
            while not (self.sent.endswith(end) and wanted in self.sent):
                if self.channel is not None and self.channel.is_closing():
                    raise ConnectionError("the server ended a session")
                self._arrived.clear()
                await self._arrived.wait()
        return perf_counter()


@dataclass
class Class:
    """What the students have seen, in milliseconds."""

    first: list[float]
    steps: list[float]
    is_counted: bool = False


async def attend(seat: int, port: int, seen: Class, is_over: asyncio.Event) -> None:
    """Logs in when it is the seat's turn, and steps once a second until it is over."""
    await asyncio.sleep(seat / LOGINS_PER_SECOND)
    began = perf_counter()
    # The server is our own, on this machine: there is nobody to be taken for it.
    async with asyncssh.connect(
        "127.0.0.1", port, username="student", known_hosts=None, client_keys=None, agent_path=None, config=None
    ) as connection:
        student = Student()
        await connection.create_session(lambda: student, term_type="xterm-256color", term_size=SIZE, encoding=None)
        seen.first.append(1e3 * (await student.until(READY) - began))
        timestep, due = BEGIN, perf_counter() + 1.0
        while not is_over.is_set():
            await asyncio.sleep(max(0.0, due - perf_counter()))
            due += 1.0
            timestep += 1
            student.sent.clear()
            pressed = perf_counter()
            student.type(KEYS["right"])
            took = 1e3 * (await student.until(f"{timestep:,}".encode(), FRAME_END) - pressed)
            if seen.is_counted:
                seen.steps.append(took)
        student.type(b"q")


@asynccontextmanager
async def server(folder: Path) -> AsyncIterator[tuple[Process, int]]:
    """The server, with anybody let in, and its port."""
    sequence = folder / "sequence.txt"
    sequence.write_text("\n".join(f"{(7 * t) % 11 / 5 - 1}" for t in range(LENGTH)))
    stepper = ["--units", "16", "--input", str(sequence), "--at", str(BEGIN)]
    limits = ["--sessions", str(MOST_SESSIONS), "--per-address", str(MOST_SESSIONS)]
    key = ["--host-key", str(folder / "host_key")]
    with (folder / "log").open("w") as log:
        process = await asyncio.create_subprocess_exec(
            UNROLLED, "serve", "--anonymous", "--port", "0", *key, *limits, *stepper, stdout=PIPE, stderr=log
        )
        try:
            if process.stdout is None or not (found := re.search(rb"-p (\d+)", await process.stdout.readline())):
                raise RuntimeError(f"no server: {(folder / 'log').read_text()}")
            yield process, int(found[1])
        finally:
            process.send_signal(signal.SIGTERM)
            await process.wait()


def family(pid: int) -> dict[int, list[int]]:
    """A process and all that come from it, each with its children."""
    children: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:  # it has ended meanwhile
            continue
        children.setdefault(parent, []).append(int(path.parent.name))
    found, new = {}, [pid]
    while new:
        found[new[0]] = children.get(new[0], [])
        new = new[1:] + found[new[0]]
    return found


def proportional_mib(pid: int) -> float:
    """The memory of a process, where what it shares counts in part."""
    found = re.search(r"^Pss: +(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    return int(found[1]) / 1024 if found else 0.0


async def teach(sessions: int, seconds: float) -> None:
    """Prints a row."""
    with tempfile.TemporaryDirectory() as folder:
        async with server(Path(folder)) as (process, port):
            seen, is_over = Class([], []), asyncio.Event()
            async with asyncio.TaskGroup() as tasks:
                for seat in range(sessions):
                    tasks.create_task(attend(seat, port, seen, is_over))
                await asyncio.sleep(sessions / LOGINS_PER_SECOND + 2.0)
                everyone = family(process.pid)
                began, before, own = perf_counter(), [*map(cpu_seconds, everyone)], cpu_seconds("self")
                seen.is_counted = True
                await asyncio.sleep(seconds)
                seen.is_counted = False
                passed = perf_counter() - began
                shares = [100 * (cpu_seconds(pid) - cpu) / passed for pid, cpu in zip(everyone, before, strict=True)]
                own = 100 * (cpu_seconds("self") - own) / passed
                memory = [proportional_mib(pid) for pid, below in everyone.items() if not below]
                is_over.set()
    tell(sessions, seen, shares, own, median(memory))


def tell(sessions: int, seen: Class, shares: Sequence[float], own: float, memory: float) -> None:
    """Prints what it took, and which goals are met."""
    first, steps = ranks(seen.first), ranks(seen.steps)
    cpu, front = sum(shares), shares[0]
    print(
        f"{sessions:8}{first[0]:9.0f}/{first[1]:4.0f}{steps[0]:12.0f}/{steps[1]:3.0f}/{steps[2]:3.0f}"
        f"{cpu:12.0f} (front {front:2.0f}){own:12.0f}{memory:14.1f}",
        flush=True,
    )
    if goal := GOALS.get(sessions):
        taken = (first[0], first[1], *steps, cpu, memory)
        limits = tuple(vars(goal).values())
        marks = (f"{limit:g} {mark(value, limit)}" for value, limit in zip(taken, limits, strict=True))
        print(f"{'':8}goals: {', '.join(marks)}", flush=True)


def ranks(values: Sequence[float]) -> tuple[float, float, float]:
    """The median, and what 95 and 99 of 100 stay below."""
    if len(values) < 2:
        return (values[0],) * 3
    cuts = quantiles(values, n=100, method="inclusive")
    return cuts[49], cuts[94], cuts[98]


def main() -> None:
    """Prints all of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, nargs="+", default=[1, 20, 100], help=f"1 to {MOST_SESSIONS} each")
    parser.add_argument("--seconds", type=float, default=20.0, help=f"1 to {MOST_SECONDS}, for each")
    options = parser.parse_args()
    if not all(1 <= count <= MOST_SESSIONS for count in options.sessions) or not 1 <= options.seconds <= MOST_SECONDS:
        parser.error(f"expected 1 to {MOST_SESSIONS} sessions, and 1 to {MOST_SECONDS} seconds")
    print("            first frame          step   CPU of server,       of the   PSS of a")
    print("sessions  ms p50/p95   ms p50/p95/p99   % of a core        students   session, MiB", flush=True)
    for sessions in options.sessions:
        asyncio.run(teach(sessions, options.seconds))


if __name__ == "__main__":
    main()
