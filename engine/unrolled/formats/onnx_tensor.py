"""The arrays in an ONNX file, and those that it keeps in a file beside it: sizes first, numbers after.

Source: `TensorProto` in `onnx/onnx.proto`, https://onnx.ai/onnx/repo-docs/ExternalData.html.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import prod
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from unrolled.errors import UnrolledError
from unrolled.files import MOST_ARRAY_BYTES, UnreadableError, opened, size_of
from unrolled.formats.onnx_node import text
from unrolled.npy import AnyArray
from unrolled.text import printable

if TYPE_CHECKING:
    from onnx import TensorProto

MOST_BYTES = 256 << 20
"""One array holds at most this much."""

_MOST_AXES = 8
_EXTERNAL = 1  # TensorProto.DataLocation
_BFLOAT16 = 16

_STORED: dict[int, tuple[str, str]] = {
    1: ("<f4", "float_data"),
    2: ("<u1", "int32_data"),
    3: ("<i1", "int32_data"),
    4: ("<u2", "int32_data"),
    5: ("<i2", "int32_data"),
    6: ("<i4", "int32_data"),
    7: ("<i8", "int64_data"),
    9: ("|b1", "int32_data"),
    10: ("<f2", "int32_data"),
    11: ("<f8", "double_data"),
    12: ("<u4", "uint64_data"),
    13: ("<u8", "uint64_data"),
    _BFLOAT16: ("<u2", "int32_data"),
}
"""By TensorProto.DataType: the type of the numbers, and the field they are in where they are not raw."""

_OTHER_TYPES = {8: "texts", 14: "complex numbers", 15: "complex numbers"}


@dataclass(eq=False, slots=True)
class Tensors:
    """What reads the tensors of a file.

    Attributes:
        folder: The folder that the file is in, and from which nothing is read outside of it.
        left: How many bytes may still be made.
        bfloat16: The names of the tensors that are stored so.
    """

    folder: Path
    left: int = MOST_ARRAY_BYTES
    bfloat16: list[str] = field(default_factory=list)

    def take(self, size: int, where: str) -> None:
        """Accounts for an array of so many bytes before it is made.

        Raises:
            UnreadableError: If that is too much, for one or in all.
        """
        if size > MOST_BYTES:
            raise UnreadableError(f"{where}: expected at most {MOST_BYTES >> 20} MiB, got {size / 2**20:,.0f} MiB")
        self.left -= size
        if self.left < 0:
            raise UnreadableError(f"expected tensors of at most {MOST_ARRAY_BYTES >> 30} GiB in all, got more")

    def array(self, tensor: "TensorProto") -> AnyArray:
        """The array in a tensor.

        Raises:
            UnreadableError: If it holds no real numbers, fewer or more than its shape says, or is not in the folder.
        """
        name = printable(text(tensor.name), 60)
        where = f"tensor {name}" if name else "a tensor"
        if tensor.data_type not in _STORED:
            got = _OTHER_TYPES.get(tensor.data_type, f"type {tensor.data_type}")
            raise UnreadableError(f"{where}: expected real numbers, got {got}")
        dtype, numbers = np.dtype(_STORED[tensor.data_type][0]), _STORED[tensor.data_type][1]
        shape = tuple(tensor.dims)
        if len(shape) > _MOST_AXES or min(shape, default=0) < 0:
            raise UnreadableError(f"{where}: expected a shape, got {printable(str(shape), 80)}")
        size = prod(shape) * dtype.itemsize
        self.take(size, where)
        if tensor.data_location == _EXTERNAL:
            flat = np.frombuffer(self._outside(tensor, size, where), dtype)
        elif tensor.HasField("raw_data"):
            flat = _from_raw(tensor.raw_data, dtype, size, where)
        else:
            flat = _from_numbers(getattr(tensor, numbers), tensor.data_type, dtype, prod(shape), where)
        if tensor.data_type == _BFLOAT16:
            self.bfloat16.append(name)
            flat = (flat.astype(np.uint32) << 16).view(np.float32)
        return flat.reshape(shape)

    def _outside(self, tensor: "TensorProto", size: int, where: str) -> bytes:
        """The bytes of a tensor that are in a file beside the model."""
        told: dict[str, str] = {}
        for entry in tensor.external_data:
            key = text(entry.key)
            if key in told or key not in ("location", "offset", "length", "checksum"):
                raise UnreadableError(f"{where}: expected a location, an offset and a length, got {printable(key, 40)}")
            told[key] = text(entry.value)
        offset, length = _natural(told.get("offset", "0"), where), told.get("length")
        if length is not None and _natural(length, where) != size:
            raise UnreadableError(f"{where}: expected {size:,} bytes outside of the file, got {printable(length, 40)}")
        path = self._beside(told.get("location", ""), where)
        if not path.exists():
            raise UnreadableError(f"{where}: there is no file {printable(path.name, 60)} beside the model")
        with _named(where, path), opened(str(path)) as file:
            if offset + size > size_of(file):
                there = size_of(file)
                raise UnreadableError(f"expected {size:,} bytes from byte {offset:,} on, got a file of {there:,}")
            file.seek(offset)
            raw = file.read(size)
        if len(raw) != size:
            raise UnreadableError(f"{where}: {printable(path.name, 60)}: the file is cut short")
        return raw

    def _beside(self, location: str, where: str) -> Path:
        """The path of a file in the model's folder; one that leads out of it is not even looked at."""
        parts = PurePosixPath(location).parts
        leads_out = not parts or ".." in parts or "\0" in location or "\\" in location
        if leads_out or PurePosixPath(location).is_absolute() or PureWindowsPath(location).drive:
            raise UnreadableError(
                f"{where}: expected its numbers in a file in the model's folder, got {printable(location, 60)}"
            )
        path = self.folder
        for part in parts:
            path /= part
            if path.is_symlink():
                raise UnreadableError(
                    f"{where}: expected its numbers in a file in the model's folder, got the link "
                    f"{printable(location, 60)}, which is not followed"
                )
        return path


@contextmanager
def _named(where: str, path: Path) -> Iterator[None]:
    """Says of what is wrong with a file beside the model that it is that file, and which tensor is in it."""
    try:
        yield
    except UnrolledError as problem:
        raise UnreadableError(f"{where}: {printable(path.name, 60)}: {problem}") from problem


def _from_raw(raw: bytes, dtype: np.dtype[np.generic], size: int, where: str) -> AnyArray:
    if len(raw) != size:
        raise UnreadableError(f"{where}: expected {size:,} bytes, as its shape says, got {len(raw):,}")
    return np.frombuffer(raw, dtype)


def _from_numbers(
    numbers: npt.ArrayLike, data_type: int, dtype: np.dtype[np.generic], count: int, where: str
) -> AnyArray:
    """An array of the numbers in one of protobuf's lists."""
    found = np.array(numbers)
    if found.size != count:
        raise UnreadableError(f"{where}: expected {count:,} numbers, as its shape says, got {found.size:,}")
    if data_type == 10:  # a float16 is stored as the number that its bits are
        return found.astype(np.uint16).view(np.float16)
    return found.astype(dtype)


def _natural(told: str, where: str) -> int:
    """A number of bytes."""
    if not (told.isascii() and told.isdigit() and len(told) < 20):
        raise UnreadableError(f"{where}: expected a number of bytes, got {printable(told, 40)}")
    return int(told)


def folder_of(file_name: object) -> Path:
    """The folder of the file that was opened under that name."""
    return Path(os.fsdecode(file_name)).parent if isinstance(file_name, str | bytes | os.PathLike) else Path()
