"""`unrolled serve --present` with a teacher at a terminal, and students who log in and follow."""

import asyncio
import re
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from time import monotonic

import asyncssh
import pyte
from pyte.screens import Char
from tests.serve.followed import ANSWER, cells
from tests.tui.terminal import ALTERNATE_SCREEN, CURSOR, MOUSE, UNROLLED, Terminal

from unrolled_tui.serve.following.arrivals import QUESTION
from unrolled_tui.serve.following.podium import ENDED

COLUMNS, ROWS = 90, 30
SECONDS = 30.0
"""How long anything may take on a busy machine before a test fails."""

_UNKNOWN_TO_PYTE = re.compile(rb"\x1b\[[<=>][0-9;]*[a-zA-Z]|\x1b\[\?\d+\$p|\x1b\][^\x07]*\x07")


async def until(holds: Callable[[], bool], shown: Callable[[], str] = str) -> None:
    end = monotonic() + SECONDS
    while not holds():
        assert monotonic() < end, shown()
        await asyncio.sleep(0.005)


class Student:
    """A terminal that has logged in.

    Args:
        process: The session.
        columns: The terminal's width.
        rows: The terminal's height.
        rate: How many bytes it takes a second; None for all that come.
    """

    def __init__(
        self, process: "asyncssh.SSHClientProcess[bytes]", columns: int, rows: int, rate: float | None = None
    ) -> None:
        self.process, self.rate = process, rate
        self.sent = bytearray()
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self.task = asyncio.ensure_future(self._watch())

    @property
    def text(self) -> str:
        return "\n".join(self.screen.display)

    @property
    def words(self) -> str:
        return " ".join("".join(self.screen.display).split())

    def types(self, keys: str) -> None:
        self.process.stdin.write(keys.encode())

    def resizes(self, columns: int, rows: int) -> None:
        self.screen.resize(rows, columns)
        self.process.change_terminal_size(columns, rows)

    async def sees(self, *texts: str) -> None:
        await until(lambda: all(text in self.text for text in texts), lambda: f"{texts} not in\n{self.text}")

    async def is_out(self) -> int | None:
        """Waits for the end of the session, and returns its exit code."""
        async with asyncio.timeout(SECONDS):
            await self.process.wait()
        await self.task
        return self.process.exit_status

    async def _watch(self) -> None:
        most = 1 << 16 if self.rate is None else 1 << 10
        while data := await self.process.stdout.read(most):
            if self.rate is not None:
                await asyncio.sleep(len(data) / self.rate)
            before = self.sent.count(QUESTION)
            self.sent += data
            self._stream.feed(_UNKNOWN_TO_PYTE.sub(b"", data))
            with suppress(OSError):
                self.process.stdin.write(ANSWER * (self.sent.count(QUESTION) - before))


class Class:
    """A teacher who presents, and who logs in."""

    def __init__(self, terminal: Terminal, port: int) -> None:
        self.teacher, self.port = terminal, port
        self._lines: list[asyncssh.SSHClientConnection] = []

    async def comes(
        self, columns: int = COLUMNS, rows: int = ROWS, rate: float | None = None, window: int = 1 << 21
    ) -> Student:
        async with asyncio.timeout(SECONDS):
            line = await asyncssh.connect(
                "127.0.0.1",
                self.port,
                config=None,
                username="s",
                known_hosts=None,
                client_keys=None,
                agent_path=None,
            )
            self._lines.append(line)
            process = await line.create_process(
                term_type="xterm-256color", term_size=(columns, rows), encoding=None, window=window
            )
        return Student(process, columns, rows, rate)

    async def shows(self, *texts: str) -> None:
        """Waits until the teacher's terminal shows some texts."""
        await until(lambda: all(text in self.teacher.text for text in texts), lambda: self.teacher.text)

    async def all_see_it(self, *students: Student, but_the_last_row: bool = False) -> None:
        """Waits until all show, cell for cell, what the teacher's terminal shows."""
        rows = ROWS - but_the_last_row
        await until(
            lambda: all(cells(student.screen)[:rows] == self.cells[:rows] for student in students),
            lambda: f"{self.teacher.text}\n\n{students[-1].text}",
        )

    @property
    def cells(self) -> list[tuple[Char, ...]]:
        self.teacher._draw()
        return cells(self.teacher._screen)

    def end(self) -> None:
        for line in self._lines:
            line.abort()


@asynccontextmanager
async def a_class(folder: Path, *options: str) -> AsyncIterator[Class]:
    command = [UNROLLED, "serve", "--present", "--anonymous", "--no-compression", "--port", "0"]
    with Terminal([*command, "--host-key", str(folder / "key"), *options], COLUMNS, ROWS) as terminal:
        terminal.see("Enter begins")
        printed = re.search(r"-p (\d+)", terminal.text)
        assert printed, terminal.text
        terminal.press("enter")
        terminal.see("unit 1", "0 following")
        room = Class(terminal, int(printed[1]))
        reading = asyncio.ensure_future(_read(terminal))
        try:
            yield room
        finally:
            room.end()
            reading.cancel()


async def _read(terminal: Terminal) -> None:
    while terminal.exit_code is None:
        with suppress(OSError):
            terminal.read(0.0)
        await asyncio.sleep(0.002)


async def test_a_class_follows_the_teacher(tmp_path: Path) -> None:
    async with a_class(tmp_path) as room:
        anna = await room.comes()
        await anna.sees("unit 1", "you follow the teacher")
        await room.shows("1 following")
        room.teacher.press("right")
        await anna.sees("t 2/4")
        bert = await room.comes()
        await room.shows("2 following")
        await room.all_see_it(anna, bert, but_the_last_row=True)
        for key, text in (("?", "Play, or pause"), ("escape", "unit 1"), ("end", "t 4/4")):
            room.teacher.press(key)
            await room.shows(text)
            await room.all_see_it(anna, bert, but_the_last_row=True)
        await room.all_see_it(anna, bert)  # once the hint is gone
        bert.types("\x1b[D\x1b[Hx ")
        await bert.sees("you follow the teacher")
        anna.types("q")
        assert await anna.is_out() == 0
        assert anna.sent.endswith(b"\x1b[?1049l\x1b[?25h")
        await room.shows("1 following", "t 4/4")
        room.teacher.press("q")
        assert await bert.is_out() == 0
        assert ENDED in bert.text
        assert await asyncio.to_thread(room.teacher.wait) == 0
        assert not room.teacher.mode(ALTERNATE_SCREEN)
        assert room.teacher.attributes == room.teacher.attributes_before


async def test_a_stepper_of_the_own_and_back(tmp_path: Path) -> None:
    async with a_class(tmp_path) as room:
        room.teacher.press("right")
        await room.shows("t 2/4")
        anna = await room.comes()
        await anna.sees("t 2/4", "1 following")
        anna.types("o")
        await until(lambda: "follow" not in anna.screen.display[0] and "t 2/4" in anna.text, lambda: anna.text)
        await room.shows("0 following")
        anna.types("\x1b[C")
        await anna.sees("t 3/4")
        room.teacher.press("home")
        await room.shows("t 1/4")
        anna.types("o")
        await anna.sees("t 1/4", "1 following")
        await room.all_see_it(anna, but_the_last_row=True)


async def test_a_terminal_that_is_too_small_until_it_is_not(tmp_path: Path) -> None:
    async with a_class(tmp_path) as room:
        anna = await room.comes(60, 20)
        await until(lambda: f"{COLUMNS} columns and {ROWS} rows" in anna.words, lambda: anna.text)
        anna.resizes(COLUMNS, ROWS)
        await anna.sees("unit 1")
        room.teacher.press("right")
        await room.shows("t 2/4")
        await room.all_see_it(anna, but_the_last_row=True)
        room.teacher.resize(COLUMNS - 8, ROWS - 4)
        await room.shows("t 2/4")
        await until(
            lambda: (
                cells(anna.screen)[: ROWS - 5]
                == [(*row, *cells(anna.screen)[ROWS - 4][:8]) for row in room.cells[: ROWS - 5]]
            )
        )


async def test_a_slow_line_shows_the_newest_soon_after_the_last_step(tmp_path: Path) -> None:
    async with a_class(tmp_path) as room:
        slow = await room.comes(rate=20_000.0, window=1 << 15)
        quick = await room.comes()
        await slow.sees("you follow the teacher")
        await room.shows("2 following")
        for number in range(90):
            room.teacher.press(("right", "left", "end", "home")[number % 4])
            await asyncio.sleep(1 / 30)
        room.teacher.press("end")
        await room.shows("t 4/4")
        stopped = monotonic()
        await room.all_see_it(quick, but_the_last_row=True)
        await room.all_see_it(slow, but_the_last_row=True)
        assert monotonic() - stopped < 2.5
        assert len(slow.sent) < len(quick.sent)


async def test_a_signal_puts_all_terminals_back(tmp_path: Path) -> None:
    async with a_class(tmp_path) as room:
        anna = await room.comes()
        await anna.sees("unit 1")
        room.teacher.signal(signal.SIGTERM)
        assert await anna.is_out() == 0
        assert ENDED in anna.text
        assert await asyncio.to_thread(room.teacher.wait) == 0
        modes = [room.teacher.mode(number) for number in (ALTERNATE_SCREEN, *MOUSE)]
        assert modes == [False] * len(modes)
        assert room.teacher.mode(CURSOR)
        assert room.teacher.attributes == room.teacher.attributes_before
