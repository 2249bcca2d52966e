"""Files of `safetensors`: the length of a header, the header in JSON, and the numbers.

Source: https://github.com/huggingface/safetensors#format. The library itself is not needed for so little, and with
NumPy it does not read bfloat16.
"""

import io
from collections.abc import Sequence
from functools import partial
from math import prod
from typing import Any

import numpy as np

from unrolled.choices import Choices
from unrolled.files import UnreadableError, size_of
from unrolled.formats.asking import Asking
from unrolled.formats.model import Model
from unrolled.formats.strict_json import MOST_BYTES, parse_object
from unrolled.formats.tensors import STORED, Tensor, tensor
from unrolled.formats.torch_model import model_of
from unrolled.npy import AnyArray
from unrolled.text import printable

_LENGTH_BYTES = 8
_METADATA = "__metadata__"
_MOST_AXES = 8
_STORED = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "U64": "uint64",
    "U32": "uint32",
    "U16": "uint16",
    "U8": "uint8",
    "BOOL": "bool",
}


def recognises(beginning: bytes, _members: Sequence[str]) -> bool:
    """Whether a file that begins so may be one of these; `members` are the names in it if it is an archive."""
    return beginning[_LENGTH_BYTES : _LENGTH_BYTES + 1] == b"{"


def read(file: io.BufferedReader, name: str, choices: Choices) -> Model:
    """The model in `file`.

    Raises:
        UnreadableError: If it is none, is damaged, or what it says of itself is not so.
        ShapeError: If shapes disagree.
        OptionError: If there is no such activation, or no such layer.
    """
    return model_of(name, _tensors(file), Asking(choices))


def _tensors(file: io.BufferedReader) -> dict[str, Tensor]:
    length = int.from_bytes(file.read(_LENGTH_BYTES), "little")
    start = _LENGTH_BYTES + length
    if length > MOST_BYTES:
        raise UnreadableError(f"expected a header of at most {MOST_BYTES >> 20} MiB, got one of {length:,} bytes")
    if start > size_of(file):
        raise UnreadableError(
            f"expected a header of {length:,} bytes, got a file of {size_of(file):,}: it is cut short"
        )
    header = parse_object(file.read(length), "header")
    header.pop(_METADATA, None)
    tensors, places = {}, []
    for key, entry in header.items():
        tensors[key], place = _tensor(file, start, entry, f"tensor {printable(key, 60)}")
        places.append(place)
    end = 0
    for first, last in sorted(places):
        if first != end:
            raise UnreadableError(f"expected the numbers of a tensor at {end:,}, behind the one before, got {first:,}")
        end = last
    if end != size_of(file) - start:
        raise UnreadableError(
            f"expected {end:,} bytes of numbers, as the header says, got {size_of(file) - start:,}: the file is "
            "damaged or cut short, fetch or save it again"
        )
    return tensors


def _tensor(file: io.BufferedReader, start: int, entry: object, where: str) -> tuple[Tensor, tuple[int, int]]:
    """A tensor, and from where to where its numbers are."""
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise UnreadableError(f"{where}: expected dtype, shape and data_offsets, got {printable(str(entry), 60)}")
    told = entry["dtype"]
    stored = _STORED.get(told) if isinstance(told, str) else None
    if stored is None:
        raise UnreadableError(
            f"{where}: expected one of the types {', '.join(_STORED)}, got {printable(str(told), 20)}"
        )
    shape, offsets = _whole(entry["shape"], where), _whole(entry["data_offsets"], where)
    if len(offsets) != 2 or len(shape) > _MOST_AXES:
        raise UnreadableError(f"{where}: expected two offsets and at most {_MOST_AXES} axes, got others")
    first, last = offsets
    size = prod(shape) * STORED[stored].itemsize
    if last - first != size:
        raise UnreadableError(
            f"{where}: expected {size:,} bytes for {stored} of shape {printable(str(shape), 80)}, got {last - first:,}"
        )
    return tensor(shape, stored, partial(_read, file, start + first, shape, STORED[stored])), (first, last)


def _read(file: io.BufferedReader, place: int, shape: tuple[int, ...], kind: np.dtype[Any]) -> AnyArray:
    file.seek(place)
    return np.frombuffer(file.read(prod(shape) * kind.itemsize), kind).reshape(shape)


def _whole(found: object, where: str) -> tuple[int, ...]:
    if not isinstance(found, list) or any(type(number) is not int or number < 0 for number in found):
        raise UnreadableError(f"{where}: expected whole numbers from 0 up, got {printable(str(found), 60)}")
    return tuple(found)
