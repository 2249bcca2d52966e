"""What a session's process is given: its part, its terminal, its colours, and nothing of the server's."""

import asyncio
import json
import os
import re
import signal
import socket
import struct
import tempfile
import termios
from contextlib import suppress
from fcntl import ioctl
from pathlib import Path

import pytest
from tests.serve.tended import Tended, tended, until

from unrolled_tui.serve.errors import ServeError
from unrolled_tui.serve.sessions.nursery import Terminal
from unrolled_tui.serve.stage import LONGEST_PLACE

TRUECOLOR, MANY_COLOURS = re.compile(rb"[34]8;2;"), re.compile(rb"[34]8;5;")
linux_only = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="looks into /proc, which Linux has")


# What a session is given.


@tended()
async def test_a_session_is_told_its_part(it: Tended) -> None:
    person = await it.person(place="t 7", may_follow=True)
    assert person.lines[0].startswith("ready t 7 may follow")
    assert (await it.person()).lines[:2] == ["ready", "80x24"]


@tended()
async def test_the_keys_of_a_person_reach_their_session_and_no_other(it: Tended) -> None:
    one, other = await it.person(), await it.person()
    one.relay.keys(b"1")
    other.relay.keys(b"2")
    await one.sees("1.")
    await other.sees("2.")
    assert "2." not in one.lines[0]
    assert "1." not in other.lines[0]


@tended()
async def test_keys_before_the_first_frame_are_keys(it: Tended) -> None:
    person = await it.at_the_door()
    person.relay.keys(b"1\x1a23")  # no ctrl+z stops it, nothing is echoed
    await person.sees("1.ctrl+z.2.3.")
    assert not person.sent.startswith(b"1")


@tended()
async def test_a_session_has_the_terminal_to_itself(it: Tended) -> None:
    person = await it.person(Terminal("xterm-256color", 100, 30))
    assert person.lines[1] == "100x30"
    pid = person.child.pid
    assert os.getsid(pid) == pid != os.getsid(it.nursery.pid) != os.getsid(0)
    assert os.tcgetpgrp(person.child.descriptor) == pid


@pytest.mark.parametrize(
    ("asked", "given"),
    [((132, 43), (132, 43)), ((0, 24), (1, 24)), ((10**6, -5), (1000, 1)), ((80, 10**30), (80, 1000))],
)
def test_sizes_stay_within_reason(asked: tuple[int, int], given: tuple[int, int]) -> None:
    @tended()
    async def resized(it: Tended) -> None:
        person = await it.person()
        person.relay.resize(*asked)
        rows, columns = struct.unpack("HHHH", ioctl(person.child.descriptor, termios.TIOCGWINSZ, bytes(8)))[:2]
        assert (columns, rows) == given
        await until(lambda: f"{given[0]}x{given[1]}".encode() in person.sent or 1 in given)

    resized()


@pytest.fixture
def telling_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {
        "COLORTERM": "truecolor",
        "COLUMNS": "33",
        "NO_COLOR": "1",
        "SECRET": "the server's",
        "SSH_AUTH_SOCK": "/there",
        "TERM": "dumb",
        "TEXTUAL": "debug",
        "TEXTUAL_COLOR_SYSTEM": "truecolor",
        "TEXTUAL_FPS": "1",
        "TEXTUAL_PRESS": "x",
        "TERM_PROGRAM": "theirs",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("telling_environment")
def test_nothing_of_the_servers_environment_is_in_a_session() -> None:
    @tended()
    async def asked(it: Tended) -> None:
        person = await it.person(Terminal("screen-256color", 500, 40))
        person.relay.keys(b"e")
        await person.sees("TERM=")
        told = dict(line.split("=", 1) for line in person.lines if "=" in line)
        assert told.pop("PATH") == os.environ["PATH"]
        assert told.pop("TERM") == "screen-256color"
        assert told.pop("LANG") == "C.UTF-8"
        assert set(told) <= {"LC_ALL", "LC_CTYPE", "TMPDIR", "TZ"} | {
            n for n in os.environ if n.endswith("_NUM_THREADS")
        }
        assert MANY_COLOURS.search(person.sent)
        assert not TRUECOLOR.search(person.sent)

    asked()


@tended()
async def test_each_terminal_is_drawn_in_its_own_colours(it: Tended) -> None:
    for term, presents, has_many in (
        ("xterm-256color", False, True),
        ("xterm", False, False),
        ("x; rm -rf /", False, True),
        ("", False, True),
        ("t" * 65, False, True),
        ("xterm", True, True),
        ("linux", False, False),
    ):
        person = await it.person(Terminal(term), presents=presents)
        assert bool(MANY_COLOURS.search(person.sent)) is has_many, term
        assert not TRUECOLOR.search(person.sent)
        assert re.search(rb"\x1b\[[\d;]*(?:4\d|10\d)[;m]", person.sent), "it has some colour"


@linux_only
def test_a_session_holds_no_descriptor_but_its_own() -> None:
    secret, other = socket.socketpair()
    os.set_inheritable(secret.fileno(), True)

    @tended()
    async def looked_at(it: Tended) -> None:
        await it.person()
        person = await it.person()
        opened = descriptors(person.child.pid)
        terminal = opened[0]
        assert terminal.startswith("/dev/pts/")
        assert [opened.pop(number) for number in (0, 1)] == [terminal] * 2
        assert opened.pop(2).startswith(tempfile.gettempdir()), "the log"
        assert not [name for name in opened.values() if name.startswith("/")]
        sockets = [name for name in opened.values() if name.startswith("socket:")]
        assert len(sockets) == 2, "what wakes its loop"
        assert not {*sockets} & {*descriptors(it.nursery.pid).values(), *descriptors(os.getpid()).values()}
        held = descriptors(it.nursery.pid).values()
        assert not [name for name in held if name.startswith("/dev/p")], "a terminal stays with its session"

    with secret, other:
        looked_at()


def descriptors(pid: int) -> dict[int, str]:
    opened = {}
    for path in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # the one that lists them, of our own process
            opened[int(path.name)] = str(path.readlink())
    return opened


@tended()
async def test_a_session_writes_no_file(it: Tended) -> None:
    person = await it.person()
    person.relay.keys(b"w")
    await person.sees("refused: File too large")


@tended()
async def test_the_presenter_and_the_server_hear_each_other(it: Tended) -> None:
    person = await it.person(presents=True)
    line = person.child.line
    assert line is not None
    heard = await asyncio.get_running_loop().sock_recv(line, LONGEST_PLACE)
    assert heard == b"here"
    line.send(b"12")
    await person.sees("12 follow")
    person.relay.leave()
    assert person.child.line is None
    assert (await it.person()).child.line is None


@tended()
async def test_a_place_has_an_end(it: Tended) -> None:
    with pytest.raises(ServeError, match=r"^place: expected at most 4096 bytes, got 4098$"):
        await it.nursery.spawn(Terminal(), place="é" * 2049)


# Through pipes.


async def packet(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    kind, size = await reader.readexactly(1), await reader.readexactly(4)
    return kind, await reader.readexactly(int.from_bytes(size, "big"))


def packed(kind: bytes, payload: bytes) -> bytes:
    return kind + len(payload).to_bytes(4, "big") + payload


@pytest.mark.usefixtures("telling_environment")
def test_a_session_through_pipes_speaks_as_textual_serve_expects() -> None:
    @tended()
    async def piped(it: Tended) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            number = theirs.fileno()
            size = {"COLUMNS": "91", "ROWS": "27", "SECRET": "theirs"}
            child = await it.nursery.spawn_piped(size, (number, number, number))
        assert child.descriptor == -1
        reader, writer = await asyncio.open_connection(sock=ours)
        assert await reader.readline() == b"__GANGLION__\n"
        drawn = b""
        while b"91x27" not in drawn:
            drawn += (await packet(reader))[1]
        assert TRUECOLOR.search(drawn)
        writer.write(packed(b"D", b"1"))
        while b"1." not in drawn:
            drawn += (await packet(reader))[1]
        writer.write(packed(b"M", json.dumps({"type": "resize", "width": 70, "height": 20}).encode()))
        while b"70x20" not in drawn:
            drawn += (await packet(reader))[1]
        child.hang_up()
        assert await child.ended() == 128 + signal.SIGTERM or await child.ended() == 0
        writer.close()

    piped()


@tended()
async def test_a_size_is_two_numbers(it: Tended) -> None:
    with pytest.raises(ServeError, match=r"^size: expected columns and rows, got "):
        await it.nursery.spawn_piped({"COLUMNS": "wide"}, (0, 1, 2))
