"""Running to a moment: the condition's prompt, the search, and the breakpoints, in the running app."""

import re

import numpy as np
import pytest
from tests.tui.stage import SMALL, WIDE, Clock, example, halves, long, rows, spelled, stepper, text, until, widths
from textual.pilot import Pilot
from textual.widgets import Input

from unrolled import LSTM, InputSequence
from unrolled.conditions import parse
from unrolled_tui.app import UnrolledApp
from unrolled_tui.commands.request import Request
from unrolled_tui.commands.subject import subject
from unrolled_tui.moments import Moments, Sought
from unrolled_tui.screens import background
from unrolled_tui.screens.breakpoints import BreakpointsScreen
from unrolled_tui.screens.condition import ConditionScreen, completion
from unrolled_tui.session import Session


def wave(length: int = 60) -> Session:
    """A session over a wave, whose timesteps differ."""
    return long(length)


def brute_force(session: Session, name: str, unit: int) -> np.ndarray:
    """A gate or state of one unit at every timestep, by the explicit iterator, which knows no conditions."""
    return np.array([getattr(step, name)[unit] for step in session.layer.unroll(session.sequence.values)])


async def ask(pilot: Pilot[None], condition: str, key: str = "enter") -> None:
    """Types a condition into the prompt, as keys."""
    await pilot.press("slash", *condition, key)
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()


# Finding.


async def test_a_condition_takes_one_to_the_next_moment_when_it_holds_and_keys_repeat_it() -> None:
    session = wave()
    h = brute_force(session, "h", 1)
    limit = round(float(np.median(h)), 4)
    moments = [t for t in range(1, 60) if h[t] < limit]
    assert len(moments) > 5
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL) as pilot:
        await ask(pilot, f"h[2] < {limit}")
        seen = [session.t]
        assert f" found   h[2] < {limit}" in rows(app)[-3]
        for _ in moments[1:]:
            await pilot.press("greater_than_sign")
            await app.workers.wait_for_complete()
            seen.append(session.t)
        assert seen == moments
        for t in reversed(moments[:-1]):
            await pilot.press("less_than_sign")
            await app.workers.wait_for_complete()
            assert session.t == t


async def test_one_key_and_the_condition_and_enter_are_enough() -> None:
    session = wave()
    f = brute_force(session, "f", 2)
    limit = round(float((f.min() + f.max()) / 2), 4)
    (first, *_) = np.flatnonzero(f[1:] < limit) + 1
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL) as pilot:
        for key in ("slash", *f"f[3] < {limit}", "enter"):  # all at once, as over a slow line
            app.simulate_key(key)
        await until(lambda: session.t == first)
        await pilot.pause()
        assert f"t {first + 1:>2}/60" in rows(app)[0]
        assert "show" in rows(app)[0]


async def test_a_moment_that_does_not_come_is_said_and_one_stays_where_one_is() -> None:
    session = wave()
    session.go_to(16)
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL) as pilot:
        await ask(pilot, "f[2] > 1")
        assert session.t == 16
        assert rows(app)[-3].startswith(" not found after t 17 (< looks the other way): f[2] > 1 ")
        await pilot.press("less_than_sign")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert rows(app)[-3].startswith(" not found before t 17 (> looks the other way): f[2] > 1 ")
        await pilot.press("tab")
        assert "not found" not in text(app)


@pytest.mark.parametrize(("key", "t"), [("greater_than_sign", 59), ("less_than_sign", 0)])
async def test_at_the_ends_there_is_nothing_further_on(key: str, t: int) -> None:
    session = wave()
    session.go_to(t)
    session.moments = Moments(Sought(parse("f[1] > 0", session.layer)))
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press(key)
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert session.t == t
        assert "not found" in rows(app)[-3]


async def test_tokens_can_be_looked_for() -> None:
    session = spelled("ab(cd)(e")
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("slash")
        app.screen.query_one(Input).value = 'token == "("'
        await pilot.press("enter")
        await app.workers.wait_for_complete()
        assert session.t == 2
        await pilot.press("greater_than_sign")
        await app.workers.wait_for_complete()
        assert session.t == 6


async def test_without_a_condition_the_next_moment_asks_for_one() -> None:
    app = UnrolledApp(example())
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("greater_than_sign")
        assert isinstance(app.screen, ConditionScreen)


async def test_a_search_shows_how_far_it_is_and_any_key_stops_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "SLICE", 0.0)
    session = long(300_000, units=1)
    session.moments = Moments(Sought(parse("f > 1", session.layer)))
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL) as pilot:
        app.simulate_key("greater_than_sign")
        await until(lambda: "searching ▕" in rows(app)[3] and "% esc" in rows(app)[0])
        app.simulate_key("escape")
        await until(lambda: "paused" in rows(app)[0])
        await pilot.pause(0.1)  # the thread ends the stretch that it was at
        reached = session.run.frontier
        await pilot.pause(0.1)
        assert session.run.frontier == reached < 300_000
        assert session.t == 0
        assert re.search(r"^ stopped searching: [\d,]+ of 299,999", rows(app)[-3])


async def test_a_moment_far_away_is_exact() -> None:
    length = 40_000
    values = np.zeros((length, 1))
    values[31_234:] = 1.0
    session = Session.open(LSTM.initialize(3, 1, seed=7), InputSequence(values, "an edge"), "seed 7")
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL) as pilot:
        await ask(pilot, "x changes")
        assert session.t == 31_234
        await pilot.press("right")
        await ask(pilot, "x changes sign")
        assert session.t == 31_235


async def test_of_two_layers_it_is_about_the_one_in_front_and_both_move() -> None:
    session, other = wave(), Session.open(LSTM.initialize(5, 1, seed=3), wave().sequence, "seed 3")
    session.versus = other
    h = brute_force(other, "h", 4)
    limit = round(float(np.median(h)), 4)
    expected = next(t for t in range(1, 60) if h[t] > limit)
    app = UnrolledApp(session)
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("w")
        await ask(pilot, f"h[5] > {limit}")
        assert (session.t, other.t) == (expected, expected)
        await pilot.press("w")
        await pilot.press("greater_than_sign")  # still about the layer that it was asked of
        await app.workers.wait_for_complete()
        assert session.t == next(t for t in range(expected + 1, 60) if h[t] > limit)


# The prompt.


async def test_a_condition_that_is_wrong_says_where_and_what_was_expected() -> None:
    session = example()
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("slash", *"f[9] < 1", "enter")
        await pilot.pause()
        (at,) = [y for y, row in enumerate(rows(app)) if "f[9] < 1" in row]
        column = rows(app)[at].index("f[9]") + 2
        assert rows(app)[at + 1][column] == "^"
        assert "expected the number of a unit from 1 to 3, got 9" in rows(app)[at + 2]
        await pilot.press("2", "enter")  # it is selected
        await app.workers.wait_for_complete()
        assert app.screen is stepper(app)
        assert session.t == 1


async def test_the_sign_is_below_the_place_in_a_long_condition_too() -> None:
    app = UnrolledApp(example())
    condition = "f[1] < 0.5 and " * 12 + "f[1] < ? and f[2] < 0.5"
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("slash")
        app.screen.query_one(Input).value = condition
        await pilot.press("enter")
        await pilot.pause()
        (at,) = [y for y, row in enumerate(rows(app)) if "< ?" in row]
        assert rows(app)[at + 1].index("^") == rows(app)[at].index("?")


@pytest.mark.parametrize("size", [(60, 16), SMALL, WIDE, (200, 60)])
async def test_the_prompt_fits(size: tuple[int, int]) -> None:
    app = UnrolledApp(example())
    async with app.run_test(size=size) as pilot:
        await pilot.press("slash")
        assert widths(app) == {size[0]}
        assert "any f < 0.1" in text(app)
        assert "esc close" in text(app)
        await pilot.press("backspace", "enter")
        await pilot.pause()
        assert "got the end" in text(app)


async def test_the_words_that_fit_are_told_and_tab_completes() -> None:
    app = UnrolledApp(spelled("hello"))
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("slash", "backspace")
        assert "not  any  all  abs" in text(app)
        await pilot.press(*"tok", "tab", "space")
        assert app.screen.query_one(Input).value == "token "
        assert "==  !=  changes" in text(app)


@pytest.mark.parametrize(
    ("typed", "completed"),
    [("an", "any"), ("c[1] ch", "c[1] changes"), ("f[2", "f[2]"), ("f[2] ", None), ("", None), ("q", None)],
)
def test_only_a_word_that_was_begun_is_completed(typed: str, completed: str | None) -> None:
    assert completion(typed, LSTM.initialize(3, 1, seed=7), tokens=False) == completed


async def test_the_condition_before_is_there_to_edit_and_typing_replaces_it() -> None:
    session = wave()
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL) as pilot:
        await ask(pilot, "t == 5")
        assert session.t == 4
        await pilot.press("slash", "end", "0", "enter")
        await app.workers.wait_for_complete()
        assert session.t == 49
        session.go_to(0)
        await ask(pilot, "t == 7")
        assert session.t == 6
        await pilot.press("slash", "escape")
        assert app.screen is stepper(app)
        assert session.t == 6


# Breakpoints.


async def test_play_mode_stops_where_a_breakpoint_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    session = wave()
    h = brute_force(session, "h", 0)
    crossings = [t for t in range(1, 60) if (h[t] < 0) != (h[t - 1] < 0)]
    assert len(crossings) > 3
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL) as pilot:
        clock = Clock(app, monkeypatch)
        await ask(pilot, "h[1] changes sign", "ctrl+t")
        assert session.t == 0
        assert "breakpoint h[1] changes sign" in rows(app)[-3]
        assert "paused ●" in rows(app)[0]
        await pilot.press(*["plus"] * 5)
        for expected in crossings:
            await pilot.press("space")
            while session.playing:
                clock.tick()
                await pilot.pause()
            assert session.t == expected
            assert "● break " in rows(app)[0]
            assert rows(app)[-3].startswith(" break   h[1] changes sign")
        assert clock.running == []
        await pilot.press("home")
        assert "paused ●" in rows(app)[0]
        await pilot.press(*["right"] * (crossings[0] + 3))
        assert session.t == crossings[0] + 3  # keys do not stop there


async def test_breakpoints_can_be_switched_off_and_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    session = wave()
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL) as pilot:
        clock = Clock(app, monkeypatch)
        await pilot.press("k")
        assert isinstance(app.screen, BreakpointsScreen)
        assert "There is no breakpoint yet" in text(app)
        await pilot.press("space", "d", "enter")  # nothing to do it with
        for condition in ("t == 10", "t == 20", "t == 30"):
            await pilot.press("a", *condition, "enter")
        await pilot.press("up", "space")
        assert [row[6:18].rstrip() for row in rows(app) if re.search("o(n|ff) +t == ", row)] == [
            "on   t == 10",
            "off  t == 20",
            "on   t == 30",
        ]
        assert [point.on for point in session.moments.breakpoints] == [True, False, True]
        await pilot.press("up", "d", "escape")
        assert [point.sought.text for point in session.moments.breakpoints] == ["t == 20", "t == 30"]
        await pilot.press("space")
        while session.playing:
            clock.tick()
            await pilot.pause()
        assert session.t == 29


async def test_the_list_goes_to_the_next_moment_of_a_breakpoint() -> None:
    session = wave()
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL) as pilot:
        await ask(pilot, "t == 10", "ctrl+t")
        await ask(pilot, "t == 20", "ctrl+t")
        await pilot.press("k", "up", "enter")
        await app.workers.wait_for_complete()
        assert session.t == 9
        assert app.screen is stepper(app)


def test_a_breakpoint_is_there_once() -> None:
    layer = LSTM.initialize(2, 1, seed=7)
    one, other = Sought(parse("f[1] < 0.5", layer)), Sought(parse("f[1] < 0.5", layer), layer=1)
    moments = Moments().stop_at(one).stop_at(other).toggled(0)
    assert [point.on for point in moments.breakpoints] == [False, True]
    again = moments.stop_at(one)
    assert [(point.sought.layer, point.on) for point in again.breakpoints] == [(1, True), (0, True)]


async def test_a_list_longer_than_the_screen_turns_its_pages() -> None:
    session = halves(length=40)
    for t in range(1, 31):
        session.moments = session.moments.stop_at(Sought(parse(f"t == {t}", session.layer)))
    app = UnrolledApp(session)
    async with app.run_test(size=(60, 16)) as pilot:
        await pilot.press("k", *["down"] * 40)
        assert "▶ on   t == 30" in text(app)
        assert "of 30" in text(app)
        assert widths(app) == {60}
        await pilot.press("backspace")
        assert "▶ on   t == 29" in text(app)


async def test_two_keys_go_to_where_a_forget_gate_closes() -> None:
    request = Request(example="brackets")
    session = subject(request).session(request)
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("slash", "enter")
        await app.workers.wait_for_complete()
        await pilot.pause()
        forget = session.layer.trace(session.sequence.values).f  # type: ignore[attr-defined]  # the example is an LSTM
        assert session.t == int((forget < 0.1).any(axis=1).argmax()) > 0
