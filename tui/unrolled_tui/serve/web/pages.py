"""Lets people in by a browser: textual-serve's terminal in a page, behind a login, and a session for each tab.

textual-serve's own server asks for no password, knows no limits, names its own address in the page and runs a shell for
each tab. So what is used of it is the page's script with its style and fonts, and the words that the script speaks.
"""

import asyncio
from collections.abc import Awaitable, Callable
from importlib.resources import as_file, files
from typing import Final, TypeAlias
from urllib.parse import parse_qsl

from aiohttp import web

from unrolled_tui.serve.access import Access
from unrolled_tui.serve.errors import ServeError
from unrolled_tui.serve.limits import Attempts, Limits, Seats
from unrolled_tui.serve.opening import signalled, until_end
from unrolled_tui.serve.sessions.nursery import GRACE, Nursery
from unrolled_tui.serve.web.login import PAGES, Login, Names, page
from unrolled_tui.serve.web.server import listen, logger
from unrolled_tui.serve.web.session import LONGEST_MESSAGE, Tab, size_of

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]

_COOKIE: Final = "class-token"
_HEARTBEAT: Final = 15.0
"""Seconds after which a page is asked whether it is there; it has half of them to answer."""

_LONGEST_REASON: Final = 123
"""The most bytes that a websocket may be closed with (RFC 6455, 5.5)."""

_LONGEST_FORM: Final = 4096
_STRANGE: Final = "A page of another site asks for this."
_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src data:; font-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""xterm.js makes style elements of its own; nothing else in the pages does. No other site is asked for anything."""


class Site:
    """The pages, and the sessions that they show.

    Args:
        nursery: Where sessions come from.
        names: The names of the server.
        access: Who may come in.
        limits: How much of it.
        title: What the pages are called.
        log: Takes a sentence for who runs the server.
    """

    def __init__(
        self, nursery: Nursery, names: Names, access: Access, limits: Limits, title: str, log: Callable[[str], None]
    ) -> None:
        self._nursery, self._names, self._title, self._log = nursery, names, title, log
        self._login = Login(access, Attempts(limits))
        self._seats, self._idle = Seats(limits), limits.idle
        self.ends = asyncio.Event()

    def application(self, terminal: str) -> web.Application:
        """The web application.

        Args:
            terminal: The folder of textual-serve's files.
        """
        application = web.Application(middlewares=[self._guard], client_max_size=_LONGEST_FORM)
        application.add_routes(
            [
                web.get("/", self._index),
                web.get("/login", _go_to_index),
                web.post("/login", self._log_in),
                web.get("/ws", self._open_tab, allow_head=False),
                web.static("/static", terminal),
                web.static("/page", PAGES),
            ]
        )
        application.on_response_prepare.append(_add_headers)
        return application

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Lets through who is in. Others see the page that asks for the password, and the files that it needs."""
        if not self._names.knows(request.host):
            raise web.HTTPMisdirectedRequest(text="This is not the name of this server.")
        is_open = request.path == "/login" or request.path.startswith(("/static/", "/page/"))
        if is_open or self._login.admits(request.cookies.get(_COOKIE, "")):
            return await handler(request)
        if request.path == "/":
            return self._ask("")
        raise web.HTTPForbidden(text="Log in first.")

    async def _index(self, _: web.Request) -> web.Response:
        return _html(page("terminal", title=self._title))

    async def _log_in(self, request: web.Request) -> web.Response:
        if not self._names.is_own(request.headers.get("Origin", f"http://{request.host}"), request.host):
            raise web.HTTPForbidden(text=_STRANGE)
        form = (await request.read()).decode("utf-8", "replace")
        password = dict(parse_qsl(form, keep_blank_values=True)).get("password", "")
        token, said = self._login.try_password(request.remote or "", password)
        if not token:
            self._log(f"refused {request.remote}: {said[:1].lower()}{said[1:-1]}")
            return self._ask(said, 403)
        response = web.HTTPSeeOther(".")
        response.set_cookie(_COOKIE, token, httponly=True, samesite="Strict", secure=self._names.is_encrypted)
        raise response

    def _ask(self, said: str, status: int = 200) -> web.Response:
        return _html(page("login", title=self._title, said=said), status)

    async def _open_tab(self, request: web.Request) -> web.WebSocketResponse:
        """Shows a session in the tab that asks for it, until it ends."""
        if not self._names.is_own(request.headers.get("Origin", ""), request.host):
            raise web.HTTPForbidden(text=_STRANGE)
        websocket = web.WebSocketResponse(heartbeat=_HEARTBEAT, max_msg_size=LONGEST_MESSAGE)
        await websocket.prepare(request)
        transport = request.transport
        try:
            why = await self._run(websocket, request)
            async with asyncio.timeout(GRACE):
                await websocket.close(message=why.encode("ascii", "replace")[:_LONGEST_REASON])
        except (TimeoutError, ConnectionError):
            pass
        finally:
            if transport is not None:
                transport.abort()  # a page that does not read keeps nothing of it here
        return websocket

    async def _run(self, websocket: web.WebSocketResponse, request: web.Request) -> str:
        """Runs a session, and says why it ended or did not begin."""
        address = request.remote or ""
        try:
            self._seats.take(address)
        except ServeError as error:
            self._log(f"refused {address}: {error}")
            return f"{str(error)[:1].upper()}{str(error)[1:]}."
        self._log(f"in from {address}, {len(self._seats)} here")
        try:
            size = size_of(request.query.get("width"), request.query.get("height"))
            return await Tab(websocket, self._idle).run(self._nursery, size, self.ends)
        except ServeError as error:
            self._log(f"{address}: {error}")
            return "The server could not begin a session."
        finally:
            self._seats.leave(address)
            self._log(f"out from {address}, {len(self._seats)} here")


async def serve_web(
    nursery: Nursery,
    *,
    host: str,
    port: int,
    public_url: str,
    access: Access,
    limits: Limits,
    title: str,
    opened: Callable[[int], None],
    log: Callable[[str], None],
) -> int:
    """Serves until a signal asks for the end, and returns the exit code: 130 for SIGINT.

    Args:
        nursery: Where sessions come from. It stays the caller's.
        host: The name or address to listen at.
        port: The port, or 0 for any.
        public_url: Where others reach it, or nothing if it is under its own name and port.
        access: Who may come in: all, or who knows the password. There are no keys in a browser.
        limits: How much of it.
        title: What the pages are called.
        opened: Called with the port, once it is open.
        log: Takes a sentence for who runs the server.

    Raises:
        ServeError: If the port is not to be had, the public URL is none, or the nursery ends.
    """
    site = Site(nursery, Names(host, public_url), access, limits, title, log)
    with signalled() as asked, as_file(files("textual_serve") / "static") as terminal:
        await nursery.ready()
        application = site.application(str(terminal))
        runner = web.AppRunner(application, access_log=None, logger=logger(), shutdown_timeout=2 * GRACE)
        await runner.setup()
        try:
            opened(await listen(runner, host, port))
            return await until_end(nursery, asked)
        finally:
            site.ends.set()
            await runner.cleanup()


async def _go_to_index(_: web.Request) -> web.Response:
    """Leads back from where a wrong password leaves a browser, which asks for it again when it reloads."""
    raise web.HTTPSeeOther(".")


def _html(text: str, status: int = 200) -> web.Response:
    return web.Response(text=text, status=status, content_type="text/html", headers={"Cache-Control": "no-store"})


async def _add_headers(_: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(_HEADERS)
