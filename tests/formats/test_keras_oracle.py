"""Models that an installed Keras makes, saves and runs there and then, compared with what is read from their files."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.formats.keras_models import distance

from unrolled.formats import load

pytestmark = [pytest.mark.oracle, pytest.mark.filterwarnings("ignore")]
os.environ.setdefault("KERAS_BACKEND", "torch")


@pytest.fixture(autouse=True)
def _frameworks() -> None:
    """What only these tests need. It is looked for when they run, so that all others begin without it."""
    for name in (os.environ["KERAS_BACKEND"], "keras"):
        pytest.importorskip(name, reason=f"{name} is not installed: the extra `oracle` brings it")


def layers(chance: np.random.Generator) -> list[Any]:
    """A random stack of recurrent layers, with a Dense layer at its end."""
    from keras import layers as kinds  # noqa: PLC0415 - a framework, which only these tests need

    found: list[Any] = [kinds.Input((6, int(chance.integers(1, 6))))]
    for _ in range(chance.integers(1, 4)):
        kind = [kinds.LSTM, kinds.GRU, kinds.SimpleRNN][chance.integers(3)]
        activation = ["tanh", "relu", "sigmoid", "hard_sigmoid", "softsign", "elu"][chance.integers(6)]
        options: dict[str, Any] = {"activation": activation, "use_bias": bool(chance.integers(4))}
        if kind is kinds.GRU:
            options["reset_after"] = bool(chance.integers(2))
        if kind is not kinds.SimpleRNN:
            options["recurrent_activation"] = ["sigmoid", "hard_sigmoid"][chance.integers(2)]
        layer = kind(int(chance.integers(1, 9)), return_sequences=True, **options)
        if chance.integers(2):
            layer = kinds.Bidirectional(layer, merge_mode=["concat", "sum", "ave", "mul"][chance.integers(4)])
        found += [layer, kinds.Dropout(0.5)]
    return [*found, kinds.Dense(3, activation=["linear", "softmax", "tanh"][chance.integers(3)])]


@pytest.mark.parametrize("ending", [".keras", ".h5"])
@pytest.mark.parametrize("seed", range(12))
def test_a_random_model(tmp_path: Path, seed: int, ending: str) -> None:
    import keras  # noqa: PLC0415 - a framework, which only these tests need

    chance = np.random.default_rng(seed)
    model = keras.Sequential(layers(chance))
    for weight in model.weights:
        if "seed" not in weight.name:
            weight.assign(chance.normal(0, 0.5, tuple(weight.shape)).astype("float32"))
    x = chance.normal(0, 1, (2, *model.input_shape[1:])).astype("float32")
    expected = {"x": x, "y": np.asarray(model.predict(x, verbose=0))}
    for layer in model.layers:
        expected[f"out.{layer.name}"] = np.asarray(keras.Model(model.inputs, layer.output).predict(x, verbose=0))
    model.save(tmp_path / f"m{ending}")
    read = load(tmp_path / f"m{ending}")
    assert read.network.parameters == model.count_params()
    assert distance(read, expected) <= 2e-6
