"""The SSH server, as asyncssh's client meets it: who gets in, what they get, and what happens to the rest."""

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import asyncssh
import pytest
from asyncssh.constants import MSG_KEXINIT
from asyncssh.packet import String, UInt32
from tests.serve.ssh_serving import (
    PASSWORD,
    RESTORED,
    SECONDS,
    Person,
    Server,
    connected,
    is_alive,
    person,
    serving,
    sits_down,
    until,
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server")) as server:
        yield server


# What a person gets.


async def test_the_password_opens_the_app(server: Server) -> None:
    async with person(server) as anna:
        anna.types("z")
        await anna.sees("keys 1.")
        anna.types("q")
        code, out, err = await anna.leaves()
        assert (code, err) == (0, b"")
        assert RESTORED in out


async def test_it_hears_of_another_size(server: Server) -> None:
    async with person(server) as anna:
        anna.process.change_terminal_size(100, 30)
        await anna.sees("size 100x30")
        anna.process.change_terminal_size(1 << 20, 0)
        await anna.sees("size 1000x24")


async def test_nothing_of_the_environment_gets_through(server: Server) -> None:
    async with connected(server) as connection:
        sent = {"LD_PRELOAD": "x.so", "NO_COLOR": "1", "TEXTUAL_THEME": "nord", "LANG": "C", "TERM": "dumb"}
        anna = await sits_down(connection, env=sent, term_type="xterm")
        await anna.sees("size 80x24")
        anna.types("e")
        await anna.sees("environment ")
        names = (await anna.sees(", TERM=xterm.")).decode().split()
        assert not {"LD_PRELOAD", "NO_COLOR", "TEXTUAL_THEME", "HOME", "SSH_AUTH_SOCK"} & set(names)


async def test_a_crash_ends_one_session_and_puts_its_terminal_back(server: Server) -> None:
    async with person(server) as anna, person(server) as bert:
        anna.types("x")
        code, out, err = await anna.leaves()
        assert code == 128 + signal.SIGABRT
        assert RESTORED in out
        assert err == b"the session was ended (code 134): the server's log may say why\r\n"
        await until(lambda: "here: exit code 134\n" in server.log)
        bert.types("z")
        await bert.sees("keys 1.")


async def test_a_line_that_breaks_ends_the_session(server: Server) -> None:
    async with person(server, username="gone in mid-frame") as anna:
        own, _ = await anna.process_numbers()
        anna.types("w" * 50)
        await anna.process.stdout.read(1)
    await until(lambda: not is_alive(own))
    await until(lambda: "out gone in mid-frame from 127.0.0.1" in server.log)


async def test_twenty_at_once(server: Server) -> None:
    async def steps() -> float:
        async with person(server) as somebody:
            began = time.monotonic()
            for step in range(1, 6):
                somebody.types("z")
                await somebody.sees(f"keys {step}.")
            took = time.monotonic() - began
            somebody.types("q")
            assert (await somebody.leaves())[0] == 0
            return took / 5

    times = await asyncio.gather(*(steps() for _ in range(20)))
    assert sorted(times)[10] < 1, times


# What is not to be had.


async def test_a_shell_takes_a_terminal(server: Server) -> None:
    async with connected(server) as connection:
        done = await asyncio.wait_for(connection.run(), SECONDS)
        assert done.exit_status == 1
        assert done.stderr == "this needs a terminal: leave out the command, or type ssh -t\r\n"


@pytest.mark.parametrize("asked", [{"command": "id"}, {"subsystem": "sftp"}, {"subsystem": "netconf"}])
@pytest.mark.parametrize("term_type", [None, "xterm"])
async def test_no_command_and_no_subsystem(server: Server, asked: dict[str, str], term_type: str | None) -> None:
    async with connected(server) as connection:
        with pytest.raises(asyncssh.ChannelOpenError):
            await asyncio.wait_for(connection.create_process(term_type=term_type, **asked), SECONDS)


async def test_no_forwarding(server: Server, tmp_path: Path) -> None:
    async with connected(server) as connection:
        for opening in (
            connection.open_connection("127.0.0.1", server.port),
            connection.open_unix_connection("/var/run/docker.sock"),
            connection.create_tun(asyncssh.SSHTunTapSession),
            connection.create_tap(asyncssh.SSHTunTapSession),
        ):
            with pytest.raises(asyncssh.ChannelOpenError):
                await asyncio.wait_for(opening, SECONDS)
        with pytest.raises(asyncssh.ChannelListenError):
            await connection.forward_remote_port("127.0.0.1", 0, "127.0.0.1", server.port)
        with pytest.raises(asyncssh.ChannelListenError):
            await connection.forward_remote_path(str(tmp_path / "socket"), str(tmp_path / "other"))
        assert not [*tmp_path.iterdir()]


async def test_no_second_session_on_a_connection(server: Server) -> None:
    async with connected(server) as connection:
        anna = await sits_down(connection)
        await anna.sees("size 80x24")
        with pytest.raises(asyncssh.ChannelOpenError, match="refused"):
            await sits_down(connection)
        anna.types("q")
        await anna.leaves()
        await (await sits_down(connection)).sees("size 80x24")


# Who gets in.


class Guesser(asyncssh.SSHClient):
    """Offers wrong passwords until it is cut off, and notes when each was answered."""

    def __init__(self) -> None:
        self.asked: list[float] = []

    def password_auth_requested(self) -> str:
        self.asked.append(time.monotonic())
        return "a guess"


async def test_a_wrong_password_is_answered_late_and_three_are_the_end(server: Server) -> None:
    guesser = Guesser()
    with pytest.raises(asyncssh.DisconnectError, match="3 wrong passwords"):
        async with connected(server, username="guesser", password=None, client_factory=lambda: guesser):
            pass
    assert len(guesser.asked) == 3
    assert all(later - sooner > 0.95 for sooner, later in zip(guesser.asked, guesser.asked[1:], strict=False))
    assert server.log.count("refused guesser from 127.0.0.1: wrong password") == 3


async def test_who_fails_too_often_has_to_wait(tmp_path: Path) -> None:
    with serving(tmp_path, limits={"attempts": 2}) as server:
        async with person(server) as anna:
            with pytest.raises(asyncssh.DisconnectError, match="too many failures from this address: wait a minute"):
                async with connected(server, password=None, client_factory=Guesser):
                    pass
            with pytest.raises(asyncssh.DisconnectError, match="wait a minute"):
                async with connected(server):
                    pass
            anna.types("z")
            await anna.sees("keys 1.")


async def test_a_known_key_need_not_wait(tmp_path: Path) -> None:
    known, other = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
    access = {"keys": _public(known), "password": PASSWORD}
    with serving(tmp_path, access=access, limits={"attempts": 2}) as server:
        for _ in range(3):  # a wrong key is no guess
            with pytest.raises(asyncssh.PermissionDenied):
                async with connected(server, client_keys=[other], password=None):
                    pass
        async with connected(server):
            pass
        with pytest.raises(asyncssh.DisconnectError, match="too many failures from this address: wait a minute"):
            async with connected(server, password=None, client_factory=Guesser):
                pass
        with pytest.raises(asyncssh.DisconnectError, match="wait a minute"):
            async with connected(server):
                pass
        async with person(server, client_keys=[other, known], password=None):
            pass


async def test_keys_and_a_password(tmp_path: Path) -> None:
    known, other, elsewhere = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(3))
    lines = f"# class\n{_public(known)}\nno key at all\n" + f'from="192.0.2.7" {_public(elsewhere)}\n'
    with serving(tmp_path, access={"keys": lines, "password": PASSWORD}) as server:
        async with person(server, client_keys=[known], password=None):
            assert "line 3 of the keys is no public key" in server.log
        for key in (other, elsewhere):
            with pytest.raises(asyncssh.PermissionDenied):
                async with connected(server, client_keys=[key], password=None):
                    pass
            async with connected(server, client_keys=[key], password=PASSWORD):
                pass


async def test_keys_only(tmp_path: Path) -> None:
    known, forced, other = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(3))
    lines = f'{_public(known)}\ncommand="/bin/id",environment="LD_PRELOAD=x" {_public(forced)}'
    with serving(tmp_path, access={"keys": lines}) as server:
        with pytest.raises(asyncssh.PermissionDenied):
            async with connected(server, client_keys=[other]):
                pass
        await until(lambda: "refused anna from 127.0.0.1: none of its keys is known here" in server.log)
        async with person(server, client_keys=[forced]) as anna:
            anna.types("z")
            await anna.sees("keys 1.")


def _public(key: asyncssh.SSHKey) -> str:
    return key.export_public_key().decode().strip()


async def test_everybody(tmp_path: Path) -> None:
    with serving(tmp_path, access={"anonymous": True}) as server:
        async with person(server, password=None, username="nobody") as nobody:
            nobody.types("z")
            await nobody.sees("keys 1.")


async def test_a_client_that_cannot_compress_is_told_of(server: Server) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    both_ways = [names for names in ("aes128-ctr", "hmac-sha2-256", "none", "") for _ in range(2)]
    lists = b"".join(map(String, ["curve25519-sha256", "ssh-ed25519", *both_ways]))
    payload = bytes([MSG_KEXINIT]) + bytes(16) + lists + bytes(5)  # RFC 4253, 7.1
    padding = 16 - (5 + len(payload)) % 8
    writer.write(b"SSH-2.0-old\r\n" + UInt32(1 + len(payload) + padding) + bytes([padding]) + payload + bytes(padding))
    assert b"No matching compression algorithm" in await asyncio.wait_for(reader.read(), SECONDS)
    writer.close()
    await until(lambda: "refused 127.0.0.1: it cannot compress: start the server with --no-compression" in server.log)


# The end.


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGHUP, 0), (signal.SIGINT, 130)])
async def test_a_signal_ends_all_sessions_cleanly(tmp_path: Path, number: int, code: int) -> None:
    with serving(tmp_path) as server:
        async with person(server) as anna, person(server) as bert, person(server) as reads_nothing:
            processes = [await somebody.process_numbers() for somebody in (anna, bert, reads_nothing)]
            reads_nothing.process.channel.pause_reading()
            reads_nothing.types("w" * 2000)
            server.process.send_signal(number)
            for somebody in (anna, bert):
                status, out, err = await somebody.leaves()
                assert status == 128 + signal.SIGTERM
                assert RESTORED in out
                assert err == b"the server has ended\r\n"
            await until(lambda: server.process.poll() is not None)
            assert server.process.returncode == code
        assert not [process for pair in processes for process in pair if is_alive(process)]


async def test_it_ends_when_what_makes_the_sessions_dies(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        async with person(server) as anna:
            own, nursery = await anna.process_numbers()
            os.kill(nursery, signal.SIGKILL)
            code, out, err = await anna.leaves()
            assert code == 128 + signal.SIGKILL
            assert out.endswith(RESTORED + b"\x1b[?25h")
            assert err == b"the process that makes the sessions has ended: signal 9\r\n"
            await until(lambda: server.process.poll() is not None)
            assert server.process.returncode == 1
        await until(lambda: not is_alive(own))


# Following.


@pytest.mark.parametrize("ends", ["the teacher", "the server"])
async def test_the_end_is_told_to_one_in_an_app_of_ones_own(tmp_path: Path, ends: str) -> None:
    ours, theirs = os.openpty()
    asyncio.get_running_loop().add_reader(ours, os.read, ours, 1 << 16)  # the teacher looks on
    try:
        with serving(tmp_path, terminal=theirs, presents=True) as server:
            async with connected(server) as connection:
                anna: Person = await sits_down(connection, term_size=(100, 40))
                await anna.sees("o a screen of your own")
                anna.types("o")
                await anna.sees("size 100x40")
                if ends == "the teacher":
                    os.write(ours, b"q")
                else:
                    server.process.send_signal(signal.SIGTERM)
                code, out, err = await anna.leaves()
                assert (code, err) == (0, b"the teacher has ended the presentation\r\n")
                assert RESTORED in out
            await until(lambda: server.process.poll() is not None)
            assert server.process.returncode == 0
            assert server.log.endswith("out anna from 127.0.0.1, 0 here: the teacher has ended the presentation\n")
    finally:
        asyncio.get_running_loop().remove_reader(ours)
        os.close(ours)
        os.close(theirs)


async def test_one_follows_leaves_for_an_app_of_ones_own_and_comes_back(tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    asyncio.get_running_loop().add_reader(ours, os.read, ours, 1 << 16)  # the teacher looks on
    try:
        with serving(tmp_path, terminal=theirs, presents=True) as server:
            os.write(ours, b"zzz")
            async with connected(server) as connection:
                anna: Person = await sits_down(connection, term_size=(100, 40))
                await anna.sees("keys 3.")
                anna.types("z")
                await anna.sees("o a screen of your own")
                anna.types("o")
                await anna.sees("size 100x40 keys 3.")
                anna.types("z")
                await anna.sees("keys 4.")
                anna.types("o")
                await anna.sees("keys 3.")
                os.write(ours, b"z" * 7)
                await anna.sees("10.")  # all that differs, and nothing that moves a cursor
                anna.types("q")
                code, out, _ = await anna.leaves()
                assert code == 0
                assert RESTORED in out
            async with connected(server) as connection:
                bert = await sits_down(connection, term_size=(100, 40))
                await bert.sees("keys 10.")
                os.write(ours, b"q")
                code, out, _ = await bert.leaves()
                assert code == 0
                assert b"the teacher has ended the presentation" in out
            await until(lambda: server.process.poll() is not None)
            assert server.process.returncode == 0
    finally:
        asyncio.get_running_loop().remove_reader(ours)
        os.close(ours)
        os.close(theirs)
