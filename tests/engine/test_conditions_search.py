"""Searches: the nearest timestep, exactly, forward and back, across the borders of stretches and on long runs."""

import time
from collections.abc import Iterable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.engine.layers import Array, random_input, random_layer

import unrolled
from unrolled import LSTM, Run
from unrolled.conditions import Search, parse, search, within
from unrolled.conditions.search import LONGEST, SHORTEST, stretch

LAYER = random_layer(3, 1)
LENGTH = 3 * LONGEST + 7


def marked(places: Iterable[int], length: int = LENGTH) -> Array:
    """Zeros, with a 1 at `places`."""
    xs = np.zeros((length, 1))
    xs[list(places)] = 1
    return xs


def last(run: Run[unrolled.LSTMStep], text: str, start: int, forward: bool = True) -> Search:
    return [*search(parse(text, run.layer), run, (), start, forward)][-1]


BORDERS = [0, 1, LONGEST - 1, LONGEST, LONGEST + 1, 2 * LONGEST - 1, 2 * LONGEST, LENGTH - 2, LENGTH - 1]


@pytest.mark.parametrize("place", BORDERS)
@pytest.mark.parametrize("start", [0, 1, 255, 256, LONGEST - 1, LONGEST, 2 * LONGEST + 3, LENGTH - 1])
def test_one_timestep_is_found_from_either_side(place: int, start: int) -> None:
    run = Run(LAYER, marked([place]))
    away = Search(abs(place - start) + 1, place)
    assert last(run, "x[1] == 1", start) == (away if place >= start else Search(LENGTH - start, None))
    assert last(run, "x[1] == 1", start, forward=False) == (away if place <= start else Search(start + 1, None))


@pytest.mark.parametrize("place", BORDERS)
@pytest.mark.parametrize("forward", [True, False])
def test_a_change_is_found_at_the_borders_of_stretches(place: int, forward: bool) -> None:
    run = Run(LAYER, marked(range(place, LENGTH)))
    found = place or None  # at the first timestep nothing has changed
    assert last(run, "x[1] changes", 0 if forward else LENGTH - 1, forward).found == found


@given(st.data())
def test_the_nearest_of_many_is_found(data: st.DataObject) -> None:
    length = data.draw(st.integers(1, 700))
    run = Run(LAYER, random_input(LAYER, length, seed=length))
    start = data.draw(st.integers(0, length - 1))
    texts = ("c[2] changes sign", "h[1] > 0.25", "any f < 0.2", "t == 300 or x[1] > 2.5", "h[1] > h[2] > h[3]")
    condition = parse(data.draw(st.sampled_from(texts)), LAYER)
    alone = [condition.test(run.window(max(t - 1, 0), t + 1))[-1] for t in range(length)]
    hits = np.flatnonzero(alone)
    after, before = hits[hits >= start], hits[hits <= start]
    told = [*search(condition, Run(LAYER, run.sequence), (), start)]
    assert told[-1].found == (after[0] if len(after) else None)
    told = [*search(condition, Run(LAYER, run.sequence), (), start, forward=False)]
    assert told[-1].found == (before[-1] if len(before) else None)


def test_what_is_found_is_what_single_steps_say() -> None:
    run = Run(LAYER, random_input(LAYER, 2000))
    steps = Run(LAYER, run.sequence)
    threshold = float(np.sort([steps[t].f[1] for t in range(2000)])[2])
    hits = [t for t in range(2000) if steps[t].f[1] <= threshold]
    text = f"f[2] <= {threshold!r}"
    found = []
    start = 0
    while (t := last(run, text, start).found) is not None:
        found.append(t)
        start = t + 1
    assert found == hits
    assert len(found) == 3
    start = 1999
    while (t := last(run, text, start, forward=False).found) is not None:
        assert t == found.pop()
        start = t - 1
    assert not found


def test_it_tells_how_far_it_is_after_every_stretch_and_stops_when_it_is_done() -> None:
    run = Run(LAYER, marked([2 * LONGEST + 5]))
    condition = parse("x[1] == 1", LAYER)
    told = [*search(condition, run, (), 10)]
    first = LONGEST - 10
    assert told == [(first, None), (first + LONGEST, None), (2 * LONGEST - 4, 2 * LONGEST + 5)]
    told = [*search(parse("x[1] > 1", LAYER), run, (), LENGTH - 1, forward=False)]
    assert told == [(7 + LONGEST * count, None) for count in range(4)]
    assert [*search(parse("x[1] > 1", LAYER), run, (), 0)][-1] == (LENGTH, None)


def test_whoever_stops_asking_cancels() -> None:
    run = Run(LAYER, marked([]))
    looking = search(parse("x[1] == 1", LAYER), run, (), 0)
    assert next(looking) == (LONGEST, None)
    assert run.frontier == LONGEST


@pytest.mark.parametrize("forward", [True, False])
@pytest.mark.parametrize("start", [-1, LENGTH, LENGTH + 5])
def test_past_the_ends_there_is_nothing_to_look_at(start: int, forward: bool) -> None:
    run = Run(LAYER, marked([0, LENGTH - 1]))
    assert [*search(parse("x[1] == 1", LAYER), run, (), start, forward)] == [(0, None)]


def test_the_way_to_where_the_search_begins_can_be_cancelled_too() -> None:
    run = Run(LAYER, marked([2500]))
    told = [*search(parse("x[1] == 1", LAYER), run, (), 2400, forward=True)]
    assert told[0] == (0, None)
    assert len([each for each in told if each.looked == 0]) == 2304 // 256
    assert told[-1] == (101, 2500)


def test_tokens() -> None:
    sequence = unrolled.sequences.one_hot("the cat (sat) on (the) mat")
    layer = random_layer(2, sequence.values.shape[1])
    run = Run(layer, sequence.values)
    condition = parse('token == "("', layer, tokens=True)
    assert [*search(condition, run, sequence.labels, 0)][-1].found == 8
    assert [*search(condition, run, sequence.labels, 9)][-1].found == 17
    assert [*search(condition, run, sequence.labels, 16, forward=False)][-1].found == 8
    assert np.flatnonzero(within(condition, run, sequence.labels, 5, 26)).tolist() == [3, 12]


@pytest.mark.parametrize("forward", [True, False])
def test_a_wide_layer_tells_sooner(forward: bool) -> None:
    layer = LSTM.initialize(400, 1, 0)
    assert SHORTEST <= stretch(layer) <= 64
    run = Run(layer, marked([100], 300))
    told = [*search(parse("x[1] == 1", layer), run, (), 0 if forward else 299, forward)]
    assert told[-1].found == 100
    assert len(told) > 101 // stretch(layer)
    assert all(one.looked <= other.looked for one, other in pairwise(told))


def test_a_batch_is_not_searched() -> None:
    run = Run(LAYER, np.zeros((5, 2, 1)))
    with pytest.raises(
        unrolled.ShapeError, match=r"search: expected a run over \(T, features\), got shape \(5, 2, 1\)"
    ):
        next(search(parse("x[1] == 1", LAYER), run, (), 0))


def test_a_long_run_takes_hardly_longer_than_computing_it() -> None:
    xs = random_input(LAYER, 100_000)
    computed, looked = Run(LAYER, xs), Run(LAYER, xs)
    begun = time.process_time()
    for _ in computed.explore(99_999):
        pass
    computing = time.process_time() - begun
    begun = time.process_time()
    assert last(looked, "f[2] < -1", 0) == (100_000, None)
    assert last(looked, "f[2] < -1", 99_999, forward=False) == (100_000, None)
    assert time.process_time() - begun < 6 * computing + 0.5  # two searches, on a busy machine
