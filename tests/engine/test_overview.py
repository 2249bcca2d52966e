"""A stretch of a run as a map, against the plain arrays of its trace."""

from itertools import islice
from typing import Any

import numpy as np
import pytest
from tests.engine.layers import Array, random_input, random_layer, random_state

import unrolled
import unrolled.overview
from unrolled.overview import Overview, Page, bounds_over_time, quantities_over_time, survey

LENGTH = 500
NAMES = ["h", "c", "i", "f", "g", "o", "z_i", "z_f", "z_g", "z_o"]
PAGES = [
    Page(0, 70),
    Page(70, 140),
    Page(490, 500),
    Page(0, 448, 2),
    Page(64, 500, 8),
    Page(0, 500, 64),
    Page(0, 500, 256),
    Page(0, 500, 512),
    Page(256, 500, 128),
]


@pytest.fixture
def layer() -> unrolled.LSTM:
    return random_layer(5, 2)


def plain(trace: unrolled.LSTMTrace, name: str) -> Array:
    """A quantity of a whole trace, shape (T, units)."""
    return trace.z[:, "ifgo".index(name[2:])] if name.startswith("z_") else getattr(trace, name)


def looked_at(run: unrolled.Run[Any], page: Page) -> Overview:
    *_, last = survey(run, page)
    return last


def shown(span: Array) -> float:
    """What one cell has to show: the value that is furthest from 0."""
    if np.isnan(span).any():
        return float("nan")
    return float(max(span, key=abs))


@pytest.mark.parametrize("page", PAGES, ids=str)
@pytest.mark.parametrize("longest", [16, 64, 256])
def test_cells_and_figures_are_those_of_the_trace(
    layer: unrolled.LSTM, page: Page, longest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unrolled.overview, "_LONGEST", longest)
    xs, state = 3 * random_input(layer, LENGTH), random_state(layer)
    trace = layer.trace(xs, state)
    overview = looked_at(unrolled.Run(layer, xs, state), page)
    assert [quantity.name for quantity in quantities_over_time(layer.anatomy)] == NAMES
    assert overview.whole
    assert overview.columns == page.columns
    for place, name in enumerate(NAMES):
        values = plain(trace, name)[page.first : page.stop]
        for unit in range(layer.units):
            mine = values[:, unit]
            spans = [mine[start : start + page.per_cell] for start in range(0, len(page), page.per_cell)]
            assert overview.cells[place, :, unit].tolist() == [shown(span) for span in spans]
        assert overview.low[place].tolist() == values.min(axis=0).tolist()
        assert overview.high[place].tolist() == values.max(axis=0).tolist()
        assert overview.mean[place] == pytest.approx(values.mean(axis=0), abs=1e-12)
        assert overview.deviation(place) == pytest.approx(values.std(axis=0), abs=1e-12)
        assert overview.largest(place).tolist() == np.abs(values).max(axis=0).tolist()


def test_gates_that_are_open_closed_or_saturated_are_counted(layer: unrolled.LSTM) -> None:
    xs = 9 * random_input(layer, LENGTH)
    trace = layer.trace(xs)
    overview = looked_at(unrolled.Run(layer, xs), Page(0, LENGTH, 8))
    for name in "ifo":
        place, values = NAMES.index(name), plain(trace, name)
        assert overview.near_high[place].tolist() == (values > 0.9).sum(axis=0).tolist()
        assert overview.near_low[place].tolist() == (values < 0.1).sum(axis=0).tolist()
        assert 0 < overview.near_high[place].min() < LENGTH
    for name in "gh":
        place, values = NAMES.index(name), plain(trace, name)
        assert overview.saturation(place).tolist() == (np.abs(values) > 0.9).mean(axis=0).tolist()
    assert overview.saturation(NAMES.index("g")).min() > 0
    for name in ("c", "z_f"):  # neither has an end to be near to
        assert overview.saturation(NAMES.index(name)).tolist() == [0.0] * 5


def test_bounds_are_those_of_the_layer(layer: unrolled.LSTM) -> None:
    inf = np.inf
    known = [(-1, 1), (-inf, inf), (0, 1), (0, 1), (-1, 1), (0, 1), *[(-inf, inf)] * 4]
    assert bounds_over_time(layer).tolist() == [list(pair) for pair in known]


@pytest.mark.parametrize("per_cell", [1, 4, 64])
def test_what_is_not_a_number_shows_and_is_left_out_of_the_figures(layer: unrolled.LSTM, per_cell: int) -> None:
    xs = random_input(layer, LENGTH)
    xs[40], xs[45] = np.nan, np.inf
    trace = layer.trace(xs)
    overview = looked_at(unrolled.Run(layer, xs), Page(0, LENGTH, per_cell))
    place = NAMES.index("z_g")
    values = plain(trace, "z_g")
    assert np.isnan(values[40:]).all()
    assert np.isnan(overview.cells[place, 40 // per_cell :]).all()
    assert np.isfinite(overview.cells[place, : 40 // per_cell]).all()
    assert overview.count[place].tolist() == [40] * 5
    assert overview.mean[place] == pytest.approx(values[:40].mean(axis=0))
    assert overview.deviation(place) == pytest.approx(values[:40].std(axis=0))
    assert overview.low[place].tolist() == values[:40].min(axis=0).tolist()


def test_infinity_is_in_the_range_and_in_no_mean() -> None:
    layer = unrolled.LSTM(np.array([[0.0, 0.0, 1.0, 0.0]]), np.zeros((1, 4)), None, activation="linear")
    xs = np.array([[1.0], [-3.0], [np.inf]])
    overview = looked_at(unrolled.Run(layer, xs), Page(0, 3, 4))
    place = NAMES.index("g")
    assert overview.cells[place].tolist() == [[np.inf]]
    assert (overview.low[place].item(), overview.high[place].item()) == (-3.0, np.inf)
    assert (overview.count[place].item(), overview.mean[place].item()) == (2, -1.0)
    assert overview.deviation(place).item() == 2.0


def test_float32_keeps_its_values() -> None:
    layer = random_layer(3, 1, np.float32)
    xs = random_input(layer, LENGTH)
    overview = looked_at(unrolled.Run(layer, xs), Page(0, LENGTH))
    assert overview.cells.dtype == np.float32
    assert overview.cells[NAMES.index("c")].tolist() == layer.trace(xs).c.tolist()


def test_it_comes_in_stretches_and_goes_on_where_it_was_left(layer: unrolled.LSTM) -> None:
    xs = random_input(layer, LENGTH)
    page = Page(64, LENGTH, 32)
    run = unrolled.Run(layer, xs)
    part = next(survey(run, page))
    assert 0 < part.done < len(page)
    assert part.columns == part.done // 32
    assert not part.whole
    *_, resumed = survey(run.fork(), page, part)
    once = looked_at(unrolled.Run(layer, xs), page)
    for name in ("cells", "count", "mean", "spread", "low", "high", "near_high", "near_low"):
        assert getattr(resumed, name).tolist() == getattr(once, name).tolist(), name
    assert list(survey(run, page, resumed)) == []


def test_two_readers_of_one_overview_do_each_other_no_harm(layer: unrolled.LSTM) -> None:
    xs = random_input(layer, LENGTH)
    page = Page(0, LENGTH, 512)
    part = next(survey(unrolled.Run(layer, xs), page))
    slow, quick = (survey(unrolled.Run(layer, xs), page, part) for _ in range(2))
    *_, last = quick
    next(slow)
    assert last.cells.tolist() == looked_at(unrolled.Run(layer, xs), page).cells.tolist()


def test_no_stretch_of_a_wide_layer_is_long() -> None:
    layer = unrolled.LSTM.initialize(1024, 1, seed=7)
    run = unrolled.Run(layer, np.zeros((256, 1)))
    done = [overview.done for overview in islice(survey(run, Page(0, 64)), 2)]
    assert done == [32, 64]


def test_similarity_is_the_correlation_of_the_cells(layer: unrolled.LSTM) -> None:
    xs = random_input(layer, LENGTH)
    trace = layer.trace(xs)
    place = NAMES.index("c")
    overview = looked_at(unrolled.Run(layer, xs), Page(0, 100))
    assert overview.similarity(place, 2) == pytest.approx(np.asarray(np.corrcoef(trace.c[:100].T))[2])
    spans = looked_at(unrolled.Run(layer, xs), Page(0, 100, 4))
    assert spans.similarity(place, 2) == pytest.approx(np.asarray(np.corrcoef(spans.cells[place].T))[2])


def test_a_unit_that_never_changes_is_like_no_other() -> None:
    layer = unrolled.LSTM(np.array([[0, 1.0] * 4]), np.zeros((2, 8)), np.zeros(8))
    overview = looked_at(unrolled.Run(layer, random_input(layer, 20)), Page(0, 20))
    assert overview.similarity(NAMES.index("i"), 1) == pytest.approx([0.0, 1.0])
    assert overview.similarity(NAMES.index("i"), 0).tolist() == [0.0, 0.0]
