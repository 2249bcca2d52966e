"""The words that a condition in the making can go on with."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.engine.layers import random_layer

from unrolled.conditions import complete, finish, parse
from unrolled.errors import ConditionError

LAYER = random_layer(3, 2)
NAMES = ("x", "h", "c", "i", "f", "g", "o", "z_i", "z_f", "z_g", "z_o")
BEGIN = ("not", "any", "all", "abs", "(", "-", *(f"{name}[" for name in NAMES), "t")
NUMBER = BEGIN[3:]
COMPARE = ("<", "<=", ">", ">=", "==", "!=", "changes", "+", "-", "*")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", BEGIN),
        ("a", ("any", "all", "abs")),
        ("ab", ("abs",)),
        ("z", ("z_i[", "z_f[", "z_g[", "z_o[")),
        ("f", ("f[",)),
        ("f ", ("[",)),
        ("f[", ("1", "2", "3")),
        ("x[", ("1", "2")),
        ("f[2", ("]",)),
        ("f[2]", COMPARE),
        ("f[2] c", ("changes",)),
        ("f[2] changes ", ("sign", "and", "or")),
        ("f[2] changes s", ("sign",)),
        ("f[2] < ", NUMBER),
        ("1 + (f[2]", ("+", "-", "*", ")")),
        ("f[2] < 0.1 a", ("and",)),
        ("f[2] < 0.1 and no", ("not",)),
        ("(f[2] < 0.1 ", ("+", "-", "*", "<", "<=", ">", ">=", "==", "!=", "and", "or", ")")),
        ("(f[2] changes sign ", ("and", "or", ")")),
        ("(f[2]", (*COMPARE, ")")),
        ("any ", (*BEGIN[:6], *NAMES, "t")),
        ("any z_", ("z_i", "z_f", "z_g", "z_o")),
        ("any f < 0.1 and z_f", ("z_f[",)),
        ("abs", ()),
        ("abs ", ("(",)),
        ("t", ()),
        ("tok", ()),
        ("f[9] < ", ()),
        ("q < a", ()),
        ("f[1] < (f[1] > 2) ", ()),
        ("token == ", ()),
        ("'an", ()),
        ("1e", ()),
        ("a" * 501, ()),
        (" " * 499 + "fa", ()),
    ],
)
def test_words_that_can_come_next(text: str, words: tuple[str, ...]) -> None:
    assert {*complete(text, LAYER)} == {*words}
    assert len(complete(text, LAYER)) == len(words)


def test_tokens_are_named_where_there_are_some() -> None:
    assert complete("to", LAYER, tokens=True) == ("token",)
    assert complete("token ", LAYER, tokens=True) == ("==", "!=", "changes")
    assert complete("token ==", LAYER, tokens=True)[-1] == "token"


def test_a_single_unit_needs_no_bracket() -> None:
    layer = random_layer(1, 1)
    assert complete("z_", layer) == ("z_i", "z_f", "z_g", "z_o")
    assert complete("f ", layer)[0] == "["


@pytest.mark.parametrize(
    ("text", "word", "whole"),
    [("f[2] ch", "changes", "f[2] changes"), ("f[2] ", "<", "f[2] <"), ("", "any", "any"), ("z", "z_i[", "z_i[")],
)
def test_the_unfinished_word_is_replaced(text: str, word: str, whole: str) -> None:
    assert finish(text, word) == whole


def problem(text: str, tokens: bool) -> ConditionError | None:
    try:
        parse(text, LAYER, tokens)
    except ConditionError as error:
        return error
    return None


@given(st.lists(st.integers(0, 30), max_size=25), st.booleans())
def test_following_the_words_is_never_wrong_before_the_end(choices: list[int], tokens: bool) -> None:
    """Whatever is chosen of the words, what comes of it is a condition, or lacks something at its very end.

    Two rules are about what is not there: units beside features, and `any` without a name for all units.
    """
    text = ""
    for choice in choices:
        words = complete(text, LAYER, tokens)
        if not words:
            break
        text = f"{finish(text, words[choice % len(words)])} "
        error = problem(text, tokens)
        if error is None or error.position == len(text):
            continue
        assert "expected each" in error.reason or "a name without a number" in error.reason, text
        return


@given(st.text(max_size=50))
def test_any_text_can_be_asked_about(text: str) -> None:
    for word in complete(text, LAYER):
        assert finish(text, word).endswith(word)
