"""Sequences for a layer to read: the record of one, characters, and counting. Files are read by `reading`."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from unrolled.arrays import Array, read_only
from unrolled.errors import OptionError, SequenceFileError
from unrolled.text import printable

NAME_LENGTH = 60
"""Characters of a name that are shown."""

MOST_BYTES = 1 << 30
"""The most that the numbers made from a text may take."""


Spell: TypeAlias = Callable[[npt.NDArray[Any]], tuple[str, ...]]
"""Takes the token ids of a sequence, shape (T,), and gives what each stands for."""


@dataclass(frozen=True, eq=False, slots=True)
class InputSequence:
    """What a layer reads.

    Attributes:
        values: The numbers, shape (T, features) or, for a batch, (batch, T, features): Keras's order. Token ids are
            integers, (T, 1) or (batch, T, 1).
        name: Where they are from, printable.
        tokens: What each timestep stands for, if anything: a character or a word, as it came. A batch has none, as
            each of its sequences has its own: see `row`.
        remarks: What is unusual about the numbers, one sentence each.
        spell: What gives the tokens of a sequence of a batch, if its values are token ids.
        labels: The tokens, printable.
    """

    values: npt.NDArray[Any]
    name: str
    tokens: str | tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    spell: Spell | None = None
    labels: tuple[str, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Makes the labels, once."""
        shown = {token: printable(token) for token in set(self.tokens)}
        object.__setattr__(self, "labels", tuple(map(shown.__getitem__, self.tokens)))

    @property
    def rows(self) -> int | None:
        """How many sequences a batch has; None for a sequence by itself."""
        return len(self.values) if self.values.ndim > 2 else None

    def row(self, row: int) -> Self:
        """Sequence `row` of a batch, from 0, with its own tokens. A sequence by itself is its own row 0.

        Raises:
            OptionError: If there is no such row.
        """
        if not 0 <= row < (self.rows or 1):
            raise OptionError(f"row: expected 0 to {(self.rows or 1) - 1:,} of {self.name}, got {row:,}")
        if self.rows is None:
            return self
        values, name = self.values[row], f"{self.name}, sequence {row + 1:,} of {self.rows:,}"
        tokens = () if self.spell is None else self.spell(values[:, 0])
        return type(self)(values, name, tokens, self.remarks)


def one_hot(text: str, dtype: npt.DTypeLike = np.float64) -> InputSequence:
    """Characters as a sequence: feature j is 1 where the character is the j-th of the distinct ones, sorted.

    Raises:
        SequenceFileError: If there is no character, or so many that the numbers need more than 1 GiB.
    """
    if not text:
        raise SequenceFileError("text: expected one character or more, got none")
    distinct, indices = np.unique(np.array(list(text)), return_inverse=True)
    return InputSequence(one_hot_of(indices, len(distinct), dtype), f'"{printable(text, NAME_LENGTH)}"', text)


def one_hot_of(indices: npt.NDArray[np.intp], features: int, dtype: npt.DTypeLike) -> Array:
    """Shape (T, features): 1 at the index of each timestep, and 0 elsewhere.

    Raises:
        SequenceFileError: If that needs more than 1 GiB.
    """
    size = len(indices) * features * np.dtype(dtype).itemsize
    if size > MOST_BYTES:
        raise SequenceFileError(f"text: expected numbers of at most 1 GiB, got {size / 2**30:,.1f} GiB")
    values = np.zeros((len(indices), features), dtype)
    values[np.arange(len(indices)), indices] = 1
    return read_only(values)


def ids_as_text(ids: npt.NDArray[Any]) -> tuple[str, ...]:
    """What token ids are called where there is no vocabulary."""
    return spelled(ids, str)


def spelled(ids: npt.NDArray[Any], word: Callable[[int], str]) -> tuple[str, ...]:
    """The word of each id, shape (T,). A word is held once, however often it is there."""
    distinct, places = np.unique(ids, return_inverse=True)
    words = np.array([word(number) for number in distinct.tolist()], object)
    return tuple(words[places].tolist())


def counting(features: int, dtype: npt.DTypeLike = np.float64) -> InputSequence:
    """The built-in example: 1, 2, 3, 4; with more features it counts to 4 in as many smaller steps.

    Example:
        >>> counting(2).values.tolist()
        [[0.5, 1.0], [1.5, 2.0], [2.5, 3.0], [3.5, 4.0]]

    Raises:
        OptionError: If there would be no feature.
    """
    if features < 1:
        raise OptionError(f"features: expected 1 or more, got {features:,}")
    values = (np.arange(1, 4 * features + 1) / features).reshape(4, features)
    name = "1, 2, 3, 4" if features == 1 else f"counting to 4 in steps of 1/{features}"
    return InputSequence(read_only(values.astype(dtype)), name)
