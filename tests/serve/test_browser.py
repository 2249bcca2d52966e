"""The stepper in a real browser: it opens, a key steps, and the numbers on the page are the engine's."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from signal import SIGTERM
from urllib.parse import urlsplit

import numpy as np
import pytest
from tests.serve.chromium import NAMES, Page, chromium, running
from tests.serve.web_serving import Served, serving

from unrolled import LSTM

CHROMIUM = chromium()
UNITS, SEED = 3, 11
SEQUENCE = np.array([0.5, -1.0, 2.0])

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=f"there is no Chromium here: none of {', '.join(NAMES)}")


@asynccontextmanager
async def page_of(served: Served, width: int = 1200, height: int = 900) -> AsyncIterator[Page]:
    """A tab of a new browser, at the server's first page."""
    async with running(CHROMIUM or "") as browser:
        page = await browser.tab(width, height)
        await page.open(f"{served.at}/")
        yield page


async def log_in(page: Page, password: str) -> None:
    """Types the password where the page has put the cursor, and sends it."""
    await page.until("document.activeElement.id === 'password'")
    for letter in password:
        await page.press(letter, letter)
    await page.press("Enter", "\r")


def contains(part: str, text: str) -> bool:
    """Whether a part is in a text."""
    return part in text


def shown(rows: list[str], letter: str) -> list[float]:
    """What stands beside a letter in each unit's panel, in the panels' order."""
    found = re.findall(rf"│ {letter} .{{20,40}}?(-?\d\.\d{{3}}) │", "\n".join(rows))
    return [float(number) for number in found]


async def test_a_key_steps_and_the_numbers_are_the_engines(tmp_path: Path) -> None:
    (tmp_path / "sequence.csv").write_text("".join(f"{x}\n" for x in SEQUENCE))
    wanted = {"units": UNITS, "seed": SEED, "input": str(tmp_path / "sequence.csv")}
    trace = LSTM.initialize(UNITS, 1, seed=SEED).trace(SEQUENCE.reshape(-1, 1))
    async with serving(stepper=wanted) as served, page_of(served) as page:
        await log_in(page, "bafu")
        for step, head in zip(trace, ("t 1/3", "t 2/3", "t 3/3"), strict=True):
            rows = await page.rows(partial(contains, head))
            expected = {"i": step.i, "f": step.f, "g": step.g, "o": step.o, "c": step.c, "h": step.h}
            for letter, values in expected.items():
                assert shown(rows, letter) == pytest.approx(values, abs=5e-4), (head, letter)
            await page.press("ArrowRight")
        assert await page.value("document.title") == "tiny <app>"
        assert not page.errors
        assert {urlsplit(url).netloc for url in page.requested} == {f"127.0.0.1:{served.port}"}


async def test_the_page_has_the_terminals_font_and_colours_and_no_bars() -> None:
    async with serving(stepper={}) as served, page_of(served, 1366, 650) as page:
        await log_in(page, "bafu")
        rows = await page.rows(partial(contains, "q quit"))
        assert len(rows[0]) > 120
        assert len(rows) > 25
        assert await page.value("document.fonts.check('16px \"Roboto Mono\"')")
        colours = await page.value(
            "(() => { const line = caught.buffer.active.getLine(5);"
            "return [...Array(20).keys()].filter(x => line.getCell(x).isFgRGB()).length; })()"
        )
        assert colours == 20  # none of them is one of 256
        assert await page.value("document.documentElement.scrollWidth <= innerWidth")
        assert await page.value("document.documentElement.scrollHeight <= innerHeight")


async def test_a_wrong_password_is_said_on_the_page() -> None:
    async with serving() as served, page_of(served) as page:
        await log_in(page, "bafi")
        await page.until("document.querySelector('.said').textContent === 'This is not the class password.'")
        await log_in(page, "bafu")
        await page.rows(partial(contains, "size"))


async def test_why_a_session_ended_is_said_and_a_button_begins_another() -> None:
    async with serving(access={"anonymous": True}) as served, page_of(served) as page:
        await page.rows(partial(contains, "size"))
        (first,) = served.sessions()
        await page.press("q", "q")
        await page.until(
            "document.getElementById('closed').offsetWidth && said.textContent === 'The session has ended.'"
        )
        await page.until("document.activeElement.id === 'again'")
        await page.press("Enter", "\r")
        await page.rows(partial(contains, "size"))
        assert first not in served.sessions()
        served.send(SIGTERM)
        await page.until("said.textContent === 'The server has ended.'")


async def test_a_tab_that_is_closed_ends_its_session() -> None:
    async with serving(access={"anonymous": True}) as served, page_of(served) as page:
        await page.rows(partial(contains, "size"))
        assert len(served.sessions()) == 1
        await page.close()
        await served.until_sessions(0)


async def test_no_page_of_another_site_opens_a_session() -> None:
    anybody = {"anonymous": True}
    async with serving(access=anybody) as served, serving(access=anybody) as other, page_of(served) as page:
        await page.rows(partial(contains, "size"))
        await page.ask("Page.setBypassCSP", enabled=True)  # as a page has it that means ill
        await page.ask("Page.reload")
        await page.rows(partial(contains, "size"))
        attempt = f"new Promise(done => {{ const s = new WebSocket('{other.at.replace('http', 'ws')}/ws'); "
        attempt += "s.onopen = () => done('open'); s.onerror = () => done('refused'); })"
        assert await page.value(attempt) == "refused"
        assert not other.sessions()
