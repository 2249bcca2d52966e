"""Vocabularies: which token, a character or a word, has which id in a model."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from unrolled.arrays import read_only
from unrolled.errors import SequenceFileError
from unrolled.files import UnreadableError, naming, opened
from unrolled.formats.strict_json import MOST_BYTES, kind_of_value, parse
from unrolled.sequences import NAME_LENGTH, InputSequence, one_hot_of, spelled
from unrolled.text import printable

LARGEST_ID = 2**31 - 1
"""No model has a larger one: its table would have as many rows."""

_SHOWN = 40


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """The tokens of a model by their ids.

    Attributes:
        name: Where it is from, printable.
        ids: The id of each token. Some ids may have none, such as 0 where that is padding.
    """

    name: str
    ids: Mapping[str, int]

    @cached_property
    def size(self) -> int:
        """One more than the largest id: as many rows as an Embedding needs, or features a one-hot timestep has."""
        return max(self.ids.values()) + 1

    @cached_property
    def has_characters(self) -> bool:
        """Whether a text can be told in it, as one of its tokens at least is a single character."""
        return any(len(token) == 1 for token in self.ids)

    def words(self, ids: Sequence[int] | npt.NDArray[Any]) -> tuple[str, ...]:
        """The token of each id, or the id itself, as text, where it has none or an empty one."""
        known = self._tokens
        return spelled(np.asarray(ids, np.intp), lambda number: known.get(number) or str(number))

    def encode(self, text: str, size: int | None = None) -> InputSequence:
        """The id of each character of `text`, shape (T, 1), for a model that begins with an Embedding.

        Args:
            text: The characters.
            size: How many ids the model knows, if any is to be checked against that.

        Raises:
            SequenceFileError: If there is no character, or one that has no id, or one that the model does not know.
        """
        ids = self._look_up(text)
        if size is not None and ids.max() >= size:
            place = int((ids >= size).argmax())
            raise SequenceFileError(
                f"text: character {place + 1:,}: expected an id from 0 to {size - 1:,}, as many as the model has, got "
                f"{_quoted(text[place])} with id {ids[place]:,} in {self.name}"
            )
        return InputSequence(read_only(ids[:, None]), _title(text), text)

    def one_hot(self, text: str, dtype: npt.DTypeLike = np.float64) -> InputSequence:
        """Characters one-hot: at each timestep the feature of the character's id is 1, shape (T, size).

        Raises:
            SequenceFileError: If there is no character, or one that has no id, or the numbers need more than 1 GiB.
        """
        return InputSequence(one_hot_of(self._look_up(text), self.size, dtype), _title(text), text)

    def _look_up(self, text: str) -> npt.NDArray[Any]:
        if not text:
            raise SequenceFileError("text: expected one character or more, got none")
        try:
            return np.array([self.ids[character] for character in text], np.intp)
        except KeyError as problem:
            self._refuse(text, problem.args[0])

    def _refuse(self, text: str, character: str) -> NoReturn:
        place = f"text: character {text.index(character) + 1:,}"
        kind = "" if self.has_characters else ", which has words of several characters only"
        raise SequenceFileError(f"{place}: expected a character of {self.name}{kind}, got {_quoted(character)}")

    @cached_property
    def _tokens(self) -> dict[int, str]:
        return {number: token for token, number in self.ids.items()}


def read_vocabulary(path: str | os.PathLike[str]) -> Vocabulary:
    """The vocabulary in a JSON file: a list of tokens, whose places are their ids, or an object of ids by token.

    Raises:
        SequenceFileError: If the file cannot be read or is none. The message says why.
    """
    where = os.fspath(path)
    with naming(where, SequenceFileError):
        with opened(where) as file:
            found = parse(file.read(MOST_BYTES + 1), "the vocabulary")
        match found:
            case list():
                ids = _ids_of_list(found)
            case dict():
                ids = _ids_of_object(found)
            case _:
                raise UnreadableError(f"expected a JSON list or object, got {kind_of_value(found)}")
        if not ids:
            raise UnreadableError("expected one token or more, got none")
    return Vocabulary(printable(Path(where).name, NAME_LENGTH), MappingProxyType(ids))


def _ids_of_list(tokens: list[Any]) -> dict[str, int]:
    ids: dict[str, int] = {}
    for place, token in enumerate(tokens):
        if not isinstance(token, str):
            raise UnreadableError(f"item {place + 1:,}: expected a text, got {kind_of_value(token)}")
        if token in ids:
            raise UnreadableError(f"item {place + 1:,}: expected each token once, got {_quoted(token)} again")
        ids[token] = place
    return ids


def _ids_of_object(found: dict[str, Any]) -> dict[str, int]:
    owners: dict[int, str] = {}
    for token, number in found.items():
        if isinstance(number, bool) or not isinstance(number, int):
            got = printable(repr(number), _SHOWN) if isinstance(number, bool | float) else kind_of_value(number)
            raise UnreadableError(f"{_quoted(token)}: expected a whole number as its id, got {got}")
        if not 0 <= number <= LARGEST_ID:
            raise UnreadableError(f"{_quoted(token)}: expected an id from 0 to {LARGEST_ID:,}, got {number:,}")
        if number in owners:
            raise UnreadableError(
                f"{_quoted(token)}: expected an id of its own, got {number:,}, which {_quoted(owners[number])} has"
            )
        owners[number] = token
    return found


def _quoted(token: str) -> str:
    return f'"{printable(token, _SHOWN)}"'


def _title(text: str) -> str:
    return f'"{printable(text, NAME_LENGTH)}"'
