"""What holds back those who take too much: too many seats, too much time, all the keys there are, or no answer."""

import asyncio
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import asyncssh
import pytest
from asyncssh.constants import MSG_GLOBAL_REQUEST
from asyncssh.packet import Boolean, String
from tests.serve.ssh_serving import (
    RESTORED,
    SECONDS,
    Person,
    Server,
    connected,
    person,
    serving,
    sits_down,
    until,
)

from unrolled_tui.serve.ssh import session


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server")) as server:
        yield server


def line_of(somebody: Person) -> asyncio.Transport:
    """The line itself, which no client of asyncssh's lets others hold up."""
    line = somebody.process.channel.get_connection()._transport
    assert line is not None
    return line


async def test_there_are_so_many_seats(tmp_path: Path) -> None:
    with serving(tmp_path, limits={"sessions": 2}) as server:
        async with person(server) as anna, person(server):
            async with connected(server, username="late") as connection:
                code, _, err = await (await sits_down(connection)).leaves()
                assert (code, err) == (1, b"all 2 sessions are taken: try again later\r\n")
            assert "refused late from 127.0.0.1: all 2 sessions are taken" in server.log
            anna.types("q")
            await anna.leaves()
            await until(lambda: "out anna from 127.0.0.1, 1 here" in server.log)
            async with person(server):
                assert server.log.count("in anna from 127.0.0.1, 2 here") == 2


async def test_there_are_so_many_seats_for_an_address(tmp_path: Path) -> None:
    with serving(tmp_path, limits={"per_address": 1}) as server:
        async with person(server), connected(server) as connection:
            code, _, err = await (await sits_down(connection)).leaves()
            assert (code, err) == (1, b"this address has its 1 sessions already: leave one first\r\n")


async def test_without_a_key_for_long_a_session_ends(tmp_path: Path) -> None:
    with serving(tmp_path, limits={"idle": 0.6}) as server:
        async with person(server) as anna:
            code, out, err = await anna.leaves()
            assert (code, err) == (1, b"no key for 0.01 minutes: the session has ended\r\n")
            assert RESTORED in out
        await until(lambda: "0 here: no key for 0.01 minutes: the session has ended\n" in server.log)
        assert "refused" not in server.log
    assert [session._minutes(seconds) for seconds in (60, 90, 3600)] == ["1 minute", "1.5 minutes", "60 minutes"]


async def test_a_channel_without_a_session_is_no_use(tmp_path: Path) -> None:
    with serving(tmp_path, patience={"ssh.login.PATIENCE": 0.5}) as server:
        async with connected(server) as connection:
            loop = asyncio.get_running_loop()
            channel = asyncssh.SSHClientChannel[bytes](connection, loop, "strict", None, "strict", 1 << 15, 1 << 15)
            await channel._open(b"session")
            await asyncio.wait_for(connection.wait_closed(), SECONDS)
        async with connected(server) as connection:
            while not connection.is_closed():  # nor are many, one after the other
                with suppress(asyncssh.Error, OSError):
                    await asyncio.wait_for(connection.create_process("id"), 1)
        async with person(server) as anna:
            await asyncio.sleep(1)
            anna.types("z")
            await anna.sees("keys 1.")


async def test_there_are_so_many_connections(tmp_path: Path) -> None:
    with serving(tmp_path, limits={"sessions": 1}, patience={"ssh.login.MOST_STRANGERS": 1}) as server:
        async with connected(server), person(server):
            with pytest.raises((OSError, asyncssh.Error)):
                async with connected(server):
                    pass
            assert "refused 127.0.0.1: there are too many connections" in server.log
        await until(lambda: "out anna" in server.log)
        async with person(server):
            pass


async def test_nobody_keeps_a_connection_without_use(tmp_path: Path) -> None:
    patience = {"ssh.login.PATIENCE": 0.3, "ssh.server.LOGIN_TIMEOUT": 1, "ssh.login.MOST_STRANGERS": 2}
    with serving(tmp_path, patience=patience) as server:
        async with connected(server) as connection:
            await asyncio.wait_for(connection.wait_closed(), SECONDS)
        strangers = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(2)]
        with pytest.raises((OSError, asyncssh.Error)):
            async with connected(server):
                pass
        assert "refused 127.0.0.1: too many are logging in" in server.log
        for reader, writer in strangers:
            await asyncio.wait_for(reader.read(), SECONDS)  # until the server closes it
            writer.close()
        async with person(server):
            pass


# Those who do not read, and those who do not stop.


async def test_one_who_does_not_read_holds_up_nobody(server: Server) -> None:
    with socket.socket() as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 18)
        line.connect(("127.0.0.1", server.port))
        async with connected(server, sock=line) as connection:
            anna = await sits_down(connection, window=1 << 26)
            await anna.sees("size 80x24")
            line_of(anna).pause_reading()
            await _does_not_hold_up_others(server, anna)
            line_of(anna).resume_reading()
            await anna.sees("keys 1.")


async def test_one_who_wants_nothing_holds_up_nobody(server: Server) -> None:
    async with connected(server) as connection:
        anna = await sits_down(connection, window=1 << 15)
        await anna.sees("size 80x24")
        anna.process.channel.pause_reading()  # the window closes, and the line stays open
        await _does_not_hold_up_others(server, anna)
        anna.process.channel.resume_reading()
        await anna.sees("keys 1.")


async def _does_not_hold_up_others(server: Server, anna: Person) -> None:
    """10 MiB are asked for, and what the server keeps of them is little."""
    async with person(server) as bert:
        before = server.resident
        anna.types("W" * 160 + "z")
        for _ in range(50):
            bert.types("z")
            await bert.sees("keys ")
        await asyncio.sleep(0.5)  # whatever would come has time to
        assert server.resident - before < 4 << 10


async def test_a_flood_of_keys_waits_in_the_client(server: Server) -> None:
    async with person(server) as anna, person(server) as bert:
        before = server.resident
        for _ in range(64):
            anna.types("z" * (1 << 16))
        for _ in range(50):
            bert.types("z")
            await bert.sees("keys ")
        assert anna.process.channel.get_write_buffer_size() > 1 << 21
        assert server.resident - before < 4 << 10


async def test_one_who_asks_and_reads_no_answer_is_cut_off(tmp_path: Path) -> None:
    with serving(tmp_path, patience={"ssh.connection.MOST_UNREAD": 1 << 16}) as server:
        async with person(server) as anna:
            connection = anna.process.channel.get_connection()
            line = line_of(anna)
            line.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 18)
            line.pause_reading()
            deadline = time.monotonic() + SECONDS
            while not line.is_closing() and time.monotonic() < deadline:
                for _ in range(100):
                    connection.send_packet(MSG_GLOBAL_REQUEST, String("what"), Boolean(True))
                await asyncio.sleep(0)
            assert line.is_closing()
        await until(lambda: "out anna" in server.log)


async def test_one_who_sends_a_great_environment_is_cut_off(server: Server) -> None:
    async with connected(server) as connection:
        with suppress(asyncssh.Error, OSError):
            await sits_down(connection, env={f"NAME{number}": "x" * 4000 for number in range(100)})
        await asyncio.wait_for(connection.wait_closed(), SECONDS)
