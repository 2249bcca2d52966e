"""A session that is served: it begins at the presenter's place, and tells its stage where it is."""

import json
import socket
import subprocess
import sys
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
from unrolled_tui.over_time import BY_SATURATION
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
LOOKS = {
    "2": ("s", "right_square_bracket"),
    "3": ("right_square_bracket", "down", "down", "s", "w", "down"),
    "4": ("right_square_bracket", "z", "s", "s", "s", "tab", "down", "s", "left_square_bracket", "v", "Z", "v"),
    "5": ("s", "v", "tab"),
}
"""What changes how one looks through a lens."""


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
    layers = [
        (each.t, each.phase_index, each.unit, each.gate_index, each.lens, each.cut, each.view.name, each.origin)
        for each in session.both
    ]
    row = 0 if session.tour is None else session.tour.row
    return [*layers, *map(look, session.both), session.front, session.place, row]


def look(session: Session) -> tuple[object, ...]:
    """How one looks at a layer through the other lenses."""
    time = session.view.over_time
    over_time = (time.quantity.name, time.view, time.zoom, time.order, time.like, time.from_top)
    return session.order_index, session.sender, session.signals, session.triangle, *over_time


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


@pytest.mark.parametrize("lens", LOOKS)
@pytest.mark.parametrize("request_", REQUESTS, ids=["fresh", "units", "versus", "gru", "brackets", "both ways"])
async def test_one_looks_at_it_as_the_presenter_does(request_: Request, lens: str, line: Line) -> None:
    make = stepper_to_serve(request_)
    presenter = make(Part(stage=line.stage))
    async with presenter.run_test(size=SMALL) as pilot:
        seen = [""]
        for key in (lens, *LOOKS[lens]):
            await pilot.press(key)
            await presenter.workers.wait_for_complete()
            await pilot.pause()
            seen.append((line.places() or seen)[-1])
            other = make(Part(place=seen[-1]))
            assert state(stepper_session(other)) == state(stepper_session(presenter)), key
        shown = rows(presenter)
    assert len({*seen}) > 3
    other = make(Part(place=seen[-1]))
    async with other.run_test(size=SMALL) as pilot:
        await other.workers.wait_for_complete()
        await pilot.pause()
        assert rows(other) == shown


async def test_a_key_is_told_once_and_what_changes_nothing_is_not(line: Line) -> None:
    app = stepper_to_serve(Request())(Part(stage=line.stage))
    async with app.run_test(size=SMALL) as pilot:
        assert [json.loads(place)["t"] for place in line.places()] == [0]
        await pilot.press("right")
        assert [json.loads(place)["t"] for place in line.places()] == [1]
        await pilot.press("p", "question_mark", "escape")
        assert line.places() == []


def test_a_place_is_short() -> None:
    session = long(10**6, units=1024)
    session.t, session.unit, session.gate_index = 10**6 - 1, 1023, 3
    session.versus = session
    session.sender, session.view.over_time.like, session.view.over_time.from_top = 1024, 1023, 1023
    assert len(place_of(session).encode()) < 700 < LONGEST_PLACE


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
    ("order", 2),
    ("signals", 2),
    ("triangle", 2),
    ("sender 1", 99),
    ("quantity 1", 99),
    ("view 1", 3),
    ("view 1", 2),
    ("zoom 1", 10),
    ("sort 1", 5),
    ("like 1", 99),
    ("from_top 1", 99),
    ("sender 2", 0),
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


def test_two_layers_are_looked_at_each_in_its_way() -> None:
    session = subject(Request(versus_seed=8)).session(Request(versus_seed=8))
    good = json.loads(place_of(session)) | {"view 2": 1, "sender 2": 2, "like 2": 1}
    go_to_place(session, json.dumps(good | {"sender 2": 99}))
    go_to_place(session, json.dumps({name: number for name, number in good.items() if not name.endswith("2")}))
    assert [(each.sender, each.view.over_time.view) for each in session.both] == [(0, 0), (0, 0)]
    go_to_place(session, json.dumps(good))
    assert [(each.sender, each.view.over_time.view) for each in session.both] == [(0, 0), (2, 1)]


def test_without_two_ends_nothing_is_saturated() -> None:
    quantities = example().view.over_time.quantities
    for number, quantity in enumerate(quantities):
        session = example()
        place = json.loads(place_of(session)) | {"quantity 1": number, "sort 1": BY_SATURATION}
        go_to_place(session, json.dumps(place))
        assert (session.view.over_time.order == BY_SATURATION) == (quantity.name in {"i", "f", "o", "g", "h"}), quantity


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


@pytest.mark.parametrize("size", [(60, 16), SMALL, (100, 30), WIDE])
@pytest.mark.parametrize("request_", [Request(), Request(versus_seed=8), BOTH_WAYS], ids=["layer", "two", "model"])
async def test_the_presenter_sees_how_many_follow(request_: Request, size: tuple[int, int], line: Line) -> None:
    app = stepper_to_serve(request_)(Part(stage=line.stage))
    async with app.run_test(size=size) as pilot:
        before = rows(app)
        assert "following" not in text(app)
        firsts = []
        for told in ("  0 following", "  1 following", " 12 following", "999 following", "  0 following"):
            line.server.send(str(int(told[:3])).encode())
            await until(lambda told=told: told in rows(app)[0])  # type: ignore[misc]  # it is a function of nothing
            assert rows(app)[1:] == before[1:]
            firsts.append(rows(app)[0].replace(told, "how many"))
        assert len({*firsts}) == 1  # nothing moves
        await pilot.press("right")
        assert "  0 following" in rows(app)[0]


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
        await until(lambda: "12 following" in rows(app)[0])
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


ALL_USED = """
import asyncio, sys
from unrolled_tui.bindings import STEPPER_BINDINGS
from unrolled_tui.commands.request import Request
from unrolled_tui.commands.served import stepper_to_serve
from unrolled_tui.serve.part import Part

async def main():
    app = stepper_to_serve(Request())(Part())
    keys = [each.key.split(",")[0] for each in STEPPER_BINDINGS]
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        before = {*sys.modules}
        for key in keys[:-1]:
            await pilot.press(key)
            await pilot.pause()
            while len(app.screen_stack) > 1:
                await pilot.press("ö", "ー", "escape")
                await pilot.pause()
        print(*sorted({*sys.modules} - before))

asyncio.run(main())
"""


def test_no_key_has_a_module_read_that_was_not_there_before() -> None:
    done = subprocess.run([sys.executable, "-c", ALL_USED], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.split() == []
