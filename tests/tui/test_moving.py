"""How keys move through the sequence, in the running app: steps, phases, long ways, play mode."""

import pytest
from tests.tui.stage import SMALL, WIDE, Clock, example, halves, long, rows, stepper, text, until
from textual.widgets import Input

from unrolled_tui.app import UnrolledApp
from unrolled_tui.lenses.units import UnitPanel
from unrolled_tui.pacing import Pace
from unrolled_tui.screens import background

# Every key.


@pytest.mark.parametrize(
    ("keys", "at", "t", "phase"),
    [
        ("right", 1, 2, "show"),
        ("n", 4, 4, "show"),
        ("left", 3, 2, "show"),
        ("b", 1, 1, "show"),
        ("full_stop", 1, 2, "read"),
        ("comma", 2, 2, "write"),
        ("home", 3, 1, "show"),
        ("end", 2, 4, "show"),
    ],
)
async def test_a_key_moves_through_the_sequence(keys: str, at: int, t: int, phase: str) -> None:
    app = UnrolledApp(example(at=at))
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press(keys)
        assert f"t {t}/4" in rows(app)[0]
        assert f" {phase} " in rows(app)[0]


async def test_keys_that_come_together_all_count() -> None:
    session = long(1000)
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL) as pilot:
        for _ in range(50):
            app.simulate_key("right")
        await pilot.pause()
        await until(lambda: session.t == 50)


@pytest.mark.parametrize(
    ("key", "unit", "after"),
    [("tab", 0, 1), ("tab", 2, 0), ("shift+tab", 0, 2), ("down", 0, 1), ("up", 1, 0)],
)
async def test_a_key_selects_a_unit(key: str, unit: int, after: int) -> None:
    session = example()
    session.select(unit)
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press(key)
        assert session.unit == after
        assert f"▶ unit {after + 1} " in text(app)
        assert text(app).count("▶") == 1
        assert any(row.startswith(f" unit {after + 1} ") for row in rows(app))


async def test_going_back_and_forth_draws_the_same_screen() -> None:
    app = UnrolledApp(example(units=5, at=2))
    async with app.run_test(size=WIDE) as pilot:
        screens = [text(app)]
        for key in ("right", "left", "full_stop", "comma", "tab", "shift+tab", "p", "p"):
            await pilot.press(key)
            screens.append(text(app))
    assert screens[0] == screens[2] == screens[4] == screens[6] == screens[8]
    assert len(set(screens)) == 5


async def test_what_is_not_yet_computed_is_not_shown() -> None:
    app = UnrolledApp(halves(units=1))
    async with app.run_test(size=SMALL) as pilot:
        seen = []
        await pilot.press("right")
        for _ in range(5):
            panel = app.screen.query_one(UnitPanel)
            seen.append(["".join(span.text for span in spans).strip("│ ") for spans in panel.lines[1:7]])
            await pilot.press("comma")
    show, write, gate, project, read = seen
    assert [row[0] for row in read] == list("ifgoch")
    assert all(row.endswith("·") for row in read)
    assert project[2].endswith("z 400.000")
    assert project[4].endswith("·")
    assert gate[2].endswith("1.000")
    assert gate[4].endswith("·")
    assert write[4].endswith("0.750")
    assert write[5].endswith("·")
    assert show[5].endswith("0.318")


async def test_the_caption_tells_each_phase_with_numbers() -> None:
    app = UnrolledApp(halves(units=1))
    told = []
    async with app.run_test(size=SMALL) as pilot:
        for _ in range(5):
            await pilot.press("full_stop")
            told.append(tuple(row.rstrip() for row in rows(app)[-3:-1]))
    assert told == [
        (" read    x_t, h_(t-1) and c_(t-1) come in", " unit 1  c_(t-1) = 0.500"),
        (" project z = W·x_t + U·h_(t-1) + b", " unit 1  z = 0.000, 0.000, 400.000, 0.000"),
        (" gate    i, f, o = σ(z)   g = tanh(z)", " unit 1  i 0.500  f 0.500  g 1.000  o 0.500"),
        (" write   c_t = f ⊙ c_(t-1) + i ⊙ g", " unit 1  0.500·0.500 + 0.500·1.000 = 0.750"),
        (" show    h_t = o ⊙ tanh(c_t)", " unit 1  0.500·0.635 = 0.318"),
    ]


async def test_quitting() -> None:
    for key in ("q", "ctrl+c", "ctrl+q"):
        app = UnrolledApp(example())
        async with app.run_test(size=SMALL) as pilot:
            await pilot.press(key)
            assert not app.is_running


# Go to.


async def test_go_to_a_timestep() -> None:
    session = long(100)
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("g")
        assert "Go to timestep, 1 to 100:" in text(app)
        await pilot.press("4", "2", "enter")
        assert session.t == 41
        assert "t  42/100" in rows(app)[0]


@pytest.mark.parametrize(("typed", "got"), [("", "nothing"), ("0", "0"), ("101", "101"), ("-1", "-1")])
async def test_go_to_says_what_is_expected(typed: str, got: str) -> None:
    session = long(100)
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("g")
        app.screen.query_one(Input).value = typed
        await pilot.press("enter")
        assert f"expected 1 to 100, got {got}" in text(app)
        await pilot.press("escape")
        assert session.t == 0
        assert app.screen is stepper(app)


async def test_what_is_typed_at_once_all_counts() -> None:
    session = long(1000)
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL):
        for key in ("g", "4", "2", "7", "enter"):
            app.simulate_key(key)
        await until(lambda: session.t == 426)


async def test_go_to_takes_digits_only() -> None:
    app = UnrolledApp(long(100))
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("g", "a", "7", "q")
        assert app.screen.query_one(Input).value == "7"


@pytest.mark.parametrize("keys", [("g", "2", "enter", "enter"), ("a", "x", "enter", "enter", "escape")])
async def test_a_key_that_bounces_closes_a_prompt_once(keys: tuple[str, ...]) -> None:
    app = UnrolledApp(example())
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press(keys[0])
        for key in keys[1:]:
            app.simulate_key(key)
        await until(lambda: app.screen is stepper(app))
        await pilot.pause()
        assert app.is_running


# A long way.


async def test_a_long_way_shows_how_far_it_has_got() -> None:
    session = long(200_000, units=1)
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL):
        stepper(app).action_last()
        seen: set[str] = set()

        def arrived() -> bool:
            seen.update(word for word in (stepper(app).doing,) if "%" in word)
            return session.t == 199_999

        await until(arrived)
        await until(lambda: "t 200,000/200,000" in rows(app)[0])
    assert len(seen) > 3
    assert session.step.t == 199_999


@pytest.mark.parametrize("key", ["escape", "left", "full_stop"])
async def test_another_key_stops_a_long_way(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "SLICE", 0.0)
    session = long(200_000, units=1)
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL) as pilot:
        stepper(app).action_last()
        await until(lambda: "% esc" in rows(app)[0])
        app.simulate_key(key)
        await until(lambda: "paused" in rows(app)[0])
        await pilot.pause(0.2)  # the thread ends the slice that it is in
        reached = session.run.frontier
        await pilot.pause(0.2)
        assert session.run.frontier == reached < 200_000
        assert session.t < 2


async def test_keys_work_on_a_long_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "SLICE", 0.0)
    session = long(200_000)
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL):
        stepper(app).action_last()
        await until(lambda: "% esc" in rows(app)[0])
        app.simulate_key("tab")
        await until(lambda: session.unit == 1)
        assert session.t == 0
        app.simulate_key("escape")
        await until(lambda: "paused" in rows(app)[0])


async def test_a_way_that_was_gone_before_takes_no_time() -> None:
    session = long(50_000, units=1)
    session.go_to(49_999)
    assert session.step.t == 49_999
    session.go_to(0)
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("end")
        assert "t 50,000/50,000" in rows(app)[0]


# Play mode.


async def test_play_goes_on_by_itself_and_stops_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    session = example()
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL) as pilot:
        clock = Clock(app, monkeypatch)
        await pilot.press("space")
        assert "▶ 1/s" in rows(app)[0]
        assert [timer.interval for timer in clock.running] == [1.0]
        seen = []
        for _ in range(3):
            clock.tick()
            await pilot.pause()
            seen.append(session.t)
        assert seen == [1, 2, 3]
        assert "paused" in rows(app)[0]
        assert clock.running == []
        await pilot.press("space")
        assert not session.playing


async def test_play_draws_what_the_key_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    app = UnrolledApp(example())
    async with app.run_test(size=SMALL) as pilot:
        clock = Clock(app, monkeypatch)
        await pilot.press("space")
        clock.tick()
        await pilot.press("space")
        played = text(app)
        await pilot.press("left", "right")
        assert text(app) == played
        assert clock.running == []


async def test_the_speed_of_play_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    app = UnrolledApp(long(100))
    async with app.run_test(size=SMALL) as pilot:
        clock = Clock(app, monkeypatch)
        await pilot.press("plus")
        assert clock.timers == []
        await pilot.press("space", "equals_sign", "minus", "minus", "minus", "minus")
        assert [timer.interval for timer in clock.timers] == [0.5, 0.2, 0.5, 1.0, 2.0, 2.0]
        assert len(clock.running) == 1
        assert "▶ 0.5/s" in rows(app)[0]


async def test_play_waits_for_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    session, now = long(100), [0.0]
    app = UnrolledApp(session)
    pace = app._pace = Pace(lambda: True, lambda: now[0])
    async with app.run_test(size=SMALL) as pilot:
        clock = Clock(app, monkeypatch)
        await pilot.press("space")
        clock.tick()
        await pilot.pause()
        clock.tick()
        clock.tick()
        await pilot.pause()
        assert session.t == 1  # the frame has not arrived
        pace.answered()
        clock.tick()
        await pilot.pause()
        assert session.t == 2
        now[0] = 100.0  # a terminal that does not answer
        for t in (3, 4):
            clock.tick()
            await pilot.pause()
            assert session.t == t


def test_a_pace_asks_no_more_where_nobody_answers() -> None:
    now, asked = [0.0], []

    def ask() -> bool:
        asked.append(now[0])
        return True

    pace = Pace(ask, lambda: now[0])
    pace.frame_sent()
    assert pace.caught_up()  # no frame was expected
    pace.frame_begun()
    assert not pace.caught_up()
    pace.frame_sent()
    now[0] = 2.9
    assert not pace.caught_up()
    now[0] = 3.1
    assert pace.caught_up()
    pace.frame_begun()
    pace.frame_sent()
    assert pace.caught_up()
    assert asked == [0.0]


def test_a_pace_waits_for_a_frame_only_so_long() -> None:
    now = [0.0]
    pace = Pace(lambda: True, lambda: now[0])
    pace.frame_begun()
    now[0] = 3.1  # a step that changed nothing on the screen
    assert pace.caught_up()
    pace.frame_begun()
    pace.frame_sent()
    pace.answered()
    assert pace.caught_up()
