"""Makes keras_networks.npz: networks with random weights, and what Keras makes of an input.

    KERAS_BACKEND=torch python tests/engine/make_keras_networks.py

For each case there are its input `CASE/x`, the weights of each layer `CASE/LAYER/0`, …, what each recurrent layer gives
to the next as `CASE/out/LAYER`, and the output of the model as `CASE/out/y`. `meta` says what the layers are.
"""

import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

keras: Any = importlib.import_module("keras")
RANDOM = np.random.default_rng(0)


def cases() -> Iterator[tuple[str, list[Any], Any, int | None]]:
    """The cases: a name, the layers, the input, and the batch size of a stateful one."""
    k = keras.layers
    both, masking = k.Bidirectional, k.Masking
    x = numbers(3, 7, 3)
    masked = x.copy()
    masked[0, 2:4] = masked[1, :2] = masked[1, 5:] = masked[2] = 0
    ids = np.array([[1, 2, 0, 3, 0, 4, 5], [0, 0, 1, 2, 3, 0, 0], [0] * 7])
    seq = {"return_sequences": True}
    yield "masked bidirectional", [masking(0.0), both(k.LSTM(4, **seq)), k.Dense(5, "softmax")], masked, None
    last = [masking(0.0), both(k.GRU(4), merge_mode="ave"), k.Dense(3, "sigmoid")]
    yield "masked bidirectional, last", last, masked, None
    backwards = k.GRU(4, **seq, go_backwards=True)
    above = both(k.LSTM(3, **seq), merge_mode="sum")
    yield "masked backwards", [masking(0.0), backwards, above, k.TimeDistributed(k.Dense(2))], masked, None
    words = [k.Embedding(9, 4, mask_zero=True), both(k.GRU(4, **seq)), k.Dropout(0.5)]
    yield "embedding", [*words, both(k.LSTM(3), merge_mode="mul"), k.Dense(2, "tanh")], ids, None
    yield "backwards", [k.SimpleRNN(4, **seq, go_backwards=True), k.LSTM(3, **seq), k.Dense(2)], x, None
    yield "backwards, last", [k.LSTM(4, **seq, go_backwards=True), k.GRU(3), k.Dense(2)], x, None
    stack = [masking(0.0), k.LSTM(4, **seq), k.Dropout(0.5), k.SimpleRNN(3), k.Dense(2)]
    yield "masked stack", stack, masked, None
    yield "masking in the middle", [k.Dense(4, "relu"), k.LSTM(4, **seq), masking(0.0), both(k.GRU(3))], x, None
    stateful = [k.LSTM(4, **seq, stateful=True), both(k.GRU(3, stateful=True)), k.Dense(2)]
    yield "stateful", [keras.Input(batch_shape=(2, 4, 3)), *stateful], numbers(6, 4, 3), 2


def numbers(*shape: int) -> Any:
    return RANDOM.standard_normal(shape).round(3).astype(np.float32)


def outputs(model: Any, x: Any) -> dict[str, Any]:
    """What each recurrent layer gives, and the model."""
    found, values, mask = {}, keras.ops.convert_to_tensor(x), None
    for number, layer in enumerate(model.layers):
        takes_mask = mask is not None and hasattr(layer, "return_sequences")
        before, values = values, layer(values, mask=mask) if takes_mask else layer(values)
        mask = layer.compute_mask(before, mask) if layer.supports_masking else None
        if hasattr(layer, "return_sequences"):
            found[f"layer{number}"] = keras.ops.convert_to_numpy(values)
    return found | {"y": keras.ops.convert_to_numpy(values)}


def described(layer: Any, name: str) -> dict[str, Any]:
    """A layer as the test's reader takes it."""
    config, kind = layer.get_config(), type(layer).__name__
    match kind:
        case "Embedding":
            return {"kind": kind, "name": name, "mask_zero": config["mask_zero"]}
        case "Masking":
            return {"kind": kind, "name": name, "value": config["mask_value"]}
        case "Dense" | "TimeDistributed":
            inner = layer.layer if kind == "TimeDistributed" else layer
            return {"kind": "Dense", "name": name, "activation": inner.get_config()["activation"]}
        case "Dropout":
            return {"kind": "Unchanged", "name": name, "of": kind}
    options = {"return_sequences": layer.return_sequences, "stateful": layer.stateful}
    if kind != "Bidirectional":
        return {"kind": "Recurrent", "name": name, "cell": kind, "go_backwards": layer.go_backwards, **options}
    options |= {"merge": layer.merge_mode, "zero_output_for_mask": layer.forward_layer.zero_output_for_mask}
    return {
        "kind": "Recurrent",
        "name": name,
        "cell": type(layer.forward_layer).__name__,
        "bidirectional": True,
        **options,
    }


def weights(layer: Any, name: str) -> dict[str, Any]:
    """The weights of a layer by their names in the file."""
    if hasattr(layer, "forward_layer"):
        return weights(layer.forward_layer, f"{name}/forward") | weights(layer.backward_layer, f"{name}/backward")
    held = getattr(layer, "cell", layer).trainable_weights
    return {f"{name}/{number}": keras.ops.convert_to_numpy(weight) for number, weight in enumerate(held)}


def main() -> None:
    """Writes the file."""
    arrays: dict[str, Any] = {}
    told: dict[str, Any] = {}
    for case, layers, x, batch in cases():
        keras.utils.clear_session()
        model = keras.Sequential(layers)
        model.build(x.shape if batch is None else (batch, *x.shape[1:]))
        for weight in model.trainable_weights:
            weight.assign(0.5 * numbers(*weight.shape))
        size = batch or len(x)
        parts = [outputs(model, x[start : start + size]) for start in range(0, len(x), size)]
        found = {f"{case}/out/{name}": np.concatenate([part[name] for part in parts]) for name in parts[0]}
        names = [f"layer{number}" for number in range(len(model.layers))]
        for name, layer in zip(names, model.layers, strict=True):
            arrays |= {f"{case}/{key}": array for key, array in weights(layer, name).items()}
        arrays |= {f"{case}/x": x, **found}
        specs = [described(layer, name) for name, layer in zip(names, model.layers, strict=True)]
        told[case] = {"layers": specs, "parameters": model.count_params(), "batch": batch}
    meta = json.dumps({"library": f"Keras {keras.__version__} on {keras.backend.backend()}", "cases": told})
    np.savez_compressed(Path(__file__).with_name("keras_networks.npz"), meta=np.array(meta), **arrays)


if __name__ == "__main__":
    main()
