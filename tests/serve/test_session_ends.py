"""How sessions end, and that one never takes another with it."""

import asyncio
import os
import signal
import subprocess
import sys
import time

import pytest
from tests.serve.tended import RESTORED, Tended, is_alive, tended, until

from unrolled_tui.serve.limits import Limits
from unrolled_tui.serve.sessions.nursery import GRACE, Terminal
from unrolled_tui.serve.sessions.session import FAILED, OUT_OF_MEMORY


@pytest.mark.parametrize(("keys", "code"), [(b"f", 75), (b"\x11", 0), (b"s", 9)])
def test_a_session_ends_with_its_own_code(keys: bytes, code: int) -> None:
    @tended()
    async def ended(it: Tended) -> None:
        person = await it.person()
        person.relay.keys(keys)
        assert await person.ended() == code
        assert RESTORED in person.sent
        assert it.log == ""

    ended()


@tended()
async def test_a_session_that_fails_says_so_in_one_sentence(it: Tended) -> None:
    other, person = await it.person(), await it.person()
    person.relay.keys(b"x")
    assert await person.ended() == 1
    _, _, told = bytes(person.sent).partition(RESTORED)
    assert told.decode().endswith(FAILED.replace("\n", "\r\n"))
    for secret in (b"LookupError", b"Traceback", b"only the log", b".py"):
        assert secret not in person.sent
    assert "what only the log may say" in it.log
    assert "in action_fail" in it.log
    other.relay.keys(b"1")
    await other.sees("1.")


@tended(limits=Limits(memory=40))
async def test_a_session_that_takes_too_much_memory_ends_alone(it: Tended) -> None:
    other, person = await it.person(), await it.person()
    if sys.platform != "linux":
        pytest.skip("other systems do not hold processes to a limit of memory")
    person.relay.keys(b"m")
    assert await person.ended() == 1
    assert bytes(person.sent).endswith(OUT_OF_MEMORY.format(40).replace("\n", "\r\n").encode())
    assert RESTORED in person.sent
    other.relay.keys(b"1")
    await other.sees("1.")
    await it.person()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_puts_the_terminal_back(number: signal.Signals) -> None:
    @tended()
    async def signalled(it: Tended) -> None:
        person = await it.person()
        os.kill(person.child.pid, number)
        assert await person.ended() == 128 + number
        assert RESTORED in person.sent

    signalled()


@tended()
async def test_nothing_stops_a_session(it: Tended) -> None:
    person = await it.person()
    os.kill(person.child.pid, signal.SIGTSTP)
    os.kill(person.child.pid, signal.SIGTTIN)
    os.kill(person.child.pid, signal.SIGTTOU)
    person.relay.keys(b"z\x1a1")
    await person.sees("ctrl+z.1.")
    assert RESTORED not in person.sent


@tended()
async def test_hanging_up_ends_a_session(it: Tended) -> None:
    person = await it.person()
    person.child.hang_up()
    assert await person.ended() == 128 + signal.SIGHUP
    assert person.child.descriptor == -1
    assert it.log == ""
    person.child.hang_up()
    person.child.resize(80, 24)


@tended()
async def test_a_session_that_hangs_is_ended_when_its_person_leaves(it: Tended) -> None:
    person = await it.person()
    person.relay.keys(b"h")
    began = time.monotonic()
    person.relay.leave()
    assert await person.ended() in (128 + signal.SIGKILL, 128 + signal.SIGHUP)
    assert time.monotonic() - began < 2 * GRACE
    assert not is_alive(person.child.pid)


@tended()
async def test_who_leaves_before_the_session_begins_leaves_no_process(it: Tended) -> None:
    await it.nursery.ready()
    spawning = asyncio.create_task(it.nursery.spawn(Terminal()))
    await asyncio.sleep(0)
    spawning.cancel()
    await asyncio.gather(spawning, return_exceptions=True)
    assert spawning.cancelled()
    await until(lambda: not children_of(it.nursery.pid))


def children_of(pid: int) -> list[int]:
    listed = subprocess.run(["ps", "-eo", "pid,ppid,stat"], capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in listed.splitlines()[1:]]
    return [int(row[0]) for row in rows if int(row[1]) == pid and not row[2].startswith("Z")]


@tended()
async def test_twenty_sessions_at_once(it: Tended) -> None:
    people = await asyncio.gather(*(it.person() for _ in range(20)))
    assert len({person.child.pid for person in people}) == 20
    for number, person in enumerate(people):
        person.relay.keys(str(number).encode())
    for number, person in enumerate(people):
        await person.sees("".join(f"{digit}." for digit in str(number)))
    await it.nursery.close()
    assert [await person.ended() for person in people] == [128 + signal.SIGTERM] * 20
    assert all(RESTORED in person.sent for person in people)
    assert not any(is_alive(person.child.pid) for person in people)
