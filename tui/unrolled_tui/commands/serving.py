"""Serves the stepper: what `unrolled serve` asks and prints, and in which order things begin and end."""

import asyncio
import getpass
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing, nullcontext, redirect_stderr
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from unrolled.errors import UnrolledError
from unrolled_tui.commands.printing import say
from unrolled_tui.commands.request import Request
from unrolled_tui.commands.serving_address import as_typed, as_url, check_free, is_local, listened_at
from unrolled_tui.exits import fail, tell
from unrolled_tui.serve.errors import ServeError
from unrolled_tui.serve.limits import Limits

if TYPE_CHECKING:  # asyncssh and all that deals with secrets is imported after the fork
    from asyncssh import SSHKey

    from unrolled_tui.serve.access import Access
    from unrolled_tui.serve.sessions.nursery import Nursery

_SSH, _WEB = ("asyncssh", "platformdirs", "pyte"), ("aiohttp", "textual_serve")
_PORTS = {False: 2222, True: 8080}
_PROMPT = "class password (enter makes one up): "
_BEGIN = "Enter begins the presentation, and students can log in from then on. "


class ServingError(UnrolledError):
    """Something that is asked for and cannot be served here."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """How to serve, as the command line says it."""

    host: str
    port: int | None
    present: bool
    web: bool
    public_url: str
    authorized_keys: Path | None
    password_file: Path | None
    anonymous: bool
    host_key: Path | None
    compression: bool
    limits: Limits


def serve(request: Request, wanted: Wanted) -> int:
    """Serves until somebody ends it, and returns the exit code.

    Raises:
        UnrolledError: If what is to be served cannot be read, or this machine cannot serve it.
    """
    _require(_WEB if wanted.web else _SSH)
    from unrolled_tui.commands.served import stepper_to_serve  # noqa: PLC0415  # only where there is what it takes
    from unrolled_tui.serve.following.console import Console  # noqa: PLC0415  # not for Windows
    from unrolled_tui.serve.sessions.nursery import Nursery  # noqa: PLC0415  # not for Windows

    make_app = stepper_to_serve(request)
    try:
        if wanted.present:
            Console.open().close()  # a terminal that is wanting is told of before anything is asked
        port = check_free(wanted.host, _PORTS[wanted.web] if wanted.port is None else wanted.port)
        with tempfile.TemporaryFile("w+") as kept:
            nursery = Nursery.start(make_app, wanted.limits, kept.fileno() if wanted.present else 2)
            try:
                return _Serving(nursery, wanted, port, kept).run()
            finally:
                kept.seek(0)
                if told := kept.read():  # a terminal that is stopped would wait for nothing, too
                    sys.stderr.write(told)
    except ServeError as error:
        return fail(error)


def _require(packages: tuple[str, ...]) -> None:
    if sys.platform == "win32":
        raise ServingError("unrolled serve takes a POSIX system, such as Linux or macOS: on Windows, run it in WSL")
    for package in packages:
        if find_spec(package) is None:
            raise ServingError(
                f"serving takes the package {package}: in the checkout, python -m pip install '.[serve]'"
            )


class _Serving:
    """One run of the server, with its nursery forked: from here on there may be secrets and a loop."""

    def __init__(self, nursery: "Nursery", wanted: Wanted, port: int, kept: TextIO) -> None:
        self._nursery, self._wanted, self._port = nursery, wanted, port
        self._kept = kept  # what is told while the screen is the presenting stepper's, for when it is not any more
        self._is_made_up = False

    def run(self) -> int:
        """Asks what is to be asked, serves, and leaves no process behind."""
        try:
            access = self._access()
            if self._wanted.present and sys.stdin is not None and sys.stdin.isatty():
                self._tell_ssh(access, self._port)
                input(_BEGIN)
        except BaseException as error:
            asyncio.run(self._nursery.close())
            if isinstance(error, EOFError):  # Ctrl+D leaves a question, as Ctrl+C does
                say("")
                raise KeyboardInterrupt from error
            raise
        from unrolled_tui.serve.log import Log, Printer  # noqa: PLC0415

        with (
            redirect_stderr(self._kept) if self._wanted.present else nullcontext(),
            closing(Printer(sys.stderr)) as printer,
        ):
            return asyncio.run(self._serve(access, Log(printer.write).tell))

    def _access(self) -> "Access":
        from unrolled_tui.serve import access  # noqa: PLC0415  # after the fork, as all that follows

        wanted = self._wanted
        keys = "" if wanted.authorized_keys is None else access.keys_in(wanted.authorized_keys)
        if wanted.password_file is not None:
            return access.Access(keys, access.password_in(wanted.password_file))
        if wanted.authorized_keys is not None or wanted.anonymous:
            return access.Access(keys, anonymous=wanted.anonymous)
        typed = getpass.getpass(_PROMPT) if sys.stdin is not None and sys.stdin.isatty() else ""
        self._is_made_up = not typed
        return access.Access(password=access.usable_password(typed or access.made_up_password(), "class password"))

    async def _serve(self, access: "Access", log: Callable[[str], None]) -> int:
        try:
            return await (self._serve_web(access, log) if self._wanted.web else self._serve_ssh(access, log))
        finally:
            await self._nursery.close()

    async def _serve_ssh(self, access: "Access", log: Callable[[str], None]) -> int:
        from unrolled_tui.serve.following.podium import Podium  # noqa: PLC0415
        from unrolled_tui.serve.ssh.server import serve_ssh  # noqa: PLC0415

        wanted, key = self._wanted, self._host_key()
        await self._nursery.ready()
        podium = await Podium.open(self._nursery, own="a stepper") if wanted.present else None
        try:
            return await serve_ssh(
                self._nursery,
                host=listened_at(wanted.host),
                port=self._port,
                access=access,
                limits=wanted.limits,
                host_key=key,
                compression=wanted.compression,
                podium=podium,
                opened=(lambda _: None) if wanted.present else partial(self._tell_ssh, access),
                log=log,
            )
        finally:
            if podium is not None:
                await podium.close()

    async def _serve_web(self, access: "Access", log: Callable[[str], None]) -> int:
        from unrolled_tui.serve.web.pages import serve_web  # noqa: PLC0415

        wanted = self._wanted
        return await serve_web(
            self._nursery,
            host=listened_at(wanted.host),
            port=self._port,
            public_url=wanted.public_url,
            access=access,
            limits=wanted.limits,
            title="unrolled",
            opened=partial(self._tell_web, access),
            log=log,
        )

    def _host_key(self) -> "SSHKey":
        from unrolled_tui.serve.ssh.host_key import host_key, usual_path  # noqa: PLC0415

        return host_key(self._wanted.host_key or usual_path("unrolled"))

    # What is printed.

    def _tell_ssh(self, access: "Access", port: int) -> None:
        say(f"Students type:  {as_typed(self._wanted.host, port)}")
        self._tell_password(access)
        say(f"Host key:       {self._host_key().get_fingerprint()}")
        self._tell_reach()

    def _tell_web(self, access: "Access", port: int) -> None:
        say(f"Students open:  {as_url(self._wanted.host, port, self._wanted.public_url)}")
        self._tell_password(access)
        self._tell_reach()

    def _tell_password(self, access: "Access") -> None:
        if self._is_made_up:
            say(f"Password:       {access.password}")
        if access.anonymous:
            tell("everybody who can reach this port gets in: leave out --anonymous to ask for a password")

    def _tell_reach(self) -> None:
        if is_local(self._wanted.host) and not self._wanted.public_url:
            say("Only this machine can reach it: --host 0.0.0.0 lets in the network.")
        if not self._wanted.present:
            say("Ctrl+C ends it.")
        sys.stdout.flush()
