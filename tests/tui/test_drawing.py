"""What is drawn in the running app, and how little of it again."""

from math import nan
from typing import Any

import pytest
from tests.tui.stage import LARGE, SMALL, WIDE, example, halves, reading, rows, spelled, stepper, text, widths
from textual.geometry import Region

from unrolled_tui.app import UnrolledApp
from unrolled_tui.lenses.units import UnitPanel
from unrolled_tui.palette import DARK, LIGHT
from unrolled_tui.widgets.key_line import KeyLine
from unrolled_tui.widgets.lines_view import LinesView
from unrolled_tui.widgets.parameter_tally import ParameterTally
from unrolled_tui.widgets.sequence_strip import SequenceStrip

# What a step costs.


@pytest.mark.parametrize(("units", "size"), [(3, SMALL), (16, WIDE), (1024, LARGE)])
async def test_a_step_causes_no_layout(units: int, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    app = UnrolledApp(halves(units=units))
    laid_out: list[object] = []
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        panels, screen = list(app.screen.query(UnitPanel)), stepper(app)
        layout = screen._refresh_layout

        def counted(*arguments: Any, **named: Any) -> None:
            laid_out.append(arguments)
            layout(*arguments, **named)

        monkeypatch.setattr(screen, "_refresh_layout", counted)
        await pilot.press("right", "full_stop", "tab", "pagedown", "left")
        assert laid_out == []
        assert list(app.screen.query(UnitPanel)) == panels
        await pilot.press("p")
        assert laid_out  # so the count does count


async def test_a_step_draws_only_the_lines_that_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    session = example()
    session.go_to(2)
    app = UnrolledApp(session)
    drawn: set[tuple[LinesView, int]] = set()
    make_strip = LinesView._strip

    def noted(view: LinesView, y: int, *arguments: Any) -> Any:
        drawn.add((view, y))
        return make_strip(view, y, *arguments)

    async with app.run_test(size=WIDE) as pilot:
        await pilot.pause()
        before = {view: view.lines for view in app.screen.query(LinesView)}
        monkeypatch.setattr(LinesView, "_strip", noted)
        await pilot.press("right")
        after = {view: view.lines for view in app.screen.query(LinesView)}
    changed = {
        (view, y)
        for view in before
        for y, (old, new) in enumerate(zip(before[view], after[view], strict=True))
        if old != new
    }
    assert drawn == changed
    assert not {type(view) for view, _ in drawn} & {ParameterTally, KeyLine}
    assert {type(view) for view, _ in drawn} > {UnitPanel, SequenceStrip}


async def test_what_is_the_same_at_the_end_of_a_line_is_not_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    app = UnrolledApp(example())
    async with app.run_test(size=WIDE) as pilot:
        strip = app.screen.query_one(SequenceStrip)
        sent: list[Region] = []
        monkeypatch.setattr(strip, "refresh", lambda *regions: sent.extend(regions))
        await pilot.press("right")
    (rule,) = sent  # below the timesteps, as far as there are any
    assert (rule.x, rule.y, rule.height) == (0, 1, 1)
    assert 30 < rule.width < 60


@pytest.mark.parametrize(("size", "most"), [(SMALL, 6), (WIDE, 12), (LARGE, 42)])
async def test_a_large_layer_has_as_many_panels_as_fit(size: tuple[int, int], most: int) -> None:
    session = halves(units=1024)
    app = UnrolledApp(session)
    async with app.run_test(size=size) as pilot:
        panels = list(app.screen.query(UnitPanel))
        page = len(panels)
        assert 4 <= page <= most
        assert all(panel.region.height >= 8 and panel.region.width >= 26 for panel in panels)
        assert all(app.screen.region.contains_region(panel.region) for panel in panels)
        await pilot.press("pagedown")
        assert session.unit == page
        assert f"▶ unit {page + 1} of 1,024" in text(app)
        assert "unit 1 of" not in text(app)
        await pilot.press("pageup", "pageup")
        assert session.unit == 0
        session.select(1000)
        await pilot.press("pagedown", "pagedown", "pagedown", "pagedown", "pagedown", "pagedown", "pagedown")
        assert session.unit == 1023
        assert "▶ unit 1,024 of 1,024" in text(app)
        assert list(app.screen.query(UnitPanel)) == panels


# The layout.


async def test_a_wide_screen_has_the_table_and_a_narrow_one_the_line() -> None:
    app = UnrolledApp(example())
    async with app.run_test(size=WIDE) as pilot:
        assert "─ parameters ─" in text(app)
        assert " parameters  W 12" not in text(app)
        assert "= 4·3·(1 + 3 + 1) = 60" in text(app)
        await pilot.resize_terminal(*SMALL)
        assert "─ parameters ─" not in text(app)
        assert " parameters  W 12 + U 36 + b 12 = 60   PyTorch, ONNX 72" in text(app)
        await pilot.resize_terminal(*WIDE)
        assert "─ parameters ─" in text(app)


@pytest.mark.parametrize("size", [SMALL, WIDE])
async def test_p_hides_the_parameters(size: tuple[int, int]) -> None:
    app = UnrolledApp(example())
    async with app.run_test(size=size) as pilot:
        await pilot.press("p")
        assert "PyTorch" not in text(app)
        await pilot.press("right")
        assert "PyTorch" not in text(app)
        await pilot.press("p")
        assert "PyTorch" in text(app)


@pytest.mark.parametrize("size", [(59, 24), (80, 15), (20, 4)])
async def test_a_screen_that_is_too_small_says_what_it_needs(size: tuple[int, int]) -> None:
    app = UnrolledApp(example())
    async with app.run_test(size=size) as pilot:
        assert "unrolled needs 60×16" in " ".join(row.strip() for row in rows(app))
        assert "unit 1" not in text(app)
        await pilot.press("right")
        await pilot.resize_terminal(60, 16)
        assert "t 2/4" in rows(app)[0]
        assert "unrolled needs" not in text(app)
        assert "▶ unit 1" in text(app)
        await pilot.resize_terminal(*size)
        assert "unrolled needs" in text(app)


@pytest.mark.parametrize("size", [(60, 16), (61, 17), (99, 24), (100, 24), (101, 41), SMALL, WIDE, LARGE])
async def test_nothing_is_cut_off(size: tuple[int, int]) -> None:
    app = UnrolledApp(example(units=16, features=2))
    async with app.run_test(size=size):
        drawn = rows(app)
        assert len(drawn) == size[1]
        assert widths(app) == {size[0]}
        assert drawn[0].rstrip().endswith("paused")
        assert drawn[-1].rstrip().endswith("q quit")
        assert " show    h_t = o ⊙ tanh(c_t)" in drawn[-3]
        assert text(app).count("╭") == text(app).count("╰") == text(app).count("╮") == text(app).count("╯")


async def test_the_screen_does_not_jump_between_steps() -> None:
    app = UnrolledApp(reading([[1e-9], [-3.0], [12345.0], [nan], [-1e30]]))
    async with app.run_test(size=WIDE) as pilot:
        frames = []
        for _ in range(5):
            frames.append([[column for column, cell in enumerate(row) if cell in "╭╮╰╯▕▏"] for row in rows(app)])
            await pilot.press("right")
    ends = [[tuple(row[:1] + row[-1:]) for row in frame] for frame in frames]
    assert ends.count(ends[0]) == 5


# Colours and characters.


async def test_the_light_theme_has_colours_for_a_light_background() -> None:
    app = UnrolledApp(example())
    async with app.run_test(size=SMALL) as pilot:
        dark = app.export_screenshot()
        app.theme = "textual-light"
        await pilot.pause()
        light = app.export_screenshot()
    for gate in "ifgo":
        assert DARK[gate] in dark
        assert DARK[gate] not in light
        assert LIGHT[gate] in light


@pytest.mark.parametrize("keys", [(), ("full_stop",), ("end",), ("question_mark",), ("g", "enter"), ("p",)])
async def test_a_terminal_without_utf8_gets_ascii_only(keys: tuple[str, ...]) -> None:
    app = UnrolledApp(reading([[1.0, nan], [-99.0, 1e9]]), ascii_only=True)
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press(*keys)
        assert text(app).isascii(), {character for character in text(app) if not character.isascii()}
        assert widths(app) == {120}


async def test_a_text_without_utf8_gets_ascii_only() -> None:
    app = UnrolledApp(spelled("naïve 日本"), ascii_only=True)
    async with app.run_test(size=WIDE):
        assert text(app).isascii(), {character for character in text(app) if not character.isascii()}


async def test_ascii_moves_nothing() -> None:
    screens: list[list[str]] = []
    for ascii_only in (False, True):
        app = UnrolledApp(example(), ascii_only)
        async with app.run_test(size=WIDE):
            screens.append(rows(app))
    unicode, plain = screens
    for above, below in zip(unicode, plain, strict=True):
        assert len(above) == len(below)
        assert all(one == other for one, other in zip(above, below, strict=True) if one.isascii())


async def test_without_colour_nothing_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    colourful = UnrolledApp(example(at=3))
    async with colourful.run_test(size=WIDE):
        expected = text(colourful)
    monkeypatch.setenv("NO_COLOR", "1")
    plain = UnrolledApp(example(at=3))
    async with plain.run_test(size=WIDE):
        assert text(plain) == expected
