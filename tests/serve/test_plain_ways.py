"""The ways to teach that need no server of ours: OpenSSH as it is, a shared account, and following by tmux."""

import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest
from tests.serve.openssh import LACKING, SSHD, Sshd
from tests.tui.terminal import ALTERNATE_SCREEN, CURSOR, MOUSE, UNROLLED, Terminal

from unrolled import LSTM

AS_IT_IS = "ssh -Ct host unrolled --example brackets"
KEY_OPTIONS = 'command="unrolled --no-files --example brackets",restrict,pty'
SSHD_LINES = ("MaxStartups 100:30:200", "Match User class", "ForceCommand unrolled --no-files", "DisableForwarding yes")
TEACHER = "tmux -u -L class new -s class unrolled"
FOLLOWER = "tmux -u -L class attach -t class -f read-only,ignore-size"
FOLLOWER_KEY = f'command="{FOLLOWER}",restrict,pty'
"""What the README says, word for word."""

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")

LAYER = LSTM.initialize(units=3, features=1, seed=7)
"""What bare `unrolled` shows."""

needs_ssh = pytest.mark.skipif(bool(LACKING), reason=LACKING)
needs_tmux = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")


def here(words: str, **changes: str) -> str:
    """What the README says, with the program as it is installed here."""
    for name, value in {"unrolled": UNROLLED, **changes}.items():
        words = words.replace(f"{name} ", f"{value} ", 1) if f"{name} " in words else words.replace(name, value, 1)
    return words


def put_back(terminal: Terminal) -> bool:
    """Whether the terminal is as it was before the program."""
    on = any(terminal.mode(number) for number in (ALTERNATE_SCREEN, *MOUSE))
    return not on and terminal.mode(CURSOR, at_first=True) and terminal.attributes == terminal.attributes_before


def step_and_quit(terminal: Terminal) -> None:
    """A first frame comes, a key steps, and q ends the program and puts the terminal back."""
    terminal.see("quit")
    terminal.settle()
    terminal.press("home")
    terminal.see("t  1/")
    terminal.press("right")
    terminal.see("t  2/")
    terminal.press("q")
    assert terminal.wait() == 0
    assert put_back(terminal)


@pytest.mark.parametrize("words", [AS_IT_IS, KEY_OPTIONS, TEACHER, FOLLOWER_KEY, *SSHD_LINES])
def test_the_readme_says_what_is_tried_here(words: str) -> None:
    assert words in README


# OpenSSH as it is.


@needs_ssh
def test_ssh_as_it_is(tmp_path: Path) -> None:
    options, _, command = AS_IT_IS.removeprefix("ssh ").partition(" host ")
    with Sshd(tmp_path) as server, server.terminal(options, "host", here(command)) as terminal:
        terminal.see("quit", "brackets")
        terminal.resize(80, 24)
        terminal.until(lambda: "quit" in terminal.rows[23])
        step_and_quit(terminal)


@needs_ssh
def test_a_client_that_is_gone_leaves_no_stepper(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    with Sshd(tmp_path) as server:
        with server.terminal("-t", "host", f"echo $$ > {pid_file}; exec {UNROLLED}") as terminal:
            terminal.see("quit")
        pid = int(pid_file.read_text())
        with Terminal(["/bin/sh", "-c", f"while kill -0 {pid} 2>/dev/null; do sleep 0.05; done"]) as waiting:
            assert waiting.wait() == 0


# A shared account.


@pytest.fixture
def listening() -> Iterator[int]:
    """A port behind the server, where nobody should get to."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        listener.settimeout(20)
        yield port


def nothing_else_is_to_be_had(server: Sshd, port: int, outside: Path) -> None:
    """A command, a shell, files and forwarding: none of them."""
    for arguments in (("host", f"touch {outside}"), ("host",), ("-T", "host", "/bin/sh"), ("-s", "host", "sftp")):
        done = server.run("ssh", *arguments, typed=f"touch {outside}\n")
        assert done.returncode == 1
        assert done.stdout == ""
        assert "the stepper needs a terminal" in done.stderr or "-s" in arguments  # of these, sshd sends no errors
    done = server.run("sftp", "-b", "-", "host", typed=f"put {__file__} {outside}\n")
    assert done.returncode != 0
    assert not outside.exists()
    done = server.run("ssh", "-W", f"127.0.0.1:{port}", "host")
    assert done.returncode != 0
    assert "prohibited" in done.stderr
    done = server.run("ssh", "-o", "ExitOnForwardFailure=yes", "-N", "-R", "0:127.0.0.1:1", "host")
    assert done.returncode != 0
    assert "forwarding" in done.stderr


@needs_ssh
@pytest.mark.parametrize("way", ["key", "account"])
def test_a_shared_account_gives_the_stepper_and_nothing_else(way: str, tmp_path: Path, listening: int) -> None:
    outside = tmp_path / "outside"
    for_everybody = [here(line).replace("Match User class", "Match all") for line in SSHD_LINES]
    server = Sshd(tmp_path, here(KEY_OPTIONS)) if way == "key" else Sshd(tmp_path, lines=for_everybody)
    with server:
        with server.terminal("-Ct", "host", f"touch {outside}; cat /etc/passwd") as terminal:
            terminal.see("quit", "brackets" if way == "key" else "unit 3")
            terminal.settle()
            terminal.press("e")
            terminal.press("M")
            terminal.see("bookmarks and notes")
            assert "to a file" not in terminal.text
            terminal.press("escape")
            terminal.until(lambda: "bookmarks and notes" not in terminal.text)
            terminal.press("q")
            assert terminal.wait() == 0
            assert put_back(terminal)
        nothing_else_is_to_be_had(server, listening, outside)
        refused = server.run("ssh", "host", key="other_key")
        assert refused.returncode == 255
        assert "Permission denied" in refused.stderr


@needs_ssh
def test_the_lines_for_sshd_say_what_they_should(tmp_path: Path) -> None:
    with Sshd(tmp_path) as server:
        config = tmp_path / "class_config"
        config.write_text("\n".join([(tmp_path / "sshd_config").read_text(), *SSHD_LINES, ""]))
        said = {}
        for user in ("class", "teacher"):
            asked = [str(SSHD), "-T", "-f", str(config), "-C", f"user={user},host=h,addr=127.0.0.1"]
            done = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=20)
            said[user] = done.stdout.lower().splitlines()
        assert server.port
    assert "maxstartups 100:30:200" in said["teacher"]
    assert {"forcecommand unrolled --no-files", "disableforwarding yes"} < {*said["class"]}
    assert {"forcecommand none", "disableforwarding no"} < {*said["teacher"]}


# Following by tmux.


@pytest.fixture
def tmux(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The variables for a tmux of its own, which is ended at the end."""
    folder = Path("/tmp") / f"unrolled-tmux-{os.getpid()}-{threading.get_native_id()}"  # noqa: S108  # a socket's path is short
    folder.mkdir(0o700)
    variables = {"TMUX_TMPDIR": str(folder), "SHELL": "/bin/sh", "HOME": str(tmp_path_factory.mktemp("home"))}
    yield variables
    program = str(shutil.which("tmux"))
    subprocess.run([program, "-L", "class", "kill-server"], env={**os.environ, **variables}, check=False, timeout=20)
    shutil.rmtree(folder)


def in_shell(command: str, variables: dict[str, str], columns: int, lines: int) -> Terminal:
    """A terminal in which a command was typed."""
    return Terminal(["/bin/sh", "-c", f"exec {command}"], columns, lines, environment=variables)


def teaches(teacher: Terminal) -> None:
    """Waits until the teacher sees the stepper."""
    teacher.see("quit", "t 1/4")
    teacher.settle()


@needs_tmux
@pytest.mark.parametrize("size", [(140, 45), (60, 16)])
def test_a_follower_sees_the_teachers_steps_and_can_do_nothing(tmux: dict[str, str], size: tuple[int, int]) -> None:
    first, second = (f" {step.i[0]:.3f} " for step in islice(LAYER.unroll([[1.0], [2.0]]), 2))
    with in_shell(here(TEACHER), tmux, 100, 30) as teacher:
        teaches(teacher)
        before = teacher.rows[:-1]
        with in_shell(FOLLOWER, tmux, *size) as follower:
            follower.see(first)
            teacher.press("right")
            follower.see(second)
            follower.press("right", "right", "q", "ctrl+c", "x")
            follower.settle()
            teacher.press("home")
            teacher.see("t 1/4")
            teacher.settle()
            assert teacher.rows[:-1] == before
            teacher.press("q")
            assert teacher.wait() == 0
            assert follower.wait() == 0
            assert put_back(follower)


@needs_ssh
@needs_tmux
def test_followers_over_ssh_see_the_teacher_and_nothing_else(
    tmux: dict[str, str], tmp_path: Path, listening: int
) -> None:
    variables = " ".join(f"{name}={value}" for name, value in tmux.items())
    options = FOLLOWER_KEY.replace("tmux", f"env {variables} tmux", 1)
    with in_shell(here(TEACHER), tmux, 100, 30) as teacher, Sshd(tmp_path, options) as server:
        teaches(teacher)
        with server.terminal("-Ct", "host", "/bin/sh", columns=120) as follower:
            follower.see("t 1/4", "→ step")
            teacher.press("right")
            follower.see("t 2/4")
            follower.write(b"\x02:")  # tmux's own keys: a prompt for its commands,
            follower.write(b"\x02c")  # and another window
            follower.press("right")
            follower.settle()
            assert "t 2/4" in follower.text
            teacher.see("t 2/4")
            follower.write(b"\x02d")  # this one is allowed: to leave
            assert follower.wait() == 0
        done = server.run("ssh", "-W", f"127.0.0.1:{listening}", "host")
        assert "prohibited" in done.stderr
        teacher.press("q")
        assert teacher.wait() == 0
