"""How a nursery ends: with no process left, whoever ends first."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.serve.tended import RESTORED, Tended, is_alive, make_tiny, tended, until

from unrolled_tui.serve.errors import ServeError
from unrolled_tui.serve.part import Part
from unrolled_tui.serve.sessions.nursery import GRACE, Terminal


@tended()
async def test_closing_ends_what_hangs_too(it: Tended) -> None:
    hanging, person = await it.person(), await it.person()
    hanging.relay.keys(b"h")
    began = time.monotonic()
    await it.nursery.close()
    assert time.monotonic() - began < 2 * GRACE
    assert not is_alive(hanging.child.pid)
    assert await person.ended() == 128 + signal.SIGTERM
    assert RESTORED in person.sent
    assert not it.nursery.died.done()
    with pytest.raises(ServeError):
        await it.nursery.spawn(Terminal())


@tended()
async def test_a_nursery_that_dies_is_missed(it: Tended) -> None:
    hanging, person = await it.person(), await it.person()
    hanging.relay.keys(b"h")
    died = it.nursery.died
    os.kill(it.nursery.pid, signal.SIGKILL)
    async with asyncio.timeout(5):
        assert await died == "the process that makes the sessions has ended: signal 9"
    assert await person.ended() == 128 + signal.SIGKILL
    assert person.child.why == "the process that makes the sessions has ended: signal 9"
    with pytest.raises(ServeError, match="has ended: signal 9"):
        await it.nursery.spawn(Terminal())
    await it.nursery.close()
    await until(lambda: not is_alive(person.child.pid) and not is_alive(hanging.child.pid))


FRONT = """
import asyncio
from tests.serve.tended import make_tiny
from unrolled_tui.serve.limits import Limits
from unrolled_tui.serve.sessions.nursery import Nursery, Terminal
async def main(nursery):
    sessions = [await nursery.spawn(Terminal()) for _ in range(3)]
    print(nursery.pid, *(session.pid for session in sessions), flush=True)
    await asyncio.sleep(60)
asyncio.run(main(Nursery.start(make_tiny, Limits())))
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_no_process_outlives_the_front(number: signal.Signals) -> None:
    root = str(Path(__file__).parents[2])
    environment = {**os.environ, "PYTHONPATH": root}
    front = subprocess.Popen(
        [sys.executable, "-c", FRONT], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    )
    with front:
        assert front.stdout is not None
        processes = [int(pid) for pid in front.stdout.readline().split()]
        assert len(processes) == 4
        front.send_signal(number)
    asyncio.run(until(lambda: not any(map(is_alive, processes))))


def test_an_app_that_cannot_be_made_is_told_of() -> None:
    def make(part: Part) -> None:
        raise ServeError(f"no app for {part.place!r}: expected a model, got none")

    unfit(make, "^no app for '': expected a model, got none$")


def test_a_mistake_in_making_the_app_is_told_with_its_kind() -> None:
    def make(part: Part) -> None:
        raise KeyError(part.place)

    unfit(make, "^KeyError: ''$")


def test_an_app_that_leaves_threads_is_refused() -> None:
    def make(part: Part) -> object:
        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
        return make_tiny(part)

    unfit(make, "^the app leaves 1 threads behind, and a session is forked without them$")


def unfit(make: Callable[[Part], object], sentence: str) -> None:
    @tended(make)  # type: ignore[arg-type]  # on purpose
    async def refused(it: Tended) -> None:
        with pytest.raises(ServeError, match=sentence):
            await it.nursery.ready()
        with pytest.raises(ServeError, match=sentence):
            await it.nursery.spawn(Terminal())
        assert re.search(sentence, await it.nursery.died)

    refused()
