"""What following costs: a teacher who steps once a second, and students who follow over SSH.

python tests/benchmarks/serve_present.py [--students 100] [--steps 20]: prints from a step to the last student's last
byte of it, the server's CPU time for a step, the app's included, and the bytes that a student gets. Linux only.
"""

import argparse
import asyncio
import json
import os
import re
import select
import statistics
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from time import monotonic

import asyncssh

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.tui.terminal import UNROLLED, Terminal  # this file is run, not imported

COLUMNS, ROWS = 120, 40
UNITS = "16"
QUESTION, ANSWER = b"\x1b[6n", b"\x1b[1;1R"
MOST_STUDENTS, MOST_STEPS = 200, 120
STEP_SECONDS, LOGIN_SECONDS = 1.0, 60.0
HINT_SECONDS = 5.0
READY = "ready\n"


class Student(asyncssh.SSHClientSession[bytes]):
    """A terminal that answers, and notes when bytes come."""

    def __init__(self) -> None:
        self.came: list[tuple[float, int]] = []

    def connection_made(self, chan: "asyncssh.SSHClientChannel[bytes]") -> None:
        self._channel = chan

    def data_received(self, data: bytes, datatype: object) -> None:  # noqa: ARG002  # there is one kind
        self.came.append((monotonic(), len(data)))
        if data.endswith(QUESTION):
            self._channel.write(ANSWER)


async def follow(port: int, count: int) -> None:
    """Follows with so many students until standard input ends; prints what came, as JSON."""
    students: list[Student] = []
    lines: list[asyncssh.SSHClientConnection] = []
    for _ in range(count):
        line = await asyncssh.connect("127.0.0.1", port, config=None, username="s", known_hosts=None, client_keys=None)
        student = Student()
        students.append(student)
        lines.append(line)
        size = (COLUMNS, ROWS)
        await line.create_session(partial(_same, student), term_type="xterm-256color", term_size=size, encoding=None)
    print(READY, end="", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    print(json.dumps([student.came for student in students]), flush=True)
    for line in lines:
        line.abort()


def _same(student: Student) -> Student:
    return student


def cpu_seconds(pid: int) -> float:
    """The CPU time of a process and of those that it began."""
    parents: dict[int, list[int]] = {}
    used: dict[int, float] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents.setdefault(int(fields[1]), []).append(int(entry.name))
            used[int(entry.name)] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    family, total = [pid], 0.0
    while family:
        member = family.pop()
        total += used.get(member, 0.0)
        family += parents.get(member, [])
    return total


def settle(terminal: Terminal, seconds: float) -> None:
    """Reads what comes for so long."""
    end = monotonic() + seconds
    while (left := end - monotonic()) > 0:
        terminal.read(left)


def wait_for(clients: "subprocess.Popen[str]", teacher: Terminal) -> None:
    """Reads the teacher's terminal until all students have logged in."""
    if clients.stdout is None:
        raise ValueError("clients: expected a pipe as standard output, got none")
    end = monotonic() + LOGIN_SECONDS
    while not select.select([clients.stdout], [], [], 0.0)[0]:
        if monotonic() > end or clients.poll() is not None:
            clients.kill()
            raise SystemExit("the students do not get in")
        settle(teacher, 0.05)


def measure(students: int, steps: int) -> None:
    """Runs the class, and prints what it took."""
    with tempfile.TemporaryDirectory() as folder:
        options = ["--anonymous", "--no-compression", "--port", "0", "--sessions", "256", "--per-address", "256"]
        command = [UNROLLED, "serve", "--present", *options, "--units", UNITS, "--host-key", f"{folder}/key"]
        with Terminal(command, COLUMNS, ROWS) as teacher:
            teacher.see("Enter begins")
            port = re.search(r"-p (\d+)", teacher.text)
            if port is None:
                raise SystemExit(teacher.text)
            teacher.press("enter")
            teacher.see("unit 1", "quit")
            program = [sys.executable, __file__, "--follow", port[1], "--students", str(students)]
            with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as clients:
                wait_for(clients, teacher)
                settle(teacher, HINT_SECONDS)
                before, pressed = cpu_seconds(teacher.pid), []
                for number in range(steps):
                    pressed.append(monotonic())
                    teacher.press("left" if number % 2 else "right")
                    settle(teacher, STEP_SECONDS)
                used = cpu_seconds(teacher.pid) - before
                came, _ = clients.communicate()
    report(json.loads(came.removeprefix(READY)), pressed, used)


def report(came: list[list[tuple[float, int]]], pressed: list[float], used: float) -> None:
    """Prints the figures."""
    last, sizes = [], []
    for start in pressed:
        steps = [[(at, size) for at, size in student if start <= at < start + STEP_SECONDS] for student in came]
        if not all(steps):
            raise SystemExit("a student has missed a step")
        last.append(1000 * (max(student[-1][0] for student in steps) - start))
        sizes += [sum(size for _, size in student) for student in steps]
    last.sort()
    print(f"{len(came)} students, {len(pressed)} steps, {COLUMNS}x{ROWS}, {UNITS} units")
    p95 = last[int(0.95 * (len(last) - 1))]
    print(f"step to the last student  p50 {statistics.median(last):.0f} ms  p95 {p95:.0f} ms")
    print(f"server CPU a step         {1000 * used / len(pressed):.0f} ms")
    print(f"bytes a step and student  {statistics.mean(sizes):.0f}")


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--students", type=int, default=100, choices=range(1, MOST_STUDENTS + 1), metavar="N")
    parser.add_argument("--steps", type=int, default=20, choices=range(1, MOST_STEPS + 1), metavar="N")
    parser.add_argument("--follow", type=int, metavar="PORT", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.follow:
        asyncio.run(follow(options.follow, options.students))
    else:
        measure(options.students, options.steps)


if __name__ == "__main__":
    main()
