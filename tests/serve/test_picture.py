"""What is sent of a picture shows that picture on another terminal, cell for cell."""

import re

import pyte
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyte import graphics
from tests.serve.followed import cells
from tests.tui.terminal import UNROLLED, Terminal

from unrolled_tui.serve.following.emulator import Emulator
from unrolled_tui.serve.following.picture import BEGIN, END, Picture

ALTERNATE = b"\x1b[?1049h"
COLUMNS, ROWS = 24, 8


class Watcher:
    """A terminal that is sent frames."""

    def __init__(self, columns: int, rows: int) -> None:
        self.screen = pyte.Screen(columns, rows)
        self.stream = pyte.ByteStream(self.screen)
        self.stream.feed(b"\x1b[33mwhat was here before")

    def takes(self, *frames: bytes) -> None:
        for frame in frames:
            self.stream.feed(frame)

    def sees(self, picture: Picture) -> bool:
        return cells(self.screen) == [picture.cells(row) for row in range(self.screen.lines)]


def picture_of(data: bytes, columns: int = COLUMNS, rows: int = ROWS) -> Picture:
    picture = Picture(columns, rows)
    picture.feed(ALTERNATE + data)
    return picture


def row_texts(picture: Picture) -> list[str]:
    return ["".join(cell.data for cell in picture.cells(row)).rstrip() for row in range(picture.size[1])]


# The app's own bytes.


def test_what_the_app_sends_in_all_its_views_and_prompts() -> None:
    columns, rows = 100, 30
    with Terminal([UNROLLED], columns, rows, environment={"COLORTERM": ""}) as terminal:
        terminal.see("unit 1", "quit")
        for key, text in (("right", "t 2/4"), ("end", "t 4/4"), ("?", "Play, or pause"), ("g", "Go to timestep")):
            terminal.press(key)
            terminal.see(text)
            terminal.settle(0.1)
            if key in "?g":
                terminal.press("escape")
                terminal.until(lambda text=text: text not in terminal.text)  # type: ignore[misc]
        terminal.settle()
        on_screen = bytes(terminal.sent)
        terminal.press("q")
        terminal.wait()
        sent = bytes(terminal.sent)
    reference, picture, watcher = pyte.Screen(columns, rows), Picture(columns, rows), Watcher(columns, rows)
    stream = pyte.ByteStream(reference)
    watcher.takes(picture.whole())
    frames = re.findall(rb"(?s).*?\x1b\[\?2026l", on_screen)
    assert len(frames) >= 10
    for frame in frames:
        stream.feed(frame)
        picture.feed(frame)
        delta = picture.delta()
        watcher.takes(delta)
        assert len(delta) < len(frame) + len(BEGIN + END)
        assert cells(watcher.screen) == cells(reference)
        late = Watcher(columns, rows)
        late.takes(picture.whole())
        assert cells(late.screen) == cells(reference)
    leaves = sent.index(b"\x1b[?1049l")
    picture.feed(sent[len(on_screen) : leaves])
    picture.delta()
    is_app = [picture.alternate]
    picture.feed(sent[leaves:] + b"$ a shell\r\n")
    assert [*is_app, picture.alternate] == [True, False]
    assert picture.delta() == b""


# Any app's bytes.

_NUMBERS = st.integers(0, 30).map(str)
_COLOURS = st.one_of(
    st.integers(0, 255).map("5;{}".format),
    st.tuples(*[st.integers(0, 255)] * 3).map(lambda rgb: "2;{};{};{}".format(*rgb)),
)
_STYLES = st.one_of(
    st.sampled_from(
        ["", "0", "1", "3", "4", "5", "7", "9", "22", "23", "24", "25", "27", "29", "31", "44", "93", "105", "39"]
    ),
    st.builds("{};{}".format, st.sampled_from(["38", "48"]), _COLOURS),
)
_DRAWING = st.one_of(
    st.builds("\x1b[{};{}H".format, _NUMBERS, _NUMBERS),
    st.lists(_STYLES, min_size=1, max_size=3).map(";".join).map("\x1b[{}m".format),
    st.text("abc ▕█·", min_size=1, max_size=40),
    st.builds("\x1b[{}{}".format, _NUMBERS, st.sampled_from("ABCDEFGLMPX@d")),
    st.sampled_from(["\r\n", "\n", "\r", "\b", "\t", "\x1bM", "\x1b[?7l", "\x1b[?7h"]),
    st.builds("\x1b[{}{}".format, st.sampled_from(["", "0", "1", "2"]), st.sampled_from("JK")),
)
_OTHER = st.one_of(
    _DRAWING,
    st.text("a漢字e\u0301\u200d\ufe0f🙂", min_size=1, max_size=8),
    st.text(max_size=6),
    st.sampled_from(
        [
            "\x1b7",
            "\x1b8",
            "\x1b[<u",
            "\x1b[>25u",
            "\x1b[?2026$p",
            "\x1b]0;title\x07",
            "\x1bP>|name\x1b\\",
            "\x1b[?3h",
            "\x1b[?6n",
        ]
    ),
    st.builds(
        "\x1b[{}{}".format, st.text("0123456789;:<=>?", max_size=6), st.characters(min_codepoint=64, max_codepoint=126)
    ),
)


@settings(max_examples=120, deadline=None)
@given(st.lists(st.lists(_DRAWING, max_size=8), max_size=6))
def test_a_picture_is_what_a_terminal_shows(frames: list[list[str]]) -> None:
    reference, picture, watcher = pyte.Screen(COLUMNS, ROWS), picture_of(b""), Watcher(COLUMNS, ROWS)
    stream = pyte.ByteStream(reference)
    watcher.takes(picture.delta())
    for frame in frames:
        drawn = "".join(frame).encode()
        stream.feed(drawn)
        picture.feed(drawn)
        watcher.takes(picture.delta())
        assert cells(watcher.screen) == cells(reference)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_whoever_joins_when_sees_the_same(data: st.DataObject) -> None:
    picture = picture_of(b"")
    watchers = [Watcher(COLUMNS, ROWS)]
    watchers[0].takes(picture.delta())
    size = COLUMNS, ROWS
    for _ in range(data.draw(st.integers(1, 6))):
        written = "".join(data.draw(st.lists(_OTHER, max_size=6))).encode()
        cut = data.draw(st.integers(0, len(written)))
        picture.feed(written[:cut])
        if data.draw(st.booleans()):
            frame = picture.delta()
            for watcher in watchers:
                watcher.takes(frame)
        picture.feed(written[cut:])
        if data.draw(st.integers(0, 4)) == 0:
            size = data.draw(st.integers(1, 40)), data.draw(st.integers(1, 12))
            picture.resize(*size)
            for watcher in watchers:
                watcher.screen.resize(size[1], size[0])
        frame = picture.delta()
        for watcher in watchers:
            watcher.takes(frame)
        watchers.append(Watcher(*size))
        watchers[-1].takes(picture.whole())
        assert [watcher.sees(picture) for watcher in watchers] == [True] * len(watchers)


def test_every_colour_arrives_as_it_was_chosen() -> None:
    for index, colour in enumerate(graphics.FG_BG_256):
        frame = picture_of(b"\x1b[38;5;%d;48;5;%dmx" % (index, index)).whole()
        chosen = len(graphics.FG_BG_256) - 1 - graphics.FG_BG_256[::-1].index(colour)
        assert b"\x1b[0;38;5;%d;48;5;%dmx" % (chosen, chosen) in frame
    named = [*range(30, 38), *range(90, 98)]
    for code in named:
        assert b"\x1b[0;%d;%dmx" % (code, code + 10) in picture_of(b"\x1b[%d;%dmx" % (code, code + 10)).whole()
    assert b"\x1b[0;38;2;1;2;3mx" in picture_of(b"\x1b[38;2;1;2;3mx").whole()


# What is not the picture does not come through.


def test_nothing_but_drawing_reaches_another_terminal() -> None:
    picture = picture_of(
        b"\x1b[?1000h\x1b[?1003h\x1b[?1006h\x1b[?25l\x1b[?1004h\x1b[>25u\x1b[?2026$p\x1b[?2048$p\x1b[6n\x1b[c\x1b[?2004h"
        b"\x1b]0;a title\x07\x1b]52;c;c2VjcmV0\x1b\\\x1bPq#0\x1b\\text\x1b[<u"
    )
    sent = picture.delta() + picture.whole()
    sequences = set(re.findall(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|.)", sent))
    assert row_texts(picture)[0] == "text"
    assert {sequence[-1:] for sequence in sequences} <= {b"H", b"m", b"J", b"h", b"l"}
    assert {sequence for sequence in sequences if sequence[-1:] in b"hl"} == {BEGIN, END}
    assert b"title" not in sent
    assert b"c2VjcmV0" not in sent


@pytest.mark.parametrize(
    "written",
    [
        pytest.param(b"\x1b[>4;1mx", id="keys' protocol, not underlined"),
        pytest.param(b"\x1b[?4mx", id="a question of it"),
        pytest.param(b"\x1b[4:3mx", id="a curly underline"),
        pytest.param(b"\x1b[?6nx", id="a private question"),
        pytest.param(b"\x1b[9Jx\x1b[9K", id="no way to erase"),
        pytest.param(b"\x1b[!px", id="a soft reset"),
        pytest.param(b"\x1b(B\x1b%Gx", id="character sets"),
        pytest.param(b"\x1b_Ga=T;AAAA\x1b\\x", id="a picture of pixels"),
        pytest.param(b"\x1b[?3hx", id="132 columns"),
        pytest.param(b"\x1b[?5hx", id="a reversed screen"),
        pytest.param(b"\x01\x7fx\xc2\x9d", id="controls"),
        pytest.param(b"\x1bPabc\x1b[mx", id="a string that is broken off"),
    ],
)
def test_what_is_not_known_draws_nothing(written: bytes) -> None:
    for cut in range(len(written)):
        picture = picture_of(written[:cut])
        picture.feed(written[cut:])
        assert picture.size == (COLUMNS, ROWS)
        assert picture.whole() == picture_of(b"x").whole()


def test_a_long_string_in_parts_takes_no_room() -> None:
    emulator = Emulator(COLUMNS, ROWS)
    emulator.feed(ALTERNATE + b"a\x1b]52;c;")
    for _ in range(64):
        emulator.feed(b"QUJD" * 256)
    assert len(emulator._rest) < 64
    emulator.feed(b"QUJD\x1b")
    emulator.feed(b"\\b")
    assert [cell.data for cell in emulator.row(0)[:3]] == ["a", "b", " "]


def test_what_is_written_beside_the_alternate_screen_is_not_shown() -> None:
    picture = Picture(COLUMNS, ROWS)
    picture.feed(b"a shell" + ALTERNATE + b"the app\x1b[?1049la trace")
    picture.delta()
    assert row_texts(picture)[0] == "the app"
    picture.feed(ALTERNATE + b"\x1b[2;1Hagain")
    picture.delta()
    assert row_texts(picture)[:2] == ["", "again"]


# Wide characters.


def test_half_of_a_wide_character_is_blank() -> None:
    assert row_texts(picture_of("漢\x1b[1;2Hb".encode()))[0] == " b"
    assert row_texts(picture_of("漢\x1b[1;1Hb".encode()))[0] == "b"
    assert row_texts(picture_of("a漢字".encode(), columns=4))[0] == "a漢"


def test_the_place_is_said_anew_behind_what_may_be_of_another_width() -> None:
    assert "漢\x1b[3Gb".encode() in picture_of("漢b".encode()).whole()
    assert "x\u0303\x1b[2Gb".encode() in picture_of("x\u0303b".encode()).whole()


# Bytes.


def test_only_what_changed_is_sent() -> None:
    picture = picture_of(b"\x1b[38;5;21mone two three")
    picture.delta()
    assert picture.delta() == b""
    picture.feed(b"\x1b[1;5Htw0")
    assert picture.delta() == BEGIN + b"\x1b[1;7H\x1b[0;38;5;21m0" + END
    picture.feed(b"\x1b[1;7Ho")
    assert picture.delta() == BEGIN + b"\x1b[1;7H\x1b[0;38;5;21mo" + END
    picture.feed(b"\x1b[1;1Hone two three")
    assert picture.delta() == b""


def test_near_changes_go_together_and_far_ones_do_not() -> None:
    picture = picture_of(b"aaaaaaaaaaaaaaaaaaaa")
    picture.delta()
    picture.feed(b"\x1b[1;1Hb\x1b[1;4Hb\x1b[1;15Hb")
    assert picture.delta() == BEGIN + b"\x1b[1;1H\x1b[mbaab\x1b[1;15H\x1b[mb" + END


def test_a_style_changes_the_shorter_way() -> None:
    picture = picture_of(b"\x1b[1;38;5;100;48;5;20ma\x1b[22mb\x1b[4;7mc\x1b[md")
    assert b"\x1b[0;38;5;100;48;5;20;1ma\x1b[22mb\x1b[4;7mc\x1b[md" in picture.whole()
