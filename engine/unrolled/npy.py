"""Arrays in NumPy's own formats, .npy and .npz: read without pickle, and checked against the bytes that are there."""

import io
import warnings
from dataclasses import dataclass
from math import prod
from typing import IO, Any, Literal, cast

import numpy as np
import numpy.typing as npt

from unrolled.archives import archive, unpacking
from unrolled.files import MOST_ARRAY_BYTES, UnreadableError, kind_of, size_of
from unrolled.text import printable

AnyArray = npt.NDArray[Any]

MAGIC = b"\x93NUMPY"
ZIP_MAGIC = b"PK\x03\x04"

_MAPPED_FROM = 64 << 20
"""A larger .npy file is mapped into memory and not read."""

_MOST_AXES = 8
_MOST_VALUES = 1 << 40
_AT_ONCE = 1 << 20
_NUMBERS = "fiub"


@dataclass(frozen=True, slots=True)
class _Header:
    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype[Any]
    bytes: int


def read_npy(file: io.BufferedReader) -> AnyArray:
    """The array of real numbers in a .npy file.

    Raises:
        UnreadableError: If it is no such file, or holds anything but numbers.
    """
    header = _read_header(file, "the array")
    start = file.tell()
    _check_bytes(header, size_of(file) - start, "the array")
    if header.bytes <= _MAPPED_FROM:
        return _read_values(file, header)
    order: Literal["F", "C"] = "F" if header.fortran else "C"
    return np.asarray(np.memmap(cast("Any", file), header.dtype, "r", start, header.shape, order))


class _NoNumbersError(UnreadableError):
    """An array holds something else."""


def read_npz(
    file: io.BufferedReader, texts: tuple[str, ...] = (), needed: tuple[str, ...] | None = None
) -> dict[str, AnyArray]:
    """The arrays in a .npz file, by name: real numbers, and single strings under the names in `texts`.

    If `needed` is given, arrays of other names may hold anything else: they are passed over, and not read.

    Raises:
        UnreadableError: If it is no such file, claims too much, or holds anything else.
    """
    beginning = file.read(64)
    if not beginning.startswith(ZIP_MAGIC):
        raise UnreadableError(f"expected a .npz archive, got {kind_of(beginning)}")
    arrays, passed = {}, None
    with archive(file) as opened:
        for member in opened.infolist():
            name = member.filename.removesuffix(".npy")
            if name == member.filename:
                raise UnreadableError(f"expected only .npy arrays in the archive, got {printable(member.filename)}")
            with unpacking(), opened.open(member) as stream:
                try:
                    arrays[name] = _read_member(stream, member.file_size, name, name in texts)
                except _NoNumbersError as problem:
                    if needed is None or name in needed:
                        raise
                    passed = problem
    if passed is not None and not arrays:
        raise passed
    return arrays


def _read_member(stream: IO[bytes], size: int, name: str, may_be_text: bool) -> AnyArray:
    where = f"array {printable(name)}"
    header = _read_header(stream, where, may_be_text)
    _check_bytes(header, size - stream.tell(), where)
    return _read_values(stream, header)


def _read_header(stream: IO[bytes], where: str, may_be_text: bool = False) -> _Header:
    """What a .npy array says of itself, before any of its numbers is read."""
    beginning = stream.read(len(MAGIC) + 2)
    if not beginning.startswith(MAGIC):
        raise UnreadableError(f"{where}: expected a .npy array, got {kind_of(beginning)}")
    read = np.lib.format.read_array_header_1_0 if beginning[-2] == 1 else np.lib.format.read_array_header_2_0
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a file of Python 2 is read like any other
            shape, fortran, dtype = read(stream)
    except Exception as problem:  # numpy lets through whatever its parser of a literal raises
        # what follows ": <" is where Python keeps what it read
        reason = printable(str(problem).partition("\n")[0].partition(": <")[0], 100)
        raise UnreadableError(f"{where}: the header is damaged: {reason}") from problem
    if len(shape) > _MOST_AXES or min(shape, default=0) < 0 or prod(max(length, 1) for length in shape) > _MOST_VALUES:
        raise UnreadableError(f"{where}: expected the shape of an array that can be held, got {printable(str(shape))}")
    _check_type(dtype, shape, where, may_be_text)
    return _Header(shape, fortran, dtype, prod(shape) * dtype.itemsize)


def _check_type(dtype: np.dtype[Any], shape: tuple[int, ...], where: str, may_be_text: bool) -> None:
    if dtype.hasobject:
        raise _NoNumbersError(f"{where}: expected plain numbers, got pickled Python objects, which are never loaded")
    if dtype.kind in _NUMBERS or (may_be_text and dtype.kind in "US" and dtype.itemsize and not shape):
        return
    raise _NoNumbersError(f"{where}: expected real numbers, got {_type_name(dtype)}")


def _type_name(dtype: np.dtype[Any]) -> str:
    kinds = {"c": "complex numbers", "U": "text", "S": "text", "V": "a structured type", "M": "dates", "m": "durations"}
    return kinds.get(dtype.kind, printable(str(dtype)))


def _check_bytes(header: _Header, there: int, where: str) -> None:
    if header.bytes != there:
        raise UnreadableError(
            f"{where}: expected {header.bytes:,} bytes for shape {printable(str(header.shape))}, got {there:,}"
        )


def _read_values(stream: IO[bytes], header: _Header) -> AnyArray:
    if header.bytes > MOST_ARRAY_BYTES:
        raise UnreadableError(f"expected an array of at most 1 GiB ({MOST_ARRAY_BYTES:,} bytes), got {header.bytes:,}")
    values = np.ndarray(header.shape, header.dtype, order="F" if header.fortran else "C")
    raw = values.reshape(-1, order="A").view(np.uint8)  # the same memory as bytes
    for start in range(0, header.bytes, _AT_ONCE):
        piece = raw[start : start + _AT_ONCE]
        piece[:] = np.frombuffer(_exactly(stream, len(piece)), np.uint8)
    return values


def _exactly(stream: IO[bytes], count: int) -> bytes:
    raw = stream.read(count)
    if len(raw) != count:
        raise UnreadableError("the file is cut short")
    return raw
