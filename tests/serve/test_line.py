"""The line between front and nursery: messages with descriptors, and orders that are obeyed or refused."""

import asyncio
import os
import signal
import socket
import threading

import pytest
from tests.serve.tended import Tended, is_alive, make_tiny, tended

from unrolled_tui.serve.errors import ServeError
from unrolled_tui.serve.limits import Limits
from unrolled_tui.serve.sessions.line import Line
from unrolled_tui.serve.sessions.nursery import Nursery
from unrolled_tui.serve.stage import LONGEST_PLACE


def test_a_message_brings_its_own_descriptors() -> None:
    ours, theirs = Line.pair()
    for text in (b"one", b"two"):
        read, write = os.pipe()
        os.write(write, text)
        ours.send({"text": text.decode()}, [read])
        ours.send({"text": "none"})
        os.close(read)
        os.close(write)
    heard: list[tuple[dict[str, object], list[int]]] = []
    while len(heard) < 4:
        heard += theirs.receive() or []
    for message, given in heard:
        for descriptor in given:
            assert os.read(descriptor, 10).decode() == message["text"]
            os.close(descriptor)
    assert [(message["text"], len(given)) for message, given in heard] == [
        ("one", 1),
        ("none", 0),
        ("two", 1),
        ("none", 0),
    ]
    assert theirs.receive() == []
    ours.close()
    assert theirs.receive() is None
    theirs.close()


@pytest.mark.parametrize("text", [b"{\n", b"[]\n", b"{}\n", b"1\n", b'{"descriptors": 0}' + b" " * (1 << 17)])
def test_what_is_no_message_is_refused(text: bytes) -> None:
    ours, theirs = socket.socketpair()
    line = Line(ours)
    with theirs:
        threads = threading.Thread(target=theirs.sendall, args=(text,))
        threads.start()
        with pytest.raises(ServeError, match=r"^line: expected "):
            [*iter(line.receive, None)]
        threads.join()
    line.close()


@pytest.mark.parametrize(
    "order",
    [
        {"do": "fork"},
        {"do": "signal", "number": 1, "signal": int(signal.SIGSTOP)},
        {"do": "run", "command": "sh"},
    ],
)
def test_a_nursery_obeys_its_orders_and_no_others(order: dict[str, object]) -> None:
    @tended()
    async def told(it: Tended) -> None:
        await it.nursery.ready()
        it.nursery._line.send(order)
        assert await it.nursery.died == "the process that makes the sessions has ended: exit code 1"
        assert "line: expected an order, got " in it.log

    told()


@pytest.mark.parametrize(
    "order",
    [
        {"term": "xterm", "place": "p" * (LONGEST_PLACE + 1), "may_follow": False},
        {"term": 5, "place": "", "may_follow": False},
        {"term": "xterm", "place": "", "may_follow": 1},
        {"columns": 80},
        {},
    ],
)
def test_an_order_for_half_a_session_is_refused(order: dict[str, object]) -> None:
    @tended()
    async def asked(it: Tended) -> None:
        await it.nursery.ready()
        child = it.nursery._new_child(-1, None)
        with pytest.raises(ServeError, match=r"^line: expected what a session needs, got less$"):
            await it.nursery._fork(child, {"do": "fork", **order}, [0])
        await it.person()

    asked()


def test_a_nursery_needs_no_loop_to_be_started() -> None:
    nursery = Nursery.start(make_tiny, Limits())
    asyncio.run(nursery.close())
    assert not is_alive(nursery.pid)
