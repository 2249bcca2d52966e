"""The installed program in a pseudo-terminal, with real key bytes."""

import os
import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.tui.terminal import ALTERNATE_SCREEN, BRACKETED_PASTE, CURSOR, FOCUS, MOUSE, UNROLLED, Terminal

from unrolled import LSTM

SIZE = (120, 40)
NUMBER = re.compile(r"│ ([ifgoch]) ▕.*?▏ *(-?\d\.\d{3}) │")
TRACE = LSTM.initialize(units=3, features=1, seed=7).trace([[1.0], [2.0], [3.0], [4.0]])


@pytest.fixture
def example() -> Iterator[Terminal]:
    """Bare `unrolled`, on its first frame."""
    with Terminal([UNROLLED], *SIZE) as terminal:
        terminal.see("▶ unit 1", "t 1/4", "quit")
        terminal.settle()
        yield terminal


def shown(terminal: Terminal) -> dict[str, float]:
    """The numbers of the first panel."""
    first = [match for row in terminal.rows if (match := NUMBER.match(row))][:6]
    return {match[1]: float(match[2]) for match in first}


def computed(t: int) -> dict[str, float]:
    """The engine's numbers of unit 1 at timestep `t`, from 1, to as many digits."""
    return {name: round(float(getattr(TRACE, name)[t - 1, 0]), 3) for name in "ifgoch"}


def put_back(terminal: Terminal) -> bool:
    """Whether the terminal is as it was before the program."""
    modes = (ALTERNATE_SCREEN, BRACKETED_PASTE, FOCUS, *MOUSE)
    quiet = not any(terminal.mode(number) for number in modes) and terminal.mode(CURSOR, at_first=True)
    return quiet and terminal.attributes == terminal.attributes_before


def test_the_keys_do_what_the_footer_says(example: Terminal) -> None:
    assert shown(example) == computed(1)
    for t in (2, 3, 4):
        example.press("right")
        example.see(f"t {t}/4")
        example.settle()
        assert shown(example) == computed(t)
    example.press("left")
    example.see("t 3/4")
    example.press(".")
    example.see("t 4/4", "phase 1/5")
    example.press(",")
    example.see("t 3/4", "phase 5/5")
    example.press("home")
    example.see("t 1/4")
    example.press("g")
    example.see("Go to timestep, 1 to 4")
    example.settle()
    example.press("3", "enter")
    example.see("t 3/4")
    example.settle()
    assert shown(example) == computed(3)
    example.press("end")
    example.see("t 4/4")
    example.press("home", *"+++++", "space")
    example.see("t 4/4", "paused")
    example.press("tab")
    example.see("▶ unit 2")
    example.press("shift+tab")
    example.see("▶ unit 1")
    example.press("p")
    example.until(lambda: "parameters ─" not in example.text)
    example.press("p")
    example.see("parameters ─", "Σ")
    example.press("?")
    example.see("Play, or pause")
    example.settle()
    example.press("escape")
    example.until(lambda: "Play, or pause" not in example.text)
    example.press("q")
    assert example.wait() == 0


def test_the_command_palette(example: Terminal) -> None:
    example.press("ctrl+p")
    example.see("Search for commands")
    example.press(*"last time")
    example.see("The last timestep")
    example.settle()
    example.press("enter")
    example.settle()
    if "t 4/4" not in example.text:  # the first enter has taken the only command that is left
        example.press("enter")
    example.see("t 4/4")


def test_clicks(example: Terminal) -> None:
    example.click(*example.find("x3"))
    example.see("t 3/4")
    example.click(*example.find("unit 2"))
    example.see("▶ unit 2")


def test_another_size(example: Terminal) -> None:
    example.press("right")
    example.see("t 2/4")
    example.resize(50, 12)
    example.until(lambda: "60×16" in example.text.replace("\n", " ") and "unit 1" not in example.text)
    example.resize(80, 24)
    example.see("▶ unit 1", "t 2/4", "parameters  W 12")
    example.settle()
    assert shown(example) == computed(2)


@pytest.mark.parametrize(
    ("way", "code"),
    [
        ("q", 0),
        ("ctrl+c", 0),
        (signal.SIGINT, 130),
        (signal.SIGTERM, 128 + signal.SIGTERM),
        (signal.SIGHUP, 128 + signal.SIGHUP),
    ],
)
def test_the_terminal_is_put_back(example: Terminal, way: "str | signal.Signals", code: int) -> None:
    assert not put_back(example)
    if isinstance(way, str):
        example.press(way)
    else:
        example.signal(way)
    assert example.wait() == code
    assert put_back(example)


def test_the_terminal_is_put_back_after_a_crash() -> None:
    crash = "from unrolled_tui.screens.stepper import StepperScreen as S; from unrolled_tui.cli import main; "
    crash += "import sys; sys.argv = ['unrolled']; S.action_back = lambda self: 1 / 0; main()"
    with Terminal([sys.executable, "-c", crash], *SIZE) as terminal:
        terminal.see("quit")
        terminal.press("left")
        assert terminal.wait() == 1
        assert put_back(terminal)
        assert b"ZeroDivisionError" in bytes(terminal.sent).rpartition(b"\x1b[?1049l")[2]


def test_a_lost_line_leaves_no_process(example: Terminal) -> None:
    example.hang_up()
    assert example.wait_without_reading() is not None


def test_a_held_key_ends_at_the_newest_position(tmp_path: Path) -> None:
    sequence = tmp_path / "long.txt"
    sequence.write_text("\n".join(str(t % 7) for t in range(1000)))
    with Terminal([UNROLLED, "--input", str(sequence)], *SIZE) as terminal:
        terminal.see("1/1,000", "quit")
        terminal.settle()
        frames = terminal.frames
        terminal.press(*["right"] * 200)
        terminal.see("201/1,000")
        terminal.settle()
        assert "t   201/1,000" in terminal.text
        assert terminal.frames - frames < 100


def test_a_sequence_from_a_pipe() -> None:
    reader, writer = os.pipe()
    os.write(writer, b"0.5\n-0.5\n0.25\n")
    os.close(writer)
    try:
        with Terminal([UNROLLED, "--input", "-"], stdin=reader) as terminal:
            terminal.see("t 1/3", "-0.5")
            terminal.press("right")
            terminal.see("t 2/3")
            terminal.press("q")
            assert terminal.wait() == 0
            assert put_back(terminal)
    finally:
        os.close(reader)


def test_the_timestep_to_begin_at() -> None:
    with Terminal([UNROLLED, "--at", "3"], *SIZE) as terminal:
        terminal.see("t 3/4")
        terminal.settle()
        assert shown(terminal) == computed(3)
    with Terminal([UNROLLED, "--at", "5"]) as terminal:
        assert terminal.wait() == 1
        assert terminal.text.strip() == "unrolled: timestep: expected 1 to 4, got 5"
        assert b"\x1b" not in terminal.sent


@pytest.mark.parametrize("lens", "2345")
def test_a_lens_that_is_opened_right_behind_a_step_shows_it(example: Terminal, lens: str) -> None:
    example.write(b"\x1b[C" + lens.encode())
    example.see("t 2/4")
    example.settle(0.5)
    at_once = example.rows
    example.press("1")
    example.settle()
    assert example.rows != at_once
    example.press(lens)
    example.settle()
    assert example.rows == at_once
