"""Two layers beside each other, in the running app."""

import re
from collections.abc import Sequence

import numpy as np
import pytest
from tests.tui.stage import SMALL, WIDE, rows, stepper, text, until

from unrolled import LSTM, InputSequence
from unrolled_tui.app import UnrolledApp
from unrolled_tui.commands.request import Request
from unrolled_tui.commands.subject import subject
from unrolled_tui.lenses.units import UnitPanel
from unrolled_tui.session import TOLERANCE, Session

EXAMPLE = Request(example="units")
CUT = Request(versus_cut=True)
SEEDS = Request(versus_seed=8)


def asked(request: Request) -> Session:
    """The session that a command line asks for."""
    return subject(request).session(request)


def beside(one: LSTM, other: LSTM, values: Sequence[Sequence[float]]) -> Session:
    """Two layers over numbers of its own."""
    sequence = InputSequence(np.array(values, dtype=float), "numbers")
    session = Session.open(one, sequence, "before")
    session.versus = Session.open(other, sequence, "after")
    return session


def panels(row: str) -> list[float]:
    """The numbers at the ends of the panels of a line of the screen."""
    return [float(number) for number in re.findall(r"(-?\d\S*) +│", row)]


def bars(app: UnrolledApp, name: str) -> list[float]:
    """The numbers of one gate or state, from left to right and from top to bottom."""
    return [number for row in rows(app) if f"│ {name} ▕" in row for number in panels(row)]


async def test_the_example_puts_one_unit_beside_three() -> None:
    session = asked(EXAMPLE)
    app = UnrolledApp(session)
    async with app.run_test(size=WIDE) as pilot:
        shown = text(app)
        assert "LSTM(1) beside LSTM(3)" in rows(app)[0]
        (names,) = [row for row in rows(app) if " LSTM(1) · seed 7 " in row]
        assert names.index("LSTM(3) · seed 7") >= 60
        assert "units 1 | 3 " in shown
        assert "parameters 12 | 60 " in shown
        assert "output (4, 1) | (4, 3)" in shown
        assert "4·units·(features + units + 1):  4·1·(1 + 1 + 1) = 12 | 4·3·(1 + 3 + 1) = 60" in shown
        assert "W 4 + U 4 + b 4 = 12" in shown
        assert "W 12 + U 36 + b 12 = 60" in shown
        one, three = (LSTM.initialize(units, 1, seed=7).trace([[1.0], [2.0], [3.0], [4.0]]) for units in (1, 3))
        for t in range(4):
            expected = [one.h[t, 0], three.h[t, 0], three.h[t, 1], three.h[t, 2]]
            assert bars(app, "h") == pytest.approx(expected, abs=5e-4)
            await pilot.press("right")
        await pilot.press("comma")
        assert (session.phase.name, stepper(app).panes[1].session.phase.name) == ("write", "write")
        assert bars(app, "h") == []


async def test_where_there_is_room_for_one_a_key_turns_to_the_other() -> None:
    session = asked(EXAMPLE)
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL) as pilot:
        first = text(app)
        assert " LSTM(1) · seed 7 " in rows(app)[4]
        assert len(bars(app, "h")) == 1
        assert "parameters 12 | 60" in first
        await pilot.press("w")
        await pilot.pause()
        assert " LSTM(3) · seed 7 " in rows(app)[4]
        assert len(bars(app, "h")) == 3
        assert "LSTM(1) · " not in text(app)
        await pilot.press("w")
        await pilot.pause()
        assert text(app) == first


async def test_units_are_selected_in_the_layer_that_has_them() -> None:
    session = asked(EXAMPLE)
    app = UnrolledApp(session)
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("tab", "tab")
        assert session.versus is not None
        assert (session.unit, session.versus.unit) == (0, 2)
        await pilot.press("tab")
        assert (session.unit, session.versus.unit) == (0, 0)
        other = [panel for panel in stepper(app).panes[1].query(UnitPanel) if panel.lines]
        await pilot.click(other[1], offset=(5, 3))
        assert (session.unit, session.versus.unit) == (0, 1)


async def test_every_lens_shows_both() -> None:
    app = UnrolledApp(asked(EXAMPLE))
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("tab", "tab", "2")
        await pilot.pause()
        assert text(app).count("input gate i of unit 1 ") == 1
        assert text(app).count("input gate i of unit 3 ") == 1
        await pilot.press("3")
        await pilot.pause()
        assert "4 + 4 + 0 + 4 = 12" in text(app)
        assert "12 + 12 + 24 + 12 = 60" in text(app)
        await pilot.press("1")
        await pilot.pause()
        assert len(bars(app, "h")) == 4


async def test_cutting_in_both() -> None:
    session = asked(EXAMPLE)
    app = UnrolledApp(session)
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("x")
        await until(lambda: [each.view.cut_check[0] for each in session.both] == [1, 3])
        await pilot.pause()
        assert "cut = 1 separate layer of one unit" in text(app)
        assert "cut = 3 separate layers of one unit" in text(app)


@pytest.mark.parametrize("request_", [SEEDS, CUT])
async def test_the_difference_of_two_layers_of_one_shape(request_: Request) -> None:
    session = asked(request_)
    app = UnrolledApp(session)
    assert session.versus is not None
    xs = session.sequence.values
    one = LSTM.initialize(3, 1, seed=7)
    other = one.without_connections() if request_ is CUT else LSTM.initialize(3, 1, seed=8)
    first, second = one.trace(xs), other.trace(xs)
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("d")
        await until(lambda: session.parting[0] > 0)
        await pilot.pause()
        assert f"seed 7 − {session.versus.origin}   first less second" in text(app)
        for t in range(4):
            for name in ("i", "f", "g", "o", "c", "h"):
                mine, theirs = getattr(first, name)[t], getattr(second, name)[t]
                expected = [value for unit in range(3) for value in (mine[unit], mine[unit] - theirs[unit])]
                assert bars(app, name) == pytest.approx(expected, abs=5e-4), name
            await pilot.press("right")
        beyond = [
            t
            for t in range(4)
            if any(
                np.abs(getattr(first, name)[t] - getattr(second, name)[t]).max() > TOLERANCE
                for name in ("i", "f", "g", "o", "c", "h")
            )
        ]
        assert beyond[0] == (1 if request_ is CUT else 0)
        assert f"the first difference of more than 1e-06 is at t {beyond[0] + 1}, in " in text(app)
        assert "4 of 4 timesteps compared" in text(app)
        await pilot.press("d")
        await pilot.pause()
        assert "first less second" not in text(app)
        assert bars(app, "h")[1] == pytest.approx(second.h[3, 0], abs=5e-4)


async def test_only_the_units_show_a_difference_and_the_name_says_so() -> None:
    app = UnrolledApp(asked(CUT))
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("d")
        await pilot.pause()
        for key, said in (("2", False), ("3", False), ("1", True)):
            await pilot.press(key)
            await pilot.pause()
            assert ("seed 7 − seed 7, wires cut" in text(app)) is said
            assert (" LSTM(3) · seed 7, wires cut" in text(app)) is not said


async def test_a_layer_against_itself() -> None:
    layer = LSTM.initialize(3, 1, seed=7)
    session = beside(layer, layer, [[1.0], [np.nan], [3.0]])
    app = UnrolledApp(session)
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("d")
        await until(lambda: session.parting[0] == 3)
        await pilot.pause()
        assert "no gate or state differs by more than 1e-06" in text(app)
        assert bars(app, "c")[1::2] == [0, 0, 0]


async def test_infinite_values_in_both() -> None:
    layer = LSTM(np.ones((1, 4)), np.ones((1, 4)), None, "relu", "sigmoid")
    app = UnrolledApp(beside(layer, layer, [[1.0], [np.inf], [1.0]]))
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("d", "right", "right", "x", "s", "2")
        await pilot.pause()
        assert "inf" in text(app)


async def test_layers_of_different_shapes_have_no_difference() -> None:
    session = asked(EXAMPLE)
    app = UnrolledApp(session)
    async with app.run_test(size=WIDE) as pilot:
        before = text(app)
        await pilot.press("d")
        await pilot.pause()
        assert not session.difference
        assert text(app) == before


async def test_a_single_layer_has_no_other() -> None:
    app = UnrolledApp(asked(Request()))
    async with app.run_test(size=SMALL) as pilot:
        before = text(app)
        await pilot.press("w", "d")
        await pilot.pause()
        assert text(app) == before


async def test_a_long_comparison_goes_on_until_they_part() -> None:
    layer = LSTM.initialize(3, 1, seed=7)
    values = np.sin(np.arange(2000.0))[:, None]
    session = beside(layer, layer, values.tolist())
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("d")
        await until(lambda: session.parting[0] == 2000)
        await pilot.pause()
        assert "2,000 of 2,000 timesteps compared" in text(app)
        await pilot.press("end")
        await until(lambda: session.t == 1999)
        assert session.versus is not None
        assert session.versus.t == 1999
