"""Opening files that come from anywhere: what is not a plain file is refused before anything is read.

What is wrong is raised as `UnreadableError`, without the file's name; `naming` puts it in front, once, at the outside.
"""

import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from unrolled.errors import OptionError, ShapeError, UnrolledError
from unrolled.text import printable

MOST_FILE_BYTES = 4 << 30
"""Larger files are refused."""

MOST_ARRAY_BYTES = 1 << 30
"""What is unpacked or read into memory holds at most this much."""

_KINDS = (
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)

_BEGINNINGS = (
    (b"\x93NUMPY", "a .npy array"),
    (b"PK\x03\x04", "a zip archive"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (b"\x89PNG", "a PNG picture"),
    (b"%PDF", "a PDF document"),
    (b"\x1f\x8b", "a gzip file"),
    (b"version https://git-lfs", "a Git LFS pointer, whose file was not downloaded: run git lfs pull"),
    (b"<!doctype html", "a web page"),
    (b"<html", "a web page"),
    (b"\x80\x02", "a Python pickle, which is never loaded"),
    (b"\x80\x04", "a Python pickle, which is never loaded"),
)


class UnreadableError(UnrolledError, ValueError):
    """Something wrong inside a file, before the file's name is put in front."""


@contextmanager
def naming(where: str, error: type[UnrolledError]) -> Iterator[None]:
    """Raises whatever is wrong with a file as `error`, with `where` in front.

    Raises:
        UnrolledError: Of the type `error`.
    """
    try:
        yield
    except (UnreadableError, ShapeError, OptionError) as problem:
        raise error(f"{printable(where)}: {problem}") from problem
    except FileNotFoundError as problem:
        raise error(f"{printable(where)}: there is no such file") from problem
    except OSError as problem:
        raise error(f"{printable(where)}: cannot be read: {problem.strerror or type(problem).__name__}") from problem
    except MemoryError as problem:
        raise error(f"{printable(where)}: needs more memory than there is") from problem


@contextmanager
def opened(path: str) -> Iterator[io.BufferedReader]:
    """The plain file at `path`, open for reading; a pipe or a device is not even opened.

    Raises:
        UnreadableError: If it is not a plain file, is empty or is too large.
        OSError: If it cannot be opened.
    """
    if "\0" in path:
        raise UnreadableError("expected the name of a file, got one with NUL in it")
    _check_kind(Path(path).stat())
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)
    with open(path, "rb", opener=lambda name, _flags: os.open(name, flags)) as file:
        facts = os.fstat(file.fileno())
        _check_kind(facts)  # again: it may have become something else in between
        _check_size(facts.st_size)
        yield file


def size_of(file: io.BufferedReader) -> int:
    """The size of an open file in bytes."""
    return os.fstat(file.fileno()).st_size


def kind_of(beginning: bytes) -> str:
    """What a file is, judging by its first bytes."""
    text = beginning.lstrip().lower()
    for start, kind in _BEGINNINGS:
        if beginning.startswith(start) or text.startswith(start):
            return kind
    return "something else"


def check_ending(path: str, accepted: tuple[str, ...]) -> str:
    """The extension of `path`, which is one of those `accepted`.

    Raises:
        UnreadableError: If it is another one.
    """
    ending = "" if path.endswith(os.sep) else Path(path).suffix.lower()
    if ending not in accepted:
        got = printable(ending, 20) if ending else "none"
        raise UnreadableError(f"expected the extension {' or '.join(accepted)}, got {got}")
    return ending


def _check_kind(facts: os.stat_result) -> None:
    if stat.S_ISREG(facts.st_mode):
        return
    kind = next((kind for is_kind, kind in _KINDS if is_kind(facts.st_mode)), "something else")
    raise UnreadableError(f"expected a file, got {kind}")


def _check_size(size: int) -> None:
    if not size:
        raise UnreadableError("the file is empty")
    if size > MOST_FILE_BYTES:
        raise UnreadableError(f"expected a file of at most {MOST_FILE_BYTES >> 30} GiB, got {size / 2**30:,.1f} GiB")
