"""A presenter's terminal and those who follow, around an app that is played by the test."""

import asyncio
import os
import re
import signal
import socket
import termios
import tty
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from time import monotonic

import pytest
from tests.serve.followed import Line, cells

from unrolled_tui.serve.errors import ServeError
from unrolled_tui.serve.following.console import PUT_BACK, Console
from unrolled_tui.serve.following.follower import CLOSING, Follower, Wish
from unrolled_tui.serve.following.podium import ENDED, Podium
from unrolled_tui.serve.sessions.child import Child
from unrolled_tui.serve.sessions.terminals import open_terminal, set_size
from unrolled_tui.serve.stage import Stage

COLUMNS, ROWS = 60, 20
BEGIN, END, ALTERNATE, MAIN = b"\x1b[?2026h", b"\x1b[?2026l", b"\x1b[?1049h", b"\x1b[?1049l"


async def until(holds: Callable[[], bool], seconds: float = 5.0) -> None:
    end = monotonic() + seconds
    while not holds():
        assert monotonic() < end
        await asyncio.sleep(0.002)


class Presentation:
    """A podium between two pseudo-terminals: the test is the app on one, and the presenter at the other."""

    def __init__(self) -> None:
        ours, self.app = open_terminal(COLUMNS, ROWS)
        os.set_blocking(self.app, False)
        tty.setraw(self.app)
        line, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        line.setblocking(False)
        self.stage = Stage(far)
        self.far = far
        self.signals: list[signal.Signals] = []
        self.child = Child(1, ours, line, lambda _, number: self.signals.append(number))
        self.child.begin(0)
        self.presenter, self.terminal = os.openpty()
        os.set_blocking(self.presenter, False)
        set_size(self.presenter, COLUMNS, ROWS)
        self.before = termios.tcgetattr(self.terminal)
        self.podium = Podium(self.child, Console(os.dup(self.terminal)), "a stepper")
        self.seen, self.heard = bytearray(), bytearray()

    def follow(self) -> tuple[Follower, Line]:
        loop = asyncio.get_running_loop()
        line = Line(loop, COLUMNS, ROWS)
        follower = self.podium.follow(line, COLUMNS, ROWS)
        line.on_keys = follower.keys
        return follower, line

    def draws(self, *pieces: bytes) -> None:
        for piece in pieces:
            assert os.write(self.app, piece) == len(piece)

    def types(self, keys: bytes) -> None:
        os.write(self.presenter, keys)

    def look(self) -> bytes:
        """All that has come to the presenter's terminal."""
        with suppress(OSError):
            self.seen += os.read(self.presenter, 1 << 16)
        return bytes(self.seen)

    def listen(self) -> bytes:
        """All that has come to the app."""
        with suppress(BlockingIOError):
            self.heard += os.read(self.app, 1 << 16)
        return bytes(self.heard)

    async def sees(self, *lines: Line) -> None:
        """Waits until all show the picture."""
        picture = self.podium._picture
        await until(
            lambda: all(cells(line.screen)[:-1] == [picture.cells(n) for n in range(ROWS - 1)] for line in lines)
        )

    def end(self, code: int = 0) -> None:
        self.child.end(code)

    def close(self) -> None:
        for descriptor in (self.app, self.presenter, self.terminal):
            with suppress(OSError):
                os.close(descriptor)
        self.far.close()


@pytest.fixture
async def show() -> AsyncIterator[Presentation]:
    presentation = Presentation()
    yield presentation
    presentation.end()
    await asyncio.wait_for(presentation.podium.close(), 5)
    presentation.close()


# The presenter's own terminal.


async def test_the_presenter_has_the_apps_bytes_and_the_app_the_presenters_keys(show: Presentation) -> None:
    sent = ALTERNATE + b"\x1b[?1003h\x1b[>25u\x1b[?2026$p\x1b[6n\x1b]52;c;QQ==\x07" + BEGIN + b"a page\r\n\xff" + END
    show.draws(sent)
    await until(lambda: show.look() == sent)
    show.types(b"\x03\x1a\x11\x13\r\x1b[A\x1b[?2026;2$y\x1b[1;1R")
    await until(lambda: show.listen().endswith(b"R"))
    assert show.heard == b"\x03\x1a\x11\x13\r\x1b[A\x1b[?2026;2$y\x1b[1;1R"


async def test_the_terminal_is_raw_and_then_as_it_was(show: Presentation) -> None:
    flags = termios.tcgetattr(show.terminal)[tty.LFLAG]
    assert not flags & (termios.ECHO | termios.ICANON | termios.ISIG)
    show.draws(ALTERNATE + b"a page" + MAIN)
    await until(lambda: show.look().endswith(MAIN))
    show.end(3)
    assert await asyncio.wait_for(show.podium.ended(), 5) == 3
    assert termios.tcgetattr(show.terminal) == show.before
    assert show.look().endswith(MAIN)


async def test_an_app_that_is_killed_leaves_a_terminal_that_is_put_back(show: Presentation) -> None:
    show.draws(ALTERNATE + b"a page")
    await until(lambda: b"page" in show.look())
    show.end(137)
    assert await asyncio.wait_for(show.podium.ended(), 5) == 137
    await until(lambda: show.look().endswith(PUT_BACK))
    assert termios.tcgetattr(show.terminal) == show.before


async def test_closing_asks_the_app_to_end(show: Presentation) -> None:
    closing = asyncio.ensure_future(show.podium.close())
    await until(lambda: show.signals == [signal.SIGTERM])
    assert not closing.done()
    show.draws(ALTERNATE + b"bye" + MAIN)
    show.end(143)
    await asyncio.wait_for(closing, 5)
    await until(lambda: show.look().endswith(b"bye" + MAIN))
    assert termios.tcgetattr(show.terminal) == show.before


async def test_a_terminal_that_goes_away_hangs_up_the_app(show: Presentation) -> None:
    os.close(show.presenter)
    os.close(show.terminal)
    await until(lambda: show.child.descriptor == -1)
    show.end(129)
    assert await asyncio.wait_for(show.podium.ended(), 5) == 129


async def test_a_presenters_terminal_that_stops_reading_holds_the_app_and_no_memory(show: Presentation) -> None:
    written = 0
    quiet = monotonic()
    while monotonic() - quiet < 0.3:
        try:
            written += os.write(show.app, b"x" * 4096)
            quiet = monotonic()
        except BlockingIOError:
            pass
        await asyncio.sleep(0)
    assert written < 1 << 19
    got = 0
    quiet = monotonic()
    while got < written and monotonic() - quiet < 5:
        try:
            got += len(os.read(show.presenter, 1 << 16))
        except BlockingIOError:
            await asyncio.sleep(0.001)
    assert got == written


# Those who follow.


async def test_followers_see_each_frame_and_late_ones_all_of_it(show: Presentation) -> None:
    show.draws(ALTERNATE + BEGIN + b"\x1b[2;3Hpage \x1b[38;5;77mone" + END)
    await until(lambda: b"one" in show.look())
    _, early = show.follow()
    show.draws(BEGIN + b"\x1b[2;8Htwo\x1b[9;1Hmore" + END)
    await until(lambda: early.shown[8] == "more")
    _, late = show.follow()
    assert late.shown[1] == "  page two"
    show.draws(BEGIN + b"\x1b[2;8H\x1b[mthree" + END)
    await until(lambda: late.shown[1] == "  page three")
    await show.sees(early, late)
    assert early.writes[-1] == late.writes[-1]


async def test_a_frame_is_sent_whole(show: Presentation) -> None:
    show.draws(ALTERNATE + b"page one")
    _, line = show.follow()
    await until(lambda: line.shown[0] == "page one")
    before = len(line.writes)
    for number in range(8):
        show.draws(b"\x1b[%d;1Hrow" % (number + 1))
        await asyncio.sleep(0)
    await until(lambda: line.shown[7] == "row")
    assert len(line.writes) - before <= 3


async def test_an_app_that_never_pauses_is_seen(show: Presentation) -> None:
    show.draws(ALTERNATE)
    _, line = show.follow()
    before, end, number = len(line.writes), monotonic() + 0.6, 0
    while monotonic() < end:
        number += 1
        show.draws(b"\x1b[1;1H%d " % number)
        show.look()
        await asyncio.sleep(0.001)
    assert 3 <= len(line.writes) - before <= 0.7 * 60


async def test_nothing_that_a_follower_types_reaches_the_app(show: Presentation) -> None:
    show.draws(ALTERNATE + b"page")
    follower, line = show.follow()
    await until(lambda: line.shown[0] == "page")
    follower.keys(b"x\x1b[A\x1b[1;1R\x1b[<0;1;1M")
    follower.keys(b"\x1b[200~paste\x1b[201~q")
    show.types(b"!")
    await until(lambda: show.listen() != b"")
    assert show.heard == b"!"


async def test_the_app_hears_how_many_follow_and_tells_its_place(show: Presentation) -> None:
    counts: list[int] = []
    show.stage._line.setblocking(False)
    show.stage.watch(counts.append)
    first, _ = show.follow()
    second, _ = show.follow()
    await until(lambda: counts == [0, 1, 2])
    first.keys(b"o")
    assert await first.wish is Wish.OWN
    await until(lambda: counts == [0, 1, 2, 1])
    second.leave()
    await until(lambda: counts == [0, 1, 2, 1, 0])
    assert show.podium.followers == 0
    for place in ("t 1", "t 2", "t 3 of café"):
        show.stage.show(place)
    await until(lambda: show.podium.place == "t 3 of café")
    show.follow()
    await until(lambda: counts[-1] == 1)


async def test_the_end_is_told(show: Presentation) -> None:
    show.draws(ALTERNATE + b"page" + MAIN)
    follower, line = show.follow()
    await until(lambda: MAIN in show.look())
    show.end()
    assert await asyncio.wait_for(follower.wish, 5) is Wish.ENDED
    assert line.sent.endswith(CLOSING + ENDED.encode() + b"\r\n")
    await asyncio.wait_for(show.podium.ended(), 5)
    late, late_line = show.follow()
    assert await asyncio.wait_for(late.wish, 5) is Wish.ENDED
    assert late_line.sent.endswith(ENDED.encode() + b"\r\n")


async def test_the_presenter_takes_another_size(show: Presentation) -> None:
    show.draws(ALTERNATE + b"page")
    follower, line = show.follow()
    await until(lambda: line.shown[0] == "page")
    set_size(show.presenter, COLUMNS + 10, ROWS)
    os.kill(os.getpid(), signal.SIGWINCH)
    await until(lambda: f"{COLUMNS + 10} columns" in " ".join("".join(line.screen.display).split()))
    assert os.get_terminal_size(show.app) == (COLUMNS + 10, ROWS)
    line.screen.resize(ROWS, COLUMNS + 10)
    follower.resize(COLUMNS + 10, ROWS)
    await until(lambda: line.shown[0] == "page")
    set_size(show.presenter, 30, 10)
    os.kill(os.getpid(), signal.SIGWINCH)
    show.draws(BEGIN + b"\x1b[2J\x1b[1;1Hsmall" + END)
    await until(lambda: line.shown[0] == "small")
    assert set(re.findall(r"\w+", line.shown[0])) == {"small"}


# No terminal.


async def test_a_presenter_needs_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    with open(os.devnull) as nothing:  # noqa: PTH123  # a stream that is no terminal
        monkeypatch.setattr("sys.stdin", nothing)
        with pytest.raises(ServeError, match="standard input is none"):
            Console.open()
