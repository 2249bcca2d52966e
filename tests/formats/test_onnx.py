"""ONNX files with one recurrent node: every attribute, beside ONNX Runtime."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import helper
from tests.formats.onnx_files import DENSE, SQUEEZE, Array, File, add, follow, random_x, recurrent_file, runtime

import unrolled
from unrolled.formats import onnx_cells
from unrolled.network import Recurrent

MODELS = Path(__file__).parent / "models" / "onnx"
TOLERANCE = 1e-6

FILES: dict[str, Callable[[], File]] = {
    "LSTM": lambda: recurrent_file("LSTM"),
    "GRU, reset first": lambda: recurrent_file("GRU"),
    "GRU, reset after": lambda: recurrent_file("GRU", linear_before_reset=1),
    "RNN": lambda: recurrent_file("RNN"),
    "LSTM, reverse": lambda: recurrent_file("LSTM", direction="reverse"),
    "LSTM, both": lambda: recurrent_file("LSTM", directions=2, direction="bidirectional"),
    "GRU, reverse": lambda: recurrent_file("GRU", direction="reverse", linear_before_reset=1),
    "GRU, both": lambda: recurrent_file("GRU", directions=2, direction="bidirectional"),
    "RNN, both": lambda: recurrent_file(
        "RNN",
        directions=2,
        direction="bidirectional",
        activations=["Relu", "ScaledTanh"],
        activation_alpha=[1.2],
        activation_beta=[0.7],
    ),
    "RNN, Relu": lambda: recurrent_file("RNN", activations=["Relu"]),
    "clip": lambda: recurrent_file("LSTM", clip=0.3, scale=3),
    "clip, GRU": lambda: recurrent_file("GRU", clip=0.3, linear_before_reset=1, scale=3),
    "clip, RNN": lambda: recurrent_file("RNN", clip=0.3, scale=3),
    "coupled": lambda: recurrent_file("LSTM", input_forget=1),
    "peepholes": lambda: add(recurrent_file("LSTM", scale=2), "P", 1, 12),
    "peepholes, both, clip, coupled": lambda: add(
        recurrent_file("LSTM", directions=2, direction="bidirectional", clip=0.8, input_forget=1, scale=2), "P", 2, 12
    ),
    "three activations": lambda: recurrent_file("LSTM", activations=["HardSigmoid", "Softsign", "Relu"]),
    "alpha and beta": lambda: recurrent_file(
        "LSTM",
        activations=["HardSigmoid", "LeakyRelu", "Elu"],
        activation_alpha=[0.3, 0.15, 0.7],
        activation_beta=[0.4],
        scale=2,
    ),
    "some alphas": lambda: recurrent_file(
        "GRU", activations=["HardSigmoid", "ScaledTanh"], activation_alpha=[0.25, 1.1], activation_beta=[0.45, 0.6]
    ),
    "thresholded and affine": lambda: recurrent_file(
        "LSTM",
        activations=["Sigmoid", "Affine", "ThresholdedRelu"],
        activation_alpha=[0.7, 0.2],
        activation_beta=[0.1],
    ),
    "six activations": lambda: recurrent_file(
        "LSTM",
        directions=2,
        direction="bidirectional",
        activation_alpha=[0.2, 0.3],
        activation_beta=[0.6],
        activations=["Sigmoid", "LeakyRelu", "Tanh", "HardSigmoid", "Softplus", "Softsign"],
    ),
    "initial states": lambda: add(add(recurrent_file("LSTM"), "initial_h", 1, 2, 4), "initial_c", 1, 2, 4),
    "initial h, both": lambda: add(
        recurrent_file("GRU", directions=2, direction="bidirectional"), "initial_h", 2, 2, 4
    ),
    "a length": lambda: with_lengths(recurrent_file("LSTM", directions=2, direction="bidirectional")),
    "a length for each sample": lambda: with_lengths(recurrent_file("LSTM", direction="reverse"), 5, 6),
    "a length for each sample, both": lambda: with_lengths(
        recurrent_file("GRU", directions=2, direction="bidirectional"), 6, 3
    ),
    "a length and states for each sample": lambda: with_lengths(
        add(add(recurrent_file("LSTM", direction="reverse"), "initial_h", 1, 2, 4), "initial_c", 1, 2, 4), 2, 6
    ),
    "initial c only": lambda: add(
        recurrent_file("LSTM", directions=2, direction="bidirectional"), "initial_c", 2, 2, 4
    ),
    "a length, reverse": lambda: with_lengths(recurrent_file("GRU", direction="reverse")),
    "one unit": lambda: recurrent_file("LSTM", units=1, directions=2, direction="bidirectional"),
    "opset 7": lambda: with_opset(recurrent_file("LSTM"), 7),
    "opset 22": lambda: with_opset(recurrent_file("GRU"), 22),
    "no bias": lambda: without_bias(recurrent_file("LSTM")),
    "no bias, reset after": lambda: without_bias(recurrent_file("GRU", linear_before_reset=1)),
}


def with_lengths(file: File, one: int = 4, other: int = 4) -> File:
    file.arrays["sequence_lens"] = np.array([one, other], np.int32)
    return file


def with_opset(file: File, opset: int) -> File:
    file.opset = opset
    return file


def without_bias(file: File) -> File:
    del file.arrays["B"]
    return file


def distance(path: Path) -> float:
    """How far every h and the last c of each sample are from ONNX Runtime's."""
    x = random_x()
    theirs = runtime(path, x)
    model = unrolled.load(path)
    (layer,) = model.network.recurrent
    far = [0.0]
    for sample in (0, 1):
        reading = model.network.read(x[:, sample], row=sample)
        every = theirs["Y"][:, :, sample].reshape(len(x), -1)
        far.append(error(np.asarray(reading.output(layer.name)), every))
        for number, direction in enumerate(layer.directions):
            state = reading.final_states[direction.name]
            far.append(error(state[0], theirs["Y_h"][number, sample]))
            if "Y_c" in theirs:
                far.append(error(state[1], theirs["Y_c"][number, sample]))
    return max(far)


def error(mine: Array, theirs: Array) -> float:
    return float((np.abs(mine - theirs) / np.maximum(1, np.abs(theirs))).max())


@pytest.mark.parametrize("name", FILES)
def test_every_attribute(tmp_path: Path, name: str) -> None:
    file = FILES[name]()
    path = file.save(tmp_path / "model.onnx")
    assert distance(path) <= TOLERANCE
    model = unrolled.load(path)
    weights = sum(array.size for key, array in file.arrays.items() if key in "WRBP")
    assert model.network.parameters == weights
    assert model.framework == "ONNX"


@pytest.mark.parametrize("name", ["lstm", "lstm_peephole", "gru_lbr0"])
def test_the_numbers_that_onnx_runtime_gave(name: str) -> None:
    expected = np.load(MODELS / f"{name}.expected.npz")
    model = unrolled.load(MODELS / f"{name}.onnx")
    for sample in range(2):
        reading = model.network.read(expected["x"][:, sample])
        (passage,) = reading.passages
        h = np.stack([passage.state(t)[0] for t in range(reading.timesteps)])
        assert error(h, expected["h.0.fwd"][sample]) <= TOLERANCE
        if "c.0.fwd" in expected:
            c = np.stack([passage.state(t)[1] for t in range(reading.timesteps)])
            assert error(c, expected["c.0.fwd"][sample]) <= TOLERANCE
    assert model.network.parameters == json.loads(str(expected["meta"]))["params"]


def drop_half(patch: pytest.MonkeyPatch, half: int) -> None:
    split = np.split

    def without(array: Any, sections: Any, **options: Any) -> Any:
        parts = split(array, sections, **options)
        if isinstance(sections, int) and sections == 2:
            parts[half] = np.zeros_like(parts[half])
        return parts

    patch.setattr(np, "split", without)


def never_flip(patch: pytest.MonkeyPatch) -> None:
    make = Recurrent
    patch.setattr(onnx_cells, "Recurrent", lambda *args, **options: make(*args, **{**options, "flips_back": False}))


def drop(patch: pytest.MonkeyPatch, option: str) -> None:
    make = unrolled.LSTM
    default = False if option == "coupled" else None
    patch.setattr(onnx_cells, "LSTM", lambda *args, **options: make(*args, **{**options, option: default}))


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("LSTM", lambda patch: patch.setattr(onnx_cells, "_LSTM_ORDER", (0, 1, 2, 3))),
        ("peepholes", lambda patch: patch.setattr(onnx_cells, "_PEEPHOLE_ORDER", (0, 1, 2))),
        ("LSTM", lambda patch: drop_half(patch, 0)),
        ("LSTM", lambda patch: drop_half(patch, 1)),
        ("LSTM, reverse", never_flip),
        ("coupled", lambda patch: drop(patch, "coupled")),
        ("clip", lambda patch: drop(patch, "clip")),
        ("three activations", lambda patch: drop(patch, "output_activation")),
    ],
)
def test_a_wrong_reading_would_be_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, change: Callable[[Any], None]
) -> None:
    path = FILES[name]().save(tmp_path / "model.onnx")
    assert distance(path) <= TOLERANCE
    change(monkeypatch)
    assert distance(path) > 1e-3


def test_samples_first(tmp_path: Path) -> None:
    """ONNX Runtime refuses layout 1: the numbers are those of the same weights with layout 0."""
    file = add(recurrent_file("LSTM", directions=2, direction="bidirectional"), "initial_h", 2, 2, 4)
    usual = runtime(file.save(tmp_path / "usual.onnx"), random_x())
    file.attributes["layout"] = 1
    file.arrays["initial_h"] = file.arrays["initial_h"].swapaxes(0, 1).copy()
    file.x_shape = (2, "T", 3)
    model = unrolled.load(file.save(tmp_path / "model.onnx"))
    output = np.asarray(model.network.read(random_x()[:, 0]).output("rnn"))
    assert error(output, usual["Y"][:, :, 0].reshape(len(output), -1)) <= TOLERANCE


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_other_types(tmp_path: Path, dtype: Any) -> None:
    file = recurrent_file("LSTM")
    usual = unrolled.load(file.save(tmp_path / "usual.onnx"))
    file.arrays = {name: array.astype(dtype) for name, array in file.arrays.items()}
    model = unrolled.load(file.save(tmp_path / "model.onnx"))
    layer = model.layers[0].layer
    assert layer.dtype == (np.float32 if dtype == np.float16 else np.float64)
    assert bool(model.remarks) == (dtype == np.float16)
    x = random_x()[:, 0]
    np.testing.assert_allclose(
        np.asarray(model.network.read(x).output("rnn")), np.asarray(usual.network.read(x).output("rnn")), atol=2e-3
    )


def test_bfloat16(tmp_path: Path) -> None:
    file = recurrent_file("RNN")
    values = file.arrays["W"].view(np.uint32) & 0xFFFF0000  # what bfloat16 can hold

    def store(proto: Any) -> None:
        tensor = next(tensor for tensor in proto.graph.initializer if tensor.name == "W")
        tensor.data_type = 16
        tensor.raw_data = (values >> 16).astype("<u2").tobytes()

    model = unrolled.load(file.save(tmp_path / "model.onnx", store))
    assert np.array_equal(model.layers[0].layer.weights["kernel"], values.view(np.float32)[0].T)
    assert model.remarks == ("model.onnx: W is stored as bfloat16, stepped in float32",)


@pytest.mark.parametrize(("opset", "told"), [(None, "28; --opset says otherwise"), (17, "17, as --opset says")])
def test_an_unknown_opset_is_asked_for(tmp_path: Path, opset: int | None, told: str) -> None:
    path = with_opset(recurrent_file("LSTM"), 9999).save(tmp_path / "model.onnx")
    model = unrolled.load(path, unrolled.Choices(opset=opset))
    assert model.remarks == (f"model.onnx: opset 9999 is not known here: read as opset {told}",)


@pytest.mark.parametrize("opset", [0, 29])
def test_an_opset_that_there_is_not(tmp_path: Path, opset: int) -> None:
    path = with_opset(recurrent_file("LSTM"), 9999).save(tmp_path / "model.onnx")
    with pytest.raises(unrolled.UnrolledError, match=f"--opset: expected 1 to 28, .*got {opset}"):
        unrolled.load(path, unrolled.Choices(opset=opset))


def test_an_opset_that_the_file_says_is_not_overruled(tmp_path: Path) -> None:
    path = recurrent_file("LSTM").save(tmp_path / "model.onnx")
    (remark,) = unrolled.load(path, unrolled.Choices(opset=9)).remarks
    assert "--opset is not needed" in remark


@pytest.mark.parametrize(("perm", "first"), [([1, 0, 2], True), (None, False)])
def test_which_axis_of_the_input_is_the_batch(tmp_path: Path, perm: list[int] | None, first: bool) -> None:
    file = recurrent_file("LSTM")
    if perm is not None:
        file.nodes = [helper.make_node("Transpose", ["input"], ["X"], perm=perm)]
    path = file.save(
        tmp_path / "model.onnx", lambda proto: setattr(proto.graph.input[0], "name", "input" if perm else "X")
    )
    assert unrolled.load(path).batch_first is first


def test_numbers_that_are_not_finite_are_told(tmp_path: Path) -> None:
    file = recurrent_file("LSTM")
    file.arrays["W"][0, 0, 0] = np.nan
    model = unrolled.load(file.save(tmp_path / "model.onnx"))
    assert model.remarks == ("model.onnx: rnn: W: 1 value is not finite: nan at [0, 0, 0]",)


def test_numbers_of_other_tensors_that_are_not_finite_are_told(tmp_path: Path) -> None:
    """By the names that they have in the file."""
    file = follow(*SQUEEZE, DENSE[1])
    file.arrays["kernel"] = np.full((4, 2), np.inf, np.float32)
    file = add(file, "initial_c", 1, 2, 4)
    file.arrays["initial_c"][0, 1, 2] = -np.inf
    remarks = unrolled.load(file.save(tmp_path / "model.onnx")).remarks
    assert "model.onnx: rnn: initial_c: 1 value is not finite: -inf at [0, 1, 2]" in remarks
    assert "model.onnx: matmul_4: kernel: 8 values are not finite, the first is inf at [0, 0]" in remarks
