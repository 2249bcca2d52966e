"""What the running app shows of its input: numbers that are not finite, tokens of any width."""

from math import inf, nan

import numpy as np
import pytest
from rich.cells import cell_len
from tests.tui.stage import SMALL, WIDE, reading, rows, spelled, text, widths

from unrolled import LSTM, InputSequence
from unrolled_tui.app import UnrolledApp
from unrolled_tui.session import Session

# What is unusual about the input.


async def test_nan_is_shown_where_it_is_and_what_it_makes() -> None:
    sequence = [[1.0], [nan], [3.0]]
    app = UnrolledApp(reading(sequence, remarks=("data.csv: 1 NaN, first at timestep 2",)))
    async with app.run_test(size=SMALL) as pilot:
        assert "x2 nan" in rows(app)[1]
        assert rows(app)[-3].rstrip().endswith("data.csv: 1 NaN, first at timestep 2")
        await pilot.press("right")
        assert sum(row.count("    nan │") for row in rows(app)) == 18
        await pilot.press("full_stop", "full_stop")
        assert "z = nan, nan, nan, nan" in text(app)


async def test_infinity_and_large_numbers_have_their_places() -> None:
    app = UnrolledApp(reading([[inf], [-1e30], [1e-30]]))
    async with app.run_test(size=SMALL):
        assert "x1 inf" in rows(app)[1]
        assert "x2 -1e30" in rows(app)[1]
        assert "x3 1e-30" in rows(app)[1]
        assert widths(app) == {80}


async def test_the_remark_of_a_file_gives_way_to_nothing() -> None:
    remark = "a" * 300
    app = UnrolledApp(reading([[1.0]], remarks=(remark,)))
    async with app.run_test(size=SMALL):
        assert widths(app) == {80}


async def test_a_value_off_its_scale_is_marked() -> None:
    layer = LSTM(np.zeros((1, 4)), np.zeros((1, 4)), np.array([400.0, 400.0, 400.0, 0.0]))  # c_t counts
    app = UnrolledApp(Session.open(layer, InputSequence(np.ones((200, 1)), "ones"), "by hand", at=150))
    async with app.run_test(size=SMALL):
        cell_state = next(row for row in rows(app) if row.startswith("│ c "))
        assert "»" in cell_state
        assert "150.000" in cell_state


# Tokens.


async def test_a_text_is_read_character_by_character() -> None:
    app = UnrolledApp(spelled("hello\x1b[2J"))
    async with app.run_test(size=WIDE):
        assert " ".join(rows(app)[1].split()) == "sequence x1 h x2 e x3 l x4 l x5 o x6 \\x1b x7 [ x8 2 x9 J"


@pytest.mark.parametrize("characters", ["日本語", "e\u0301a", "👩\u200d🔬!", "é"])
async def test_a_character_of_any_width_has_its_place(characters: str) -> None:
    app = UnrolledApp(spelled(characters))
    async with app.run_test(size=SMALL) as pilot:
        for t in range(len(characters)):
            assert widths(app) == {80}
            above, below = rows(app)[1:3]
            assert cell_len(above[: above.index(f"x{t + 1} ")]) == below.index("━")
            await pilot.press("right")
