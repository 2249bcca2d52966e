"""The lens of the whole run over time, in the running app."""

import asyncio
import re
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from tests.tui.stage import SMALL, WIDE, example, long, reading, rows, spelled, stepper, text, until
from tests.tui.time_stage import (
    NAMES,
    TITLES,
    axis,
    cells,
    lens_rows,
    marked,
    note,
    of,
    shades,
    strength,
    title,
    whole,
)

from unrolled.overview import Overview, survey
from unrolled_tui.app import UnrolledApp
from unrolled_tui.commands.request import Request
from unrolled_tui.commands.subject import subject
from unrolled_tui.session import TIME, UNITS

# The map.


async def test_a_short_run_is_a_table_of_numbers_for_every_quantity() -> None:
    session = example(at=2)
    trace = whole(session)
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("4")
        assert title(app) == "cell state c  1 timestep a cell"
        await pilot.press("left_square_bracket")
        for name, expected in zip(NAMES, TITLES, strict=True):
            assert title(app) == f"{expected}  1 timestep a cell"
            shown = {unit: [float(part) for part in row.split()] for unit, row in cells(app).items()}
            assert list(shown) == [0, 1, 2]
            for unit, values in shown.items():
                assert values == pytest.approx(of(trace, name)[:, unit], abs=5e-4)
            assert f"unit 1 at t 2: {name} = {of(trace, name)[1, 0]:.3f}" in text(app)
            await pilot.press("right_square_bracket")
        assert title(app).startswith("hidden state h")


async def test_one_key_shows_which_unit_follows_the_depth_of_brackets() -> None:
    session = subject(Request(example="brackets")).session(Request())
    depth = np.cumsum([{"(": 1, ")": -1}[token] for token in session.sequence.tokens])
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("4")
        shown = [[strength(glyph) for glyph in row[: len(depth)]] for row in cells(app).values()]
    alike = [float(np.asarray(np.corrcoef(depth, row))[0, 1]) for row in shown]
    assert alike[0] == max(alike) > 0.9
    assert alike[1] < 0  # this one forgets at depth 4


async def test_a_longer_run_is_shades_whose_sign_and_size_are_seen_without_colour() -> None:
    session = spelled("the quick brown fox jumps over the lazy dog, and back again it goes.")
    trace = whole(session)
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("4")
        (scale,) = re.findall(r" -(\S+) ▬▬≡≡==-- 0 ░░▒▒▓▓██ (\S+) ", text(app))
        assert scale[0] == scale[1]
        for unit, row in cells(app).items():
            assert row[:68] == shades(trace.c[:, unit], float(scale[0]))
        await pilot.press("right_square_bracket")
        assert " 0 ░░▒▒▓▓██ 1 " in text(app)
        assert not set("".join(cells(app).values())) & set("-=≡▬")


async def test_tokens_stand_above_their_columns() -> None:
    app = UnrolledApp(spelled("a b\tcé漢字 the end of it all"))
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("4")
        numbers, tokens = lens_rows(app)[:2]
        assert numbers.split()[:4] == ["t", "1", "2", "4"]
        assert tokens.startswith("       a ␣ b \\tc é 漢字␣ t h e ␣ ")


async def test_the_mark_moves_with_every_step_and_the_page_turns_at_its_end() -> None:
    session = long(200)
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("4")
        assert note(app).startswith("t 1 to 70 of 200 ")
        for t in range(3):
            assert marked(app) == t
            before = lens_rows(app)
            await pilot.press("right")
            changed = [new for old, new in zip(before, lens_rows(app), strict=True) if old != new]
            assert len(changed) == 2  # the mark, and the number below
        session.go_to(69)
        await pilot.press("right")
        assert note(app).startswith("t 71 to 140 of 200 ")
        assert marked(app) == 0
        await pilot.press("left")
        assert marked(app) == 69


async def test_what_is_to_come_is_on_show_too() -> None:
    session = example(at=1)
    session.phase_index = 0
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("4")
        assert len(cells(app)[0].split()) == 4


async def test_zoomed_out_a_cell_is_the_largest_value_of_its_span_and_says_so() -> None:
    session = long(1000, units=2)
    trace = whole(session)
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("4", *["z"] * 12)
        assert title(app) == "cell state c  16 timesteps a cell, the largest in magnitude"
        assert note(app).startswith("t 1 to 1,000 of 1,000 ")
        (scale,) = re.findall(r"██ (\S+) ", text(app))
        for unit, row in cells(app).items():
            spans = [trace.c[start : start + 16, unit] for start in range(0, 1000, 16)]
            assert row[:63] == shades(np.array([max(span, key=abs) for span in spans]), float(scale))
        await pilot.press("Z")
        assert title(app).startswith("cell state c  8 timesteps a cell")
        assert note(app).startswith("t 1 to 560 of 1,000 ")
        await pilot.press(*["Z"] * 9)
        assert title(app) == "cell state c  1 timestep a cell"


async def test_what_is_not_finite_is_a_cross() -> None:
    values = np.ones((30, 1))
    values[20] = np.nan
    app = UnrolledApp(reading(values.tolist()))
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("4")
        for row in cells(app).values():
            assert re.fullmatch(r"[^×]{40}×{20} *", row)
        await pilot.press("v")
        assert "nan" not in text(app)


async def test_the_table_of_the_lens_is_its_page_for_every_unit_in_their_order() -> None:
    session = long(200, units=30)
    trace = whole(session)
    order = np.argsort(-np.abs(trace.c[:70]).max(axis=0), kind="stable")
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("4", "s")
        table = stepper(app).table()
        assert table.columns == ("unit", *(f"c t{t}" for t in range(1, 71)))
        assert [row[0] for row in table.rows] == (order + 1).tolist()
        assert [list(row[1:]) for row in table.rows] == trace.c[:70, order].T.tolist()
        await pilot.press("z")
        assert stepper(app).table().columns[:3] == ("unit", "c t1", "c t3")


# Clicks.


async def test_a_click_on_a_cell_goes_to_its_timestep_and_unit() -> None:
    session = spelled("the quick brown fox jumps over the lazy dog, and back again it goes on and on")
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("4")
        top = 5 + axis(app)
        await pilot.click(offset=(8 + 12, top + 2))
        assert (session.t, session.unit) == (12, 2)
        assert marked(app) == 12
        await pilot.click(offset=(3, top + 1))
        assert (session.t, session.unit) == (12, 1)
        await pilot.click(offset=(8 + 30, top - 1))
        assert (session.t, session.unit) == (30, 1)
        await pilot.click(offset=(8 + 30, top + 4))  # below the last unit
        assert (session.t, session.unit) == (30, 1)
        await pilot.press("z")
        await pilot.click(offset=(8 + 20, 5 + axis(app)))
        assert (session.t, session.unit) == (40, 0)


async def test_a_click_on_a_wide_column_too() -> None:
    session = example()
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("4")
        await pilot.click(offset=(8 + 23, 5 + axis(app) + 1))
        assert (session.t, session.unit) == (2, 1)
        await pilot.click(offset=(8 + 33, 5 + axis(app)))
        assert (session.t, session.unit) == (2, 0)


# Long runs.


async def test_a_long_page_is_computed_in_the_background_and_can_be_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    def slowly(*args: Any) -> Iterator[Overview]:
        for found in survey(*args):
            time.sleep(0.02)
            yield found

    monkeypatch.setattr("unrolled_tui.screens.background.SLICE", 0.0)
    monkeypatch.setattr("unrolled_tui.over_time.survey", slowly)
    session = long(60_000, units=128)
    session.view.over_time.zoom = 20
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("4")
        await until(lambda: " %" in rows(app)[3])
        assert "map (esc stops) ▕" in rows(app)[3]
        await until(lambda: "computed to" in text(app))
        await pilot.press("right", "tab")
        assert (session.t, session.unit) == (1, 1)
        assert marked(app) == 0
        await pilot.press("escape")
        assert session.lens == TIME
        assert " %" not in rows(app)[3]
        await asyncio.sleep(0.2)  # the thread ends its slice
        await pilot.press("right")
        stopped = note(app)
        assert "computed to" in stopped
        await asyncio.sleep(0.1)
        await pilot.press("right")
        assert note(app) == stopped
        await pilot.press("Z", "z")
        await until(lambda: " %" in rows(app)[3])
        await pilot.press("1")
        assert session.lens == UNITS
        await asyncio.sleep(0.1)
        assert " %" not in rows(app)[3]
        assert session.run.frontier < 60_000


async def test_what_was_computed_before_is_shown_at_once() -> None:
    session = long(2000, units=2)
    trace = whole(session)
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("4", *["z"] * 5)
        await until(lambda: "computed" not in note(app) and note(app).startswith("t 1 to 2,000 "))
        pages = [cells(app)]
        await pilot.press("right_square_bracket")
        assert not stepper(app)._lens_work
        (scale,) = re.findall(r"██ (\S+) ", text(app))
        assert scale == "1"
        largest = [trace.i[start : start + 32, 0].max() for start in range(0, 2000, 32)]
        assert cells(app)[0][:63] == shades(np.array(largest), 1.0)
        await pilot.press("left_square_bracket", "Z", "z")
        assert cells(app) == pages[0]


async def test_two_layers_have_a_map_each() -> None:
    session = spelled("to be or not to be, that is the question of all questions")
    session.versus = spelled("to be or not to be, that is the question of all questions")
    app = UnrolledApp(session)
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("4", "right_square_bracket", "right")
        assert text(app).count("▼") == 2
        assert text(app).count("input gate i") == 2
        await pilot.click(offset=(60 + 8 + 9, 6 + 3 + 1))
        assert (session.t, session.unit, session.versus.unit) == (9, 1, 1)
