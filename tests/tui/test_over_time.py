"""What the time lens shows, without a screen: its pages, what is kept of them, and how they are drawn."""

import numpy as np
import pytest
from tests.tui.stage import long

from unrolled.overview import Page
from unrolled_tui.over_time import OverTime, levels, round_number
from unrolled_tui.renderables.time_map import NOT_FINITE, Columns, axis_lines, chart_lines, mark_line


def test_pages_turn_in_tens_and_hold_the_timestep() -> None:
    over_time = OverTime(long(1000).run)
    assert over_time.page(0, 71) == Page(0, 70, 1)
    assert over_time.page(70, 71) == Page(70, 140, 1)
    over_time.zoom_by(2, 71)
    assert over_time.page(999, 71) == Page(840, 1000, 4)
    over_time.zoom_by(20, 71)
    assert over_time.page(999, 71) == Page(0, 1000, 16)
    assert over_time.page(999, 2000) == Page(0, 1000, 1)
    over_time.zoom_by(-20, 71)
    assert over_time.page(3, 7) == Page(0, 7, 1)
    assert over_time.text_page(95, 30) == Page(90, 120)


def test_few_pages_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    session = long(1000)
    over_time = OverTime(session.run)
    pages = [over_time.page(t, 70) for t in range(0, 1000, 70)]
    first = over_time.look(pages[0])
    for page in pages[1:8]:
        over_time.look(page)
    assert over_time.look(pages[0]) is first
    for page in (*pages[8:], pages[1]):
        over_time.look(page)
    assert over_time.look(pages[0]) is not first
    monkeypatch.setattr("unrolled_tui.over_time.KEPT_BYTES", 3 * first.cells.nbytes)
    for page in pages[1:5]:
        over_time.look(page)
    assert len(over_time._kept) == 3


def test_a_page_in_the_making_advances_in_few_strides() -> None:
    session = long(30_000, units=2)
    over_time = OverTime(session.run)
    over_time.zoom_by(20, 70)
    page = over_time.page(0, 70)
    seen = [over_time.look(page).columns for _ in over_time.fill(page)]
    assert page.columns == 59
    assert list(dict.fromkeys(seen)) == [0, 1, 2, 4, 8, 14, 20, 26, 32, 38, 44, 50, 56, 59]


def test_one_that_comes_too_late_does_not_undo_what_is_known() -> None:
    session = long(5000, units=2)
    over_time = OverTime(session.run)
    over_time.zoom_by(7, 70)
    page = over_time.page(0, 70)
    assert not over_time.look(page).done
    slow = over_time.fill(page)
    next(slow)
    assert list(over_time.fill(page))[-1] == len(page)
    assert over_time.look(page).whole
    next(slow)
    assert over_time.look(page).whole


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.0, 1.0), (5e-324, 1.0), (0.07, 0.08), (0.2, 0.2), (0.21, 0.3), (1.0, 1.0), (8.1, 10.0), (1200.0, 1500.0)],
)
def test_round_numbers(value: float, expected: float) -> None:
    assert round_number(value) == pytest.approx(expected)


def test_levels() -> None:
    values = np.array([[0.0, 0.06, -0.5, 1.0, -7.0, np.nan, np.inf]])
    assert levels(values, 1.0, 8) == [[0, 0, -4, 8, -8, NOT_FINITE, NOT_FINITE]]


@pytest.mark.parametrize(("t", "at"), [(0, 0), (7, 0), (8, 1), (79, 9)])
def test_the_mark_is_over_the_span_that_holds_the_timestep(t: int, at: int) -> None:
    spans = mark_line(Columns(0, 8, 10, 1), t)
    assert "".join(span.text for span in spans).index("▼") == 7 + at


async def test_a_token_too_wide_for_its_column_is_a_question_mark() -> None:
    columns = Columns(0, 1, 3, 1)
    assert axis_lines(columns, ("漢", "ab", " "), "t")[1][0].text == "       ?a␣"


@pytest.mark.parametrize(
    ("values", "above"),
    [((1.0, 2.0), 8), ((-1.0, -2.0), 0), ((3.0, -1.0), 6), ((100.0, -1e-9), 7), ((1e-9, -1.0), 1), ((0.0, 0.0), 8)],
)
def test_the_zero_line_of_a_chart_is_where_the_values_leave_it(values: tuple[float, float], above: int) -> None:
    low, high = min(0.0, *values), max(0.0, *values)
    drawn = ["".join(span.text for span in row)[7:] for row in chart_lines(values, low, high, 8, 1, "c")]
    assert len(drawn) == 8
    for place, value in enumerate(values):
        reached = [y for y, row in enumerate(drawn) if row[place] != " "]
        assert all((y < above) == (value >= 0) for y in reached)
        if value in {low, high} and abs(value) > 1e-6:
            assert len(reached) == (above if value > 0 else 8 - above)
