"""Networks as records: which layers fit each other, and how they are counted."""

import numpy as np
import pytest
from tests.engine.layers import random_layer
from tests.engine.networks import keras_cases

from unrolled import GRU, LSTM, OptionError, ShapeError
from unrolled.network import Dense, Embedding, Foreign, LayerCount, Masking, Network, NetworkLayer, Recurrent, Unchanged

TABLE = np.ones((10, 2))


def lstm(name: str, units: int, features: int, *, last: bool = False) -> Recurrent:
    return Recurrent(name, random_layer(units, features), return_sequences=not last)


def both(name: str, units: int, features: int, merge: str | None) -> Recurrent:
    return Recurrent(name, random_layer(units, features), random_layer(units, features), merge)  # type: ignore[arg-type]  # wrong ones are tried too


def test_parameters_are_those_of_the_frameworks_summary() -> None:
    for case in keras_cases().values():
        assert case.network.parameters == case.parameters


def test_every_layer_is_counted() -> None:
    network = Network(
        (
            Embedding("words", TABLE),
            Unchanged("drop", "Dropout"),
            both("both", 3, 2, "concat"),
            Foreign("conv", "Conv1D", 7),
            Recurrent("cudnn", random_layer(4, 5), parameters=176),
            Dense("out", np.ones((4, 2))),
        )
    )
    assert network.counts == (
        LayerCount("words", "Embedding", 20),
        LayerCount("drop", "Dropout", 0),
        LayerCount("both", "Bidirectional(LSTM)", 144),
        LayerCount("conv", "Conv1D", 7),
        LayerCount("cudnn", "LSTM", 176),
        LayerCount("out", "Dense", 8),
    )
    assert network.parameters == 355


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ((), "layers: expected a recurrent one among them, got none"),
        ((Dense("d", TABLE),), "layers: expected a recurrent one among them, got d"),
        ((lstm("a", 3, 2), lstm("b", 3, 4)), "b: expected to read a, 3 features, got 4 features"),
        ((lstm("a", 3, 2), Dense("d", TABLE)), "d: expected to read a, 3 features, got 10 features"),
        ((Embedding("e", TABLE), lstm("a", 3, 1)), "a: expected to read e, 2 features, got 1 feature"),
        ((both("a", 3, 2, "concat"), lstm("b", 3, 3)), "b: expected to read a, 6 features, got 3 features"),
        (
            (lstm("a", 3, 2, last=True), Unchanged("d", "Dropout"), lstm("b", 1, 3)),
            "b: expected a sequence to read, got the last output only of a",
        ),
        ((Masking("m"), Embedding("e", TABLE), lstm("a", 3, 2)), "e: expected an Embedding to stand first"),
    ],
)
def test_layers_that_do_not_fit(layers: tuple[NetworkLayer, ...], message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        Network(layers)


def test_names_are_unique() -> None:
    with pytest.raises(OptionError, match="expected a name of its own for each, got a twice"):
        Network((lstm("a", 3, 2), lstm("a", 3, 3)))


def test_wrong_records() -> None:
    with pytest.raises(OptionError, match="a: merge: expected one of concat, sum, ave, mul or None, got 'max'"):
        both("a", 3, 2, "max")
    with pytest.raises(OptionError, match="a: go_backwards: expected a layer of one direction"):
        Recurrent("a", random_layer(3, 2), random_layer(3, 2), "sum", go_backwards=True)
    with pytest.raises(ShapeError, match="same features and units, got 2 and 2 features, 3 and 4 units"):
        Recurrent("a", random_layer(3, 2), random_layer(4, 2), "sum")
    assert Recurrent("a", random_layer(3, 2), random_layer(4, 2), "concat").outputs == 7
    with pytest.raises(OptionError, match="d: activation: expected"):
        Dense("d", TABLE, activation="maxout")
    with pytest.raises(ShapeError, match=r"d: bias: expected shape \(2,\), got \(3,\)"):
        Dense("d", TABLE, np.ones(3))
    with pytest.raises(ShapeError, match=r"e: table: expected \(vocabulary, features\), got shape \(0, 3\)"):
        Embedding("e", np.ones((0, 3)))


def test_stretches_begin_behind_what_cannot_be_computed() -> None:
    layers = (
        Foreign("conv", "Conv1D"),
        Masking("mask"),
        lstm("a", 3, 2),
        Foreign("attention", "Attention"),
        Dense("d", np.ones((3, 4))),
        both("b", 2, 4, None),
        lstm("c", 1, 5),
        Foreign("crf", "CRF"),
        Dense("out", np.ones((1, 4))),
    )
    network = Network(layers)
    found = [
        ([layer.name for layer in stretch.layers], stretch.after and stretch.after.name, stretch.features)
        for stretch in network.stretches
    ]
    assert found == [(["mask", "a"], "conv", 2), (["d", "b"], "attention", 3), (["c"], "b", 5)]
    assert [stretch.before and stretch.before.name for stretch in network.stretches] == ["attention", None, "crf"]
    assert network.stretch("b").layers[0].name == "d"
    assert network.remarks == (
        "conv (Conv1D) is not computed: mask behind it reads the array that you give, as its own input",
        "attention (Attention) is not computed: d behind it reads the array that you give, as its own input",
        "b has two outputs: c behind it reads the array that you give",
        "crf (CRF) is not computed: there is no prediction",
    )
    assert Network((lstm("a", 3, 2),)).remarks == ()
    with pytest.raises(OptionError, match="layer: expected one of a, b, c, got 'out'"):
        network.stretch("out")


def test_the_directions_have_names() -> None:
    cell = GRU.initialize(2, 3, 0)
    names = [(way.name, way.backwards) for way in Recurrent("g", cell, cell, "ave").directions]
    assert names == [("g/forward", False), ("g/backward", True)]
    (alone,) = Recurrent("g", cell, go_backwards=True).directions
    assert (alone.name, alone.backwards, alone.layer) == ("g", True, cell)


def test_the_records_cannot_be_changed() -> None:
    weights = np.ones((2, 3))
    dense = Dense("d", weights)
    weights[:] = 7
    assert dense.kernel.tolist() == [[1, 1, 1], [1, 1, 1]]
    with pytest.raises(ValueError, match="read-only"):
        dense.kernel[0] = 1
    projected = LSTM(np.ones((2, 12)), np.ones((2, 12)), projection=np.ones((3, 2)))
    assert Recurrent("p", projected).outputs == 2
