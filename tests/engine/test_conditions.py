"""Conditions: what they mean, each against plain Python over single steps, and what is said of text that is none."""

import math
import time
from collections.abc import Callable
from copy import copy
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.engine.layers import random_layer

import unrolled
from unrolled import LSTM, LSTMStep, Run
from unrolled.conditions import Condition, parse, within
from unrolled.errors import ConditionError

LAYER = random_layer(3, 2, seed=4)
TEXT = "f(a, (b))\n'x" * 12
TOKENS = unrolled.sequences.one_hot(TEXT).labels
SEQUENCE = np.round(3 * np.random.default_rng(0).standard_normal((len(TEXT), 2)), 1)
SEQUENCE[7] = SEQUENCE[6]
STEPS = list(LAYER.unroll(SEQUENCE))

Test = Callable[[LSTMStep, LSTMStep | None], Any]
"""What a condition means for a step and the one before, None at the first."""

MEANINGS: dict[str, Test] = {
    "f[2] < 0.4": lambda s, _: s.f[1] < 0.4,
    "f[2]<.4": lambda s, _: s.f[1] < 0.4,
    " f [ 2 ]  <\t4e-1 ": lambda s, _: s.f[1] < 0.4,
    "abs(c[1]) > 0.3": lambda s, _: abs(s.c[0]) > 0.3,
    "h[3] > h[1]": lambda s, _: s.h[2] > s.h[0],
    "h[3] <= h[1]": lambda s, _: s.h[2] <= s.h[0],
    "x[1] == 1.1": lambda s, _: s.x[0] == 1.1,
    "x[2] != 1.1": lambda s, _: s.x[1] != 1.1,
    "x[1] >= -0.1": lambda s, _: s.x[0] >= -0.1,
    "x[1] == -x[2]": lambda s, _: s.x[0] == -s.x[1],
    "t == 4": lambda s, _: s.t == 3,
    "t > 100": lambda s, _: s.t > 99,
    "3 <= t < 7": lambda s, _: s.t in range(2, 6),
    "0.1 < f[2] < f[1] <= 0.9": lambda s, _: 0.1 < s.f[1] < s.f[0] <= 0.9,
    "f[1] < f[2] == f[2]": lambda s, _: s.f[0] < s.f[1],
    "z_i[1] > 0": lambda s, _: s.z[0, 0] > 0,
    "z_f[2] > 0": lambda s, _: s.z[1, 1] > 0,
    "z_g[3] > 0": lambda s, _: s.z[2, 2] > 0,
    "z_o[3] < -0.5": lambda s, _: s.z[3, 2] < -0.5,
    "i[1] * g[1] + f[1] * 2 - 1 > 0.1": lambda s, _: s.i[0] * s.g[0] + s.f[0] * 2 - 1 > 0.1,
    "1 - 2 - x[1] > 0": lambda s, _: 1 - 2 - s.x[0] > 0,
    "1 - (2 - x[1]) > 0": lambda s, _: 1 - (2 - s.x[0]) > 0,
    "2 * -x[1] + 1 > --x[2]": lambda s, _: 2 * -s.x[0] + 1 > s.x[1],
    "-x[1] * 2 < 1": lambda s, _: -s.x[0] * 2 < 1,
    "abs(x[1] - abs(-2)) < 1": lambda s, _: abs(s.x[0] - 2) < 1,
    "not o[1] < 0.5": lambda s, _: not s.o[0] < 0.5,
    "not not o[1] < 0.5": lambda s, _: s.o[0] < 0.5,
    "not o[1] < 0.5 and h[1] > 0": lambda s, _: (not s.o[0] < 0.5) and s.h[0] > 0,
    "not (o[1] < 0.5 and h[1] > 0)": lambda s, _: not (s.o[0] < 0.5 and s.h[0] > 0),
    "t < 9 or c[1] > 0 and h[2] > 0": lambda s, _: s.t < 8 or (s.c[0] > 0 and s.h[1] > 0),
    "(t < 9 or c[1] > 0) and h[2] > 0": lambda s, _: (s.t < 8 or s.c[0] > 0) and s.h[1] > 0,
    "c[1] > 0 and h[2] > 0 or t < 9": lambda s, _: s.t < 8 or (s.c[0] > 0 and s.h[1] > 0),
    "any f < 0.3": lambda s, _: any(value < 0.3 for value in s.f),
    "all f < 0.7": lambda s, _: all(value < 0.7 for value in s.f),
    "any 0.2 < f < 0.25": lambda s, _: any(0.2 < value < 0.25 for value in s.f),
    "any f < i": lambda s, _: any(f < i for f, i in zip(s.f, s.i, strict=True)),
    "all abs(h) < abs(h[1]) + 0.1": lambda s, _: all(abs(value) < abs(s.h[0]) + 0.1 for value in s.h),
    "any (f < 0.4 and h > 0)": lambda s, _: any(f < 0.4 and h > 0 for f, h in zip(s.f, s.h, strict=True)),
    "any f < 0.4 and h[1] > 0": lambda s, _: any(f < 0.4 for f in s.f) and s.h[0] > 0,
    "not any f < 0.4": lambda s, _: not any(f < 0.4 for f in s.f),
    "any not f < 0.4": lambda s, _: any(not f < 0.4 for f in s.f),
    "any x == 1.1 or all z_g > 0": lambda s, _: 1.1 in s.x or all(value > 0 for value in s.z[2]),
    "all (h > 0 or any x > 3)": lambda s, _: all(h > 0 or any(x > 3 for x in s.x) for h in s.h),
    "c[2] changes sign": lambda s, b: b is not None and (s.c[1] < 0) != (b.c[1] < 0),
    "h[1] - h[2] changes sign": lambda s, b: b is not None and (s.h[0] < s.h[1]) != (b.h[0] < b.h[1]),
    "any h changes sign": lambda s, b: b is not None and any((s.h[k] < 0) != (b.h[k] < 0) for k in range(3)),
    "all h changes sign": lambda s, b: b is not None and all((s.h[k] < 0) != (b.h[k] < 0) for k in range(3)),
    "x[2] changes": lambda s, b: b is not None and s.x[1] != b.x[1],
    "not x[2] changes": lambda s, b: b is None or s.x[1] == b.x[1],
    "1 changes or 1 changes sign or 'a' changes": lambda _s, _b: False,
    'token == "("': lambda s, _: TEXT[s.t] == "(",
    "token != '('": lambda s, _: TEXT[s.t] != "(",
    "'(' == token or token == ')'": lambda s, _: TEXT[s.t] in "()",
    '''token == "'"''': lambda s, _: TEXT[s.t] == "'",
    r"token == '\n'": lambda s, _: TEXT[s.t] == "\n",
    "token == '\n'": lambda s, _: TEXT[s.t] == "\n",
    "token == ''": lambda _s, _b: False,
    "token changes": lambda s, b: b is not None and TEXT[s.t] != TEXT[b.t],
    "token == '(' and f[1] > 0.5": lambda s, _: TEXT[s.t] == "(" and s.f[0] > 0.5,
    "1 < 2": lambda _s, _b: True,
    "2 * 3 - 1 != abs(-5)": lambda _s, _b: False,
    "c[1] < 1e999": lambda _s, _b: True,
    "not c[1] > 1e300 * 1e300 - 1e300 * 1e300": lambda _s, _b: True,
}


def brute(steps: list[Any], test: Test) -> list[bool]:
    return [bool(test(step, steps[step.t - 1] if step.t else None)) for step in steps]


@pytest.mark.parametrize("text", MEANINGS)
def test_a_condition_is_what_python_says_of_each_step(text: str) -> None:
    condition = parse(text, LAYER, tokens=True)
    expected = brute(STEPS, MEANINGS[text])
    answers = condition.test([LAYER.trace(SEQUENCE)], TOKENS)
    assert answers.dtype == np.bool_
    assert answers.tolist() == expected
    assert within(condition, Run(LAYER, SEQUENCE), TOKENS, 0, len(STEPS)).tolist() == expected
    assert within(condition, Run(LAYER, SEQUENCE), TOKENS, 5, 90).tolist() == expected[5:90]
    assert condition.text == text
    assert condition == parse(text, LAYER, tokens=True)


def test_the_table_tells_steps_apart() -> None:
    always_the_same = [text for text, test in MEANINGS.items() if len({*brute(STEPS, test)}) == 1]
    assert len(always_the_same) <= 6, always_the_same


def test_a_window_is_tested_as_a_whole() -> None:
    trace = LAYER.trace(SEQUENCE)
    condition = parse("x[2] changes or h[1] changes sign or t == 40", LAYER)
    parts = [trace.part(rows) for rows in (slice(0, 30), slice(30, 31), slice(31, 90), slice(90, len(TEXT)))]
    assert np.array_equal(condition.test(parts), condition.test([trace]))
    assert condition.test(parts[2:])[1:].tolist() == condition.test([trace])[32:].tolist()
    assert not condition.test(parts[1:2]).any()
    assert condition.test([]).tolist() == []


def test_which_conditions_look_back() -> None:
    assert [parse(text, LAYER, True).before for text in ("f[1] < 1", "f[1] changes", "any c changes sign")] == [0, 1, 1]
    assert parse("t < 3 and (t > 2 or token changes)", LAYER, True).before == 1


def test_a_layer_of_one_unit_and_feature_needs_no_numbers() -> None:
    layer = random_layer(1, 1)
    xs = np.linspace(-2, 2, 20)[:, None]
    trace = layer.trace(xs)
    for text in ("f < 0.5 and x > z_i", "f[1] < 0.5 and x[1] > z_i[1]", "any f < 0.5 and all x > z_i[1]"):
        expected = (trace.f < 0.5) & (trace.x > trace.z[:, 0])
        assert parse(text, layer).test([trace]).tolist() == expected[:, 0].tolist()
    assert 0 < expected.sum() < 20
    one_feature = random_layer(3, 1)
    trace = one_feature.trace(xs)
    assert parse("any h > x", one_feature).test([trace]).tolist() == (trace.h > trace.x).any(axis=1).tolist()


def test_numbers_are_those_of_the_layers_precision() -> None:
    layer = random_layer(2, 1, np.float32)
    xs = np.array([[0.1], [0.2], [0.3], [-0.1]], np.float32)
    trace = layer.trace(xs)
    for text, expected in (
        ("x[1] == 0.1", [True, False, False, False]),
        ("x[1] == -0.1", [False, False, False, True]),
        ("x[1] == 0.1 + 0.2", [False, False, True, False]),
        ("x[1] == abs(-0.2)", [False, True, False, False]),
        ("x[1] < 1e300", [True] * 4),
    ):
        assert parse(text, layer).test([trace]).tolist() == expected, text


def test_what_is_not_a_number_compares_with_nothing() -> None:
    xs = np.array([[1.0, 1.0], [np.nan, 1.0], [2.0, 1.0], [np.inf, 1.0], [-np.inf, 1.0]])
    trace = LAYER.trace(xs)
    never = ("x[1] < 9", "x[1] > 9", "x[1] == x[1]", "x[1] != 9", "x[1] != x[1]", "9 >= x[1]", "h[1] <= 2")
    for text in (*never, "any h != 9", "x[1] changes", "x[1] changes sign", "x[1] - x[1] == 0", "all h < 9"):
        assert not parse(text, LAYER).test([trace])[1], text
    assert parse("not x[1] < 9", LAYER).test([trace]).tolist() == [False, True, False, True, False]
    assert parse("x[1] changes", LAYER).test([trace]).tolist() == [False, False, False, True, True]
    assert parse("x[1] - x[1] == 0", LAYER).test([trace]).tolist() == [True, False, True, False, False]


def test_the_sign_of_zero() -> None:
    layer = random_layer(1, 1)
    xs = np.array([1.0, 0.0, -0.0, 2.0, -1.0, 0.0, -3.0, -3.0, 4.0])[:, None]
    changes = parse("x changes sign", layer).test([layer.trace(xs)])
    assert np.flatnonzero(changes).tolist() == [4, 5, 6, 8]


EXPECTED_OPERAND = "a number, a name (x h c i f g o z_i z_f z_g z_o t), abs, not, any, all or ("
EXPECTED_NUMBER = "a number, a name (x h c i f g o z_i z_f z_g z_o t), abs or ("
EXPECTED_COMPARISON = "< <= > >= == != or changes"


@pytest.mark.parametrize(
    ("text", "position", "expected", "got"),
    [
        ("", 0, EXPECTED_OPERAND, "the end"),
        ("   ", 3, EXPECTED_OPERAND, "the end"),
        ("f[4] < 0.1", 2, "the number of a unit from 1 to 3", "4"),
        ("f[0] < 0.1", 2, "the number of a unit from 1 to 3", "0"),
        ("f[-1] < 0.1", 2, "the number of a unit from 1 to 3", "-"),
        ("f[1.0] < 0.1", 2, "the number of a unit from 1 to 3", "1.0"),
        ("f[1e0] < 0.1", 2, "the number of a unit from 1 to 3", "1e0"),
        ("f[٣] < 0.1", 2, "the number of a unit from 1 to 3", "٣"),
        ("f[c[1]] < 0.1", 2, "the number of a unit from 1 to 3", "c"),
        ("f[", 2, "the number of a unit from 1 to 3", "the end"),
        ("x[3] == 1", 2, "the number of a feature from 1 to 2", "3"),
        ("f[1 < 2", 4, "]", "<"),
        ("f < 0.1", 2, "[1] to [3] after f, or any or all before it", "<"),
        ("x < 0.1", 2, "[1] to [2] after x, or any or all before it", "<"),
        ("any f < 0.1 and f < 0.2", 18, "[1] to [3] after f, or any or all before it", "<"),
        ("any f[1] < 0.1", 4, "a name without a number after any, such as h", "none"),
        ("all any f < 0.1", 4, "a name without a number after all, such as h", "none"),
        ("any f < x", 8, "each unit, as f has, or a number", "each feature"),
        ("any f < (x + 1)", 8, "each unit, as f has, or a number", "each feature"),
        ("any f < 1 < x", 8, "each unit, as f has, or a number", "each feature"),
        ("any (x < 1 or h < 1)", 14, "each feature, as x has, or a number", "each unit"),
        ("q[1] < 0.1", 0, EXPECTED_OPERAND, "q"),
        ("F[1] < 0.1", 0, EXPECTED_OPERAND, "F"),
        ("h_previous[1] < 0.1", 0, EXPECTED_OPERAND, "h_previous"),
        ("f[1] = 0.1", 5, EXPECTED_COMPARISON, "="),
        ("f[1] 0.1", 5, EXPECTED_COMPARISON, "0.1"),
        ("f[1]", 4, EXPECTED_COMPARISON, "the end"),
        ("f[1] and f[2] < 1", 5, EXPECTED_COMPARISON, "and"),
        ("not f[1]", 8, EXPECTED_COMPARISON, "the end"),
        ("f[1] / 2 < 1", 5, EXPECTED_COMPARISON, "/"),
        ("t[1] < 2", 1, EXPECTED_COMPARISON, "["),
        ("f[1] <", 6, EXPECTED_NUMBER, "the end"),
        ("f[1] < 1 <", 10, EXPECTED_NUMBER, "the end"),
        ("f[1] < = 2", 7, EXPECTED_NUMBER, "="),
        ("f[1] < + 2", 7, EXPECTED_NUMBER, "+"),
        ("f[1] < 1 f[2] < 1", 9, "and, or or the end", "f"),
        ("f[1] < 1)", 8, "and, or or the end", ")"),
        ("f[1] < 0.2.3", 10, "and, or or the end", ".3"),
        ("f[1] < 1,000", 8, "and, or or the end", ","),
        ("f[1] changes sign sign", 18, "and, or or the end", "sign"),
        ("f[1] < 2 changes", 9, "and, or or the end", "changes"),
        ("(f[1] < 2", 9, "and, or or )", "the end"),
        ("(f[1] + 2", 9, ")", "the end"),
        ("abs f[1] < 2", 4, "(", "f"),
        ("abs(f[1] < 2) < 1", 9, ")", "<"),
        ("1 + (f[1] < 2) < 1", 10, ")", "<"),
        ("f[1] < not f[2] < 1", 7, EXPECTED_NUMBER, "not"),
        ("-(f[1] < 2)", 7, ")", "<"),
        ("f[1] == '('", 8, EXPECTED_NUMBER, "'('"),
        ("(f[1] < 2) < 1", 11, "and, or or the end", "<"),
        ("'a' == f[1]", 7, "a text in quotes", "f"),
        ("'a' == token", 7, "a sequence that has tokens, such as --text gives", "one of numbers"),
        ("'abc", 0, "' at the end of the text in quotes", "the end"),
        ('f[1] < 1 "', 9, "and, or or the end", '"'),
        ("token == '('", 0, "a sequence that has tokens, such as --text gives", "one of numbers"),
        ("f[1] < 1; import os", 8, "and, or or the end", ";"),
        ("__import__('os')", 0, EXPECTED_OPERAND, "__import__"),
        ("f[1].real < 1", 4, EXPECTED_COMPARISON, "."),
        ("f[1] ** 2 < 1", 6, EXPECTED_NUMBER, "*"),
        ("\x1b[2J < 1", 0, EXPECTED_OPERAND, r"\x1b"),
        ("(" * 500, 32, "at most 32 parentheses, signs and words inside each other", "more"),
        ("not " * 100, 128, "at most 32 parentheses, signs and words inside each other", "more"),
        ("-" * 400, 32, "at most 32 parentheses, signs and words inside each other", "more"),
        ("(" * 10_000, 500, "at most 500 characters", "10,000"),
    ],
)
def test_text_that_is_no_condition(text: str, position: int, expected: str, got: str) -> None:
    with pytest.raises(ConditionError) as caught:
        parse(text, LAYER)
    assert caught.value.reason == f"expected {expected}, got {got}"
    assert caught.value.position == position
    assert str(caught.value).endswith(f'", character {position + 1:,}: {caught.value.reason}')
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("text", "position", "expected", "got"),
    [
        ("token", 5, "==, != or changes", "the end"),
        ("token < '('", 6, "==, != or changes", "<"),
        ("token == 4", 9, "token or a text in quotes", "4"),
        ("token == 'a", 9, "' at the end of the text in quotes", "the end"),
        ("token == '(' < 'a'", 13, "and, or or the end", "<"),
        ("token[1] == '('", 5, "==, != or changes", "["),
        ("-token == '('", 1, EXPECTED_NUMBER, "token"),
        ("token changes sign", 14, "and, or or the end", "sign"),
        ("tokens == '('", 0, EXPECTED_OPERAND.replace(" t)", " t token)"), "tokens"),
    ],
)
def test_text_that_is_no_condition_on_tokens(text: str, position: int, expected: str, got: str) -> None:
    with pytest.raises(ConditionError) as caught:
        parse(text, LAYER, tokens=True)
    assert caught.value.reason == f"expected {expected}, got {got}"
    assert caught.value.position == position


def test_a_wrong_condition_is_told_in_one_sentence() -> None:
    with pytest.raises(unrolled.UnrolledError) as caught:
        parse("f[4] < 0.1", LAYER)
    message = 'condition "f[4] < 0.1", character 3: expected the number of a unit from 1 to 3, got 4'
    assert str(caught.value) == message
    assert isinstance(caught.value, ValueError)
    assert str(copy(caught.value)) == message
    with pytest.raises(ConditionError, match="expected 1, the only feature, got 2"):
        parse("x[2] > 0", random_layer(3, 1))
    with pytest.raises(ConditionError, match="expected the number of a unit from 1 to 2,000, got 2001"):
        parse("h[2001] > 0", LSTM(np.zeros((1, 8000)), np.zeros((2000, 8000))))


WORDS = st.sampled_from(
    [
        *"xhcifgot()[]<>=+-*'\"!.,5 é\0\ud800\n",
        *("z_i", "f[2]", "x[1]", "h[9]", "token", "changes", "abs(", "<=", "==", "!=", "0.1", "1e9", "1e999", "'('"),
        *("any ", "all ", "not ", " and ", " or ", " changes sign"),
    ]
)
TEXTS = st.one_of(st.text(max_size=600), st.lists(WORDS, max_size=40).map("".join))


def read(text: str, tokens: bool) -> Condition | ConditionError:
    try:
        return parse(text, LAYER, tokens)
    except ConditionError as error:
        return error


@given(TEXTS, st.booleans())
def test_any_text_is_a_condition_or_said_not_to_be(text: str, tokens: bool) -> None:
    begun = time.process_time()
    outcome = read(text, tokens)
    assert time.process_time() - begun < 1
    if isinstance(outcome, ConditionError):
        assert 0 <= outcome.position <= len(text)
        assert str(outcome).isprintable()
    else:
        assert len(outcome.test([LAYER.trace(SEQUENCE[:5])], TOKENS)) == 5


NUMBERS = st.recursive(
    st.sampled_from(["f[2]", "x[1]", "z_g[3]", "0.3", "2", "t", "h[1]"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*"), inner).map(" ".join),
        inner.map("-{}".format),
        inner.map("({})".format),
        inner.map("abs({})".format),
    ),
    max_leaves=6,
)
COMPARISONS = st.tuples(NUMBERS, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), NUMBERS).map(" ".join)
CONDITIONS = st.recursive(
    COMPARISONS,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(" ".join),
        inner.map("not {}".format),
        inner.map("({})".format),
    ),
    max_leaves=5,
)


@given(CONDITIONS)
def test_arithmetic_and_logic_are_those_of_python(text: str) -> None:
    """The grammar is a part of Python's, so that Python itself can say what is meant: here, and nowhere else."""
    assume(len(text) <= 500)
    code = compile(text, "condition", "eval")

    def meaning(step: LSTMStep, _before: LSTMStep | None) -> Any:
        named = {name: [math.nan, *getattr(step, name).tolist()] for name in "xhcifgo"}
        named |= {f"z_{gate}": [math.nan, *step.z[row].tolist()] for row, gate in enumerate("ifgo")}
        return eval(code, {"abs": abs, "t": step.t + 1} | named)  # noqa: S307  # a text that this file has made

    answers = parse(text, LAYER).test([LAYER.trace(SEQUENCE[:20])])
    assert answers.tolist() == brute(STEPS[:20], meaning)


def test_a_condition_cannot_be_changed() -> None:
    condition = parse("f[1] < 1", LAYER)
    with pytest.raises(AttributeError):
        condition.text = "f[1] > 1"  # type: ignore[misc]  # that it cannot be done is what is tested
    assert {condition, parse("f[1] < 1", LAYER)} == {condition}
    assert condition != parse("f[1] <  1", LAYER)
