"""What the installed program sends to terminals of all kinds."""

import re

import pytest
from tests.tui.terminal import UNROLLED, Terminal

TRUECOLOR, COLOURS_256, COLOURS_16 = "truecolor", "256", "16"


def depths(sent: bytes) -> set[str]:
    """The kinds of colour that were asked for. The terminal's own two, 39 and 49, are none."""
    found = set()
    for sequence in re.findall(rb"\x1b\[([\d;]*)m", sent):
        codes = [int(code or 0) for code in sequence.split(b";")]
        while codes:
            code = codes.pop(0)
            if code in (38, 48):
                kind = codes.pop(0)
                found.add(TRUECOLOR if kind == 2 else COLOURS_256)
                del codes[: 3 if kind == 2 else 1]
            elif 30 <= code <= 37 or 40 <= code <= 47 or 90 <= code <= 107:
                found.add(COLOURS_16)
    return found


def gate_colours(terminal: Terminal) -> list[str]:
    """The colours of i, f, g, o and c in the first panel."""
    return [terminal.foreground(*terminal.find(f"{name} ▕")) for name in "ifgoc"]


def look_around(terminal: Terminal) -> None:
    """Opens what opens over the stepper, one after the other."""
    for key, text in (
        ("?", "Play, or pause"),
        ("g", "Go to timestep"),
        ("/", "Run to when"),
        ("k", "There is no breakpoint yet"),
        ("a", "Note on unit 1"),
        ("M", "Nothing is marked yet"),
        ("e", "Export to"),
        ("ctrl+p", "Search for commands"),
    ):
        terminal.press(key)
        terminal.see(text)
        terminal.settle(0.05)
        terminal.press("escape")
        terminal.until(lambda text=text: text not in terminal.text)  # type: ignore[misc]


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        pytest.param({}, {TRUECOLOR}, id="truecolor"),
        pytest.param({"COLORTERM": ""}, {COLOURS_256}, id="256 colours"),
        pytest.param({"TERM": "xterm-16color", "COLORTERM": ""}, {COLOURS_16}, id="16 colours"),
        pytest.param({"TERM": "linux", "COLORTERM": ""}, {COLOURS_16}, id="Linux console"),
        pytest.param({"NO_COLOR": "1"}, set(), id="no colour"),
        pytest.param({"NO_COLOR": "1", "TERM": "linux", "COLORTERM": ""}, set(), id="no colour of 16"),
        pytest.param({"TERM": "tmux-256color", "TMUX": "/tmp/tmux,1,0", "COLORTERM": ""}, {COLOURS_256}, id="tmux"),  # noqa: S108
        pytest.param({"TERM": "tmux-256color", "TMUX": "/tmp/tmux,1,0"}, {TRUECOLOR}, id="tmux, truecolor"),  # noqa: S108
        pytest.param({"TERM": "screen", "STY": "1.tty"}, {COLOURS_16}, id="screen, COLORTERM inherited"),
        pytest.param({"TERM": "screen-256color", "STY": "1.tty"}, {COLOURS_256}, id="screen, 256 colours"),
    ],
)
def test_colours(environment: dict[str, str], expected: set[str]) -> None:
    with Terminal([UNROLLED], environment=environment) as terminal:
        terminal.see("unit 1", "quit")
        assert depths(bytes(terminal.sent)) == expected
        colours = gate_colours(terminal)
        assert len(set(colours)) == (5 if expected else 1), colours
        look_around(terminal)
        assert depths(bytes(terminal.sent)) == expected


@pytest.mark.parametrize(
    "environment",
    [
        pytest.param({"LC_ALL": "en_US.ISO-8859-1"}, id="Latin-1"),
        pytest.param({"LC_ALL": "C"}, id="C, asked for"),
        pytest.param({"LANG": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}, id="C, without coercion"),
    ],
)
def test_a_locale_without_utf8_gets_ascii(environment: dict[str, str]) -> None:
    with Terminal([UNROLLED], environment=environment) as terminal:
        terminal.see("> unit 1", "quit")
        terminal.press("right")
        terminal.see("t 2/4")
        look_around(terminal)
        assert terminal.sent.isascii()
        assert re.findall(rb"\\[uUx][0-9a-f]{2}", terminal.sent) == []
        assert [len(row) for row in terminal.rows if row.startswith("| i")] == [80, 40]


@pytest.mark.parametrize("term", ["dumb", "unknown"])
def test_a_terminal_that_cannot_move_its_cursor_is_refused(term: str) -> None:
    with Terminal([UNROLLED], environment={"TERM": term}) as terminal:
        assert terminal.wait() == 1
        assert bytes(terminal.sent).count(b"\n") == 1
        assert f"TERM is {term}".encode() in terminal.sent
        assert b"\x1b" not in terminal.sent
