"""A follower's terminal shows the picture, never late, and what is typed there goes nowhere."""

from itertools import pairwise

import pyte
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.serve.followed import ANSWER, COLUMNS, HINT, ROWS, Clock, Line, Room, cells

from unrolled_tui.serve.following.arrivals import (
    FEW_BYTES,
    LONE,
    LONG_PATIENCE,
    MOST_BYTES,
    MOST_FRAMES,
    PATIENCE,
    QUESTION,
    SLOW,
)
from unrolled_tui.serve.following.follower import CLOSING, FIRST_HINT_SECONDS, HINT_SECONDS, OPENING, Wish
from unrolled_tui.serve.following.typed import LONGEST

# Joining and leaving.


async def test_who_joins_sees_all_of_it_and_for_a_moment_which_keys_there_are() -> None:
    room = Room()
    assert room.line.sent.startswith(OPENING)
    assert room.line.shown[-1] == HINT
    assert cells(room.line.screen)[:-1] == [room.picture.cells(row) for row in range(ROWS - 1)]
    room.clock.passes(FIRST_HINT_SECONDS - 0.1)
    assert room.line.shown[-1] == HINT
    room.clock.passes(0.2)
    assert room.is_fresh


async def test_frames_leave_the_hint_where_it_is() -> None:
    room = Room()
    room.follower.show(room.turn(1))
    assert room.line.shown[-1] == HINT
    assert room.line.shown[0].startswith("1 page 7")
    room.settle_hint()
    assert room.is_fresh


async def test_on_a_larger_terminal_the_hint_is_beside_the_picture() -> None:
    room = Room(COLUMNS + 9, ROWS + 3)
    assert room.line.shown[ROWS + 2] == HINT
    room.settle_hint()
    assert room.line.shown[ROWS:] == [""] * 3
    assert [row[:COLUMNS] for row in cells(room.line.screen)[:ROWS]] == [room.picture.cells(row) for row in range(ROWS)]


@pytest.mark.parametrize(
    ("typed", "wish"),
    [
        pytest.param(b"o", Wish.OWN, id="o"),
        pytest.param(b"O", Wish.OWN, id="O, caps lock"),
        pytest.param(b"q", Wish.LEAVE, id="q"),
        pytest.param(b"\x03", Wish.LEAVE, id="ctrl+c"),
        pytest.param(b"\x1b[111u", Wish.OWN, id="o, kitty"),
        pytest.param(b"\x1b[111;129u", Wish.OWN, id="o, kitty, num lock"),
        pytest.param(b"\x1b[111:79;2:1;79u", Wish.OWN, id="O, kitty, with its text"),
        pytest.param(b"\x1b[113;1:1u", Wish.LEAVE, id="q, kitty, pressed"),
        pytest.param(b"\x1b[99;5u", Wish.LEAVE, id="ctrl+c, kitty"),
        pytest.param(b"\x1b[99;69u", Wish.LEAVE, id="ctrl+c, kitty, caps lock"),
        pytest.param(b"\x1b[27;5;99~", Wish.LEAVE, id="ctrl+c, xterm"),
        pytest.param(b"xyz\x1b[Ao", Wish.OWN, id="o behind others"),
    ],
)
async def test_keys(typed: bytes, wish: Wish) -> None:
    for cut in range(len(typed)):
        room = Room()
        room.follower.keys(typed[:cut])
        assert not room.follower.wish.done()
        room.follower.keys(typed[cut:])
        assert room.follower.wish.result() is wish
        assert room.ended == [room.follower]
        assert room.line.sent.endswith(CLOSING)
        room.clock.passes(60)
        room.follower.show(b"late")
        room.follower.resize(10, 10)
        room.follower.keys(b"oq?")
        room.follower.leave()
        room.follower.end("again")
        assert room.line.sent.endswith(CLOSING)
        assert room.ended == [room.follower]


@pytest.mark.parametrize(
    "typed",
    [
        b"x",
        b"\x1b[A",
        b"\x1bOP",
        b"\x1bo",
        b"\x1bq",
        b"\x1b[111;3u",
        b"\x1b[99u",
        b"\x1b[5;5~",
        b"\x1b]11;rgb:00/ooqq\x1b\\",
        b"\x1bP>|foot(1.q)\x1b\\",
        b"\x1b[?2026;2$y",
        "öqo".encode()[:2],
        b"\r",
    ],
)
async def test_other_keys_say_which_there_are(typed: bytes) -> None:
    room = Room()
    room.settle_hint()
    room.follower.keys(typed)
    assert room.line.shown[-1] == HINT
    assert not room.follower.wish.done()
    room.clock.passes(HINT_SECONDS - 0.1)
    room.follower.keys(typed)
    room.clock.passes(HINT_SECONDS - 0.1)
    assert room.line.shown[-1] == HINT
    room.clock.passes(0.2)
    assert room.is_fresh


async def test_a_key_that_is_let_go_is_none() -> None:
    room = Room()
    room.settle_hint()
    room.follower.keys(b"\x1b[111;1:3u\x1b[113;1:3u")
    assert room.is_fresh
    assert not room.follower.wish.done()


async def test_escape_and_then_q_leaves() -> None:
    room = Room()
    room.follower.keys(b"\x1b")
    room.clock.passes(0.3)
    room.follower.keys(b"q")
    assert room.follower.wish.result() is Wish.LEAVE


async def test_the_end_is_a_sentence_on_the_terminal_as_it_was() -> None:
    room = Room()
    room.follower.end("that was all")
    assert room.follower.wish.result() is Wish.ENDED
    assert room.line.sent.endswith(CLOSING + b"that was all\r\n")


async def test_to_one_who_is_gone_nothing_is_written() -> None:
    room = Room()
    before = len(room.line.sent)
    room.follower.leave()
    room.follower.show(room.turn(1))
    room.clock.passes(60)
    assert room.follower.wish.result() is Wish.LEAVE
    assert len(room.line.sent) == before


# Sizes.


@pytest.mark.parametrize(("columns", "rows"), [(COLUMNS - 1, ROWS), (COLUMNS, ROWS - 1), (20, 5), (1, 1)])
async def test_too_small_a_terminal_reads_which_size_it_takes(columns: int, rows: int) -> None:
    room = Room(columns, rows)
    room.settle_hint()
    before = len(room.line.writes)
    room.play(5, 0.1)
    assert len(room.line.writes) == before
    if columns >= 40:
        assert f"{COLUMNS} columns and {ROWS} rows, this terminal {columns} and {rows}" in room.words
    room.line.screen.resize(ROWS, COLUMNS)
    room.follower.resize(COLUMNS, ROWS)
    assert room.is_fresh
    room.follower.show(room.turn(9))
    assert room.is_fresh
    room.line.screen.resize(10, 40)
    room.follower.resize(40, 10)
    room.clock.passes(0.1)
    assert "this terminal 40 and 10" in room.words
    room.follower.keys(b"q")
    assert room.follower.wish.result() is Wish.LEAVE


@pytest.mark.parametrize(("columns", "rows"), [(40, 10), (COLUMNS - 1, 4), (COLUMNS, 3), (30, ROWS), (13, ROWS)])
async def test_too_small_a_terminal_reads_whole_words_and_what_to_do(columns: int, rows: int) -> None:
    room = Room(columns, rows)
    room.settle_hint()
    expected = (
        f"The teacher's screen has {COLUMNS} columns and {ROWS} rows, this terminal {columns} and {rows}: make it "
        "larger, or its letters smaller. o gives a stepper of your own, q leaves."
    )
    assert " ".join(row for row in room.line.shown if row) == expected  # a word that is cut would be two


async def test_what_does_not_fit_is_left_out_at_the_end() -> None:
    room = Room(20, 3)
    room.settle_hint()
    assert room.line.shown == ["The teacher's screen", "has 60 columns and", "20 rows, this"]


async def test_the_picture_takes_another_size() -> None:
    room = Room()
    room.settle_hint()
    room.picture.resize(COLUMNS - 10, ROWS - 4)
    room.picture.delta()
    room.follower.redraw()
    assert room.line.shown[ROWS - 4 :] == [""] * 4
    room.picture.resize(COLUMNS + 1, ROWS)
    room.picture.delta()
    room.follower.redraw()
    assert f"{COLUMNS + 1} columns" in room.words


# Lines.


async def test_a_quick_line_gets_every_frame() -> None:
    room = Room()
    room.settle_hint()
    before = len(room.line.writes)
    for number in range(1, 40):
        room.follower.show(room.turn(number))
        room.clock.passes(0.01)
        assert room.is_fresh
    assert len(room.line.writes) == before + 39


@pytest.mark.parametrize("rate", [5_000.0, 20_000.0, 100_000.0])
async def test_a_slow_line_is_fresh_soon_after_the_last_frame_and_nothing_is_queued(rate: float) -> None:
    room = Room(rate=rate)
    room.clock.passes(20)
    room.line.most_waiting = 0
    before = len(room.line.writes)
    room.play(150, 1 / 30)
    whole = len(room.picture.whole())
    assert whole > 4_000
    assert len(room.line.writes) - before >= 5 * rate / whole - 4
    assert room.line.most_waiting <= (1 + MOST_FRAMES) * (whole + 99)
    assert len(room.line.waiting) <= whole + max(rate * SLOW, 99)
    room.clock.passes(SLOW + 2.1 * whole / rate)
    assert room.is_fresh
    assert not room.line.waiting


async def test_a_line_whose_outlet_is_full_gets_nothing_and_then_the_newest() -> None:
    room = Room(answers=False)
    room.settle_hint()
    room.line.full = True
    before = len(room.line.writes)
    room.play(10, 0.5)
    room.follower.keys(b"x?")
    room.follower.resize(COLUMNS, ROWS)
    room.clock.passes(20)
    assert len(room.line.writes) == before
    room.line.full = False
    room.follower.resume()
    assert len(room.line.writes) == before + 1
    assert room.is_fresh


async def test_a_terminal_that_never_answers_is_shown_the_newest_every_now_and_then() -> None:
    room = Room(answers=False)
    room.settle_hint()
    before, bytes_before = len(room.line.writes), len(room.line.sent)
    room.play(300, 0.05)
    frames = len(room.line.writes) - before
    assert 15 / PATIENCE - 1 <= frames <= (1 + MOST_FRAMES) * (15 / PATIENCE + 1)
    assert len(room.line.sent) - bytes_before < frames * (len(room.picture.whole()) + 99)
    room.clock.passes(2 * PATIENCE)
    assert room.is_fresh


async def test_a_terminal_that_has_answered_is_waited_for() -> None:
    room = Room()
    room.settle_hint()
    room.line.answers = False
    before = len(room.line.writes)
    room.play(60, 0.1)
    assert len(room.line.writes) - before <= 1 + MOST_FRAMES
    room.clock.passes(LONG_PATIENCE)
    assert room.is_fresh


async def test_lone_frames_are_sent_to_a_terminal_that_never_answers() -> None:
    room = Room(answers=False)
    room.settle_hint()
    for number in range(5):
        room.follower.show(room.turn(number))
        assert room.is_fresh
        room.clock.passes(PATIENCE + 0.1)


async def test_not_every_lone_frame_is_asked_about_but_every_so_many_bytes() -> None:
    room = Room()
    room.settle_hint()
    before = len(room.line.writes)
    for number in range(40):
        room.follower.show(room.turn(number))
        room.clock.passes(LONE + 0.1)
        assert room.is_fresh
    sent = room.line.writes[before:]
    asked = [number for number, frame in enumerate(sent) if frame.endswith(QUESTION)]
    assert 1 < len(asked) < len(sent) / 2
    between = [sent[one:other] for one, other in pairwise(asked)]
    assert max(sum(map(len, frames)) for frames in between) <= FEW_BYTES + 9_999


# Whatever comes in.


async def test_a_flood_is_held_and_let_go() -> None:
    room = Room()
    for _ in range(4):
        room.follower.keys(b"x" * 4096)
    assert room.line.holds == ["hold"]
    room.clock.passes(1.1)
    assert room.line.holds == ["hold", "let go"]
    room.settle_hint()
    assert room.is_fresh
    for _ in range(4):
        room.follower.keys(b"y" * 4096)
    room.follower.keys(b"q")
    assert room.follower.wish.result() is Wish.LEAVE
    assert room.line.holds == ["hold", "let go"] * 2


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.one_of(st.binary(max_size=200), st.sampled_from([b"\x1b", b"\x1b[", b"\x1b[1;", ANSWER, b"\x1b[" * 900])),
        max_size=12,
    )
)
async def test_nothing_that_comes_in_does_harm(pieces: list[bytes]) -> None:
    room = Room()
    room.settle_hint()
    size = len(room.line.sent)
    for piece in pieces:
        room.follower.keys(piece.translate(None, b"oOqQ\x03"))
        assert len(room.follower._reader._rest) < 32
    most = len(pieces) * (COLUMNS + 20)
    assert len(room.line.sent) - size <= most
    room.settle_hint()
    if not room.follower.wish.done():
        assert room.is_fresh


async def test_answers_that_nobody_asked_for_make_no_room() -> None:
    room = Room(answers=False)
    room.settle_hint()
    for _ in range(50):
        room.follower.keys(ANSWER)
    before = len(room.line.writes)
    for number in range(1, 30):
        room.follower.show(room.turn(number))
    assert 1 <= len(room.line.writes) - before <= 1 + MOST_FRAMES


async def test_answers_in_one_piece_with_keys_and_cut_in_two() -> None:
    room = Room(answers=False)
    room.settle_hint()
    for number in range(1, 10):
        room.follower.show(room.turn(number))
    assert not room.is_fresh
    room.follower.keys(ANSWER + b"x" + ANSWER + ANSWER[:3])
    assert not room.is_fresh
    room.follower.keys(ANSWER[3:])
    room.clock.passes(HINT_SECONDS + 1)
    assert room.is_fresh


def test_the_line_of_this_test_is_as_slow_as_it_says() -> None:
    clock = Clock()
    line = Line(clock, rate=1000.0)
    line.write(b"x" * 500)
    clock.passes(0.4)
    assert 0 < len(line.waiting) < 500
    clock.passes(0.2)
    assert not line.waiting
    assert isinstance(line.screen, pyte.Screen)
    assert LONGEST < MOST_BYTES
