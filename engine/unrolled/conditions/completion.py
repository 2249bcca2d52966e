"""What a condition that is being typed can go on with."""

from typing import Any

from unrolled.conditions.grammar import Parser
from unrolled.conditions.scan import Kind, unfinished
from unrolled.errors import ConditionError
from unrolled.layer import RecurrentLayer


def complete(text: str, layer: RecurrentLayer[Any], tokens: bool = False) -> tuple[str, ...]:
    """The words that can stand at the end of `text`, or that its unfinished last word can become.

    A name that needs a number comes with its bracket. There are none where `text` is wrong before its end.

    Example:
        >>> complete("c[1] ch", unrolled.LSTM.initialize(units=3, features=1))
        ('changes',)
    """
    begun = unfinished(text)
    parser = Parser(text[: len(text) - len(begun)], layer, tokens)
    try:
        parser.condition()
    except ConditionError as error:
        if parser.word.kind is not Kind.END or error.position != parser.word.position:
            return ()
    return tuple(word for word in dict.fromkeys(parser.wanted) if word.startswith(begun) and word != begun)


def finish(text: str, word: str) -> str:
    """`text` with its unfinished last word replaced by `word`, one of those that `complete` gives."""
    return text[: len(text) - len(unfinished(text))] + word
