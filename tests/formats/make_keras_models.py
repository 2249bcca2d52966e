"""Makes the files in models/: small models written by Keras itself, with what Keras computes with them.

    KERAS_BACKEND=torch python make_keras_models.py models/keras3      with Keras 3
    python make_keras_models.py models/keras2                          with TensorFlow 2.15, whose Keras is 2.15

For `NAME.keras` and the like, `NAME.expected.npz` holds the input x, Keras's output y, and the output of each layer of
the model as `out.LAYER`. Of each recurrent layer and direction there are h and c at every timestep, as `h.LAYER` or
`h.LAYER/forward`, in the order of the model's input, each found by letting the layer itself read 1, 2, … timesteps,
from the end where it goes backwards. Weights are random, biases too, from fixed seeds.
"""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from keras import layers

Array = np.ndarray[Any, Any]
Arrays = dict[str, Array]

IS_KERAS_3 = keras.__version__.startswith("3")
CELLS = (layers.LSTM, layers.GRU, layers.SimpleRNN)
T, FEATURES, BATCH = 5, 3, 2
IN_BOTH = ("nested", "chain") if IS_KERAS_3 else ()
"""Models that are written as .keras and as .h5; others only in the way of their version of Keras."""

ONLY_KERAS_3 = frozenset({
    "activations", "both_ways", "branched", "cell", "each_timestep", "gru_no_bias_after", "leaky", "lstm_no_bias",
    "many", "mixed", "stateful",
})  # fmt: skip
"""What Keras 2 writes in the same way as Keras 3, with the same numbers."""


Named = Iterator[tuple[str, Any]]


def stack(*inner: Any) -> Any:
    """The layers one after the other."""
    return keras.Sequential([layers.Input((T, FEATURES)), *inner])


def models() -> Named:
    """The models by name."""
    yield from single_layers()
    yield from with_masks()
    yield from both_ways()
    yield from activations()
    yield from stacks()
    yield from graphs()
    if IS_KERAS_3:
        yield from types()


def single_layers() -> Named:
    yield "gru_before", stack(layers.GRU(3, return_sequences=True, reset_after=False))
    yield "gru_no_bias_after", stack(layers.GRU(3, use_bias=False))
    yield "gru_no_bias_before", stack(layers.GRU(3, use_bias=False, reset_after=False))
    yield "simple_rnn", stack(layers.SimpleRNN(4, activation="relu", return_sequences=True))
    yield "lstm_no_bias", stack(layers.LSTM(2, use_bias=False, unit_forget_bias=False))
    name = "ünï [café] $x" if IS_KERAS_3 else "a.b>c-d"
    yield "names", stack(layers.LSTM(2, name=name, return_sequences=True))
    stateful = layers.Input((T, FEATURES), batch_size=BATCH)
    yield "stateful", keras.Sequential([stateful, layers.LSTM(2, stateful=True, return_sequences=True)])


def with_masks() -> Named:
    units = [layers.LSTM(3, return_sequences=True), layers.GRU(2), layers.Dense(4, activation="softmax")]
    yield "tokens", keras.Sequential([layers.Input((T,)), layers.Embedding(7, 3, mask_zero=True), *units])
    both = layers.Bidirectional(layers.LSTM(2, return_sequences=True))
    yield "masked_both_ways", stack(layers.Masking(0.5), both, layers.LSTM(2, return_sequences=True))


def both_ways() -> Named:
    merges = ("sum", "ave", "mul")
    both = [layers.Bidirectional(layers.GRU(2, return_sequences=True), merge_mode=merge) for merge in merges]
    yield "both_ways", stack(*both)
    inputs = layers.Input((T, FEATURES))
    apart = layers.Bidirectional(layers.GRU(2, return_sequences=True), merge_mode=None)
    yield "both_ways_apart", keras.Model(inputs, apart(inputs))
    yield "both_ways_last", stack(layers.Bidirectional(layers.SimpleRNN(2)), layers.Dense(2))
    yield "backwards", stack(layers.LSTM(2, go_backwards=True, return_sequences=True), layers.GRU(2))


def activations() -> Named:
    hard = "hard_sigmoid"
    unit = layers.LSTM(3, activation=hard, recurrent_activation=hard, return_sequences=True)
    yield "hard", stack(unit, layers.Dense(1, activation=hard))
    names = ("elu", "selu", "softplus", "softsign", "gelu", "relu6", "silu", "mish", "linear", "exponential")
    yield "activations", stack(*(layers.GRU(2, activation=name, return_sequences=True) for name in names))
    yield "leaky", stack(layers.SimpleRNN(2, activation=layers.LeakyReLU(0.25), return_sequences=True))


def stacks() -> Named:
    units = [layers.GRU(2, return_sequences=True), layers.SimpleRNN(3), layers.Dense(2, activation="tanh")]
    yield "mixed", stack(layers.LSTM(4, return_sequences=True), layers.Dropout(0.5), *units)
    each = layers.TimeDistributed(layers.Dense(3, activation="relu"))
    yield "each_timestep", stack(layers.LSTM(2, return_sequences=True), each, layers.LSTM(2))
    yield "convolved", stack(layers.Conv1D(4, 2), layers.LSTM(3), layers.Dense(1))
    inner = [layers.Input((T, FEATURES)), layers.LSTM(2, return_sequences=True, name="lstm"), layers.Dense(3)]
    yield "nested", stack(keras.Sequential(inner, name="inner"), layers.LSTM(2, name="lstm"), layers.Dense(1))
    cells = [layers.LSTMCell(2), layers.GRUCell(3), layers.LSTMCell(2)]
    yield "cells", stack(layers.RNN(cells, return_sequences=True), layers.Dense(1))
    yield "cell", stack(layers.RNN(layers.GRUCell(3)), layers.Dense(1))
    yield "many", stack(*(layers.LSTM(1 + number % 2, return_sequences=True) for number in range(11)))


def graphs() -> Named:
    read = layers.Input((T,), name="tokens")
    both = layers.Bidirectional(layers.LSTM(2))(layers.Embedding(6, 2, mask_zero=True)(read))
    yield "chain", keras.Model(read, layers.Dense(2, activation="sigmoid")(both))
    left, right = layers.Input((T, FEATURES)), layers.Input((T, FEATURES))
    _, h, c = layers.LSTM(2, return_state=True, name="encoder")(left)
    decoded = layers.LSTM(2, return_sequences=True, name="decoder")(right, initial_state=[h, c])
    yield "branched", keras.Model([left, right], layers.Dense(1)(decoded))
    yield "subclassed", Subclassed()


def types() -> Named:
    for dtype in ("float16", "bfloat16", "float64"):
        read = layers.Input((T, FEATURES), dtype=dtype)
        layer = layers.LSTM(2, dtype=dtype, recurrent_initializer="glorot_uniform", return_sequences=True)
        yield dtype, keras.Model(read, layer(read))


class Subclassed(keras.Model):  # type: ignore[misc]  # Keras has no types
    """Two layers that run in another order than they are made in."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.later = layers.LSTM(2)
        self.sooner = layers.GRU(4, return_sequences=True)
        self(np.zeros((1, T, FEATURES), "float32"))

    def call(self, x: Any) -> Any:
        return self.later(self.sooner(x))


def older_files(folder: Path) -> None:
    """Layouts that Keras 2 reads and no longer writes; it says what they compute."""
    import h5py  # noqa: PLC0415 - it comes with the one Keras, and this is for that one alone
    import tensorflow as tf  # noqa: PLC0415 - the same

    chance, x = (
        np.random.default_rng(99),
        np.random.default_rng(98).normal(0, 1, (BATCH, T, FEATURES)).astype("float32"),
    )
    inputs = layers.Input((T, FEATURES))
    old = keras.Sequential([inputs, tf.compat.v1.keras.layers.CuDNNGRU(2, return_sequences=True, name="gru")])
    fill(old, chance)
    old.save(folder / "cudnn_gru.h5")
    finish(
        folder,
        "cudnn_gru",
        keras.Sequential([inputs, layers.GRU(2, return_sequences=True, name="gru")]),
        x,
        old.count_params(),
    )
    both = tf.compat.v1.keras.layers.CuDNNLSTM(2, return_sequences=True, name="lstm")
    old = keras.Sequential([inputs, layers.Bidirectional(both, name="both")])
    fill(old, chance)
    old.save(folder / "cudnn_both_ways.h5")
    now = layers.Bidirectional(layers.LSTM(2, return_sequences=True, name="lstm"), name="both")
    finish(folder, "cudnn_both_ways", keras.Sequential([inputs, now]), x, old.count_params())
    gates = ("z", "r", "h")
    names = [f"gru_1_{part}_{gate}" for gate in gates for part in "WUb"]
    shapes = {"W": (FEATURES, 2), "U": (2, 2), "b": (2,)}
    with h5py.File(folder / "keras1_gru.h5", "w") as file:
        group = file.create_group("model_weights")
        file.attrs["keras_version"] = b"1.2.2"  # and none in the group: so Keras 2 knows that it is of Keras 1
        file.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": [KERAS_1_GRU]}).encode()
        group.attrs["layer_names"] = [b"gru_1"]
        layer = group.create_group("gru_1")
        layer.attrs["weight_names"] = [name.encode() for name in names]
        for name in names:
            layer[name] = chance.normal(0, 0.7, shapes[name[6]]).astype("float32")
    now = layers.GRU(2, return_sequences=True, reset_after=False, recurrent_activation="hard_sigmoid", name="gru_1")
    finish(folder, "keras1_gru", keras.Sequential([inputs, now]), x, 3 * 2 * (FEATURES + 2 + 1))


KERAS_1_GRU = {
    "class_name": "GRU",
    "config": {
        "name": "gru_1",
        "batch_input_shape": [None, T, FEATURES],
        "output_dim": 2,
        "activation": "tanh",
        "inner_activation": "hard_sigmoid",
        "return_sequences": True,
        "go_backwards": False,
        "stateful": False,
    },
}


def save(folder: Path, name: str, found: Arrays) -> None:
    """Writes what a model computes, in float32 where that is exact."""
    small = {key: array.astype("float32") for key, array in found.items() if key != "parameters"}
    kept: dict[str, Any] = {
        key: array if (array != small.get(key, array)).any() else small.get(key, array) for key, array in found.items()
    }
    np.savez_compressed(folder / f"{name}.expected.npz", **kept)


def finish(folder: Path, name: str, model: Any, x: Array, parameters: int) -> None:
    """What a model computes with the weights in a file of the older layout."""
    model.load_weights(folder / f"{name}.h5")
    save(folder, name, {**expected(model, [x]), "parameters": np.array(parameters)})


def fill(model: Any, chance: np.random.Generator) -> None:
    """Random weights, and biases that are not zero."""
    for weight in model.weights:
        if "seed" not in weight.name:
            weight.assign(chance.normal(0, 0.7, tuple(weight.shape)).astype("float32"))


def numbers(array: Any) -> Array:
    """A tensor of the framework as an array."""
    array = keras.ops.convert_to_numpy(keras.ops.cast(array, "float64")) if IS_KERAS_3 else array
    return np.asarray(array, "float64")


def example(model: Any, chance: np.random.Generator) -> list[Array]:
    """An input: token ids with padding for models that begin with an Embedding, else numbers, some masked."""
    shapes = [tuple(one.shape) for one in model.inputs] if getattr(model, "inputs", None) else [(None, T, FEATURES)]
    if len(shapes[0]) == 2:
        return [np.array([[1, 4, 2, 0, 0], [3, 0, 5, 1, 0]], "float32")]
    found = [chance.normal(0, 1, (BATCH, *shape[1:])).astype("float32") for shape in shapes]
    if any(isinstance(layer, layers.Masking) for layer in model.layers):
        found[0][0, 3:] = found[0][1, 1] = 0.5
    return found


def one_way(layer: Any, x: Array, mask: Array | None) -> list[Array]:
    """Each state of a layer after reading 1, 2, … timesteps, by itself and with its own weights."""
    config = {**layer.get_config(), "return_sequences": False, "return_state": True, "stateful": False, "name": "again"}
    backwards = config.pop("go_backwards")
    again = type(layer).from_config(config)
    if backwards:
        x, mask = x[:, ::-1], None if mask is None else mask[:, ::-1]
    again(x)
    again.set_weights(layer.get_weights())
    steps = []
    for t in range(1, x.shape[1] + 1):
        states = again(
            x[:, :t],
            mask=None if mask is None else keras.ops.convert_to_tensor(mask[:, :t]) if IS_KERAS_3 else mask[:, :t],
        )[1:]
        steps.append([numbers(state) for state in states])
    states = [np.stack(one, 1) for one in zip(*steps, strict=True)]
    return [state[:, ::-1] for state in states] if backwards else states


def expected(model: Any, xs: list[Array]) -> Arrays:
    """What every layer makes of the input, one after the other, and the model of it all."""
    found = {f"x{number or ''}": x for number, x in enumerate(xs)}
    out, mask, flipped = xs[0], None, False
    for name, layer in flat(model):
        if isinstance(layer, layers.InputLayer):
            continue
        for direction, one in directions(layer).items():
            for letter, state in zip("hc", one_way(one, out, mask), strict=False):
                found[f"{letter}.{name}{direction}"] = state[:, ::-1] if flipped else state
        flipped ^= type(layer) in CELLS and layer.go_backwards
        tensor = keras.ops.convert_to_tensor(out) if IS_KERAS_3 else out
        if isinstance(layer, layers.Embedding | layers.Masking):
            mask = numbers(layer.compute_mask(tensor)).astype(bool)
        made = layer(tensor, **masked(layer, mask))
        if isinstance(made, list | tuple):
            break
        found[f"out.{name}"] = numbers(made)
        out = numbers(made).astype("float32" if layer.compute_dtype == "bfloat16" else layer.compute_dtype)
    return found | predicted(model, xs)


def directions(layer: Any) -> dict[str, Any]:
    """The recurrent layers that a layer is, by what stands behind its name."""
    if isinstance(layer, layers.Bidirectional):
        return {"/forward": layer.forward_layer, "/backward": layer.backward_layer}
    return {"": layer} if type(layer) in CELLS else {}


def masked(layer: Any, mask: Array | None) -> dict[str, Any]:
    """The mask as an argument, for layers that take one."""
    if mask is None or not isinstance(layer, layers.RNN | layers.Bidirectional):
        return {}
    return {"mask": keras.ops.convert_to_tensor(mask) if IS_KERAS_3 else mask}


def predicted(model: Any, xs: list[Array]) -> Arrays:
    """What the whole model makes of the input; if it is stateful, also of the same again."""
    stateful = [layer for _, layer in flat(model) if getattr(layer, "stateful", False)]
    for layer in stateful:
        (layer.reset_state if IS_KERAS_3 else layer.reset_states)()
    y = model.predict(xs if len(xs) > 1 else xs[0], batch_size=BATCH, verbose=0)
    found = {f"y{number or ''}": numbers(one) for number, one in enumerate(y if isinstance(y, list | tuple) else [y])}
    if stateful:
        found["y of the same again"] = numbers(model.predict(xs[0], batch_size=BATCH, verbose=0))
    return found


def flat(model: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    """The layers of a model and of those nested in it, by name."""
    for layer in model.layers:
        if isinstance(layer, keras.Sequential):
            yield from flat(layer, f"{before}{layer.name}/")
        else:
            yield before + layer.name, layer


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for number, (name, model) in enumerate(models()):
        if name in ONLY_KERAS_3 and not IS_KERAS_3:
            continue
        chance = np.random.default_rng(number)
        fill(model, chance)
        xs = example(model, chance)
        found = {"x": xs[0]} if name in ("branched", "subclassed") else expected(model, xs)
        if name == "subclassed":
            found["y"] = numbers(model(xs[0]))
        found["parameters"] = np.array(model.count_params())
        write(folder, name, model)
        save(folder, name, found)
        keras.backend.clear_session()
    if not IS_KERAS_3:
        older_files(folder)


def write(folder: Path, name: str, model: Any) -> None:
    """The model, as its version of Keras writes it."""
    if name == "subclassed" and not IS_KERAS_3:
        model.save_weights(folder / f"{name}.weights.h5")  # it can be written in no other way
        return
    model.save(folder / f"{name}{'.keras' if IS_KERAS_3 else '.h5'}")
    if name in IN_BOTH:
        model.save(folder / f"{name}.h5")


if __name__ == "__main__":
    main()
