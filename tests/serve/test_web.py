"""The sessions of the web server, as tabs see them: what they carry, what bounds them, and how they end."""

import asyncio
import json
import os
import signal
import socket
from contextlib import suppress
from typing import Any

import pytest
from tests.serve.web_serving import WAIT, Served, Tab, serving, until

from unrolled_tui.serve.web.session import size_of

ANYBODY = {"anonymous": True}


@pytest.mark.parametrize(
    ("columns", "rows", "size"),
    [
        ("120", "40", (120, 40)),
        (120, 40, (120, 40)),
        (None, None, (80, 24)),
        ("undefined", "NaN", (80, 24)),
        ("0", "-5", (1, 24)),
        (-5, 0, (1, 1)),
        ("99999999999999999999", "9999", (80, 1000)),
        (10**30, 2.5, (1000, 24)),
        ("²", "٣", (80, 24)),
        ([], {}, (80, 24)),
    ],
)
def test_a_size_can_be_drawn(columns: object, rows: object, size: tuple[int, int]) -> None:
    assert size_of(columns, rows) == size


async def test_a_window_that_changes_its_size_changes_the_apps() -> None:
    async with serving(access=ANYBODY) as served, served.tab() as tab:
        await tab.shows("size 40x8.")
        await tab.line.send_json(["resize", {"width": 61, "height": 9}])
        await tab.shows("size 61x9.")


async def test_what_is_no_message_does_nothing() -> None:
    async with serving(access=ANYBODY) as served, served.tab() as tab:
        await tab.shows("size 40x8.")
        for text in (
            "",
            "{",
            "5",
            "null",
            "{}",
            "[]",
            "[[], {}]",
            '["stdin"]',
            '["stdin", 5]',
            "[" * 60_000,
            '["resize"]',
        ):
            await tab.line.send_str(text)
        for message in (
            ["resize", 5],
            ["resize", {"width": "a"}],
            ["ping"],
            ["quit", {}],
            ["deliver_chunk_request", {}],
        ):
            await tab.line.send_json(message)
        await tab.line.send_bytes(b"M\x00\x00\x00\x0f" + b'{"type":"quit"}')
        await tab.line.send_json(["ping", "7" * 100])
        await tab.line.send_json(["focus"])
        await tab.type("\ud800ac")
        await tab.shows("keys 3.")
        assert [json.loads(told) for told in tab.told] == [["pong", "7" * 32]]
        await tab.line.send_str(json.dumps(["stdin", "a" * 70_000]))
        assert "1009" in await tab.closed()
        await served.until_sessions(0)


async def test_an_app_opens_no_link_and_delivers_no_file() -> None:
    async with serving(access=ANYBODY) as served, served.tab() as tab:
        await tab.type("u")
        await tab.shows("delivered.")
        await tab.line.send_json(["ping", "last"])
        await tab.type("a")
        await tab.shows("keys 1.")
        assert tab.told == ['["pong", "last"]']


async def test_an_app_knows_nothing_of_the_server() -> None:
    async with serving(access=ANYBODY) as served, served.tab("width=300&height=8") as tab:
        await tab.shows("size")
        await tab.type("e")
        await tab.shows("environment ")
        names = (await tab.shows(".")).split()
        own = ["COLORTERM", "COLUMNS", "LANG", "PATH", "ROWS", "TERM"]
        assert [name for name in names if not name.endswith("_NUM_THREADS")] == own


async def test_there_are_so_many_sessions_and_no_more() -> None:
    async with serving(access=ANYBODY, limits={"sessions": 1}) as served:
        async with served.tab() as tab, served.tab() as other:
            await tab.shows("size")
            assert await other.closed() == "All 1 sessions are taken: try again later."
            await tab.type("a")
            await tab.shows("keys 1.")
        await served.until_sessions(0)
        await _opens(served)
    async with serving(access=ANYBODY, limits={"per_address": 1}) as served, served.tab() as tab:
        await tab.shows("size")
        async with served.tab() as other:
            assert await other.closed() == "This address has its 1 sessions already: leave one first."


async def test_a_session_ends_with_its_tab() -> None:
    async with serving(access=ANYBODY) as served:
        async with served.tab() as tab:
            await tab.shows("size")
            assert len(served.sessions()) == 1
        await served.until_sessions(0)
        async with served.tab() as tab:
            await tab.shows("size")
            await tab.type("b")  # it hears nothing any more
            tab.line.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
            await served.until_sessions(0)


async def test_how_a_session_ended_is_said() -> None:
    async with serving(access=ANYBODY) as served, served.tab() as tab, served.tab() as other:
        await tab.shows("size")
        await other.shows("size")
        await tab.type("q")
        assert await tab.closed() == "The session has ended."
        async with served.tab() as third:
            await third.shows("size")
            await third.type("x")
            assert await third.closed() == f"The session has ended with an error (exit code {128 + signal.SIGABRT})."
        await other.type("a")
        await other.shows("keys 1.")
        assert len(served.sessions()) == 1


async def test_who_does_not_type_leaves() -> None:
    async with serving(access=ANYBODY, limits={"idle": 2}) as served, served.tab() as tab, served.tab() as typing:
        await typing.shows("size")
        waiting = asyncio.create_task(tab.closed())
        keys = 0
        while not waiting.done():
            keys += 1
            await typing.type("a")
            await typing.shows(f"keys {keys}.")
        assert await waiting == "Nothing was typed for 2 seconds."
        await typing.type("a")
        await typing.shows(f"keys {keys + 1}.")


async def test_a_page_that_never_reads_fills_no_memory() -> None:
    async with serving(access=ANYBODY) as served, served.tab() as other:
        await other.shows("size")
        before = served.memory()
        reader, writer = await _deaf_page(served)
        writer.write(_frame('["stdin", "f"]'))  # it draws without end
        await served.until_sessions(2)
        await _steps(other, 100)
        assert served.memory() - before < 40_000
        assert len(served.sessions()) == 2
        reader.feed_eof()
        writer.transport.abort()
        await served.until_sessions(1)


async def test_a_flood_of_keys_fills_no_memory() -> None:
    async with serving(access=ANYBODY) as served, served.tab() as other, served.tab() as tab:
        await other.shows("size")
        await tab.shows("size")
        await tab.type("b")  # it takes none of them
        before, sent = served.memory(), 0
        flood = json.dumps(["stdin", "a" * 32_768])
        with suppress(TimeoutError):
            while sent < 1 << 27:
                async with asyncio.timeout(2):
                    await tab.line.send_str(flood)
                sent += len(flood)
        assert sent < 1 << 25
        await _steps(other, 20)
        assert served.memory() - before < 40_000
        tab.line.get_extra_info("socket").shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130), (signal.SIGHUP, 0)])
async def test_a_signal_ends_all(number: signal.Signals, code: int) -> None:
    async with serving(access=ANYBODY) as served, served.tab() as tab, served.tab() as busy, served.tab() as other:
        for each in (tab, busy, other):
            await each.shows("size")
        await busy.type("b")
        pids = served.sessions()
        assert len(pids) == 3
        served.send(number)
        assert await asyncio.gather(*(each.closed() for each in (tab, busy, other))) == ["The server has ended."] * 3
        assert (await served.ended())[:2] == (code, f"{code}\n")
        await until(lambda: not any(_lives(pid) for pid in (*pids, served.nursery)), lambda: "no process")


async def test_without_the_nursery_there_is_no_server() -> None:
    async with serving(access=ANYBODY) as served, served.tab() as tab:
        await tab.shows("size")
        os.kill(served.nursery, signal.SIGKILL)
        await tab.closed()
        code, printed, _ = await served.ended()
        assert code == 1
        assert "the process that makes the sessions has ended: signal 9" in printed


async def test_a_port_that_is_taken_is_said() -> None:
    async with serving() as served:
        with pytest.raises(ValueError, match=f"127.0.0.1, port {served.port}: another program has this port already"):
            async with serving(port=served.port):
                pass


# What the tests need.


async def _opens(served: Served) -> None:
    """Opens a session as soon as there is room for it."""
    for _ in range(200):
        async with served.tab() as tab:
            await tab._hear()
            if tab.shown:
                return
        await asyncio.sleep(0.05)
    raise AssertionError("no seat was given back")


async def _steps(tab: Tab, count: int) -> None:
    for number in range(1, count + 1):
        await tab.type("a")
        await tab.shows(f"keys {number}.")


async def _deaf_page(served: Served) -> Any:
    """A page that opens a session and reads nothing of it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port, limit=1 << 12)
    head = (
        f"GET /ws?width=100&height=40 HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\nOrigin: {served.at}\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    writer.write(head.encode())
    async with asyncio.timeout(WAIT):
        assert b" 101 " in await reader.readline()
    writer.transport.pause_reading()  # type: ignore[attr-defined]  # a socket's transport has it
    return reader, writer


def _frame(text: str) -> bytes:
    """A text message of a websocket, masked with zeros (RFC 6455, 5.2)."""
    return bytes([0x81, 0x80 | len(text)]) + bytes(4) + text.encode()


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
