"""Layers from arrays and fresh ones: what they hold, and what they refuse."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from tests.engine.layers import random_layer

import unrolled
from unrolled import LSTM, OptionError, ShapeError


def test_fresh_weights_are_those_of_keras() -> None:
    layer = LSTM.initialize(20, 7, seed=3)
    limit = np.sqrt(6 / (7 + 80))
    assert layer.kernel.shape == (7, 80)
    assert 0.95 * limit < np.abs(layer.kernel).max() <= limit
    assert abs(layer.kernel.mean()) < limit / 10
    assert layer.recurrent_kernel.shape == (20, 80)
    np.testing.assert_allclose(layer.recurrent_kernel @ layer.recurrent_kernel.T, np.eye(20), atol=1e-14)
    assert layer.bias is not None
    assert layer.bias.tolist() == [0.0] * 20 + [1.0] * 20 + [0.0] * 40
    assert (layer.activation, layer.recurrent_activation) == ("tanh", "sigmoid")


def test_a_seed_gives_the_same_bits() -> None:
    for name, array in LSTM.initialize(3, 2, seed=7).weights.items():
        assert array.tobytes() == LSTM.initialize(3, 2, seed=7).weights[name].tobytes()
    assert not np.array_equal(LSTM.initialize(3, 2, seed=8).kernel, LSTM.initialize(3, 2, seed=7).kernel)
    assert not np.array_equal(LSTM.initialize(3, 2).kernel, LSTM.initialize(3, 2).kernel)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_fresh_layers_take_their_dtype(dtype: npt.DTypeLike) -> None:
    layer = LSTM.initialize(3, 2, seed=7, dtype=dtype)
    assert {array.dtype for array in layer.weights.values()} == {np.dtype(dtype)}
    assert LSTM.initialize(3, 2).dtype == np.float64


@pytest.mark.parametrize(
    ("given", "kept"),
    [("f2", "f4"), ("f4", "f4"), (">f4", "f4"), ("f8", "f8"), (">f8", "f8"), ("i8", "f8"), ("?", "f8"), ("g", "f8")],
)
def test_dtype_of_given_weights(given: str, kept: str) -> None:
    weights = np.ones((1, 4), given)
    assert LSTM(weights, weights).dtype == np.dtype(kept)


def test_float64_wins_over_float32() -> None:
    layer = LSTM(np.ones((1, 4), np.float32), np.ones((1, 4), np.float32), np.ones(4))
    assert {array.dtype for array in layer.weights.values()} == {np.dtype(np.float64)}


@pytest.mark.parametrize(
    ("units", "features", "message"),
    [
        (0, 1, "units: expected a number from 1 to 65,536, got 0"),
        (-3, 1, "units: expected a number from 1 to 65,536, got -3"),
        (1_000_000, 1, "units: expected a number from 1 to 65,536, got 1,000,000"),
        (1, 0, "features: expected a number from 1 to 65,536, got 0"),
        (1, 10**9, "features: expected a number from 1 to 65,536, got 1,000,000,000"),
        (60_000, 1, "units: expected weights of at most 1 GiB, got 107.3 GiB for 60,000 units and 1 features"),
    ],
)
def test_impossible_sizes(units: int, features: int, message: str) -> None:
    with pytest.raises(OptionError) as error:
        LSTM.initialize(units, features)
    assert str(error.value) == message


SHAPES: list[tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...] | None, list[str]]] = [
    ((2, 8), (3, 12), None, ["kernel", "(features, 12)", "(3, 12)", "(2, 8)"]),
    ((0, 12), (3, 12), None, ["kernel", "(features, 12)", "(3, 12)", "(0, 12)"]),
    ((2, 12), (3, 8), None, ["recurrent_kernel", "(units, 4·units)", "(3, 8)"]),
    ((2, 0), (0, 0), None, ["recurrent_kernel", "(units, 4·units)", "(0, 0)"]),
    ((2, 12), (3, 12), (8,), ["bias", "(12,)", "(3, 12)", "(8,)"]),
    ((2, 12), (3, 12), (2, 12), ["bias", "1 axes", "(2, 12)"]),
    ((12,), (3, 12), None, ["kernel", "2 axes", "(12,)"]),
    ((1, 2, 12), (3, 12), None, ["kernel", "2 axes", "(1, 2, 12)"]),
]


@pytest.mark.parametrize(("kernel", "recurrent_kernel", "bias", "parts"), SHAPES)
def test_shapes_that_disagree_are_both_named(
    kernel: tuple[int, ...], recurrent_kernel: tuple[int, ...], bias: tuple[int, ...] | None, parts: list[str]
) -> None:
    with pytest.raises(ShapeError) as error:
        LSTM(np.zeros(kernel), np.zeros(recurrent_kernel), None if bias is None else np.zeros(bias))
    assert isinstance(error.value, ValueError)
    for part in parts:
        assert part in str(error.value)


@pytest.mark.parametrize("weights", [[["a"] * 4], [[1j] * 4], [[1.0, 2.0], [3.0]], None])
def test_weights_that_are_no_numbers(weights: npt.ArrayLike) -> None:
    with pytest.raises(ShapeError, match=r"^kernel: expected"):
        LSTM(weights, np.zeros((1, 4)))  # type: ignore[arg-type]  # what must not come is what is tested


INPUTS = [
    (np.zeros((4, 3)), "expected (T, …, features) with 2 features, got shape (4, 3)"),
    (np.zeros(4), "expected (T, …, features), got shape (4,): use xs.reshape(-1, 2)"),
    (np.zeros((0, 2)), "expected one timestep or more, got shape (0, 2)"),
    ([[1.0, 2.0], [3.0]], "expected numbers, the same many in every row"),
    ([["a", "b"]], "expected numbers, the same many in every row"),
]


@pytest.mark.parametrize(("xs", "message"), INPUTS)
def test_inputs_that_do_not_fit(xs: npt.ArrayLike, message: str) -> None:
    layer = random_layer(3, 2)
    for way in (layer.trace, layer.unroll, lambda xs: unrolled.Run(layer, xs)):
        with pytest.raises(ShapeError) as error:
            way(xs)
        assert str(error.value).startswith(f"input: {message}")


def test_an_input_that_is_no_sequence() -> None:
    with pytest.raises(ShapeError, match=r"^input: expected a sequence of timesteps, got int$"):
        random_layer(3, 2).unroll(5)


STATES = [
    ((np.zeros(3),), "initial state: expected 2 arrays (h, c), got 1"),
    ((np.zeros(3), np.zeros(2)), "initial state c: expected shape (3,), got (2,)"),
    ((np.zeros((1, 3)), np.zeros(3)), "initial state h: expected shape (3,), got (1, 3)"),
    ((["a"] * 3, np.zeros(3)), "initial state: expected numbers"),
]


@pytest.mark.parametrize(("state", "message"), STATES)
def test_states_that_do_not_fit(state: tuple[npt.NDArray[np.float64], ...], message: str) -> None:
    layer, xs = random_layer(3, 2), np.zeros((4, 2))
    for way in (layer.trace, layer.unroll, lambda xs, state: unrolled.Run(layer, xs, state)):
        with pytest.raises(ShapeError) as error:
            way(xs, state)
        assert str(error.value).startswith(message)


def test_layers_are_immutable() -> None:
    layer = random_layer(3, 2)
    with pytest.raises(AttributeError):
        layer.kernel = np.zeros((2, 12))  # type: ignore[misc]  # that it is read-only is what is tested
    assert repr(layer) == "LSTM(units=3, features=2, dtype=float64)"


@pytest.mark.parametrize(
    ("name", "bounds"), [("i", (0, 1)), ("f", (0, 1)), ("g", (-1, 1)), ("o", (0, 1)), ("h", (-1, 1))]
)
def test_bounds(name: str, bounds: tuple[float, float]) -> None:
    assert random_layer(3, 2).bounds(name) == bounds
    assert random_layer(3, 2).bounds("c") == (-np.inf, np.inf)
    assert random_layer(3, 2, activation="linear").bounds("h") == (-np.inf, np.inf)


def test_fresh_weights_of_other_cells_are_those_of_keras() -> None:
    gru = unrolled.GRU.initialize(20, 7, seed=3)
    assert (gru.kernel.shape, gru.reset_after, gru.activation, gru.recurrent_activation) == (
        (7, 60),
        True,
        "tanh",
        "sigmoid",
    )
    assert 0.95 * np.sqrt(6 / 67) < np.abs(gru.kernel).max() <= np.sqrt(6 / 67)
    np.testing.assert_allclose(gru.recurrent_kernel @ gru.recurrent_kernel.T, np.eye(20), atol=1e-14)
    assert gru.bias is not None
    assert np.array_equal(gru.bias, np.zeros((2, 60)))
    simple = unrolled.SimpleRNN.initialize(20, 7, seed=3, dtype=np.float32)
    assert (simple.kernel.shape, simple.dtype.name, simple.activation) == ((7, 20), "float32", "tanh")
    np.testing.assert_allclose(simple.recurrent_kernel @ simple.recurrent_kernel.T, np.eye(20), atol=1e-6)
    assert simple.bias is not None
    assert np.array_equal(simple.bias, np.zeros(20))


def made(cell: Callable[..., Any], *shapes: tuple[int, ...], **options: Any) -> Any:
    return cell(*map(np.zeros, shapes), **options)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: made(unrolled.GRU, (2, 9), (3, 9), (9,)),
            "bias: expected shape (2, 9) for reset_after=True, b beside W and b_h beside U, got (9,): that of a layer "
            "with reset_after=False",
        ),
        (
            lambda: made(unrolled.GRU, (2, 9), (3, 9), (2, 9), reset_after=False),
            "bias: expected shape (9,) for reset_after=False, got (2, 9): add its two rows, or use reset_after=True",
        ),
        (
            lambda: made(unrolled.GRU, (2, 9), (3, 9), (3, 9)),
            "bias: expected shape (2, 9) beside a recurrent_kernel of shape (3, 9), got (3, 9)",
        ),
        (
            lambda: made(unrolled.GRU, (2, 12), (3, 12)),
            "recurrent_kernel: expected shape (units, 3·units), got (3, 12)",
        ),
        (
            lambda: made(unrolled.SimpleRNN, (2, 3), (3, 4)),
            "recurrent_kernel: expected shape (units, units), got (3, 4)",
        ),
        (
            lambda: made(LSTM, (2, 12), (3, 12), peepholes=np.zeros((4, 3))),
            "peepholes: expected shape (3, 3), for 3 units, got (4, 3)",
        ),
        (
            lambda: made(LSTM, (2, 12), (2, 12), projection=np.zeros((4, 2))),
            "recurrent_kernel: expected shape (P, 4·units) beside a projection of shape (4, 2), got (2, 12)",
        ),
        (
            lambda: made(LSTM, (2, 12), (2, 12), projection=np.zeros((3, 4))),
            "projection: expected shape (units, 2) beside a recurrent_kernel of shape (2, 12), got (3, 4)",
        ),
    ],
)
def test_other_shapes_that_disagree(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(ShapeError) as error:
        make()
    assert str(error.value) == message


@pytest.mark.parametrize("clip", [0.0, -1.0, np.nan, np.inf])
@pytest.mark.parametrize("cell", [LSTM, unrolled.GRU, unrolled.SimpleRNN])
def test_a_clip_is_positive(cell: Callable[..., Any], clip: float) -> None:
    blocks = {LSTM: 4, unrolled.GRU: 3}.get(cell, 1)  # type: ignore[call-overload]  # a class is a key
    with pytest.raises(OptionError, match=r"^clip: expected a positive number, got "):
        cell(np.zeros((1, blocks)), np.zeros((1, blocks)), clip=clip)


def test_every_activation_is_checked() -> None:
    for option in ("activation", "recurrent_activation", "output_activation"):
        with pytest.raises(OptionError, match=rf"^{option}: expected one of tanh, .*, got 'nothing'$"):
            LSTM(np.zeros((1, 4)), np.zeros((1, 4)), **{option: "nothing"})  # type: ignore[arg-type]  # it is a string


def test_a_state_has_its_own_widths() -> None:
    layer = made(LSTM, (2, 12), (2, 12), projection=np.zeros((3, 2)))
    assert [array.shape for array in layer.zero_state((4,))] == [(4, 2), (4, 3)]
    with pytest.raises(ShapeError, match=r"^initial state h: expected shape \(2,\), got \(3,\)$"):
        layer.step([1.0, 2.0], (np.zeros(3), np.zeros(3)))
