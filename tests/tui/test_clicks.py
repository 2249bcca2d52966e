"""What clicks do, in the running app."""

from tests.tui.stage import SMALL, example, halves, rows

from unrolled_tui.app import UnrolledApp
from unrolled_tui.lenses.units import UnitPanel
from unrolled_tui.screens.help import HelpScreen
from unrolled_tui.widgets.key_line import KeyLine
from unrolled_tui.widgets.sequence_strip import SequenceStrip


async def test_a_click_goes_to_a_timestep() -> None:
    session = example()
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL) as pilot:
        column = rows(app)[1].index("x3")
        for offset, t in ((column, 2), (column + 4, 2), (column - 4, 1)):
            await pilot.click(SequenceStrip, offset=(offset, 0))
            assert session.t == t


async def test_a_click_selects_a_unit() -> None:
    session = halves(units=1024)
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL) as pilot:
        panels = list(app.screen.query(UnitPanel))
        await pilot.click(panels[2], offset=(5, 3))
        assert session.unit == 2
        await pilot.press("pagedown")
        await pilot.click(panels[1], offset=(5, 3))
        assert session.unit == len(panels) + 1


async def test_a_click_on_the_empty_end_of_the_last_page_selects_the_last_unit() -> None:
    session = example(units=7)
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL) as pilot:
        panels = list(app.screen.query(UnitPanel))
        session.select(6)
        await pilot.press("right")
        assert panels[-1].lines == ()
        await pilot.click(panels[-1])
        assert session.unit == 6


async def test_a_click_on_a_key_does_what_the_key_does() -> None:
    session = example()
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL) as pilot:
        line = rows(app)[-1]
        await pilot.click(KeyLine, offset=(line.index("→"), 0))
        assert session.t == 1
        await pilot.click(KeyLine, offset=(line.index("?"), 0))
        assert isinstance(app.screen, HelpScreen)


async def test_a_click_on_quit_quits() -> None:
    app = UnrolledApp(example())
    async with app.run_test(size=SMALL) as pilot:
        await pilot.click(KeyLine, offset=(rows(app)[-1].rindex("q quit"), 0))
        await pilot.pause()
        assert not app.is_running
