"""Sequences from files: numbers in NumPy's formats, as text, or from standard input."""

import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from unrolled.arrays import Array, read_only
from unrolled.errors import SequenceFileError
from unrolled.files import MOST_ARRAY_BYTES, UnreadableError, check_ending, naming, opened
from unrolled.finite import not_finite
from unrolled.npy import read_npy, read_npz
from unrolled.rows import read_csv, read_jsonl, read_words
from unrolled.sequences import NAME_LENGTH, InputSequence, ids_as_text
from unrolled.text import printable

if TYPE_CHECKING:
    from unrolled.vocabulary import Vocabulary

STANDARD_INPUT = "-"


def read_sequence(path: str, features: int | None = None, dtype: npt.DTypeLike = np.float64) -> InputSequence:
    """The sequence in a file: .npy, .npz, .csv, .jsonl or .txt; `-` reads standard input.

    NumPy arrays are (T, features), (T,) where there is one feature, or (batch, T, features); a .npz file holds one
    array, or one called x. Text has one timestep per line: numbers separated by commas (.csv, whose first line may
    name the columns), by white space (.txt), by either (standard input), or as JSON (.jsonl).

    NaN and infinity go through, with a remark that says how many there are and where the first one is.

    Args:
        path: The file.
        features: How many features the layer reads; None takes as many as there are.
        dtype: What the layer computes in.

    Raises:
        SequenceFileError: If the file cannot be read, is none of these, or does not fit. The message says why.
    """
    name = _name(path)
    with naming(name if path == STANDARD_INPUT else path, SequenceFileError):
        shaped = _fit(_read(path), features, _is_text(path))
        values = _convert(shaped, np.dtype(dtype))
    return InputSequence(read_only(values), name, remarks=_remarks(name, values, shaped))


def read_tokens(path: str, vocabulary_size: int, vocabulary: "Vocabulary | None" = None) -> InputSequence:
    """Token ids from a file, for a model that begins with an Embedding: integers (T, 1) or (batch, T, 1).

    NumPy arrays are (T,), (T, 1), (batch, T) or (batch, T, 1). Text has an id on each line, or a sequence. Whole
    numbers that are stored as floating point ones are fine.

    Args:
        path: The file, as for `read_sequence`.
        vocabulary_size: How many ids the model knows.
        vocabulary: What the ids stand for. Without one, each token is its id.

    Raises:
        SequenceFileError: If the file cannot be read, or holds something else, or an id that the model does not know.
            The message says where.
    """
    name = _name(path)
    with naming(name if path == STANDARD_INPUT else path, SequenceFileError):
        shaped = _fit_tokens(_read(path), vocabulary_size, _is_text(path))
        _check_ids(shaped, vocabulary_size)
        values = read_only(_convert(shaped, np.dtype(np.intp)))
    spell = ids_as_text if vocabulary is None else vocabulary.words
    tokens = spell(values[:, 0]) if values.ndim == 2 else ()
    return InputSequence(values, name, tokens, spell=spell)


def _name(path: str) -> str:
    return "standard input" if path == STANDARD_INPUT else printable(Path(path).name, NAME_LENGTH)


def _is_text(path: str) -> bool:
    return not path.lower().endswith((".npy", ".npz"))


def _read(path: str) -> npt.NDArray[Any]:
    return _standard_input() if path == STANDARD_INPUT else _read_file(path)


def _standard_input() -> npt.NDArray[Any]:
    if sys.stdin is None:
        raise UnreadableError("it is closed")
    raw = sys.stdin.buffer.read(MOST_ARRAY_BYTES + 1)
    if len(raw) > MOST_ARRAY_BYTES:
        raise UnreadableError(f"expected at most {MOST_ARRAY_BYTES >> 30} GiB, got more")
    if not raw:
        raise UnreadableError("there was nothing to read")
    return read_words(BytesIO(raw), names=True)


def _read_file(path: str) -> npt.NDArray[Any]:
    with opened(path) as file:
        return _READERS[check_ending(path, tuple(_READERS))](file)


def _read_one_array(file: Any) -> npt.NDArray[Any]:
    arrays = read_npz(file, needed=("x",))
    if "x" in arrays:
        return arrays["x"]
    if len(arrays) != 1:
        names = printable(", ".join(arrays)) or "none"
        raise UnreadableError(f"expected one array, or one called x, got {names}")
    return next(iter(arrays.values()))


_READERS: dict[str, Callable[[Any], npt.NDArray[Any]]] = {
    ".npy": read_npy,
    ".npz": _read_one_array,
    ".csv": read_csv,
    ".jsonl": read_jsonl,
    ".txt": read_words,
}


def _fit(values: npt.NDArray[Any], features: int | None, is_text: bool) -> npt.NDArray[Any]:
    """`values` as (T, features) or (batch, T, features), or an error that says how to make it so."""
    shape = values.shape
    advice = "; each line is one timestep" if is_text else _advice(shape, features)
    if values.ndim == 1 and features in (None, 1):
        values = values[:, None]
    wanted = "one feature or more" if features is None else _count(features)
    if values.ndim not in (2, 3):
        raise UnreadableError(f"expected (T, features) with {wanted}, got shape {shape}{advice}")
    if not values.size and values.shape[-1]:
        raise UnreadableError(f"expected one timestep or more, got shape {shape}")
    if not values.shape[-1] or (features is not None and values.shape[-1] != features):
        raise UnreadableError(f"expected {wanted} per timestep, got {values.shape[-1]:,}: shape {shape}{advice}")
    return values


def _advice(shape: tuple[int, ...], features: int | None) -> str:
    """How to reshape an array `x` of this shape, where there is one way that suggests itself."""
    advice = ""
    match shape:
        case (length,) if features and length % features == 0:
            advice = f"x.reshape(-1, {features}) for {length // features:,} timesteps"
        case (length, _) if features == 1:
            advice = f"x.reshape(-1, 1) for one sequence, or x[:, :, None] for a batch of {length:,}"
        case (rows, columns) if rows == features:
            advice = f"x.T for {columns:,} timesteps"
        case (rows, columns) if features and columns and columns % features == 0:
            advice = f"x.reshape({rows}, -1, {features}) for a batch of {rows:,} sequences"
        case (_, rows, _) if rows == features:
            advice = "x.transpose(0, 2, 1)"
        case (_, _, _, _, *_):
            advice = "x.reshape(-1, *x.shape[-2:]) for one batch"
    return f"; use {advice}" if advice else ""


def _fit_tokens(values: npt.NDArray[Any], vocabulary_size: int, is_text: bool) -> npt.NDArray[Any]:
    """`values` as (T, 1) or (batch, T, 1), or an error that says how to make it so."""
    shape = values.shape
    if values.ndim == 3 and shape[-1] == 1:
        ids = values
    elif values.ndim == 1 or (values.ndim == 2 and shape[-1] == 1):
        ids = values.reshape(-1, 1)
    elif values.ndim == 2:
        ids = values.reshape(-1, 1) if is_text and len(values) == 1 else values[..., None]
    else:
        advice = "; use x.argmax(-1) if it is one-hot" if shape[-1:] == (vocabulary_size,) else ""
        raise UnreadableError(f"expected token ids, (T) or (batch, T), got shape {shape}{advice}")
    if not ids.size:
        raise UnreadableError(f"expected one timestep or more, got shape {shape}")
    return ids


def _check_ids(ids: npt.NDArray[Any], vocabulary_size: int) -> None:
    fits = (ids >= 0) & (ids < vocabulary_size)
    if ids.dtype.kind == "f":
        fits &= ids == np.trunc(ids)
    if not fits.all():
        found = np.unravel_index(int(np.argmin(fits)), fits.shape)
        *batch, t, _ = map(int, found)
        place = "".join(f"sequence {row + 1:,}, " for row in batch) + f"timestep {t + 1:,}"
        raise UnreadableError(f"expected token ids from 0 to {vocabulary_size - 1:,}, got {ids[found]} at {place}")


def _convert(values: npt.NDArray[Any], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """`values` in the layer's dtype: the same memory, mapped or not, where it is that already."""
    if values.dtype == dtype:
        return values
    if values.size * dtype.itemsize > MOST_ARRAY_BYTES:
        size = values.size * dtype.itemsize / 2**30
        raise UnreadableError(
            f"expected at most 1 GiB as {dtype}, got {size:,.1f} GiB; saved as {dtype} it would be mapped and not read"
        )
    with np.errstate(over="ignore"):  # a value too large for float32 becomes infinite, and is remarked on
        return values.astype(dtype)


def _remarks(name: str, values: Array, shaped: npt.NDArray[Any]) -> tuple[str, ...]:
    found = not_finite(values)
    if found is None:
        return ()
    *batch, t, feature = found.first
    place = "".join(f"sequence {row + 1}, " for row in batch) + f"timestep {t + 1}, feature {feature + 1}"
    too_large = f" ({shaped[found.first]} in the file, too large for {values.dtype})"
    return (f"{name}: {found.told(place)}{too_large if np.isfinite(shaped[found.first]) else ''}",)


def _count(features: int) -> str:
    return "1 feature" if features == 1 else f"{features:,} features"
