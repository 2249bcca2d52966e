"""Where a server can be reached."""

import errno
import ipaddress
import socket
from contextlib import suppress

from unrolled_tui.serve.errors import ServeError

_ANY = ("", "0.0.0.0", "::")  # noqa: S104  # compared with
_ELSEWHERE = ("192.0.2.1", 9)
"""An address for documentation (RFC 5737). Nothing is sent to it: it only says which way one would go."""

_WHY = {
    errno.EADDRINUSE: "another program has this port already: --port N takes another",
    errno.EADDRNOTAVAIL: "this machine has no such address",
    errno.EACCES: "only an administrator may listen on this port: --port N takes another",
}


def check_free(host: str, port: int) -> int:
    """Returns the port to listen on, which is free: any if `port` is 0.

    Raises:
        ServeError: If it is not free, or there is no such address.
    """
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen()
            free: int = probe.getsockname()[1]
            return free
    except (socket.gaierror, UnicodeError) as error:
        raise ServeError(f"--host {host}: there is no such address") from error
    except OSError as error:
        why = _WHY.get(error.errno or 0) or error.strerror or str(error)
        raise ServeError(f"--host {host} --port {port}: {why}") from error


def listened_at(host: str) -> str:
    """The address to listen on, as asyncio takes it: :: is all of IPv6 there, and not of IPv4, as elsewhere."""
    return "" if host == "::" else host


def is_local(host: str) -> bool:
    """Whether only this machine can reach a server there."""
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


def reached_at(host: str) -> str:
    """What others type for a server there: its address on the way to the others, if it listens on all."""
    if host not in _ANY:
        return host
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
        way.connect(_ELSEWHERE)
        address: str = way.getsockname()[0]
        return address
    return socket.gethostname()


def as_typed(host: str, port: int) -> str:
    """The line that students type."""
    return f"ssh {reached_at(host)}" if port == 22 else f"ssh -p {port} {reached_at(host)}"


def as_url(host: str, port: int, public_url: str) -> str:
    """What students open in a browser."""
    address = reached_at(host)
    return public_url or f"http://{f'[{address}]' if ':' in address else address}:{port}"
