"""The ledger and the wiring, in the running app."""

import re

import numpy as np
import pytest
from tests.tui.stage import SMALL, WIDE, example, halves, reading, rows, stepper, text, until

from unrolled import LSTM, InputSequence
from unrolled_tui.app import UnrolledApp
from unrolled_tui.renderables.numbers import fixed
from unrolled_tui.session import LEDGER, UNITS, WIRING, Session
from unrolled_tui.widgets.lines_view import LinesView

NUMBER = r"-?\d+\.\d{4}"


def lens_rows(app: UnrolledApp) -> list[str]:
    """What is inside the frame of the lens on show, the first pane's where there are two."""
    return [row.split("│")[1] for row in rows(app) if row.startswith("│")]


def products(app: UnrolledApp) -> dict[str, float]:
    """The products of the ledger on show, by the name of their weight."""
    found = (re.match(rf" +([WUb]\[\S+\]) .*?({NUMBER}) +(?:[▐█▏▎▍▌▋▊▉]|$)", row) for row in lens_rows(app))
    return {match[1]: float(match[2]) for match in found if match}


def total(app: UnrolledApp) -> tuple[float, float]:
    """The printed sum, and the printed z."""
    (match,) = re.findall(rf"Σ.*? = ({NUMBER}) +z_. = ({NUMBER})", text(app))
    return float(match[0]), float(match[1])


def ledger_title(app: UnrolledApp) -> str:
    return rows(app)[4].strip("╭╮─ ")


async def test_enter_opens_the_ledger_of_the_unit_and_escape_returns() -> None:
    session = example(at=3)
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL) as pilot:
        before = text(app)
        await pilot.press("tab", "enter")
        assert session.lens == LEDGER
        assert ledger_title(app) == "input gate i of unit 2  grouped"
        await pilot.press("enter", "escape")
        assert session.lens == UNITS
        await pilot.press("shift+tab")
        assert text(app) == before
        await pilot.press("3", "enter", "escape")
        assert session.lens == WIRING
        await pilot.press("escape")
        assert session.lens == LEDGER


async def test_the_printed_terms_add_up_to_the_printed_sum() -> None:
    session = example(at=3)
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("2")
        for order in ("grouped", "by size"):
            for gate in "ifgo":
                for unit in (1, 2, 3):
                    assert ledger_title(app).endswith(f"{gate} of unit {unit}  {order}")
                    printed, (added, z) = products(app), total(app)
                    target = f"{gate}{unit}"
                    names = {f"W[x1→{target}]", *(f"U[h{k}→{target}]" for k in (1, 2, 3)), f"b[{target}]"}
                    assert set(printed) == names
                    assert sum(printed.values()) == pytest.approx(added, abs=5e-4)
                    assert (
                        added
                        == z
                        == pytest.approx(session.step.pre_activations["ifgo".index(gate), unit - 1], abs=5e-5)
                    )
                    if order == "by size":
                        sizes = [abs(value) for value in printed.values()]
                        assert sizes == sorted(sizes, reverse=True)
                    await pilot.press("tab")
                await pilot.press("right_square_bracket")
            await pilot.press("s")
        await pilot.press("left_square_bracket")
        assert ledger_title(app) == "output gate o of unit 1  grouped"


async def test_the_groups_and_the_running_total_add_up_too() -> None:
    app = UnrolledApp(example(at=4))
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("2")
        heads = [row for row in lens_rows(app) if re.match(r" (from|bias)", row)]
        assert [row.split("  ")[0].strip() for row in heads] == [
            "from the input, 1 term",
            "from other units, 2 terms",
            "from itself, 1 term",
            "bias, 1 term",
        ]
        added, z = total(app)
        assert sum(float(row.split()[-1]) for row in heads) == pytest.approx(added, abs=5e-4)
        last = [row for row in rows(app) if "b[i1]" in row]
        assert float(last[0].split()[-2]) == pytest.approx(z, abs=1e-4)


async def test_the_two_states_follow_below() -> None:
    app = UnrolledApp(halves())
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("right", "2")
        assert "c_t = f ⊙ c_(t-1) + i ⊙ g = 0.5000·0.5000 + 0.5000·1.0000 = 0.7500" in text(app)
        assert f"h_t = o ⊙ tanh(c_t) = 0.5000·0.6351 = {np.tanh(0.75) / 2:.4f}" in text(app)


async def test_phases_hide_what_is_not_computed() -> None:
    session = example(at=3)
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("2")
        whole = text(app)
        sums = r"Σ 5 terms = (\S+) +z_i = (\S+) +i = sigmoid\(z\) = (\S+)"
        states = r"c_t = f ⊙ c_\(t-1\) \+ i ⊙ g = (\S+).*\n.*h_t = o ⊙ tanh\(c_t\) = (\S+)"
        known = {"show": "nnnnn", "write": "nnnn·", "gate": "nnn··", "project": "nn···", "read": "·····"}
        for phase, expected in known.items():
            assert session.phase.name == phase
            shown = [*re.findall(sums, text(app))[0], *re.findall(states, text(app))[0]]
            assert "".join("·" if part == "·" else "n" for part in shown) == expected
            assert len(products(app)) == (0 if phase == "read" else 5)
            await pilot.press("comma")
        assert session.t == 1
        await pilot.press(*["full_stop"] * 5)
        assert text(app) == whole


@pytest.mark.parametrize("size", [(60, 16), (60, 24), SMALL, (100, 30), WIDE])
async def test_no_number_of_the_ledger_is_cut_off(size: tuple[int, int]) -> None:
    session = example(at=3)
    app = UnrolledApp(session)
    async with app.run_test(size=size) as pilot:
        await pilot.press("2")
        shown = text(app)
        numbers = session.numbers()
        for value in (numbers[name] for name in ("z_i", "i", "c", "h")):
            assert re.search(rf"= {value:.4f}\s", shown.replace("│", " ")), value


async def test_a_large_ledger_scrolls_and_draws_what_is_visible() -> None:
    session = example(units=512, features=512, at=2)
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("2")
        fits = len(products(app)) + 1
        assert [*products(app)] == [f"W[x{k}→i1]" for k in range(1, fits)]
        assert f"rows 1 to {fits} of 1029" in text(app)
        assert all(len(view.lines) < 24 for view in app.screen.query(LinesView))
        await pilot.press("down", "down")
        assert [*products(app)] == [f"W[x{k}→i1]" for k in range(2, fits + 2)]
        await pilot.press("pagedown")
        assert session.top == fits + 2
        await pilot.press(*["pagedown"] * (1029 // fits + 1))
        assert session.top == 1029 - fits
        assert [*products(app)][-1] == "b[i1]"
        await pilot.press("up")
        assert session.top == 1029 - fits - 1
        await pilot.press("s")
        assert session.top == 0
        largest = max(map(abs, products(app).values()))
        weights, step = session.layer.weights, session.step
        column = np.concatenate([weights["kernel"][:, 0], weights["recurrent_kernel"][:, 0]])
        expected = np.abs(np.concatenate([step.x, step.h_previous]) * column).max()
        assert largest == pytest.approx(expected, abs=5e-5)


async def test_the_wiring_counts_its_wires() -> None:
    app = UnrolledApp(example())
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("3")
        shown = text(app)
        assert "W 1×3 3   U 3×3 3 to itself, 6 between units   b 3" in shown
        assert "12 + 12 + 24 + 12 = 60" in shown
        assert "60 − 24 = 36 = 3 × 12" in shown


def matrix(app: UnrolledApp) -> dict[str, list[str]]:
    """The cells of the matrix on show, by the name of the sender."""
    found = (re.match(r"[ ▸]([xh]\d+|b) +(.*)", row) for row in lens_rows(app))
    return {match[1]: match[2].replace("▏", " ").split() for match in found if match}


async def test_the_matrix_is_the_gates_weights() -> None:
    session = example(at=2)
    layer = session.layer
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("3")
        for gate in range(4):
            columns = slice(3 * gate, 3 * gate + 3)
            arrays = np.vstack([array[..., columns] for array in layer.weights.values()])
            expected = [[fixed(value).strip() for value in row] for row in arrays.tolist()]
            assert [*matrix(app)] == ["x1", "h1", "h2", "h3", "b"]
            assert [*matrix(app).values()] == expected
            await pilot.press("s")
            step = session.step
            flows = arrays * np.array([*step.x, *step.h_previous, 1.0])[:, None]
            assert [*matrix(app).values()] == [[fixed(value).strip() for value in row] for row in flows.tolist()]
            assert "weight × what flows now" in text(app)
            await pilot.press("s", "right_square_bracket")
        assert session.gate_index == 0


async def test_the_selected_units_row_and_column_are_marked() -> None:
    app = UnrolledApp(example())
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("3", "tab")
        marked = [row[10:34:8] for row in lens_rows(app)[1:6]]
        assert marked == [" ▏ ", " ▏ ", "▏▏▏", " ▏ ", " ▏ "]


async def test_a_click_on_a_wire_selects_its_two_ends() -> None:
    session = example()
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("3")
        (y,) = [y for y, row in enumerate(rows(app)) if row.startswith("│ h2 ")]
        await pilot.click(offset=(rows(app)[y].index("-0.426") + 2, y))
        assert (session.sender, session.unit) == (2, 2)
        assert rows(app)[y].startswith("│▸h2 ")
        await pilot.press("down", "down", "down", "down")
        assert session.sender == 4
        await pilot.press("pageup", "up")
        assert session.sender == 0


async def test_cutting_the_wires_answers_the_question_and_the_same_key_restores() -> None:
    session = example(at=3)
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("3")
        before = text(app)
        await pilot.press("x")
        await until(lambda: session.view.cut_check[0] == 3)
        await pilot.pause()
        shown = text(app)
        assert "✓ cut = 3 separate layers of one unit" in shown
        assert "whole and cut part at t 2 (at t 1 there is no h_(t-1) to read yet)" in shown
        assert [row.count("·") for row in matrix(app).values()] == [0, 2, 2, 2, 0]
        assert [row.index("·") for row in [*matrix(app).values()][1:4]] == [1, 0, 0]
        layer, xs = LSTM.initialize(3, 1, seed=7), session.sequence.values
        whole, cut = layer.trace(xs), layer.without_connections().trace(xs)
        for unit in range(3):
            (row,) = [row for row in lens_rows(app) if row.startswith(f" {unit + 1} ")]
            numbers = [float(part) for part in row.split()[1:7]]
            h, c = whole.h[2, unit], whole.c[2, unit]
            h_cut, c_cut = cut.h[2, unit], cut.c[2, unit]
            expected = [h, h_cut, h - h_cut, c, c_cut, c - c_cut]
            assert numbers == pytest.approx(expected, abs=5e-4)
        await pilot.press("x")
        assert text(app) == before


async def test_one_key_from_the_start_shows_the_cut() -> None:
    session = example(at=2)
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("x")
        await until(lambda: session.view.cut_check[0] == 3)
        await pilot.pause()
        assert "cut = 3 separate layers of one unit" in text(app)


async def test_a_single_unit_has_no_wires_to_cut() -> None:
    session = example(units=1)
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("3", "x")
        await until(lambda: session.view.cut_check[0] == 1)
        await pilot.pause()
        assert "whole and cut are the same at the first 4 timesteps" in text(app)
        assert "cut = 1 separate layer of one unit, exactly" in text(app)


async def test_a_layer_that_is_not_its_units_is_said_to_differ() -> None:
    session = example()
    session.view.cut_check = (3, 0.25)
    session.cut = True
    session.show_lens(WIRING)
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL):
        assert "differs:" in text(app)
        assert "✓" not in text(app)


async def test_a_large_layer_is_drawn_in_part_and_cut_in_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unrolled_tui.screens.background.SLICE", 0.0)
    session = example(units=512, features=512, at=2)
    app = UnrolledApp(session)
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("3")
        assert all(len(view.lines) <= 40 for view in app.screen.query(LinesView))
        assert "to units 1 to 23 of 512" in text(app)
        assert re.search(r"▸x1 +▏[-+ ][░▒▓█ ]", text(app))
        await pilot.press("shift+tab")
        assert session.unit == 511
        assert "to units 507 to 512 of 512" in text(app)
        stepper(app).action_cut()
        seen: set[int] = set()

        def all_done() -> bool:
            seen.add(session.view.cut_check[0])
            return session.view.cut_check[0] == 512

        await until(all_done)
        assert len(seen) > 8
        await pilot.pause()
        assert "✓ cut = 512 separate layers of one unit" in text(app)
        assert session.view.cut_check[1] < 1e-9


@pytest.mark.parametrize("keys", [("2",), ("2", "s"), ("3",), ("3", "s"), ("x",), ("x", "s")])
async def test_what_is_not_finite_is_shown(keys: tuple[str, ...]) -> None:
    session = reading([[1.0, 2.0], [np.inf, -np.inf], [np.nan, 0.0]])
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press(*keys)
        for shown in ("inf", "nan"):
            await pilot.press("right")
            assert shown in "".join(lens_rows(app)) or keys in {("3",), ("x",)}
        if keys[0] == "x":
            assert "the same at the first 3 timesteps" in text(app)


async def test_signals_that_are_not_finite_in_a_heat_map() -> None:
    layer = LSTM.initialize(64, 1, seed=7)
    session = Session.open(layer, InputSequence(np.array([[1.0], [np.nan]]), "numbers"), "seed 7", at=2)
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("3", "s")
        assert re.search(r"▸x1 +▏\?\?( \?\?)+", text(app))
        assert re.search(r" h1 +▏[-+][░▒▓█]", text(app))


async def test_lenses_and_their_questions_are_in_the_help() -> None:
    app = UnrolledApp(example())
    async with app.run_test(size=(120, 60)) as pilot:
        await pilot.press("question_mark")
        shown = " ".join(text(app).split())
        assert "what made this gate what it is?" in shown
        assert "are the units connected" in shown
