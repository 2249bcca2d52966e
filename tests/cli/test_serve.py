"""`unrolled serve` as a whole process, and what it says of mistakes."""

import asyncio
import os
import pty
import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncssh
import numpy as np
import pytest

from unrolled import LSTM
from unrolled_tui.commands import serving, serving_address
from unrolled_tui.serve.errors import ServeError

Run = Callable[..., Any]
SECONDS = 30.0
SERVE = [sys.executable, "-m", "unrolled_tui.cli", "serve", "--port", "0"]


class Running:
    """A server that runs, and what it has printed."""

    def __init__(self, process: "subprocess.Popen[bytes]", out: int) -> None:
        self.process, self._out = process, out
        self.printed = ""

    def prints(self, pattern: str) -> str:
        """Waits for something, and returns what is in its group."""
        deadline = time.monotonic() + SECONDS
        while (found := re.search(pattern, self.printed)) is None:
            ready, _, _ = select.select([self._out], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, self.printed
            more = os.read(self._out, 1 << 16).decode()
            assert more, self.printed
            self.printed += more
        return found[1] if found.groups() else found[0]


@contextmanager
def running(home: Path, *arguments: object, terminal: int | None = None) -> Iterator[Running]:
    """`unrolled serve` with `arguments`, at a terminal or at none."""
    reader, writer = os.pipe()
    process = subprocess.Popen(
        [*SERVE, *map(str, arguments)],
        stdin=subprocess.DEVNULL if terminal is None else terminal,
        stdout=writer if terminal is None else terminal,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        env={**os.environ, "HOME": str(home), "XDG_DATA_HOME": str(home / "data")},
    )
    os.close(writer)
    try:
        yield Running(process, reader)
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(SECONDS)
        os.close(reader)


async def step(port: int, seen: str, **options: Any) -> bytes:
    """Logs in, waits for a text, presses a key and leaves; returns all that was shown."""
    usual = {"known_hosts": None, "client_keys": None, "agent_path": None, "config": None, "username": "anna"}
    there = {"host": "127.0.0.1", "port": port}
    async with asyncio.timeout(SECONDS), asyncssh.connect(**{**there, **usual, **options}) as connection:
        process = await connection.create_process(term_type="xterm-256color", term_size=(120, 40), encoding=None)
        shown: bytes = b""
        while seen.encode() not in shown:
            shown += await process.stdout.read(1 << 16)
        process.stdin.write(b"q")
        shown += await process.stdout.read()
        assert (await process.wait()).exit_status == 0
        return shown


def test_one_line_is_all_that_students_need(tmp_path: Path) -> None:
    with running(tmp_path, "--units", 2) as server:
        port = int(server.prints(r"Students type:  ssh -p (\d+) 127\.0\.0\.1\n"))
        password = server.prints(r"Password:       (\w{4}-\w{4}-\w{4})\n")
        fingerprint = server.prints(r"Host key:       (SHA256:\S+)\n")
        server.prints(r"Only this machine can reach it: --host 0\.0\.0\.0 lets in the network\.\nCtrl\+C ends it\.\n")
        asyncio.run(step(port, "seed 7", password=password))
        server.prints(r"\d\d:\d\d:\d\d in anna from 127\.0\.0\.1, 1 here\n")
        server.prints(r"\d\d:\d\d:\d\d out anna from 127\.0\.0\.1, 0 here\n")
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(SECONDS) == 130
    (key,) = (tmp_path / "data").rglob("ssh_host_ed25519_key")
    assert key.stat().st_mode & 0o777 == 0o600
    assert asyncssh.read_private_key(key).get_fingerprint() == fingerprint
    with running(tmp_path, "--anonymous") as server:
        assert server.prints(r"Host key:       (SHA256:\S+)\n") == fingerprint


def test_a_model_and_keys(tmp_path: Path) -> None:
    weights: dict[str, Any] = LSTM.initialize(units=2, features=1, seed=3, dtype=np.float32).weights
    np.savez(tmp_path / "mine.npz", **weights)
    key = asyncssh.generate_private_key("ssh-ed25519")
    key.write_public_key(tmp_path / "class.pub")
    with running(tmp_path, tmp_path / "mine.npz", "--authorized-keys", tmp_path / "class.pub", "--at", 2) as server:
        port = int(server.prints(r"ssh -p (\d+) "))
        server.prints(r"Ctrl\+C")
        assert "Password" not in server.printed
        asyncio.run(step(port, "mine.npz", client_keys=[key]))
        with pytest.raises(asyncssh.PermissionDenied):
            asyncio.run(step(port, "", password="guess"))  # noqa: S106  # it is none
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(SECONDS) == 0


def test_everybody_is_warned_of(tmp_path: Path) -> None:
    with running(tmp_path, "--anonymous") as server:
        port = int(server.prints(r"ssh -p (\d+) "))
        server.prints(
            "unrolled: everybody who can reach this port gets in: leave out --anonymous to ask for a password"
        )
        asyncio.run(step(port, "seed 7"))


def test_a_hang_up_may_be_ignored(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does, and processes inherit it
    try:
        with running(tmp_path, "--anonymous") as server:
            port = int(server.prints(r"ssh -p (\d+) "))
            server.prints(r"Ctrl\+C")
            server.process.send_signal(signal.SIGHUP)
            asyncio.run(step(port, "seed 7"))
            server.process.send_signal(signal.SIGTERM)
            assert server.process.wait(SECONDS) == 0
    finally:
        signal.signal(signal.SIGHUP, before)


@contextmanager
def at_a_terminal(home: Path, *arguments: object) -> Iterator[Running]:
    ours, theirs = pty.openpty()
    try:
        with running(home, *arguments, terminal=theirs) as server:
            server._out, pipe = ours, server._out
            yield server
            server._out = pipe
    finally:
        os.close(ours)
        os.close(theirs)


@pytest.mark.parametrize("typed", ["bafu-kode", ""])
def test_the_password_is_asked_for(tmp_path: Path, typed: str) -> None:
    with at_a_terminal(tmp_path) as server:
        server.prints(r"class password \(enter makes one up\): ")
        os.write(server._out, f"{typed}\n".encode())
        port = int(server.prints(r"ssh -p (\d+) "))
        server.prints(r"Ctrl\+C")
        assert "bafu" not in server.printed.replace(r"bafu-\w+-", "")
        password = typed or server.prints(r"Password:       (\S+)")
        asyncio.run(step(port, "seed 7", password=password))


def test_the_question_can_be_left(tmp_path: Path) -> None:
    with at_a_terminal(tmp_path) as server:
        server.prints("class password")
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(SECONDS) == 130


@pytest.mark.parametrize(
    ("arguments", "question"),
    [([], "class password"), (["--present", "--anonymous"], "Enter begins the presentation")],
)
def test_ctrl_d_leaves_a_question_too(tmp_path: Path, arguments: list[str], question: str) -> None:
    with at_a_terminal(tmp_path, *arguments) as server:
        server.prints(question)
        os.write(server._out, b"\x04")
        assert server.process.wait(SECONDS) == 130
        server.prints(question + r"[^\n]*\n")
        assert "Traceback" not in server.printed


def test_a_terminal_that_is_stopped_stops_nobody(tmp_path: Path) -> None:
    with at_a_terminal(tmp_path, "--anonymous") as server:
        port = int(server.prints(r"ssh -p (\d+) "))
        server.prints(r"Ctrl\+C ends it\.")
        os.write(server._out, b"\x13")  # Ctrl+S
        for _ in range(2):
            asyncio.run(step(port, "seed 7"))
        os.write(server._out, b"\x11")  # Ctrl+Q
        server.prints(r"(?s)out anna.*out anna from 127\.0\.0\.1, 0 here")
        os.write(server._out, b"\x13")
        asyncio.run(step(port, "seed 7"))
        server.process.terminate()
        assert server.process.wait(SECONDS) == 0


def test_all_addresses_are_those_of_both_families(tmp_path: Path) -> None:
    assert serving_address.listened_at("127.0.0.1") == "127.0.0.1"
    assert serving_address.listened_at("::") == ""
    if has_ipv6():
        with running(tmp_path, "--anonymous", "--host", "::") as server:
            port = int(server.prints(r"ssh -p (\d+) "))
            server.prints(r"Ctrl\+C")
            for host in ("127.0.0.1", "::1"):
                asyncio.run(step(port, "seed 7", host=host))


def has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


def test_a_presenting_stepper_that_dies_is_a_failure(tmp_path: Path) -> None:
    with at_a_terminal(tmp_path, "--present", "--anonymous") as server:
        server.prints("Enter begins the presentation")
        os.write(server._out, b"\n")
        server.prints("seed 7")
        (nursery,) = children_of(server.process.pid)
        (presenting,) = children_of(nursery)
        os.kill(presenting, signal.SIGKILL)
        server.prints("unrolled: the presenting stepper ended with exit code 137")
        assert server.process.wait(SECONDS) == 1


def children_of(process: int) -> list[int]:
    listed = subprocess.run(["ps", "-eo", "pid,ppid"], capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in listed.splitlines()[1:]]
    return [int(pid) for pid, parent in rows if int(parent) == process]


def test_presenting(tmp_path: Path) -> None:
    with at_a_terminal(tmp_path, "--present", "--anonymous") as server:
        port = int(server.prints(r"ssh -p (\d+) "))
        server.prints("Enter begins the presentation")
        os.write(server._out, b"\n")
        server.prints("seed 7")
        asyncio.run(step(port, "you follow the teacher"))
        os.write(server._out, b"q")
        server.prints(r"out anna from 127\.0\.0\.1, 0 here")
        assert server.process.wait(SECONDS) == 0


# Mistakes.


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--anonymous", "--password-file", "x"], "--anonymous lets everybody in"),
        (["--anonymous", "--authorized-keys", "x"], "--anonymous lets everybody in"),
        (["--web", "--present"], "--present goes with SSH, not with --web"),
        (["--web", "--authorized-keys", "x"], "--authorized-keys goes with SSH"),
        (["--web", "--no-compression"], "--no-compression goes with SSH, not with --web"),
        (["--idle", "nan"], "nan is no length of time"),
        (["--idle", "inf"], "inf is no length of time"),
        (["--public-url", "http://x"], "--public-url goes with --web"),
        (["--password", "x"], "No such option"),
        (["--sessions", "0"], "--sessions"),
        (["--port", "70000"], "--port"),
    ],
)
def test_wrong_usage(run: Run, arguments: list[str], says: str) -> None:
    outcome = run("serve", *arguments)
    assert outcome.code == 2
    assert says in outcome.err


def test_a_mistake_is_told_before_anything_is_served(run: Run, tmp_path: Path) -> None:
    assert "nowhere.npz" in run("serve", tmp_path / "nowhere.npz").sentence
    assert run("serve", "--at", 99).sentence == "timestep: expected 1 to 4, got 99"
    with running(tmp_path, "--present") as server:  # before the terminal is asked for a password
        server.prints(r"^unrolled: the presenter needs a terminal, and standard input is none\n")
        assert server.process.wait(SECONDS) == 1


def test_files_that_let_in_nobody(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.write_text("# nobody\n")
    empty.chmod(0o600)
    private = tmp_path / "good"
    asyncssh.generate_private_key("ssh-ed25519").write_private_key(private)
    cases = [
        (["--authorized-keys", private], f"public keys, got a private one: its public one is in {private}.pub"),
        (["--authorized-keys", empty], "expected public keys as ssh-keygen writes them, got none"),
        (["--authorized-keys", tmp_path / "nowhere"], "public keys cannot be read: No such file or directory"),
        (["--password-file", tmp_path / "nowhere"], "the password cannot be read: No such file or directory"),
        (["--anonymous", "--host-key", empty], "expected a private key"),
    ]
    for arguments, says in cases:
        with running(tmp_path, *arguments) as server:
            server.prints(re.escape(says) + r".*\n")
            assert server.process.wait(SECONDS) == 1
            assert server.printed.startswith("unrolled: ")
            assert server.printed.count("\n") == 1


def test_a_port_that_is_taken(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert run("serve", "--port", port).sentence == (
            f"--host 127.0.0.1 --port {port}: another program has this port already: --port N takes another"
        )
    assert run("serve", "--host", "no.such.host.invalid").sentence == (
        "--host no.such.host.invalid: there is no such address"
    )


def test_help_waits_for_nothing_that_serving_takes() -> None:
    program = (
        "import sys; from unrolled_tui.cli import run; code = run(['serve', '--help']); "
        "print(code, {'numpy', 'textual', 'rich', 'asyncssh', 'aiohttp', 'platformdirs'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "0 set()"


@pytest.mark.parametrize(("arguments", "package"), [([], "asyncssh"), (["--web"], "aiohttp")])
def test_what_serving_takes(run: Run, monkeypatch: pytest.MonkeyPatch, arguments: list[str], package: str) -> None:
    monkeypatch.setattr(serving, "find_spec", lambda name: None if name == package else name)
    says = f"serving takes the package {package}: in the checkout, python -m pip install '.[serve]'"
    assert run("serve", *arguments).sentence == says
    monkeypatch.setattr(sys, "platform", "win32")
    assert run("serve", *arguments).sentence.endswith("on Windows, run it in WSL")


# What students type.


def test_the_line_that_students_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving_address, "reached_at", lambda host: host)
    assert serving_address.as_typed("lab.example.org", 22) == "ssh lab.example.org"
    assert serving_address.as_typed("lab.example.org", 2222) == "ssh -p 2222 lab.example.org"
    assert serving_address.as_url("::1", 8080, "") == "http://[::1]:8080"
    assert serving_address.as_url("0.0.0.0", 8080, "https://lab.example.org") == "https://lab.example.org"  # noqa: S104  # nothing is served


@pytest.mark.parametrize("host", ["0.0.0.0", "::", ""])  # noqa: S104  # nothing is served
def test_a_server_on_all_addresses_is_reached_at_one(host: str) -> None:
    assert serving_address.reached_at(host) not in ("0.0.0.0", "::", "")  # noqa: S104  # compared with
    assert not serving_address.is_local(host)


def test_which_addresses_are_this_machine_only() -> None:
    assert all(map(serving_address.is_local, ("127.0.0.1", "127.9.9.9", "::1", "localhost")))
    assert not any(map(serving_address.is_local, ("192.0.2.1", "lab.example.org")))


def test_a_free_port() -> None:
    port = serving_address.check_free("127.0.0.1", 0)
    assert serving_address.check_free("127.0.0.1", port) == port
    with pytest.raises(ServeError, match="this machine has no such address"):
        serving_address.check_free("192.0.2.1", 0)
