"""What the doctor says of a model that was read wrongly: every mistake is made, and the right one is named."""

from collections.abc import Callable
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.engine.framework_numbers import Arrays, named, outputs
from tests.formats import torch_models
from tests.formats.keras_models import case
from tests.formats.onnx_files import File, random_x, recurrent_file, runtime
from tests.formats.test_keras_mutations import (
    directions_swapped,
    on_arrays,
    other_hard_sigmoid,
    recurrent_only_transposed,
    swapped,
    untransposed,
    with_bias,
)
from tests.formats.test_torch_mutations import hard_sigmoid, in_order, on_weights, transposed

from unrolled import load
from unrolled.agreement import Report
from unrolled.doctor import Diagnosis, diagnose
from unrolled.formats.model import Model
from unrolled.network import Dense, Embedding, Network, Recurrent
from unrolled.verify import verify

Mutation = Callable[[pytest.MonkeyPatch], None]


def diagnosis(model: Model, arrays: Arrays) -> Diagnosis:
    report: Report = verify(model, arrays)
    assert not report.agrees
    return diagnose(model, arrays, report)


def truths(model: Model, arrays: Arrays) -> list[str]:
    found = diagnosis(model, arrays).findings
    assert all(finding.largest < 1e-5 for finding in found)
    return [finding.truth for finding in found]


def reordered(array: np.ndarray[Any, Any], places: tuple[int, ...]) -> np.ndarray[Any, Any]:
    blocks = np.split(array, len(places), -1)
    return np.concatenate([blocks[place] for place in places], -1)


@pytest.mark.parametrize("places", [places for places in permutations(range(4)) if places != (0, 1, 2, 3)])
def test_every_order_of_an_lstm(tmp_path: Path, places: tuple[int, ...]) -> None:
    """Keras's own numbers, and a file with its weights in another order."""
    expected = case("keras3/lstm3.keras").expected
    layer = load(case("keras3/lstm3.keras").path).layers[0].layer
    weights: dict[str, Any] = {name: reordered(array, places) for name, array in layer.weights.items()}
    np.savez(tmp_path / "m.npz", **weights)
    model = load(tmp_path / "m.npz")
    order = ", ".join("ifgo"[place] for place in places)
    names: dict[tuple[int, ...], str] = {(0, 3, 1, 2): " (ONNX's iofc)", (1, 0, 2, 3): " (OpenVINO's fico)"}
    names[0, 2, 1, 3] = " (TensorFlow 1's ijfo and Keras 1's icfo)"
    told = f"in lstm the gate blocks stand in the order {order}{names.get(places, '')}, not i, f, g, o"
    assert truths(model, {"x": expected["x"], "h": expected["y"]}) == [told]


@pytest.mark.parametrize("places", [places for places in permutations(range(3)) if places != (0, 1, 2)])
def test_every_order_of_a_gru(tmp_path: Path, places: tuple[int, ...]) -> None:
    one = case("keras2/gru_after1.h5")
    layer = load(one.path).layers[0].layer
    weights: dict[str, Any] = {name: reordered(array, places) for name, array in layer.weights.items()}
    np.savez(tmp_path / "m.npz", **weights)
    order = ", ".join("zrn"[place] for place in places)
    known = " (PyTorch's rzn)" if places == (1, 0, 2) else ""
    told = f"in gru the gate blocks stand in the order {order}{known}, not z, r, n"
    model = load(tmp_path / "m.npz")
    assert truths(model, {"x": one.expected["x"], "h": one.expected["y"]}) == [told]


def test_an_onnx_file_written_in_keras_order(tmp_path: Path) -> None:
    """A converter that forgot to reorder: the truth is what ONNX Runtime makes of the right file."""
    file = recurrent_file("LSTM")
    x, right = random_x(), file.save(tmp_path / "right.onnx")
    to_keras = (0, 2, 3, 1)  # i, o, f, c to i, f, c, o
    arrays = {name: _rows(array, to_keras, 1 + (name == "B")) for name, array in file.arrays.items()}
    wrong = File("LSTM", arrays, file.attributes).save(tmp_path / "wrong.onnx")
    told = "in rnn the gate blocks stand in the order i, f, g, o (Keras's ifco and PyTorch's ifgo), not i, o, f, g"
    assert truths(load(wrong), {"x": x, "h": runtime(right, x)["Y"]}) == [told]


def _rows(array: np.ndarray[Any, Any], places: tuple[int, ...], halves: int) -> np.ndarray[Any, Any]:
    parts = np.split(array, halves, 1)
    return np.concatenate([np.concatenate([np.split(part, 4, 1)[place] for place in places], 1) for part in parts], 1)


@pytest.mark.parametrize(
    ("name", "mutation", "truth"),
    [
        ("keras2/lstm3.h5", on_arrays(swapped(2, 1)), "in the order i, g, f, o (TensorFlow 1's"),
        ("keras2/gru_after1.h5", on_arrays(with_bias(lambda bias: bias[::-1])), "the two rows of the bias are swapped"),
        ("keras2/lstm3.h5", on_arrays(with_bias(lambda bias: bias * 2)), "the bias is counted twice here"),
        ("keras2/lstm3.h5", on_arrays(with_bias(lambda bias: bias / 2)), "the bias counts twice"),
        (
            "keras2/lstm3.h5",
            on_arrays(with_bias(lambda bias: bias - np.repeat(np.array([0, 1, 0, 0], np.float32), 3))),
            "1 is added to the bias of f (TensorFlow 1's forget_bias)",
        ),
        ("keras2/lstm_hardsigmoid.h5", other_hard_sigmoid, "the activation of the gates is hard_sigmoid_keras2, not"),
        ("keras2/keras1_gru.h5", other_hard_sigmoid, "the activation of the gates is hard_sigmoid_keras2, not"),
        ("keras2/cudnnlstm.h5", untransposed, "each gate's block of both kernels is transposed (CuDNN's layout)"),
        ("keras2/cudnn_gru.h5", untransposed, "each gate's block of both kernels is transposed (CuDNN's layout)"),
        ("keras2/cudnn_gru.h5", recurrent_only_transposed, "each gate's block of the kernel is transposed (CuDNN's"),
        ("keras3/bilstm_concat.keras", directions_swapped, "the weights of its two directions are swapped"),
    ],
)
def test_a_mistake_of_a_reader_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, mutation: Mutation, truth: str
) -> None:
    expected = case(name).expected
    mutation(monkeypatch)
    model = load(case(name).path)
    assert any(truth in each for each in truths(model, named(model, expected)))
    assert any(truth in each for each in truths(model, outputs(model, expected)))


@pytest.mark.parametrize(
    ("name", "mutation", "truth"),
    [
        ("lstm4.pt", in_order(0, 2, 1, 3), "in the order i, g, f, o"),
        ("gru.pt", in_order(1, 0, 2), "in the order z, r, n (Keras's and ONNX's zrh), not r, z, n"),
        ("lstm4.pt", hard_sigmoid, "the activation of the gates is sigmoid, not hard_sigmoid"),
        ("lstm4.pt", on_weights(transposed), "each gate's block of the recurrent kernel is transposed"),
        ("bilstm2.pt", in_order(0, 3, 1, 2), "in lstm_l0 and lstm_l1 the gate blocks stand in the order i, o, f, g"),
    ],
)
def test_a_mistake_with_pytorch(monkeypatch: pytest.MonkeyPatch, name: str, mutation: Mutation, truth: str) -> None:
    one = torch_models.case(name)
    mutation(monkeypatch)
    model = one.load()
    assert any(truth in each for each in truths(model, outputs(model, one.expected)))


def changed(model: Model, name: str, layer: Any) -> Model:
    """The model with another layer under that name."""
    layers = tuple(layer if one.name == name else one for one in model.network.layers)
    return replace(model, network=Network(layers))


def altered(model: Model, **options: Any) -> Model:
    """The model with its first recurrent layer changed."""
    first = model.network.recurrent[0]
    forward: Any = first.forward
    return changed(model, first.name, replace(first, forward=replace(forward, **options)))


@pytest.mark.parametrize(("name", "other"), [("gru_no_bias_after", "before"), ("gru_no_bias_before", "after")])
def test_where_the_reset_gate_is_applied(name: str, other: str) -> None:
    one = case(f"keras3/{name}.keras")
    model = load(one.path)
    wrong = altered(model, reset_after=other == "after")
    right = "after" if other == "before" else "before"
    found = truths(wrong, outputs(model, one.expected))
    assert found == [f"in gru the reset gate is applied {right} the recurrent kernel (reset_after={right == 'after'})"]


def test_one_row_for_both_biases_of_a_gru() -> None:
    one = torch_models.case("gru.pt")
    model = one.load()
    layer: Any = model.layers[0].layer
    summed = np.stack([layer.bias.sum(axis=0), np.zeros_like(layer.bias[0])])
    found = truths(altered(model, bias=summed), outputs(model, one.expected))
    assert found == [  # what was added can be told apart again where the outputs are known
        "in gru another bias is added (as when one of two is left out, or both are added where they must not be)"
    ]


@pytest.mark.parametrize(
    ("options", "truth"),
    [
        ({"activation": "relu"}, "in lstm_1 the activation is tanh, not relu"),
        (
            {"recurrent_activation": "hard_sigmoid"},
            "in lstm_1 the activation of the gates is sigmoid, not hard_sigmoid",
        ),
    ],
)
def test_an_activation(options: dict[str, str], truth: str) -> None:
    one = case("keras3/lstm3.keras")
    model = load(one.path)
    assert truths(altered(model, **options), outputs(model, one.expected)) == [truth]


def test_layouts_of_the_weights() -> None:
    one = case("keras3/lstm3.keras")
    model = load(one.path)
    layer: Any = model.layers[0].layer
    rows = len(layer.kernel)
    reshaped = np.ascontiguousarray(layer.kernel.T).reshape(rows, -1)
    interleaved = {
        name: np.swapaxes(array.reshape(*array.shape[:-1], 4, 3), -1, -2).reshape(array.shape)
        for name, array in layer.weights.items()
    }
    arrays = outputs(model, one.expected)
    told = "in lstm_1 the kernel is stored as (gates, rows) and has to be transposed, not reshaped"
    assert truths(altered(model, kernel=reshaped), arrays) == [told]
    told = "in lstm_1 the gates of each unit stand beside each other, not the units of each gate"
    assert truths(altered(model, **interleaved), arrays) == [told]


def test_z_that_keeps_or_renews() -> None:
    """PyTorch's and Keras's GRUs keep z of the state; in the paper of Cho et al. of 2014 others renew it."""
    one = torch_models.case("gru.pt")
    model = one.load()
    layer: Any = model.layers[0].layer
    signs = np.repeat(np.array([-1, 1, 1], np.float32), layer.units)
    weights = {name: array * signs for name, array in layer.weights.items()}
    told = "in gru h is (1 - z)*h(t-1) + z*n, not z*h(t-1) + (1 - z)*n"
    assert truths(altered(model, **weights), outputs(model, one.expected)) == [told]


@pytest.mark.parametrize("name", ["backwards", "each_timestep"])
def test_a_direction(name: str) -> None:
    one = case(f"keras3/{name}.keras")
    model = load(one.path)
    first = model.network.recurrent[0]
    wrong = changed(model, first.name, replace(first, go_backwards=not first.go_backwards))
    found = truths(wrong, outputs(model, one.expected))
    right = "it reads backwards, and its output is in the order" if first.go_backwards else "it reads forwards, not"
    assert [each for each in found if f"in {first.name} {right}" in each]


def test_layers_in_the_other_order() -> None:
    one = case("keras3/lstm3.keras")  # 3 units that read 3 features
    model = load(one.path)
    layer: Any = model.layers[0].layer
    backwards = replace(layer, kernel=-layer.kernel)
    stack = replace(model, network=Network((Recurrent("a", layer), Recurrent("b", backwards))))
    turned = replace(model, network=Network((Recurrent("a", backwards), Recurrent("b", layer))))
    x = one.expected["x"]
    y = np.stack([np.asarray(stack.network.read(each).output("b")) for each in x])
    assert truths(turned, {"x": x, "y": y}) == ["a and b stand in the other order"]


def test_time_first() -> None:
    one = torch_models.case("lstm4.pt")
    arrays = {name: np.swapaxes(one.expected[name], 0, 1) for name in ("x", "y")}
    assert truths(one.load(), arrays) == ["the arrays are (T, batch, …); --no-batch-first says so"]
    report = verify(one.load(batch_first=False), arrays)
    assert report.agrees
    assert not report.batch_first


def test_a_dense_layer() -> None:
    one = case("keras3/tokens.keras")
    model = load(one.path)
    dense = next(layer for layer in model.network.layers if isinstance(layer, Dense))
    wrong = changed(model, dense.name, replace(dense, activation="sigmoid"))
    found = truths(wrong, outputs(model, one.expected))
    assert found == [f"in {dense.name} the activation is {dense.activation}, not sigmoid"]


def test_padding() -> None:
    one = case("keras3/tokens.keras")
    model = load(one.path)
    embedding = next(layer for layer in model.network.layers if isinstance(layer, Embedding))
    assert embedding.mask_zero
    assert (one.expected["x"] == 0).any()
    wrong = changed(model, embedding.name, replace(embedding, mask_zero=False))
    assert truths(wrong, outputs(model, one.expected)) == [f"in {embedding.name} token 0 is padding"]


def test_only_layers_that_may_be_to_blame() -> None:
    """Where the first layer's own h is known to be right, the doctor looks at the second alone."""
    one = case("keras3/lstm_stack.keras")
    model = load(one.path)
    second = model.network.recurrent[1]
    forward: Any = second.forward
    wrong = changed(model, second.name, replace(second, forward=replace(forward, activation="relu")))
    arrays = named(model, one.expected)
    assert truths(wrong, arrays) == [f"in {second.name} the activation is tanh, not relu"]
    inside = diagnosis(wrong, arrays).tried
    outside = diagnosis(wrong, outputs(model, one.expected)).tried
    assert outside > 2 * inside
    assert isinstance(second, Recurrent)


def test_what_could_not_be_seen_is_said() -> None:
    """Only of the last layer is the true output known, so only its bias and start show themselves."""
    one = torch_models.case("gru2.pt")
    model, expected = one.load(), one.expected
    first, second = model.network.recurrent
    noise = np.asarray(np.random.default_rng(3).uniform(-0.9, 0.9, expected["y"].shape), np.float32)
    clause = "; whether another bias or initial state does could not be seen in "
    assert diagnosis(model, {"x": expected["x"], "y": noise}).sentences[0].endswith(f"{clause}{first.name}")
    last = diagnosis(model, {"x": expected["x"], "y": noise[:, -1]}).sentences[0]
    assert last.endswith(f"{clause}{first.name} and {second.name}")
    single = torch_models.case("gru.pt")
    noise = np.asarray(np.random.default_rng(3).uniform(-0.9, 0.9, single.expected["y"].shape), np.float32)
    assert clause not in diagnosis(single.load(), {"x": single.expected["x"], "y": noise}).sentences[0]


def test_the_last_output_of_each_direction() -> None:
    """PyTorch's own numbers: the backward direction ends at the first timestep."""
    one = torch_models.case("bilstm2.pt")
    model, y = one.load(), one.expected["y"]
    units = y.shape[-1] // 2
    ends = np.concatenate([y[:, -1, :units], y[:, 0, units:]], -1)
    told = "the output is the last one of each direction, not that of both at the last timestep"
    last = model.network.recurrent[-1].name
    for key in ("y", "h"):
        assert truths(model, {"x": one.expected["x"], key: ends}) == [f"in {last} {told}"]


def test_a_log_softmax_that_was_left_out() -> None:
    """ONNX Runtime's and PyTorch's log_softmax are one: log(softmax), here from the numbers of PyTorch's Linear."""
    one = torch_models.case("tagger.pt")
    logits = one.expected["y"].astype(np.float64)
    y = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    assert truths(one.load(), {"x": one.expected["x"], "y": y.astype(np.float32)}) == [
        "in fc the activation is log_softmax, not linear"
    ]
