"""Zip archives that come from anywhere: what they claim to hold is checked before anything is unpacked.

Only what the central directory says is believed of sizes, and no member ever gives more than it says there.
"""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from unrolled.errors import UnrolledError
from unrolled.files import MOST_ARRAY_BYTES, UnreadableError, size_of
from unrolled.text import printable

MOST_MEMBERS = 5000
MOST_RATIO = 200
ALWAYS_FINE_BYTES = 16 << 20
"""Up to this size the ratio does not matter: a bias of zeros packs to almost nothing."""

_MOST_DIRECTORY_BYTES = 2 << 20
_ENCRYPTED = 0x1
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,  # zipfile says so of a compression that it does not know
    RuntimeError,
    ValueError,
    OverflowError,
)


@contextmanager
def archive(file: io.BufferedReader) -> Iterator[zipfile.ZipFile]:
    """The zip archive in `file`, whose members are safe to read.

    Raises:
        UnreadableError: If it is no archive, is damaged, encrypted, or claims to hold too much.
    """
    with unpacking(), zipfile.ZipFile(_Guarded(file)) as opened:
        _check(opened.infolist(), size_of(file))
        yield opened


def member_names(file: io.BufferedReader) -> tuple[str, ...]:
    """The names of the members of the zip archive in `file`, which is left at its beginning.

    Raises:
        UnreadableError: If it is no archive, is damaged, encrypted, or claims to hold too much.
    """
    with archive(file) as opened:
        names = tuple(opened.namelist())
    file.seek(0)
    return names


@contextmanager
def unpacking() -> Iterator[None]:
    """Raises what `zipfile` says of a damaged archive as `UnreadableError`."""
    try:
        yield
    except UnrolledError:  # a ValueError too, and about something else
        raise
    except _BROKEN as problem:
        raise UnreadableError(f"the zip archive is damaged or cut short: {printable(str(problem))}") from problem


class _Guarded:
    """A file that gives a little at a time, which refuses a central directory too large to hold."""

    def __init__(self, file: io.BufferedReader) -> None:
        self._file = file

    def read(self, size: int = -1) -> bytes:
        if size > _MOST_DIRECTORY_BYTES:
            raise UnreadableError(f"expected a zip archive of at most {MOST_MEMBERS:,} members, got a larger directory")
        return self._file.read(_MOST_DIRECTORY_BYTES if size < 0 else size)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def _check(members: list[zipfile.ZipInfo], packed: int) -> None:
    if len(members) > MOST_MEMBERS:
        raise UnreadableError(f"expected a zip archive of at most {MOST_MEMBERS:,} members, got {len(members):,}")
    seen: set[str] = set()
    for member in members:
        name = printable(member.filename)
        if member.filename in seen:
            raise UnreadableError(f"the zip archive has two members called {name}")
        seen.add(member.filename)
        if member.flag_bits & _ENCRYPTED:
            raise UnreadableError(f"{name} is encrypted")
        if member.compress_type not in _METHODS:
            raise UnreadableError(f"{name} is packed in a way other than deflate")
    _check_unpacked(sum(member.file_size for member in members), packed)


def _check_unpacked(unpacked: int, packed: int) -> None:
    if unpacked > MOST_ARRAY_BYTES:
        raise UnreadableError(
            f"expected at most {MOST_ARRAY_BYTES >> 30} GiB ({MOST_ARRAY_BYTES:,} bytes) when unpacked, got a zip "
            f"archive that claims {unpacked:,}"
        )
    if unpacked > max(ALWAYS_FINE_BYTES, MOST_RATIO * packed):
        raise UnreadableError(
            f"expected at most {MOST_RATIO} times its size when unpacked, got a zip archive that claims "
            f"{unpacked / packed:,.0f} times"
        )
