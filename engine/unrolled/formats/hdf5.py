"""HDF5 files that come from anywhere, read with pyfive, which runs nothing and follows no path out of the file.

pyfive parses the structure; the numbers are read here, once their size is known to fit what the file holds. It gives
zeros for a dataset whose numbers are in another file or nowhere, so those are refused.
"""

import io
import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from unrolled.errors import UnrolledError
from unrolled.files import UnreadableError
from unrolled.formats.hdf5_attributes import check_attributes
from unrolled.formats.hdf5_chunks import MOST_ARRAY_BYTES, chunked
from unrolled.npy import AnyArray
from unrolled.text import printable

MAGIC = b"\x89HDF\r\n\x1a\n"

MOST_BYTES = 1 << 30
MOST_TEXTS = 100_000
_MOST_OBJECTS = 20_000
_MOST_DEPTH = 20
_COMPACT, _CONTIGUOUS, _CHUNKED = 0, 1, 2
_NOWHERE = 2**64 - 1


@contextmanager
def hdf5(file: io.BufferedIOBase, size: int) -> Iterator["Tree"]:
    """The groups and datasets in `file`, which has `size` bytes.

    Raises:
        UnreadableError: If it is no HDF5 file, is damaged, or holds what cannot be read safely.
    """
    import pyfive  # noqa: PLC0415 - 70 ms, only for those who read such a file

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pyfive warns of attributes that it cannot read and nobody asks for
            yield Tree(pyfive.File(_Metered(file, size)))
    except UnrolledError:
        raise
    except Exception as problem:  # pyfive lets through whatever a damaged file makes it stumble over
        reason = printable(str(problem).partition("\n")[0], 100) or type(problem).__name__
        raise UnreadableError(f"the HDF5 file is damaged, or uses what cannot be read: {reason}") from problem


class _Metered:
    """A file that ends the reading of one which leads pyfive in circles: nothing sound is read many times over."""

    closed = False

    def __init__(self, file: io.BufferedIOBase, size: int) -> None:
        self._file = file
        self._size = size
        self._reads = 10_000 + size // 8
        self._bytes = (16 << 20) + 8 * size

    def read(self, size: int = -1) -> bytes:
        there = max(self._size - self._file.tell(), 0)
        wanted = there if size < 0 else min(size, there)
        self._reads -= 1
        self._bytes -= wanted
        if self._reads < 0 or self._bytes < 0:
            raise UnreadableError("the HDF5 file is damaged: it leads in circles")
        return self._file.read(wanted)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_SET and not 0 <= offset <= self._size:
            raise UnreadableError("the HDF5 file is damaged or cut short: it points outside of itself")
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()


class Tree:
    """The groups, attributes and arrays of an open HDF5 file, by path."""

    def __init__(self, root: Any) -> None:
        check_attributes(root._dataobjects, "the file")
        self._root = root
        self._found: dict[str, Any] = {"": root}
        self._left = MOST_BYTES
        self.bfloat16: list[str] = []
        """The paths of the arrays read that are stored as bfloat16."""

    def has(self, path: str) -> bool:
        """Whether there is a group or an array at `path`."""
        return self._find(path) is not None

    def is_group(self, path: str) -> bool:
        """Whether there is a group at `path`."""
        return _is_group(self._find(path))

    def names(self, path: str) -> tuple[str, ...]:
        """What the group at `path` holds, sorted by name; nothing if there is no group."""
        found = self._find(path)
        return tuple(sorted(found)) if _is_group(found) else ()

    def groups(self, path: str = "") -> Iterator[str]:
        """The paths of all groups below `path`, each before those it holds.

        Raises:
            UnreadableError: If there are too many, or they are nested too deeply, as where links lead in a circle.
        """
        waiting = [path]
        for _ in range(_MOST_OBJECTS):
            if not waiting:
                return
            here = waiting.pop()
            if here.count("/") > _MOST_DEPTH:
                raise UnreadableError(f"expected groups nested at most {_MOST_DEPTH} deep, got more: {printable(here)}")
            yield here
            below = (f"{here}/{name}".lstrip("/") for name in reversed(self.names(here)))
            waiting += [inner for inner in below if self.is_group(inner)]
        raise UnreadableError(f"expected at most {_MOST_OBJECTS:,} groups, got more")

    def text(self, path: str, name: str) -> str | None:
        """The attribute `name` of the object at `path` where it is a single text."""
        value = self._attributes(path).get(name)
        if isinstance(value, np.ndarray) and value.size == 1:
            value = value.reshape(-1)[0]
        if isinstance(value, bytes):
            return value.decode("utf-8", "backslashreplace")
        return value if isinstance(value, str) else None

    def texts(self, path: str, name: str) -> tuple[str, ...] | None:
        """The texts in the attribute `name` of a group, or None if there is none.

        Keras cuts a list that is too long for one attribute into `name0`, `name1`, and so on.
        """
        attributes = self._attributes(path)
        if name in attributes:
            return _texts(attributes[name], name)
        parts: list[str] = []
        number = 0
        while f"{name}{number}" in attributes:
            parts += _texts(attributes[f"{name}{number}"], name)
            number += 1
        return tuple(parts) if number else None

    def array(self, path: str) -> AnyArray:
        """The array of floating-point numbers at `path`; bfloat16 comes as float32.

        Raises:
            UnreadableError: If there is none, or its numbers are not all in this file, or are too many.
        """
        where = printable(path)
        dataset = self._find(path)
        if dataset is None or _is_group(dataset):
            raise UnreadableError(f"{where}: expected an array, got {'nothing' if dataset is None else 'a group'}")
        if not hasattr(dataset, "id"):
            raise UnreadableError(f"{where}: expected an array, got a type")
        dtype, brain = _number_type(dataset, where)
        shape = dataset.shape
        if not isinstance(shape, tuple) or not shape or not all(shape):
            raise UnreadableError(f"{where}: expected an array with numbers in it, got shape {printable(str(shape))}")
        count = math.prod(shape) * dtype.itemsize
        self._left -= count
        if count > MOST_ARRAY_BYTES or self._left < 0:
            raise UnreadableError(
                f"{where}: expected an array of at most {MOST_ARRAY_BYTES >> 20} MiB, and "
                f"{MOST_BYTES >> 30} GiB in all, got {count / 2**20:,.1f} MiB"
            )
        values = self._values(dataset, dtype, count, where).reshape(shape)
        if brain:
            self.bfloat16.append(path)
        return _from_bfloat16(values) if brain else values

    def count(self, path: str) -> int:
        """How many numbers the array at `path` has, by its shape alone; 0 if there is none."""
        return math.prod(self.shape(path) or (0,))

    def shape(self, path: str) -> tuple[int, ...] | None:
        """The shape of the array at `path`, or None if there is none."""
        shape = getattr(self._find(path), "shape", None)
        return shape if isinstance(shape, tuple) else None

    def _values(self, dataset: Any, dtype: np.dtype[Any], count: int, where: str) -> AnyArray:
        kind = dataset.id.layout_class
        if kind == _COMPACT:
            return np.asarray(dataset[()])
        if kind == _CHUNKED:
            return chunked(dataset, dtype, where)
        if kind != _CONTIGUOUS or dataset.id.data_offset == _NOWHERE:
            raise UnreadableError(f"{where}: its numbers are not in this file")
        file = self._root._fh  # pyfive's own view of the file, past a user block if there is one
        file.seek(dataset.id.data_offset)
        raw = file.read(count)
        if len(raw) != count:
            raise UnreadableError(f"{where}: the file is cut short")
        return np.frombuffer(raw, dtype)

    def _attributes(self, path: str) -> dict[str, Any]:
        found = self._find(path)
        return {} if found is None else dict(found.attrs)

    def _find(self, path: str) -> Any:
        if path in self._found:
            return self._found[path]
        parent, _, name = path.rpartition("/")
        above: Any = self._find(parent) if name not in ("", ".", "..") else None
        if not _is_group(above) or name not in above._links:
            return None
        link = above._links[name]
        if not isinstance(link, int):
            raise UnreadableError(f"{printable(path)}: expected what it names to be there, got a link to elsewhere")
        check_attributes(self._root._get_dataobjects(link), printable(path))
        # without its index, which pyfive would build before the size of an array is known
        found = self._found[path] = above.get_lazy_view(name)
        return found


def _is_group(found: Any) -> bool:
    return found is not None and hasattr(found, "get_lazy_view")


def _texts(values: Any, name: str) -> tuple[str, ...]:
    if not isinstance(values, np.ndarray) or values.size > MOST_TEXTS:
        raise UnreadableError(f"{name}: expected a list of names, got {printable(type(values).__name__)}")
    if not values.size:
        return ()  # Keras writes an empty list as one of numbers
    if values.dtype.kind not in "OSU":
        raise UnreadableError(f"{name}: expected a list of names, got {printable(str(values.dtype))}")
    return tuple(
        value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)
        for value in values.reshape(-1).tolist()
    )


def _number_type(dataset: Any, where: str) -> tuple[np.dtype[Any], bool]:
    """The type of the numbers as stored, and whether they are bfloat16, which NumPy does not know."""
    dtype = dataset.dtype
    if not isinstance(dtype, np.dtype):
        raise UnreadableError(f"{where}: expected floating-point numbers, got {printable(str(dtype))}")
    if dtype.kind == "V" and dtype.itemsize == 2 and dtype.names is None:
        stored = dataset.attrs.get("dtype")
        if stored in ("bfloat16", b"bfloat16"):
            return np.dtype("<u2"), True
    if dtype.kind != "f" or dtype.itemsize not in (2, 4, 8):
        raise UnreadableError(f"{where}: expected floating-point numbers, got {printable(str(dtype))}")
    return dtype, False


def _from_bfloat16(values: AnyArray) -> AnyArray:
    """bfloat16 is the upper half of float32."""
    return (values.astype(np.uint32) << 16).view(np.float32)
