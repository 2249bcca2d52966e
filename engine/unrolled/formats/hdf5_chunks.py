"""Datasets that an HDF5 file stores in chunks, each packed by itself."""

import math
import zlib
from typing import Any

import numpy as np

from unrolled.archives import ALWAYS_FINE_BYTES, MOST_RATIO
from unrolled.files import UnreadableError
from unrolled.npy import AnyArray
from unrolled.text import printable

MOST_ARRAY_BYTES = 256 << 20


def chunked(dataset: Any, dtype: np.dtype[Any], where: str) -> AnyArray:
    """The numbers of a dataset stored in chunks.

    Raises:
        UnreadableError: If a chunk is not there, or they are packed in a way that is not known, or too tightly.
    """
    shape, chunk = dataset.shape, dataset.chunks
    if len(chunk) != len(shape) or not all(chunk) or math.prod(chunk) * dtype.itemsize > MOST_ARRAY_BYTES:
        raise UnreadableError(f"{where}: expected chunks that make up {shape}, got {printable(str(chunk))}")
    expected = math.prod(-(-length // part) for length, part in zip(shape, chunk, strict=True))
    index = dataset.id.index
    if len(index) != expected:
        raise UnreadableError(f"{where}: expected {expected:,} chunks of numbers in the file, got {len(index):,}")
    chunk_bytes = math.prod(chunk) * dtype.itemsize
    stored = sum(info.size for info in index.values())
    if expected * chunk_bytes > max(ALWAYS_FINE_BYTES, MOST_RATIO * stored):
        raise UnreadableError(f"{where}: expected at most {MOST_RATIO} times its size when unpacked, got more")
    values = np.empty(shape, dtype)
    for start, info in index.items():
        raw = _unpacked(dataset, dataset.id.read_direct_chunk(start)[1], info.filter_mask, chunk_bytes, where)
        block = np.frombuffer(raw, dtype).reshape(chunk)
        places = tuple(
            slice(first, min(first + part, length)) for first, part, length in zip(start, chunk, shape, strict=True)
        )
        values[places] = block[tuple(slice(place.stop - place.start) for place in places)]
    return values


def _unpacked(dataset: Any, raw: bytes, mask: int, size: int, where: str) -> bytes:
    """The `size` bytes of a chunk, with its filters undone, last one first."""
    filters = [entry["filter_id"] for entry in dataset.id.filter_pipeline or ()]
    for number in reversed(range(len(filters))):
        if mask >> number & 1:
            continue
        match filters[number]:
            case 1:  # deflated
                raw = zlib.decompressobj().decompress(raw, size + 4)
            case 2:  # shuffled: the first bytes of all numbers, then the second ones, and so on
                width = dataset.dtype.itemsize
                raw = np.frombuffer(raw[:size], np.uint8).reshape(width, -1).T.tobytes() + raw[size:]
            case 3:  # Fletcher's checksum, at the end
                raw = raw[:-4]
            case other:
                raise UnreadableError(f"{where}: is packed in a way that is not known, HDF5 filter {other}")
    if len(raw) != size:
        raise UnreadableError(f"{where}: expected {size:,} bytes in a chunk, got {len(raw):,}")
    return raw
