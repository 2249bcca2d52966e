"""From what the command line asks for to the sequence that a layer or a model reads."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

import unrolled
from unrolled import InputSequence, SequenceFileError
from unrolled.sequences import counting, one_hot
from unrolled_tui.commands.request import Request

if TYPE_CHECKING:
    from unrolled.stretch import Stretch
    from unrolled.vocabulary import Vocabulary

_COUNT = 8
"""So many token ids are read where nothing is given."""


def sequence_for(request: Request, features: int | None, dtype: npt.DTypeLike) -> InputSequence:
    """The numbers that a layer of so many features reads; None takes as many as there are.

    Raises:
        UnrolledError: If a file cannot be read, or what is in it does not fit.
    """
    if request.input is not None:
        return unrolled.read_sequence(request.input, features, dtype)
    if request.text is None:
        return counting(1 if features is None else features, dtype)
    vocabulary = _vocabulary(request)
    sequence = one_hot(request.text, dtype) if vocabulary is None else vocabulary.one_hot(request.text, dtype)
    distinct = sequence.values.shape[-1]
    if features not in (None, distinct):
        what = "distinct characters" if vocabulary is None else f"tokens in {vocabulary.name}"
        raise SequenceFileError(
            f"--text: expected {features:,} {what}, one for each feature of the layer, got {distinct:,}"
        )
    return sequence


def sequence_of(request: Request, stretch: "Stretch", dtype: np.dtype[Any]) -> InputSequence:
    """What a model, or a part of it, reads: numbers, or token ids where it begins with an Embedding.

    Raises:
        UnrolledError: If a file cannot be read, or what is in it does not fit.
    """
    sequence = _sequence_of(request, stretch, dtype)
    if request.input is None and request.text is None:
        return replace(sequence, remarks=(f"no --input is given: the model reads {sequence.name}",))
    return sequence


def _sequence_of(request: Request, stretch: "Stretch", dtype: np.dtype[Any]) -> InputSequence:
    embedding = stretch.embedding
    if embedding is None:
        return sequence_for(request, stretch.features, dtype)
    from unrolled.reading import read_tokens  # noqa: PLC0415  # few models have tokens

    size, vocabulary = len(embedding.table), _vocabulary(request)
    if request.input is not None:
        return read_tokens(request.input, size, vocabulary)
    if request.text is not None:
        if vocabulary is None:
            raise SequenceFileError(
                f"--text: expected --vocab FILE with the id of each character beside it, as {embedding.name} reads "
                f"token ids from 0 to {size - 1:,}, got none"
            )
        return vocabulary.encode(request.text, size)
    first = 1 if size > 1 else 0  # 0 often is padding
    ids = np.arange(first, min(size, first + _COUNT))
    words = tuple(map(str, ids)) if vocabulary is None else vocabulary.words(ids)
    return InputSequence(ids[:, None], f"token ids {first} to {ids[-1]}", words)


def classes_of(request: Request, stretch: "Stretch") -> tuple[str, ...]:
    """What a model's outputs are called: its tokens, if it has as many of both, else nothing is known."""
    from unrolled.network import Dense  # noqa: PLC0415  # only models have them

    vocabulary, last = _vocabulary(request), stretch.layers[-1]
    if vocabulary is None or not isinstance(last, Dense):
        return ()
    outputs = last.kernel.shape[1]
    inputs = stretch.features if stretch.embedding is None else len(stretch.embedding.table)
    return vocabulary.words(range(outputs)) if outputs == inputs else ()


def _vocabulary(request: Request) -> "Vocabulary | None":
    if request.vocab is None:
        return None
    from unrolled.vocabulary import read_vocabulary  # noqa: PLC0415  # few models have tokens

    return read_vocabulary(request.vocab)
