"""The shipped examples do what is said of them, on fresh texts, as the engine computes them."""

from typing import Any

import numpy as np
import pytest
from tests.training.tasks import TASKS, depths

from unrolled.arrays import Array
from unrolled_tui.commands.request import EXAMPLES, FRESH_EXAMPLES
from unrolled_tui.examples import trained

NAMES = [name for name in EXAMPLES if name not in FRESH_EXAMPLES]
COUNT = 300


def fresh(name: str, length: int = 100) -> tuple[list[str], Array, Any]:
    """Fresh texts, their answers, and the trace of the example that reads them."""
    texts, read, answers = TASKS[name].batch(np.random.default_rng(99), COUNT, length)
    return texts, answers, trained(name).layer.trace(read)


def correlation(name: str, unit: int) -> float:
    """How well a unit's c follows the signal of the task."""
    texts, _, trace = fresh(name)
    return float(np.corrcoef(trace.c[..., unit].ravel(), TASKS[name].followed(texts).ravel())[0, 1])


def writes(name: str, unit: int) -> tuple[Array, Array]:
    """What each timestep of the shipped text wrote, of which this is still in c at the last one; and that c."""
    example = trained(name)
    trace = example.layer.trace(example.sequence.values)
    i, f, g = (np.asarray(values)[:, unit].astype(float) for values in (trace.i, trace.f, trace.g))
    left = np.append(np.cumprod(f[:0:-1])[::-1], 1.0)
    return i * g * left, trace.c[-1, unit]


@pytest.mark.parametrize("name", NAMES)
def test_a_file_is_as_described(name: str) -> None:
    example, task = trained(name), TASKS[name]
    layer = example.layer
    assert layer.units <= 4
    assert layer.dtype == np.float32
    assert layer.features == len(example.symbols)
    assert example.readout_kernel.shape == (layer.units, len(example.classes))
    assert example.readout_bias.shape == (len(example.classes),)
    assert ("".join(example.symbols), example.classes) == (task.symbols, task.classes)
    assert "".join(example.sequence.tokens) == task.shown
    shown = [example.symbols[feature] for feature in example.sequence.values.argmax(axis=1)]
    assert shown == [*task.shown]
    assert (example.sequence.values.sum(axis=1) == 1).all()


@pytest.mark.parametrize("length", [31, 100, 300])
@pytest.mark.parametrize("name", NAMES)
def test_the_accuracy_is_as_stated(name: str, length: int) -> None:
    example = trained(name)
    _, answers, trace = fresh(name, length)
    accuracy = float(np.mean(example.answers(trace.h) == answers))
    assert example.accuracy >= 0.99
    assert accuracy >= example.accuracy - 0.001


@pytest.mark.parametrize("name", NAMES)
def test_the_shipped_text_is_answered_without_a_mistake(name: str) -> None:
    example, task = trained(name), TASKS[name]
    said = example.answers(example.layer.trace(example.sequence.values).h)
    assert [example.classes[answer] for answer in said] == task.answers(task.shown)


def test_unit_1_of_brackets_follows_the_depth() -> None:
    _, _, trace = fresh("brackets")
    assert correlation("brackets", 0) > 0.97
    assert trace.f[..., 0].min() > 0.85


def test_unit_2_of_brackets_forgets_when_a_bracket_opens_at_depth_4_or_5() -> None:
    texts, _, trace = fresh("brackets")
    opens = [[symbol == "(" and depth >= 4 for symbol, depth in zip(text, depths(text), strict=True)] for text in texts]
    closed = trace.f[..., 1] < 0.1
    assert np.mean(opens == closed.T) > 0.999
    assert np.sum(opens) > 1000


def test_a_forget_gate_closes_in_the_shipped_brackets() -> None:
    example = trained("brackets")
    closed = np.flatnonzero(example.layer.trace(example.sequence.values).f[:, 1] < 0.1)
    deep = [t for t, depth in enumerate(depths(example.sequence.tokens)) if depth >= 4]
    assert closed.tolist() == [t for t in deep if example.sequence.tokens[t] == "("]


def test_a_bracket_is_undone_by_the_one_that_closes_it() -> None:
    text = "".join(trained("brackets").sequence.tokens)
    written, c = writes("brackets", 0)
    assert written.sum() == pytest.approx(c, abs=1e-5)
    assert all((left > 0) == (symbol == "(") for left, symbol in zip(written, text, strict=True))


def test_the_shipped_brackets_go_deep_and_are_closed() -> None:
    text = "".join(trained("brackets").sequence.tokens)
    assert 30 <= len(text) <= 60
    assert (max(depths(text)), min(depths(text)), depths(text)[-1]) == (5, 0, 0)


def test_a_letter_is_remembered_because_the_forget_gates_stay_open() -> None:
    texts, _, trace = fresh("first", 31)
    assert np.min(trace.f) > 0.98
    remembered = np.where([text[0] == "b" for text in texts], 1, -1)
    assert (np.sign(trace.c[-1, :, 0]) == remembered).all()


def test_the_first_letter_wrote_most_of_what_is_remembered() -> None:
    written, c = writes("first", 0)
    assert len(written) == 31
    assert written.sum() == pytest.approx(c, abs=1e-5)
    assert written.argmax() == 0
    assert written[0] > c / 2


def test_the_state_of_parity_flips_at_each_1_and_nowhere_else() -> None:
    texts, _, trace = fresh("parity")
    middle = (trace.c[..., 0].min() + trace.c[..., 0].max()) / 2
    above = np.concatenate([np.zeros((1, COUNT), bool), trace.c[..., 0] > middle])
    flips = above[1:] != above[:-1]
    assert (flips == np.array([[symbol == "1" for symbol in text] for text in texts]).T).all()
    assert correlation("parity", 0) > 0.99
