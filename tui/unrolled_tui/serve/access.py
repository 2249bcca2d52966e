"""Who is let in: those with a key, those who know the password, or everybody."""

import hmac
import os
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path
from unicodedata import normalize

from unrolled_tui.serve.errors import ServeError

LONGEST = 1 << 20
"""The most bytes that a file of keys or a password may have."""

_CONSONANTS, _VOWELS = "bdfghkmnprstvz", "aeiou"  # none that looks or sounds like another digit or letter


@dataclass(frozen=True, slots=True)
class Access:
    """Who is let in. Keys and a password may both be given: either will do.

    Attributes:
        keys: Public keys, as a file authorized_keys of OpenSSH has them; empty for none.
        password: The password of all; empty for none.
        anonymous: Whether everybody is let in.

    Raises:
        ServeError: If nobody would be, or if keys or a password are given though everybody is.
    """

    keys: str = ""
    password: str = ""
    anonymous: bool = False

    def __post_init__(self) -> None:
        if self.anonymous == bool(self.keys or self.password):
            raise ServeError("access: expected keys, a password, or both; or nothing and everybody is let in")

    def admits_password(self, password: str) -> bool:
        """Whether this is the password. It takes as long whether it is or not, and whichever letter is wrong."""
        return bool(self.password) and hmac.compare_digest(_same(password), _same(self.password))


def made_up_password() -> str:
    """A password that can be said aloud in a classroom, one of 10¹¹: 3 words of 2 syllables."""
    syllables = [secrets.choice(_CONSONANTS) + secrets.choice(_VOWELS) for _ in range(6)]
    return "-".join("".join(syllables[first : first + 2]) for first in (0, 2, 4))


def password_in(path: Path) -> str:
    """The first line of a file.

    Raises:
        ServeError: If it cannot be read, is empty, or others can read the file.
    """
    return usable_password(_text_of(path, "the password", secret=True).partition("\n")[0].removesuffix("\r"), str(path))


def usable_password(password: str, origin: str) -> str:
    """The same password, which somebody can type.

    Raises:
        ServeError: If nobody can.
    """
    if not password:
        raise ServeError(f"{origin}: expected a password in the first line, got an empty one")
    if not password.isprintable():
        raise ServeError(f"{origin}: expected a password of printable characters")
    return password


def keys_in(path: Path) -> str:
    """What a file of public keys says.

    Raises:
        ServeError: If it cannot be read, says nothing, or has a private key.
    """
    keys = _text_of(path, "public keys", secret=False)
    if not keys.strip():
        raise ServeError(f"{path}: expected public keys, got an empty file")
    if "PRIVATE KEY-----" in keys:
        raise ServeError(f"{path}: expected public keys, got a private one: its public one is in {path}.pub")
    return keys


def check_secret(path: Path, mode: int) -> None:
    """Checks that others cannot read a file. One that is no plain file, such as a pipe, is its maker's business.

    Raises:
        ServeError: If they can.
    """
    if stat.S_ISREG(mode) and mode & 0o077:
        raise ServeError(f"{path}: others can read it: chmod 600 {path}")


def _text_of(path: Path, what: str, *, secret: bool) -> str:
    try:
        with path.open("rb") as file:
            if secret:
                check_secret(path, os.fstat(file.fileno()).st_mode)
            data = file.read(LONGEST + 1)
        if len(data) > LONGEST:
            raise ServeError(f"{path}: expected {what}, got more than {LONGEST >> 20} MiB")
        return data.decode()
    except OSError as error:
        raise ServeError(f"{path}: {what} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ServeError(f"{path}: expected {what} as text, got bytes that are no UTF-8") from error


def _same(password: str) -> bytes:
    """The same bytes for the same characters, however a keyboard composes them."""
    return normalize("NFKC", password).encode("utf-8", "surrogatepass")
