"""Who may see a page: those who know the class password, and who ask this server for it and no other site."""

import secrets
from html import escape
from ipaddress import ip_address
from pathlib import Path
from string import Template
from urllib.parse import urlsplit

from unrolled_tui.serve.access import Access
from unrolled_tui.serve.errors import ServeError
from unrolled_tui.serve.limits import Attempts

PAGES = Path(__file__).with_name("page")
"""Our pages, and what they need."""


def page(name: str, **texts: str) -> str:
    """The page of this name, with the texts in their places."""
    template = Template((PAGES / f"{name}.html").read_text(encoding="utf-8"))
    return template.substitute({place: escape(text) for place, text in texts.items()})


class Login:
    """The class password, and the token that is given for it. It is the same for all, as the password is.

    Args:
        access: Who may come in.
        attempts: The wrong passwords of late.
    """

    def __init__(self, access: Access, attempts: Attempts) -> None:
        self._access, self._attempts = access, attempts
        self._token = secrets.token_urlsafe(32)

    def admits(self, token: str) -> bool:
        """Whether one with this token is in, or nobody is asked for a password."""
        return self._access.anonymous or secrets.compare_digest(token.encode("utf-8", "replace"), self._token.encode())

    def try_password(self, address: str, password: str) -> tuple[str, str]:
        """The token for the right password or else none, and what is to be said."""
        if not self._attempts.may_try(address):
            return "", "Too many wrong passwords came from this address: wait a minute."
        if not self._access.admits_password(password):
            self._attempts.fail(address)
            return "", "This is not the class password."
        return self._token, ""


class Names:
    """The names of a server. A page of another site must not reach it through the browser of one who may.

    Args:
        host: The name or address that the server listens at.
        public_url: Where it is reached by others, or nothing: then it may have any name, unless it listens to this
            machine only.

    Attributes:
        is_encrypted: Whether others reach it by https.

    Raises:
        ServeError: If the public URL is none.
    """

    def __init__(self, host: str, public_url: str) -> None:
        self._public = _place(public_url)
        if public_url and not (self._public[0] and public_url.startswith(("http://", "https://"))):
            raise ServeError(f"public URL: expected http:// or https:// and a name, got {public_url!r}")
        self._is_local = _is_loopback(host)
        self.is_encrypted = public_url.startswith("https:")

    def knows(self, host: str) -> bool:
        """Whether a request for `host` is for this server: a name that was made to lead here is not (DNS rebinding)."""
        name, _ = _place(f"http://{host}")
        return bool(name) and (not self._is_local or _is_loopback(name) or name == self._public[0])

    def is_own(self, origin: str, host: str) -> bool:
        """Whether `origin`, the site whose page asks for `host`, is this server."""
        scheme = origin.partition(":")[0]
        at = _place(origin)
        return scheme in {"http", "https"} and bool(at[0]) and at in {_place(f"{scheme}://{host}"), self._public}


def _place(url: str) -> tuple[str, int]:
    """The name and the port of a URL; no name, if it has none or is no URL."""
    try:
        parts = urlsplit(url)
        return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return "", 0


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
