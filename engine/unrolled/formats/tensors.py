"""Tensors as files describe them: their sizes are known, and their numbers are read when they are wanted."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from unrolled.files import MOST_ARRAY_BYTES, UnreadableError
from unrolled.npy import AnyArray

STORED: dict[str, np.dtype[Any]] = {
    "float64": np.dtype("<f8"),
    "float32": np.dtype("<f4"),
    "float16": np.dtype("<f2"),
    "bfloat16": np.dtype("<u2"),
    "int64": np.dtype("<i8"),
    "int32": np.dtype("<i4"),
    "int16": np.dtype("<i2"),
    "int8": np.dtype("i1"),
    "uint64": np.dtype("<u8"),
    "uint32": np.dtype("<u4"),
    "uint16": np.dtype("<u2"),
    "uint8": np.dtype("u1"),
    "bool": np.dtype("?"),
}
"""The types of numbers by name, and what NumPy reads them as; it has no bfloat16, of which it reads the bits."""

_FLOATS = ("float64", "float32", "float16", "bfloat16")


@dataclass(frozen=True, eq=False, slots=True)
class Tensor:
    """A tensor in a file.

    Attributes:
        shape: Its shape.
        stored: The type of its numbers in the file, a name in `STORED`.
        read: Reads its numbers; those of bfloat16 as their bits.
        parameters: How many parameters the file holds for it.
    """

    shape: tuple[int, ...]
    stored: str
    read: Callable[[], AnyArray]
    parameters: int

    @property
    def bytes(self) -> int:
        """How many bytes its numbers take in the file."""
        return prod(self.shape) * STORED[self.stored].itemsize

    @property
    def is_float(self) -> bool:
        """Whether its numbers are floating-point numbers, as weights are."""
        return self.stored in _FLOATS

    def numbers(self, where: str) -> npt.NDArray[np.floating]:
        """Its numbers as float32, or float64 where that is what is stored; `where` is what messages call it.

        Raises:
            UnreadableError: If they are no floating-point numbers, or cannot be read.
        """
        if not self.is_float:
            raise UnreadableError(f"{where}: expected floating-point numbers, got {self.stored}")
        array = self.read()
        if self.stored == "bfloat16":
            return (array.astype(np.uint32) << 16).view(np.float32)  # it is the upper half of a float32
        return np.asarray(array, np.float64 if self.stored == "float64" else np.float32)


def tensor(shape: tuple[int, ...], stored: str, read: Callable[[], AnyArray]) -> Tensor:
    """A tensor with as many parameters as numbers."""
    return Tensor(shape, stored, read, prod(shape))


def of_array(array: AnyArray) -> Tensor:
    """An array of numbers that was read already."""
    stored = "float64" if array.dtype.kind == "f" and array.itemsize > 8 else array.dtype.name
    return tensor(array.shape, stored, lambda: array)


def check_total(tensors: Iterable[Tensor]) -> None:
    """Checks that all the tensors that are wanted can be held, before any is read.

    Raises:
        UnreadableError: If they are too many.
    """
    total = sum(one.bytes for one in tensors)
    if total > MOST_ARRAY_BYTES:
        raise UnreadableError(f"expected weights of at most 1 GiB ({MOST_ARRAY_BYTES:,} bytes), got {total:,}")
