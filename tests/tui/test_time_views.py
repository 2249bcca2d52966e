"""The orders of the time lens, its figures and its running text, in the running app."""

import re

import numpy as np
import pytest
from tests.tui.stage import SMALL, WIDE, example, halves, long, reading, spelled, text, widths
from tests.tui.time_stage import (
    axis,
    cells,
    lens_rows,
    note,
    of,
    saturating,
    shades,
    title,
    whole,
)

from unrolled_tui.app import UnrolledApp

# Orders.


async def test_orders_of_the_units() -> None:
    session = saturating()
    session.select(2)
    trace = whole(session)
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("4", "right_square_bracket", "right_square_bracket")
        f = trace.f
        measures = {
            "number": np.zeros(8),
            "largest value": np.abs(f).max(axis=0),
            "variation": f.std(axis=0),
            "saturation": ((f > 0.9) | (f < 0.1)).mean(axis=0),
            "similarity to unit 3": np.asarray(np.corrcoef(f.T))[2],
        }
        for name, measure in measures.items():
            assert note(app) == f"t 1 to 50 of 50  8 units by {name}"
            assert list(cells(app)) == np.argsort(-measure, kind="stable").tolist()
            await pilot.press("s")
        assert next(iter(cells(app))) == 0
        assert note(app).endswith("by number")


async def test_what_has_no_ends_has_no_order_by_saturation() -> None:
    session = saturating()
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("4", "s", "s", "s")
        assert note(app).endswith("by similarity to unit 1")
        await pilot.press("s", "right_square_bracket", "s", "s", "s")
        assert note(app).endswith("by saturation")
        await pilot.press("left_square_bracket")
        assert note(app).endswith("by number")


async def test_keys_move_in_the_order_on_show_from_its_first_on() -> None:
    session = long(60, units=40)
    order = np.argsort(-np.abs(whole(session).c).max(axis=0), kind="stable").tolist()
    session.select(order[30])
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("4", "s")
        shown = len(cells(app))
        assert list(cells(app)) == order[:shown]
        await pilot.press("tab")
        assert session.unit == order[0]
        await pilot.press("down", "tab", "up")
        assert session.unit == order[1]
        await pilot.press("shift+tab", "shift+tab")
        assert session.unit == order[39]
        await pilot.press("down")
        assert session.unit == order[39]
        await pilot.press("pageup")
        assert session.unit == order[39 - shown]
        assert order[39 - shown] in cells(app)


async def test_halves_are_at_half_strength_whatever_the_size() -> None:
    for size in (SMALL, (100, 30), WIDE):
        app = UnrolledApp(halves(length=30))
        async with app.run_test(size=size) as pilot:
            await pilot.press("4", "right_square_bracket")
            (row, *_) = cells(app).values()
            assert set(row.strip()) == {"▒"}
            assert len(row.strip()) % 30 == 0


# Figures and text.


async def test_figures_are_those_of_the_timesteps_on_show() -> None:
    session = saturating()
    trace = whole(session)
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("4", "v")
        for name in ("c", "i", "f", "g"):
            assert title(app).endswith("over 50 timesteps")
            values = of(trace, name)
            for unit, row in enumerate(lens_rows(app)[1:9]):
                numbers = [float(part) for part in re.sub(r"[▸%]", " ", row).split()[: 5 if name == "c" else 8]]
                mine = values[:, unit]
                expected = [unit + 1, mine.min(), mine.max(), mine.mean(), mine.std()]
                assert numbers[:5] == pytest.approx(expected, abs=5e-3)
                if name != "c":
                    low = (mine < (-0.9 if name == "g" else 0.1)).mean()
                    high = (mine > 0.9).mean()
                    assert numbers[5:] == pytest.approx([100 * low, 100 * (1 - low - high), 100 * high], abs=0.51)
                    bar = row.split("%")[-1].strip()
                    assert (bar.count("-"), bar.count("█")) == (round(low * len(bar)), round(high * len(bar)))
            keys = {"c": "standard deviation", "g": "low: below -0.9   █ high: above 0.9"}
            assert keys.get(name, "closed: below 0.1   █ open: above 0.9") in text(app)
            await pilot.press("right_square_bracket")


@pytest.mark.parametrize("size", [(60, 16), SMALL, WIDE])
async def test_figures_say_what_they_leave_out(size: tuple[int, int]) -> None:
    values = np.random.default_rng(3).normal(0, 2, 50)
    values[43:] = np.nan
    session = reading(values[:, None].tolist(), units=1)
    finite = whole(session).f[:43, 0]
    app = UnrolledApp(session)
    async with app.run_test(size=size) as pilot:
        await pilot.press("4", "v")
        assert "7 values not finite left out of mean and varies" in text(app)
        await pilot.press("right_square_bracket", "right_square_bracket")
        assert " 7 values not finite left out   " in text(app)
        assert widths(app) == {size[0]}
        assert ("open: above 0.9" in text(app)) == (size[0] >= 80)
        _, low, high, mean, deviation, *shares = re.findall(r"[\d.]+", lens_rows(app)[1])[:8]
        expected = [finite.min(), finite.max(), finite.mean(), finite.std()]
        assert [*map(float, (low, high, mean, deviation))] == pytest.approx(expected, abs=5e-3)
        shut, wide = 100 * (finite < 0.1).mean(), 100 * (finite > 0.9).mean()
        assert [*map(float, shares)] == pytest.approx([shut, 100 - shut - wide, wide], abs=0.51)


async def test_figures_of_nothing_finite_are_not_zero() -> None:
    app = UnrolledApp(reading([[np.nan]] * 4, units=2))
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("4", "v", "right_square_bracket")
        assert "8 values not finite left out" in text(app)
        assert lens_rows(app)[2].replace("%", "").split() == ["2", *["nan"] * 7]
    app = UnrolledApp(reading([[np.nan]] * 4, units=2))
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("4", "right_square_bracket")
        assert "varies" in text(app)
        assert "8 values not finite left out" in text(app)


async def test_figures_of_a_part_of_a_run_say_so_and_what_widens_it() -> None:
    app = UnrolledApp(long(1000))
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("4", "v")
        assert title(app) == "cell state c  over 70 of 1,000 timesteps  z widens"
        await pilot.press("z")
        assert title(app) == "cell state c  over 140 of 1,000 timesteps  z widens"
        await pilot.press("z", "z", "z")
        assert title(app) == "cell state c  over 1,000 timesteps"
    app = UnrolledApp(long(100_000))
    async with app.run_test(size=(60, 16)) as pilot:
        await pilot.press("4", "v")
        assert title(app) == "cell state c  over 50 of 100,000 timesteps  z widens"
        await pilot.press(*["right_square_bracket"] * 5)
        assert title(app) == "pre-activation z_i  over 50 of 100,000 timesteps"


async def test_a_click_on_figures_selects_their_unit() -> None:
    session = saturating()
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("4", "v")
        await pilot.click(offset=(30, 6 + 3))
        assert (session.t, session.unit) == (0, 3)


async def test_with_room_the_figures_and_a_chart_of_the_unit_are_below_the_map() -> None:
    session = example()
    app = UnrolledApp(session)
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("4")
        assert "low   high   mean varies" in text(app)
        heights = []
        for _ in range(3):
            chart = lens_rows(app)[axis(app) + 4 : axis(app) + 12]
            heights.append([sum(row[place] in "█▀▁▂▃▄▅▆▇" for row in chart) for place in range(7, 39, 8)])
            await pilot.press("tab")
        sizes = np.abs(whole(session).c)  # the values of each unit are of one sign
        for unit in range(3):
            assert heights[unit] == pytest.approx(sizes[:, unit] / sizes[:, unit].max() * 8, abs=1)


async def test_running_text_is_for_tokens_only() -> None:
    words = "the quick brown fox jumps over the lazy dog, and back again it goes on and on to its end"
    session = spelled(words)
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("4", "v", "v", "right")
        assert title(app) == "cell state c  of unit 1 at each token"
        assert "".join(row[1:77] for row in lens_rows(app)[:2]).rstrip() == words
        await pilot.click(offset=(2 + 5, 6))
        assert session.t == 76 + 5
        await pilot.press("v")
        assert "▼" in text(app)
    app = UnrolledApp(example())
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("4", "v", "v")
        assert "▼" in text(app)


async def test_running_text_without_colours_has_the_shades_below(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    session = spelled("to be or not to be, that is the question")
    trace = whole(session)
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("4", "v", "v")
        assert lens_rows(app)[0].strip() == "to be or not to be, that is the question"
        (scale,) = re.findall(r"██ (\S+) ", text(app))
        assert lens_rows(app)[1][1:41] == shades(trace.c[:, 0], float(scale))
        await pilot.click(offset=(2 + 7, 6))
        assert session.t == 7
