"""A session that is served: it begins at the presenter's place, and tells its stage where it is."""

import json
import socket
from collections.abc import Iterator
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.formats.keras_models import FOLDER
from tests.tui.stage import SMALL, WIDE, example, long, rows, stepper, text, until
from textual.geometry import Region

from unrolled_tui.app import UnrolledApp
from unrolled_tui.commands.request import Request
from unrolled_tui.commands.served import app_for, stepper_to_serve
from unrolled_tui.commands.subject import subject
from unrolled_tui.places import go_to_place, place_of
from unrolled_tui.serve.part import FOLLOW, Part
from unrolled_tui.serve.stage import LONGEST_PLACE, Stage
from unrolled_tui.session import Session
from unrolled_tui.widgets.lines_view import LinesView

BOTH_WAYS = Request(
    model=str(FOLDER / "keras3/both_ways.keras"), input=str(FOLDER / "keras3/both_ways.expected.npz"), at=2
)
REQUESTS = (
    Request(),
    Request(example="units"),
    Request(versus_seed=8),
    Request(cell="gru", text="hello", units=5),
    Request(example="brackets", at=20),
    BOTH_WAYS,
)
KEYS = ("right", "comma", "tab", "2", "right_square_bracket", "l", "r", "w", "x", "4", "d", "left", "p", "s")


class Line:
    """A stage, and the server's end of its line."""

    def __init__(self) -> None:
        self.server, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.server.setblocking(False)
        self._far = far
        self.stage = Stage(far)

    def places(self) -> list[str]:
        """What has been told since the last time."""
        told = []
        try:
            while True:
                told.append(self.server.recv(1 << 16).decode())
        except BlockingIOError:
            return told

    def close(self) -> None:
        """Hangs up."""
        self.server.close()
        self._far.close()


@pytest.fixture
def line() -> Iterator[Line]:
    """A line, closed at the end."""
    made = Line()
    yield made
    made.close()


def state(session: Session) -> list[object]:
    """Where the layers of a session are, and what one sees first of them."""
    return [
        (each.t, each.phase_index, each.unit, each.gate_index, each.lens, each.cut, each.view.name, each.origin)
        for each in session.both
    ] + [session.front, session.place, 0 if session.tour is None else session.tour.row]


@pytest.mark.parametrize("request_", REQUESTS, ids=["fresh", "units", "versus", "gru", "brackets", "both ways"])
async def test_another_session_goes_on_where_the_presenter_is(request_: Request, line: Line) -> None:
    make = stepper_to_serve(request_)
    presenter = make(Part(stage=line.stage))
    async with presenter.run_test(size=WIDE) as pilot:
        place = line.places()[-1]
        for key in KEYS:
            await pilot.press(key)
            await presenter.workers.wait_for_complete()
            await pilot.pause()
            place = (line.places() or [place])[-1]
            other = make(Part(place=place))
            assert state(stepper_session(other)) == state(stepper_session(presenter)), key
            np.testing.assert_array_equal(stepper_session(other).step.h, stepper_session(presenter).step.h)


def stepper_session(app: UnrolledApp) -> Session:
    """What an app shows, whether it runs or not."""
    return app._session


async def test_what_one_sees_there_is_what_the_presenter_sees(line: Line) -> None:
    make = stepper_to_serve(BOTH_WAYS)
    presenter = make(Part(stage=line.stage))
    async with presenter.run_test(size=WIDE) as pilot:
        await pilot.press("l", "right", "3", "comma", "tab", "x")
        await presenter.workers.wait_for_complete()
        await pilot.pause()
        seen = rows(presenter)
    other = make(Part(place=line.places()[-1]))
    async with other.run_test(size=WIDE) as pilot:
        await other.workers.wait_for_complete()
        await pilot.pause()
        assert rows(other) == seen


async def test_a_key_is_told_once_and_what_changes_nothing_is_not(line: Line) -> None:
    app = stepper_to_serve(Request())(Part(stage=line.stage))
    async with app.run_test(size=SMALL) as pilot:
        assert [json.loads(place)["t"] for place in line.places()] == [0]
        await pilot.press("right")
        assert [json.loads(place)["t"] for place in line.places()] == [1]
        await pilot.press("s", "p", "question_mark", "escape")
        assert line.places() == []


def test_a_place_is_short() -> None:
    session = long(10**6, units=1024)
    session.t, session.unit, session.gate_index = 10**6 - 1, 1023, 3
    assert len(place_of(session).encode()) < 500 < LONGEST_PLACE


async def test_a_far_place_is_computed_on_the_screen() -> None:
    session = long(50_000)
    session.t = 40_000
    place = place_of(session)
    other = long(50_000)
    go_to_place(other, place)
    assert other.run.frontier == 0
    app = UnrolledApp(other)
    async with app.run_test(size=SMALL) as pilot:
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert "t 40,001/50,000" in rows(app)[0]


# What is no place.

numbers = st.one_of(st.integers(-2, 8), st.integers(), st.floats(), st.booleans(), st.none(), st.text(max_size=3))
names = st.sampled_from([*json.loads(place_of(example()))]) | st.text(max_size=3)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(), st.dictionaries(names, numbers).map(json.dumps), numbers.map(json.dumps)))
def test_what_is_no_place_changes_nothing(place: str) -> None:
    session = example(at=2)
    go_to_place(session, place)
    assert state(session) == state(example(at=2))


NONE_THERE = (
    ("lens", 5),
    ("front", 1),
    ("row", 99),
    ("layer", 9),
    ("t", 10**30),
    ("phase", 9),
    ("unit", 99),
    ("gate", 4),
)


@pytest.mark.parametrize(("name", "number"), [*NONE_THERE, ("cut", 2), ("t", -1), ("t", True), ("t", 1.0), ("t", "1")])
@pytest.mark.parametrize("request_", [Request(), BOTH_WAYS], ids=["layer", "model"])
def test_a_place_that_is_not_there_is_ignored_as_a_whole(request_: Request, name: str, number: object) -> None:
    session = subject(request_).session(request_)
    before = state(session)
    good = json.loads(place_of(session)) | {"t": 0, "unit": 1, "lens": 2}
    if session.tour is not None:
        good |= {"row": 1, "layer": 1}
    go_to_place(session, json.dumps(good | {name: number}))
    assert state(session) == before
    go_to_place(session, json.dumps(good))
    assert state(session) != before


@pytest.mark.parametrize("place", ["[" * 100_000, '{"t":' * 50_000, "9" * 5000, "\ud800", "NaN"])
def test_a_hostile_place_is_ignored(place: str) -> None:
    session = example()
    go_to_place(session, place)
    assert state(session) == state(example())


def every_small_place() -> Iterator[dict[str, int]]:
    """Places about the edges of what is there."""
    usual = json.loads(place_of(example()))
    for t, unit, phase, gate in product((0, 3, 4), (0, 2, 3), (0, 4, 5), (0, 3, 4)):
        yield usual | {"t": t, "unit": unit, "phase": phase, "gate": gate}


def test_a_place_is_taken_just_where_there_is_one() -> None:
    for place in every_small_place():
        session = example()
        go_to_place(session, json.dumps(place))
        there = place["t"] < 4 and place["unit"] < 3 and place["phase"] < 5 and place["gate"] < 4
        assert (json.loads(place_of(session)) == place) == there or place == json.loads(place_of(example()))


# Followers, and the key to follow.


@pytest.mark.parametrize("size", [(60, 16), SMALL, WIDE])
async def test_the_presenter_sees_how_many_follow(size: tuple[int, int], line: Line) -> None:
    app = stepper_to_serve(Request())(Part(stage=line.stage))
    async with app.run_test(size=size) as pilot:
        before = rows(app)
        assert "follow" not in text(app)
        for count, told in ((1, "1 follows"), (12, "12 follow"), (0, "0 follow")):
            line.server.send(str(count).encode())
            await until(lambda told=told: told in rows(app)[0])  # type: ignore[misc]  # it is a function of nothing
            assert rows(app)[1:] == before[1:]
        await pilot.press("right")
        assert "0 follow" in rows(app)[0]


async def test_one_more_follower_redraws_the_first_line_alone(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    app = stepper_to_serve(Request())(Part(stage=line.stage))
    async with app.run_test(size=WIDE) as pilot:
        await pilot.pause()
        drawn: list[str] = []
        plain = LinesView.refresh

        def refresh(view: LinesView, *regions: Region, **more: bool) -> LinesView:
            drawn.append(str(view.id))
            return plain(view, *regions, **more)

        monkeypatch.setattr(LinesView, "refresh", refresh)
        line.server.send(b"12")
        await until(lambda: "12 follow" in rows(app)[0])
        assert drawn == ["subject"]


@pytest.mark.parametrize(("may_follow", "code"), [(True, FOLLOW), (False, None)])
async def test_a_key_ends_the_app_for_the_presenters_screen(may_follow: bool, code: int | None) -> None:
    app = stepper_to_serve(Request())(Part(may_follow=may_follow))
    async with app.run_test(size=WIDE) as pilot:
        assert ("o follow" in rows(app)[-1]) == may_follow
        await pilot.press("o")
        assert app.is_running != may_follow
    assert app.return_code == code


async def test_what_one_marked_is_not_left_without_a_word() -> None:
    app = stepper_to_serve(Request())(Part(may_follow=True))
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("m", "o")
        assert rows(app)[-3].startswith(" not kept these marks end with your stepper")
        await pilot.press("right", "o")
        assert app.is_running
        await pilot.press("o")
    assert app.return_code == FOLLOW


async def test_each_session_is_its_own() -> None:
    request = Request()
    shown = subject(request)
    first, second = (app_for(shown, request, Part()) for _ in range(2))
    async with first.run_test(size=SMALL) as pilot:
        await pilot.press("right", "m", "x")
    assert stepper_session(second).t == 0
    assert stepper_session(second).notebook.marks.bookmarks == ()
    async with second.run_test(size=SMALL):
        assert "t 1/4" in rows(second)[0]
        assert stepper(second).session is stepper_session(second)
