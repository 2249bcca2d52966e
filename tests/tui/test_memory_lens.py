"""The memory, in the running app."""

import re
from itertools import pairwise

import numpy as np
import pytest
from rich.cells import set_cell_size
from tests.tui.stage import LARGE, SMALL, WIDE, example, halves, long, reading, rows, spelled, text, widths

from unrolled import GRU, LSTM, InputSequence, SimpleRNN, memory
from unrolled.sequences import one_hot
from unrolled_tui.app import UnrolledApp
from unrolled_tui.lenses.catalog import LENSES
from unrolled_tui.lenses.memory import PAST
from unrolled_tui.renderables.memory_table import window
from unrolled_tui.renderables.memory_triangle import triangle_page
from unrolled_tui.session import MEMORY, Session
from unrolled_tui.widgets.lines_view import LinesView

NUMBER = r"(-?\d\S*|nan|-?inf)"


def lens_rows(app: UnrolledApp) -> list[str]:
    """What is inside the frame of the lens on show."""
    right = rows(app)[4].index("╮")
    return [set_cell_size(row, right)[1:] for row in rows(app) if row.startswith("│")]


def title(app: UnrolledApp) -> str:
    return rows(app)[4].split("╮")[0].strip("╭─ ")


def state(session: Session, name: str) -> float:
    """The selected unit's state now, as the engine has it."""
    return session.numbers()[name]


def writes(app: UnrolledApp) -> list[tuple[int, str, float, float, float, float]]:
    """The rows on show: timestep, what it reads, what it wrote, how much is kept, what is left, the running total."""
    pattern = rf"[ ▸] *([\d,]+)  (\S*) +{NUMBER} × +{NUMBER} = +{NUMBER} .*? {NUMBER}$"
    found = (re.match(pattern, row) for row in lens_rows(app))
    return [(int(m[1].replace(",", "")), m[2], float(m[3]), float(m[4]), float(m[5]), float(m[6])) for m in found if m]


def lump(app: UnrolledApp, name: str) -> float:
    """What several timesteps wrote together."""
    (row,) = [row for row in lens_rows(app) if re.match(rf"  {name}  ", row)]
    return float(row[len(name) + 2 :].split()[0])


def sums(app: UnrolledApp) -> tuple[float, str, float]:
    """The printed sum, which state it is, and its value."""
    (match,) = re.findall(rf"Σ = +{NUMBER} +(\S+) = +{NUMBER}", text(app))
    return float(match[0]), match[1], float(match[2])


def lives(app: UnrolledApp) -> dict[str, str]:
    (row,) = [row for row in lens_rows(app) if row.startswith(" half-life")]
    return dict(re.findall(r"[ ▸]([a-z]\d+) +(\S+)", row))


def test_it_is_the_fifth_lens() -> None:
    assert LENSES[MEMORY].title == "memory"


async def test_the_shares_are_those_of_numbers_known_by_hand() -> None:
    session = halves()
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("end", "5")
        assert title(app) == "cell state c of unit 1 at t 4  by time"
        assert writes(app) == [
            (1, "1.00", 0.5, 0.125, 0.0625, 0.0625),
            (2, "1.00", 0.5, 0.25, 0.125, 0.1875),
            (3, "1.00", 0.5, 0.5, 0.25, 0.4375),
            (4, "1.00", 0.5, 1.0, 0.5, 0.9375),
        ]
        assert lump(app, "c_0") == 0
        assert sums(app) == (0.9375, "c_4", 0.9375)
        assert lives(app) == {"c1": "1.0", "c2": "1.0"}
        assert "f now =  0.5000" in text(app)


async def test_it_says_which_token_wrote_what_is_in_the_cell() -> None:
    session = spelled("a(b (c)")
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("end", "5", "s")
        told = memory(session.run, 6, 0)
        assert title(app).endswith("by size")
        shown = writes(app)
        assert [t - 1 for t, *_ in shown] == told.by_size().tolist()
        assert [token for _, token, *_ in shown] == ["a(b␣(c)"[t - 1] for t, *_ in shown]
        for t, _, written, kept, left, _ in shown:
            expected = [told.written[t - 1], told.kept[t - 1], told.left[t - 1]]
            assert [written, kept, left] == pytest.approx(expected, abs=5.1e-5)


@pytest.mark.parametrize("size", [(60, 16), SMALL, (100, 30), WIDE, LARGE])
@pytest.mark.parametrize("order", ["by time", "by size"])
async def test_what_is_on_show_adds_up_to_the_state_wherever_one_looks(size: tuple[int, int], order: str) -> None:
    session = long(400)
    app = UnrolledApp(session)
    async with app.run_test(size=size) as pilot:
        await pilot.press("end", "5", *["s"] * (order == "by size"))
        rounding, seen = 6e-5 * size[1], set()
        for key in ["tab", "up", "up", "pageup", "pageup", "down", "pagedown", "pagedown", "down", "tab", "up"]:
            await pilot.press(key)
            assert title(app).endswith(order)
            assert widths(app) == {size[0]}
            shown = writes(app)
            (below,) = [row for row in lens_rows(app) if re.match(r" {2}(after t|\d+ smaller)", row)] or [""]
            others = [float(part) for part in re.findall(r"(?<= )-?\d\.\d{4}|(?<= )-?\d\.\de-\d+", below)[:1]]
            (above,) = [row for row in lens_rows(app) if row.startswith("  before t")]
            before = float(re.split(r"larger|t \d+ ", above)[-1].split()[0])
            total, name, value = sums(app)
            assert name == "c_400"
            assert total == value == pytest.approx(state(session, "c"), abs=5e-5)
            assert before + sum(left for *_, left, _ in shown) + sum(others) == pytest.approx(total, abs=rounding)
            running = [total for *_, total in shown]
            assert running == pytest.approx([*(before + np.cumsum([left for *_, left, _ in shown]))], abs=rounding)
            seen |= {t for t, *_ in shown}
            if order == "by time":
                assert [t for t, *_ in shown] == [*range(shown[0][0], shown[-1][0] + 1)]
        assert len(seen) >= len(shown)


async def test_scrolling_stops_at_both_ends() -> None:
    session = long(400)
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("end", "5")
        newest = writes(app)
        assert newest[-1][0] == 400
        await pilot.press("down")
        assert writes(app) == newest
        await pilot.press(*["pageup"] * (PAST // len(newest) + 2))
        assert writes(app)[0][0] == 400 - PAST + 1
        assert f"before t {400 - PAST + 1}  " in text(app)
        await pilot.press(*["pagedown"] * (PAST // len(newest) + 2))
        assert writes(app) == newest
        await pilot.press("s", "up")
        assert session.top == 0
        await pilot.press(*["pagedown"] * (PAST // len(newest) + 2), "down")
        assert "smaller" not in text(app)
        assert writes(app)[-1][0] - 1 == 400 - PAST + memory(session.run, 399, 0, 400 - PAST).by_size()[-1]


@pytest.mark.parametrize("order", ["by time", "by size"])
@pytest.mark.parametrize("room", [2, 3, 9])
def test_every_write_is_on_show_somewhere(order: str, room: int) -> None:
    for count in range(1, 30):
        seen = set()
        for scrolled in range(40):
            shown = window(count, room, scrolled, order)
            below = shown.stop < count
            assert 0 <= shown.start < shown.stop <= count
            assert shown.stop - shown.start + below <= room
            seen |= {*range(shown.start, shown.stop)}
        assert seen == {*range(count)}


async def test_before_it_is_written_it_is_the_state_of_the_timestep_before() -> None:
    session = halves()
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("right", "5")
        whole = text(app)
        await pilot.press("comma")
        assert session.phase.name == "write"
        assert sums(app) == (0.75, "c_2", 0.75)
        for phase in ("gate", "project", "read"):
            await pilot.press("comma")
            assert session.phase.name == phase
            assert title(app) == "cell state c of unit 1 at t 1, before t 2 is written  by time"
            assert sums(app) == (0.5, "c_1", 0.5)
            assert [t for t, *_ in writes(app)] == [1]
            assert lives(app) == dict.fromkeys(("c1", "c2"), "1.0" if phase == "gate" else "·")
        await pilot.press(*["full_stop"] * 4)
        assert text(app) == whole
        await pilot.press("home", "comma", "comma", "comma", "comma")
        assert session.phase.name == "read"
        assert "nothing is written yet" in text(app)
        assert sums(app) == (0.0, "c_0", 0.0)


async def test_a_click_on_a_row_goes_to_its_timestep_and_one_on_a_half_life_selects_the_unit() -> None:
    session = example(at=4)
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("5")
        (y,) = [y for y, row in enumerate(rows(app)) if row.startswith("│ 2  2.00")]
        await pilot.click(offset=(5, y))
        assert session.t == 1
        (y,) = [y for y, row in enumerate(rows(app)) if "half-life" in row]
        await pilot.click(offset=(rows(app)[y].index("c3") + 1, y))
        assert session.unit == 2
        assert title(app) == "cell state c of unit 3 at t 2  by time"


def triangle(app: UnrolledApp) -> dict[str, list[str]]:
    """The rows of the triangle, by what they are called."""
    found = (re.match(r"[ ▸] *(c_0|c_t|before t [\d,]+|[\d,]+  \S*) +(.*)", row) for row in lens_rows(app))
    return {match[1]: match[2].replace("▏", " ").split() for match in found if match}


async def test_the_triangle_is_written_at_and_read_at() -> None:
    session = halves()
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("5", "right", "right", "v")
        assert title(app) == "cell state c of unit 1 at t 3  written at, read at"
        assert triangle(app) == {
            "c_0": ["0.000", "0.000", "0.000", "·"],
            "1  1.00": ["0.500", "0.250", "0.125", "·"],
            "2  1.00": ["0.500", "0.250", "·"],
            "3  1.00": ["0.500", "·"],
            "4  1.00": ["·"],
            "c_t": ["0.500", "0.750", "0.875", "·"],
        }
        (written,) = [row for row in lens_rows(app) if row.startswith("▸3")]
        (head,) = [row for row in lens_rows(app) if "read at" in row]
        assert written.index("0.500") + 5 == head.index("3") + 1
        assert written.index("▏") == head.index("3") - 7
        await pilot.press("comma", "comma")
        assert triangle(app)["c_t"] == ["0.500", "0.750", "·", "·"]
        await pilot.press("home", "comma", "comma")
        assert {cell for row in triangle(app).values() for cell in row} == {"·"}
        await pilot.press("down")
        assert session.unit == 1
        await pilot.press("s", "v")
        assert title(app).endswith("by time")


async def test_in_a_triangle_without_room_for_numbers_the_sign_is_legible_without_colour() -> None:
    session = spelled("(" * 12 + "a" * 12)
    app = UnrolledApp(session)
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("end", "5", "v")
        told = memory(session.run, 23, 0)
        shown = triangle(app)
        assert "░▒▓█ to " in text(app)
        first = min(int(name.split()[0]) for name in shown if name[0].isdigit())
        for name, cells in shown.items():
            if name[0].isdigit():
                t = int(name.split()[0])
                assert len(cells) == 24 - t + 1
                assert cells[-1][0] in ("-=≡▬" if told.left[t - 1] < 0 else "+░▒▓█")
        assert shown["c_t"][-1][0] in ("-=≡▬" if told.value < 0 else "░▒▓█")
        assert f"before t {first}" in shown or first == 1


@pytest.mark.parametrize("length", [1, 5, 12, 1000])
@pytest.mark.parametrize("height", [1, 2, 3, 9, 40])
def test_every_timestep_has_a_page_that_stays_for_a_while(length: int, height: int) -> None:
    pages = [triangle_page(t, length, 4, height, 80) for t in range(length)]
    for t, page in enumerate(pages):
        assert 0 <= page.first <= t < page.first + page.count <= length
        assert page.count <= height
        assert page.label + page.count * page.cell <= 80
    turns = sum(one.first != other.first for one, other in pairwise(pages))
    assert turns <= length / max(1, pages[0].count // 2)


@pytest.mark.parametrize("size", [(60, 16), SMALL, WIDE])
async def test_a_cell_without_a_cell_state_is_told_why(size: tuple[int, int]) -> None:
    layer = SimpleRNN.initialize(3, 1, seed=7)
    app = UnrolledApp(Session.open(layer, InputSequence(np.ones((4, 1)), "ones"), "seed 7"))
    async with app.run_test(size=size) as pilot:
        await pilot.press("5")
        assert "SimpleRNN has no cell state" in text(app)
        assert "half-life at" not in text(app)
        before = text(app)
        await pilot.press("s", "v", "down", "s", "up", "v", "right", "left")
        assert text(app) == before
        assert widths(app) == {size[0]}


async def test_names_come_from_what_the_cell_says_of_itself() -> None:
    layer = GRU.initialize(3, 1, seed=7)
    session = Session.open(layer, InputSequence(np.ones((4, 1)), "ones"), "seed 7", at=3)
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("5")
        assert title(app) == "hidden state h of unit 1 at t 3  by time"
        assert "(1−z) ⊙ n" in text(app)
        assert sums(app)[1:] == ("h_3", round(state(session, "h"), 4))
        assert [*lives(app)] == ["h1", "h2", "h3"]
        await pilot.press("v")
        assert "h_t" in text(app)
        await pilot.press("comma")
        assert title(app).startswith("hidden state h of unit 1 at t 2, before t 3 is written")


@pytest.mark.parametrize("size", [(60, 16), SMALL, WIDE])
@pytest.mark.parametrize(("layer", "written"), [(GRU, "(1−z) ⊙ n"), (LSTM, "i ⊙ g")])
async def test_the_names_of_the_columns_stand_apart_and_end_with_them(
    size: tuple[int, int], layer: type[GRU | LSTM], written: str
) -> None:
    sequence = one_hot("hello")
    app = UnrolledApp(Session.open(layer.initialize(3, 4, seed=7), sequence, "seed 7", at=5))
    async with app.run_test(size=size) as pilot:
        await pilot.press("5")
        head, *others = (row for row in lens_rows(app) if " = " in row and " × " in row)
        assert head.startswith(" t  x ")
        assert f" {written} × " in head
        assert others
        for row in others:
            assert [row.index(sign) for sign in "×="] == [head.index(sign) for sign in "×="]
        (start,) = (row for row in lens_rows(app) if re.match(r"  (._0|before t \d) ", row))
        assert start[head.index("left") + 3].isdigit()
        assert widths(app) == {size[0]}


async def test_what_is_not_finite_is_shown_in_its_place() -> None:
    app = UnrolledApp(reading([[1.0], [np.nan], [2.0]]))
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("end", "5")
        assert [str(left) for *_, left, _ in writes(app)] == ["nan", "nan", "nan"]
        await pilot.press("v")
        assert triangle(app)["c_t"][1:] == ["nan", "nan"]
        assert widths(app) == {80}


@pytest.mark.parametrize("size", [(60, 16), SMALL, WIDE])
async def test_tokens_of_two_cells_keep_the_columns(size: tuple[int, int]) -> None:
    session = spelled("日本 (語) é\t")
    app = UnrolledApp(session)
    async with app.run_test(size=size) as pilot:
        await pilot.press("end", "5")
        assert widths(app) == {size[0]}
        assert [token for _, token, *_ in writes(app)][-2:] == ["é", "\\t"]
        await pilot.press("v")
        assert widths(app) == {size[0]}


async def test_two_layers_each_have_their_account() -> None:
    one, other = halves(), example(units=2, at=1)
    one.versus = other
    app = UnrolledApp(one)
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("right", "5", "tab", "s")
        assert [session.unit for session in (one, other)] == [1, 1]
        found = re.findall(rf"Σ = +{NUMBER} +c_2 = +{NUMBER}", text(app))
        assert found == [(f"{value:.4f}",) * 2 for value in (0.75, state(other, "c"))]
        assert text(app).count("by size") == 2
        await pilot.press("v")
        assert text(app).count("written at, read at") == 2


async def test_a_large_layer_and_a_long_run_draw_what_is_visible() -> None:
    session = long(2000, units=512)
    app = UnrolledApp(session)
    async with app.run_test(size=WIDE) as pilot:
        session.go_to(1500)
        await pilot.press("5", "shift+tab")
        assert title(app) == "cell state c of unit 512 at t 1,501  by time"
        assert [*lives(app)][-1] == "c512"
        assert session.run.frontier < 1600
        assert all(len(view.lines) < 40 for view in app.screen.query(LinesView))
        await pilot.press("v")
        assert session.run.frontier < 1600
        assert "before t" in text(app)
