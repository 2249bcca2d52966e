"""Sequences for a layer to read: the record of one, characters, and counting. Files are read by `reading`."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from unrolled.arrays import Array, read_only
from unrolled.errors import OptionError, SequenceFileError
from unrolled.text import printable

NAME_LENGTH = 60
"""Characters of a name that are shown."""

MOST_BYTES = 1 << 30
"""The most that the numbers made from a text may take."""


@dataclass(frozen=True, eq=False, slots=True)
class InputSequence:
    """What a layer reads.

    Attributes:
        values: The numbers, shape (T, features) or, for a batch, (batch, T, features): Keras's order.
        name: Where they are from, printable.
        tokens: What each timestep stands for, if anything: a character or a word, as it came.
        remarks: What is unusual about the numbers, one sentence each.
        labels: The tokens, printable.
    """

    values: Array
    name: str
    tokens: str | tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    labels: tuple[str, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Makes the labels, once."""
        shown = {token: printable(token) for token in set(self.tokens)}
        object.__setattr__(self, "labels", tuple(shown[token] for token in self.tokens))


def one_hot(text: str, dtype: npt.DTypeLike = np.float64) -> InputSequence:
    """Characters as a sequence: feature j is 1 where the character is the j-th of the distinct ones, sorted.

    Raises:
        SequenceFileError: If there is no character, or so many that the numbers need more than 1 GiB.
    """
    vocabulary, indices = np.unique(np.array(list(text)), return_inverse=True)
    size = len(indices) * len(vocabulary) * np.dtype(dtype).itemsize
    if not text:
        raise SequenceFileError("text: expected one character or more, got none")
    if size > MOST_BYTES:
        raise SequenceFileError(f"text: expected numbers of at most 1 GiB, got {size / 2**30:,.1f} GiB")
    values = np.zeros((len(indices), len(vocabulary)), dtype)
    values[np.arange(len(indices)), indices] = 1
    return InputSequence(read_only(values), f'"{printable(text, NAME_LENGTH)}"', text)


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
