"""The SSH server, as the clients of OpenSSH meet it."""

import fcntl
import os
import pty
import select
import shutil
import signal
import socket
import struct
import subprocess
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.serve.ssh_serving import PASSWORD, RESTORED, SECONDS, Server, serving

pytestmark = pytest.mark.skipif(shutil.which("ssh") is None, reason="OpenSSH's client is not installed")


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _new_key(tmp_path_factory.mktemp("key"))


def _new_key(folder: Path) -> Path:
    path = folder / "id"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    return path


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, key: Path) -> Iterator[Server]:
    keys = key.with_suffix(".pub").read_text()
    with serving(tmp_path_factory.mktemp("server"), access={"keys": keys, "password": PASSWORD}) as server:
        yield server


def options(server: Server, key: Path | None, *more: str) -> list[str]:
    """What keeps this machine's own settings out, and knows the server's host key."""
    known = server.host_key.with_name("known_hosts")
    public = subprocess.check_output(["ssh-keygen", "-y", "-f", server.host_key], text=True)
    known.write_text(f"[127.0.0.1]:{server.port} {public}")
    settings = [f"UserKnownHostsFile={known}", "StrictHostKeyChecking=yes", "IdentitiesOnly=yes", f"Port={server.port}"]
    settings += ["User=anna", *([] if key is None else [f"IdentityFile={key}", "BatchMode=yes"]), *more]
    return ["-F", "none", *(part for setting in settings for part in ("-o", setting))]


def run(*command: "str | Path", **environment: str) -> "subprocess.CompletedProcess[str]":
    """Runs something that is to end by itself."""
    return subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **environment},
        errors="replace",
    )


class Terminal:
    """A terminal of 80 columns and 24 rows with ssh in it."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self._ours, self._theirs = pty.openpty()
        self.resize(80, 24)
        self.settings = termios.tcgetattr(self._theirs)
        self.process = subprocess.Popen(
            command,
            stdin=self._theirs,
            stdout=self._theirs,
            stderr=self._theirs,
            start_new_session=True,
            env={**os.environ, **environment},
        )
        self.seen = b""

    def sees(self, text: str) -> None:
        """Waits for a text, and forgets what came before its end."""
        deadline = time.monotonic() + SECONDS
        while text.encode() not in self.seen:
            self._read(deadline)
        self.seen = self.seen.partition(text.encode())[2]

    def _read(self, deadline: float) -> None:
        ready, _, _ = select.select([self._ours], [], [], max(0.0, deadline - time.monotonic()))
        assert ready, f"nothing more comes: {self.seen[-2000:]!r}"
        self.seen += os.read(self._ours, 1 << 16)

    def types(self, keys: str) -> None:
        os.write(self._ours, keys.encode())

    def resize(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def ends(self) -> int:
        """Waits for the end of ssh, and returns its exit code. `seen` is all that came."""
        deadline = time.monotonic() + SECONDS
        while self.process.poll() is None or select.select([self._ours], [], [], 0)[0]:
            if select.select([self._ours], [], [], 0.02)[0]:
                self._read(deadline)
            assert time.monotonic() < deadline
        assert termios.tcgetattr(self._theirs) == self.settings
        return self.process.returncode

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._ours)
        os.close(self._theirs)


@contextmanager
def terminal(server: Server, key: Path | None, *more: str, **environment: str) -> Iterator[Terminal]:
    """A terminal in which ssh logs in."""
    opened = Terminal(["ssh", *options(server, key), *more, "127.0.0.1"], {"TERM": "xterm-256color", **environment})
    try:
        yield opened
    finally:
        opened.close()


# What a person gets.


def test_a_key_opens_the_app(server: Server, key: Path) -> None:
    with terminal(server, key) as anna:
        anna.sees("size 80x24")
        anna.types("z")
        anna.sees("keys 1.")
        anna.resize(100, 30)
        anna.process.send_signal(signal.SIGWINCH)
        anna.sees("size 100x30")
        anna.types("q")
        assert anna.ends() == 0
        assert RESTORED in anna.seen


def test_the_password_opens_it_too(server: Server, tmp_path: Path) -> None:
    answer = tmp_path / "answer"
    answer.write_text(f"#!/bin/sh\necho {PASSWORD}\n")
    answer.chmod(0o700)
    with terminal(server, None, SSH_ASKPASS=str(answer), SSH_ASKPASS_REQUIRE="force", DISPLAY=":9") as anna:
        anna.sees("size 80x24")
        anna.types("q")
        assert anna.ends() == 0


def test_the_environment_does_not_get_through(server: Server, key: Path) -> None:
    with terminal(server, key, "-o", "SendEnv=LANG CLASS_*", "-o", "SetEnv=LC_ALL=C", CLASS_X="1") as anna:
        anna.sees("size 80x24")
        anna.types("e")
        anna.sees("environment")
        anna.sees("TERM=xterm-256color.")
        assert "CLASS_X" not in server.log


def test_the_server_shows_the_fingerprint_that_clients_see(server: Server) -> None:
    from unrolled_tui.serve.ssh.host_key import host_key  # noqa: PLC0415  # beside the fixture that has made it

    seen = subprocess.check_output(["ssh-keygen", "-l", "-f", server.host_key], text=True)
    assert host_key(server.host_key).get_fingerprint() == seen.split()[1]


@pytest.mark.parametrize(("compression", "chosen"), [(True, "zlib@openssh.com"), (False, "none")])
def test_clients_compress_unless_they_need_not(tmp_path: Path, compression: bool, chosen: str) -> None:
    with serving(tmp_path, access={"anonymous": True}, compression=compression) as server:
        said = run("ssh", "-v", *options(server, None), "127.0.0.1").stderr
    assert f"compression: {chosen}\n" in said.replace("\r", "")


# Who does not get in.


def test_another_key_is_refused(server: Server, tmp_path: Path) -> None:
    done = run("ssh", "-tt", *options(server, _new_key(tmp_path)), "127.0.0.1")
    assert done.returncode == 255
    assert "Permission denied (publickey,password)." in done.stderr


def test_a_wrong_password_is_refused_three_times(server: Server, tmp_path: Path) -> None:
    answer = tmp_path / "answer"
    answer.write_text("#!/bin/sh\necho guess\n")
    answer.chmod(0o700)
    asked = {"SSH_ASKPASS": str(answer), "SSH_ASKPASS_REQUIRE": "force", "DISPLAY": ":9"}
    done = run("ssh", "-tt", *options(server, None, "NumberOfPasswordPrompts=9"), "127.0.0.1", **asked)
    assert done.returncode == 255
    assert "3 wrong passwords" in done.stderr


# What is not to be had.


def test_no_terminal_no_app(server: Server, key: Path) -> None:
    done = run("ssh", "-T", *options(server, key), "127.0.0.1")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.strip() == "this needs a terminal: leave out the command, or type ssh -t"


@pytest.mark.parametrize("more", [["id"], ["-t", "id"], ["-s", "sftp"], ["-tt", "-s", "netconf"]])
def test_no_command_and_no_subsystem(server: Server, key: Path, more: list[str]) -> None:
    done = run("ssh", *options(server, key), *more[:-1], "127.0.0.1", more[-1])
    assert (done.returncode, done.stdout) == (255, "")
    assert "request failed on channel 0" in done.stderr


def test_no_files(server: Server, key: Path, tmp_path: Path) -> None:
    left, taken = tmp_path / "left", tmp_path / "taken"
    for command in (["scp"], ["scp", "-O"]):
        done = run(*command, *options(server, key), f"127.0.0.1:{key}", taken)
        assert done.returncode != 0
        done = run(*command, *options(server, key), key, f"127.0.0.1:{left}")
        assert done.returncode != 0
    done = run("sftp", *options(server, key), "127.0.0.1")
    assert done.returncode != 0
    assert not [*tmp_path.iterdir()]


def test_no_way_on(server: Server, key: Path) -> None:
    done = run("ssh", *options(server, key), "-W", f"127.0.0.1:{server.port}", "127.0.0.1")
    assert (done.returncode, done.stdout) == (255, "")
    assert "stdio forwarding failed" in done.stderr


def test_no_way_back(server: Server, key: Path, tmp_path: Path) -> None:
    for asked in ("0:127.0.0.1:9", f"{tmp_path / 'socket'}:127.0.0.1:9"):
        done = run("ssh", *options(server, key, "ExitOnForwardFailure=yes"), "-N", "-R", asked, "127.0.0.1")
        assert done.returncode == 255
        assert "remote port forwarding failed" in done.stderr
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("kind", ["-L", "-D"])
def test_no_way_through(server: Server, key: Path, kind: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    asked = f"127.0.0.1:{port}" + (f":127.0.0.1:{server.port}" if kind == "-L" else "")
    with terminal(server, key, kind, asked) as anna:
        anna.sees("size 80x24")
        with socket.create_connection(("127.0.0.1", port), SECONDS) as way:
            if kind == "-D":
                way.sendall(b"\x05\x01\x00")
                assert way.recv(2) == b"\x05\x00"  # from ssh itself
                way.sendall(b"\x05\x01\x00\x01\x7f\x00\x00\x01" + struct.pack(">H", server.port))
            assert b"SSH" not in _rest(way)
        anna.types("z")
        anna.sees("keys 1.")


def _rest(way: socket.socket) -> bytes:
    data = b""
    try:
        while more := way.recv(1 << 16):
            data += more
    except ConnectionResetError:
        pass
    return data


def test_no_agent_and_no_windows(server: Server, key: Path, tmp_path: Path) -> None:
    path = str(tmp_path / "agent")
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", path], stdout=subprocess.DEVNULL)
    try:
        with terminal(server, key, "-A", "-Y", SSH_AUTH_SOCK=path, DISPLAY="127.0.0.1:9") as anna:
            anna.sees("X11 forwarding request failed on channel 0")
            anna.sees("size 80x24")
            anna.types("e")
            anna.sees("environment ")
            anna.sees("TERM=")
            assert not server.temporary
            anna.types("z")
            anna.sees("keys 1.")
    finally:
        agent.terminate()
        agent.wait()


# The end.


def test_the_end_of_the_server_puts_terminals_back(tmp_path: Path, key: Path) -> None:
    keys = key.with_suffix(".pub").read_text()
    with (
        serving(tmp_path, access={"keys": keys}) as server,
        terminal(server, key) as anna,
        terminal(server, key) as bert,
    ):
        for somebody in (anna, bert):
            somebody.sees("size 80x24")
        assert server.end() == 0
        for somebody in (anna, bert):
            assert somebody.ends() == 128 + signal.SIGTERM
            assert RESTORED in somebody.seen
