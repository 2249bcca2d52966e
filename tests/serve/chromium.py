"""Drives a headless Chromium over the DevTools protocol: opens pages, types, and reads their terminals."""

import asyncio
import base64
import json
import os
import shutil
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

import aiohttp

NAMES = ("chromium", "chromium-browser", "google-chrome")
"""What the program is called here and there."""

WAIT = 30.0
"""Seconds after which what is waited for will not come."""

_CATCH_TERMINAL = """
Object.defineProperty(Object.prototype, "terminal", {
  configurable: true,
  set(value) {
    Object.defineProperty(this, "terminal", {value, writable: true, configurable: true, enumerable: true});
    window.caught = value;
  },
});
"""
"""textual-serve's script keeps its xterm.js to itself: this sees it as it is set."""

_ROWS = """
(() => {
  const buffer = window.caught.buffer.active;
  return Array.from({length: window.caught.rows}, (_, row) => buffer.getLine(row).translateToString());
})()
"""


def chromium() -> str | None:
    """Where Chromium is, if it is here."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Page:
    """A tab.

    Attributes:
        requested: The addresses that it asked for.
        errors: What its scripts threw, and what the browser blocked or could not load.
    """

    def __init__(self, line: aiohttp.ClientWebSocketResponse) -> None:
        self._line = line
        self._numbers = count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._reading = asyncio.create_task(self._read())
        self.requested: list[str] = []
        self.errors: list[str] = []

    async def ask(self, method: str, **parameters: object) -> dict[str, Any]:
        """Calls a method of the protocol."""
        number = next(self._numbers)
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._answers[number] = answer
        await self._line.send_json({"id": number, "method": method, "params": parameters})
        async with asyncio.timeout(WAIT):
            return await answer

    async def begin(self, width: int, height: int) -> Self:
        """Hears of what the page does, and gives it a size in pixels."""
        for domain in ("Page", "Runtime", "Network", "Log"):
            await self.ask(f"{domain}.enable")
        await self.ask("Page.addScriptToEvaluateOnNewDocument", source=_CATCH_TERMINAL)
        await self.ask(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
        )
        return self

    async def open(self, url: str) -> None:
        """Goes to a page."""
        await self.ask("Page.navigate", url=url)

    async def close(self) -> None:
        """Closes the tab, as who clicks on its cross."""
        await self.ask("Page.close")

    async def let_go(self) -> None:
        """Hears of it no more."""
        self._reading.cancel()
        await self._line.close()

    async def value(self, script: str) -> Any:
        """What a script comes to, or None if it fails."""
        answer = await self.ask("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        return None if "exceptionDetails" in answer else answer["result"].get("value")

    async def until(self, script: str, fits: Callable[[Any], object] = bool) -> Any:
        """Waits until what a script comes to fits, and returns it."""
        value = None
        try:
            async with asyncio.timeout(WAIT):
                while (value := await self.value(script)) is None or not fits(value):
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"{script}: got {value!r} to the end; errors: {self.errors}") from None
        return value

    async def rows(self, fits: Callable[[str], object] = bool) -> list[str]:
        """The rows of the terminal, once they fit as one text."""
        rows: list[str] = await self.until(_ROWS, lambda rows: fits("\n".join(rows)))
        return rows

    async def press(self, key: str, text: str = "") -> None:
        """Presses a key: its name as a page gets it, and what it types."""
        code = {"ArrowRight": 39, "ArrowLeft": 37, "Enter": 13}.get(key, ord(key[0].upper()))
        parameters = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        await self.ask("Input.dispatchKeyEvent", type="keyDown", **parameters, **({"text": text} if text else {}))
        await self.ask("Input.dispatchKeyEvent", type="keyUp", **parameters)

    async def picture(self, path: Path) -> None:
        """Writes a picture of the page as it looks."""
        answer = await self.ask("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(answer["data"]))

    async def _read(self) -> None:
        async for message in self._line:
            told = json.loads(message.data)
            match told:
                case {"id": number, "result": result}:
                    self._answers.pop(number).set_result(result)
                case {"id": number, "error": error}:
                    self._answers.pop(number).set_exception(AssertionError(str(error)))
                case {"method": "Network.requestWillBeSent", "params": {"request": {"url": url}}}:
                    self.requested.append(url)
                case {"method": "Runtime.exceptionThrown", "params": {"exceptionDetails": details}}:
                    self.errors.append(str(details))
                case {"method": "Log.entryAdded", "params": {"entry": {"level": "error"} as entry}}:
                    self.errors.append(entry["text"])


class Browser:
    """A Chromium that runs.

    Args:
        web: What speaks with it.
        port: Where it listens.
    """

    def __init__(self, web: aiohttp.ClientSession, port: int) -> None:
        self._web, self._at = web, f"http://127.0.0.1:{port}"
        self._pages: list[Page] = []

    async def tab(self, width: int = 1200, height: int = 900) -> Page:
        """A new tab."""
        async with self._web.put(f"{self._at}/json/new?about:blank") as response:
            about = await response.json()
        line = await self._web.ws_connect(about["webSocketDebuggerUrl"], max_msg_size=0)
        page = Page(line)
        self._pages.append(page)
        return await page.begin(width, height)

    async def let_go(self) -> None:
        """Hears of no tab any more."""
        for page in self._pages:
            await page.let_go()


@asynccontextmanager
async def running(program: str) -> AsyncIterator[Browser]:
    """A Chromium, with nothing of any other, which ends with all of its processes."""
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        options = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--remote-debugging-port=0")
        process = await asyncio.create_subprocess_exec(
            program,
            *options,
            "--disable-background-networking",
            f"--user-data-dir={folder}",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            async with aiohttp.ClientSession() as web:
                browser = Browser(web, await _port(Path(folder, "DevToolsActivePort")))
                try:
                    yield browser
                finally:
                    await browser.let_go()
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()


async def _port(file: Path) -> int:
    async with asyncio.timeout(WAIT):
        while not (file.exists() and "\n" in (text := file.read_text())):
            await asyncio.sleep(0.05)
    return int(text.splitlines()[0])
