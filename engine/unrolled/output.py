"""Files that are written whole or not at all."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from unrolled.errors import OutputFileError
from unrolled.text import printable


@contextmanager
def writing(path: str, force: bool = False) -> Iterator[BinaryIO]:
    """A file to write, which becomes `path` when the block ends and leaves nothing behind when it fails.

    It is written beside `path` under another name, and renamed at the end. What was there stays until then.

    Args:
        path: Where the file goes.
        force: Whether a file that exists is replaced.

    Raises:
        OutputFileError: If the file exists and `force` is not given, or cannot be written.
    """
    where, target = printable(path), Path(os.path.realpath(path))
    _check(where, target, force)
    temporary = target.with_name(f".unrolled-{os.urandom(8).hex()}.tmp")
    try:
        with _create(temporary) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        _check(where, target, force)
        _replace(temporary, target)
    except OutputFileError:
        raise
    except OSError as problem:
        raise OutputFileError(f"{where}: cannot be written: {problem.strerror or type(problem).__name__}") from problem
    finally:
        with suppress(OSError):
            temporary.unlink()


def _check(where: str, target: Path, force: bool) -> None:
    try:
        facts = target.stat()
    except FileNotFoundError:
        return
    except (OSError, ValueError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else str(problem)
        raise OutputFileError(f"{where}: cannot be written: {reason}") from problem
    if not stat.S_ISREG(facts.st_mode):
        raise OutputFileError(f"{where}: expected the name of a file, got a directory or a device")
    if not force:
        raise OutputFileError(f"{where}: exists already and was kept (use --force, or force=True)")


def _create(temporary: Path) -> BinaryIO:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
    return os.fdopen(os.open(temporary, flags, 0o666), "wb")


def _replace(temporary: Path, target: Path) -> None:
    with suppress(FileNotFoundError):
        temporary.chmod(stat.S_IMODE(target.stat().st_mode))
    temporary.replace(target)
