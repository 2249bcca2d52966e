"""PyTorch's files: each gives the numbers of PyTorch at every timestep, for h and c of every layer and direction."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.formats.torch_models import FOLDER, Array, Case, case, cases, distance

import unrolled
from unrolled import GRU, LSTM, OptionError, SimpleRNN
from unrolled.formats import Choices, Model, load
from unrolled.network import Dense, Embedding, Foreign
from unrolled.verify import verify_file
from unrolled_tui import cli

CASES = cases()


def remarks(model: Model) -> str:
    return "\n".join(model.remarks)


def save(path: Path, **arrays: Any) -> Path:
    """Weights in a .npz file, whose names are read as those of a state dict."""
    numbers: dict[str, Any] = {name: np.asarray(array, np.float32) for name, array in arrays.items()}
    np.savez(path, **numbers)
    return path


def weights(prefix: str, units: int, features: int, gates: int = 3, seed: int = 0) -> dict[str, Array]:
    chance = np.random.default_rng(seed)
    shapes: dict[str, tuple[int, ...]] = {
        "weight_ih_l0": (gates * units, features),
        "weight_hh_l0": (gates * units, units),
    }
    shapes |= {"bias_ih_l0": (gates * units,), "bias_hh_l0": (gates * units,)}
    return {prefix + name: chance.normal(size=shape) for name, shape in shapes.items()}


def names(model: Model) -> list[str]:
    return [layer.name for layer in model.network.layers]


def test_the_models_are_all_there() -> None:
    endings = {"".join(one.path.suffixes[-1:]) for one in CASES}
    assert endings == {".pt", ".pth", ".ckpt", ".safetensors"}
    assert {path.name for path in FOLDER.iterdir() if path.suffix in endings} == {
        *(one.path.name for one in CASES),
        "lstm4.full.pt",
    }


@pytest.mark.parametrize("one", CASES, ids=str)
def test_numbers_are_those_of_pytorch(one: Case) -> None:
    tolerance = 1e-12 if one.expected["x"].dtype == np.float64 else 1e-6
    assert distance(one.load(), one.expected) < tolerance


@pytest.mark.parametrize("one", CASES, ids=str)
def test_parameters_are_counted_as_pytorch_counts_them(one: Case) -> None:
    model = one.load()
    assert model.network.parameters == one.meta["params"]
    assert model.framework == "PyTorch"


def test_cells_have_the_layout_of_ours() -> None:
    lstm = case("lstm4.pt").load().layers[0].layer
    gru = case("gru.pt").load().layers[0].layer
    rnn = case("rnn_relu.pt").load().layers[0].layer
    assert isinstance(lstm, LSTM)
    assert isinstance(gru, GRU)
    assert isinstance(rnn, SimpleRNN)
    assert gru.reset_after
    assert gru.bias is not None
    assert gru.bias.shape == (2, 9)
    assert rnn.activation == "relu"
    assert (lstm.units, lstm.features, lstm.dtype) == (4, 3, np.dtype(np.float32))


def test_what_is_stored_in_fewer_bits_is_told() -> None:
    assert "are stored as float16, stepped in float32" in remarks(case("half.pt").load())
    assert "are stored as bfloat16, stepped in float32" in remarks(case("bfloat16.safetensors").load())
    assert "stored" not in remarks(case("double.pt").load())


def test_the_nonlinearity_is_an_option_with_its_default_told() -> None:
    path = FOLDER / "rnn_relu.pt"
    asked = "the nonlinearity of the RNN is not in the file"
    assert f"{asked}: taken tanh; --activation relu says otherwise" in remarks(load(path))
    assert f"{asked}: relu, as --activation says" in remarks(load(path, Choices(activation="relu")))
    assert distance(load(path), case("rnn_relu.pt").expected) > 0.05
    with pytest.raises(unrolled.ModelFileError, match="activation: expected one of"):
        load(path, Choices(activation="nothing"))


def test_batch_first_is_an_option_with_its_default_told() -> None:
    path = FOLDER / "lstm4.pt"
    model = load(path)
    assert model.batch_first
    assert "batch_first is not in the file: taken yes; --no-batch-first says otherwise" in remarks(model)
    answered = load(path, Choices(batch_first=False))
    assert not answered.batch_first
    assert "batch_first is not in the file: no, as --no-batch-first says" in remarks(answered)
    assert "batch" not in remarks(load(FOLDER / "gru_cells.pth"))  # a cell reads one timestep


def test_embedding_and_linear_are_used_and_said_so() -> None:
    model = case("tagger.pt").load()
    assert [type(layer) for layer in model.network.layers][::2] == [Embedding, Dense]
    told = remarks(model)
    assert "embedding is taken for the Embedding that lstm reads" in told
    assert "fc is taken for the Linear that reads lstm" in told
    behind = "what is applied to the output of the Linear layer is not in the file"
    assert f"{behind}: taken nothing; --dense-activation softmax says otherwise" in told
    assert "whether the Linear layer reads every timestep is not in the file: taken yes; --no-return-sequences" in told
    assert "Dense" not in told
    last = case("tagger.pt").load(return_sequences=False, dense_activation="softmax")
    probabilities = last.network.read([1, 2, 3]).prediction(2)
    assert probabilities is not None
    assert np.isclose(probabilities.sum(), 1)


def test_modules_of_unknown_connection_are_fed_by_themselves() -> None:
    one = case("pair.pt")
    model = one.load()
    encoder, between, decoder = model.network.layers
    assert isinstance(between, Foreign)
    assert (encoder.name, decoder.name) == ("encoder", "decoder")
    told = remarks(model)
    assert "the order of the modules is not in the file: taken encoder, decoder; --layer-order decoder,encoder" in told
    assert "is taken to read" not in told  # the sizes would fit the other way round, which the names rule out
    reading = model.network.read(one.expected["x"][1, :, :2], layer="decoder")
    assert np.abs(np.asarray(reading.output("decoder")) - one.expected["decoder"][1]).max() < 1e-6
    assert names(one.load(layer_order=("decoder", "encoder"))) == [
        "decoder",
        "encoder",
    ]  # it fits, and the user says so
    with pytest.raises(unrolled.ModelFileError, match="--layer-order: expected encoder,decoder, in any order, got enc"):
        one.load(layer_order=("encoder", "other"))


def test_numbered_modules_whose_sizes_fit_read_each_other(tmp_path: Path) -> None:
    arrays = {**weights("rnn10.", 3, 5), **weights("rnn9.", 5, 4), **weights("rnn11.", 2, 4)}
    model = load(save(tmp_path / "m.npz", **arrays))
    assert names(model) == ["rnn9", "rnn10", "input of rnn11", "rnn11"]
    assert "rnn10 is taken to read rnn9, as its number and size say" in remarks(model)


def test_modules_that_fit_in_one_order_only_read_each_other(tmp_path: Path) -> None:
    path = save(tmp_path / "m.npz", **weights("top.", 3, 5), **weights("bottom.", 5, 4), **weights("roof.", 3, 3))
    model = load(path)
    assert names(model) == ["bottom", "top", "roof"]
    assert "top is taken to read bottom, as their sizes fit in this order only" in remarks(model)
    assert "taken bottom, top, roof; --layer-order roof,top,bottom says otherwise" in remarks(model)
    other = load(path, Choices(layer_order=("top", "roof", "bottom")))
    assert names(other) == ["top", "roof", "input of bottom", "bottom"]
    assert "roof is taken to read top, as its place and size say" in remarks(other)
    assert "bottom does not read roof, as their sizes do not fit: it reads 4 features, roof puts out 3" in remarks(
        other
    )


def test_the_sizes_of_an_autoencoder_fit_both_ways_and_its_names_tell(tmp_path: Path) -> None:
    both = {**weights("net.decoder.", 4, 6), **weights("net.encoder.", 6, 4)}
    model = load(save(tmp_path / "m.npz", **both))
    assert names(model) == ["net.encoder", "net.decoder"]
    assert "net.decoder is taken to read net.encoder, as their names and sizes say" in remarks(model)
    renamed = {key.replace("encoder", "a").replace("decoder", "b"): one for key, one in both.items()}
    assert len(load(save(tmp_path / "n.npz", **renamed)).network.stretches) == 2


@pytest.mark.parametrize("between", ["fc.weight", "norm.weight"])
def test_modules_with_something_that_could_stand_between_are_in_doubt(tmp_path: Path, between: str) -> None:
    arrays = {**weights("a.", 5, 4), **weights("b.", 3, 5)}
    assert names(load(save(tmp_path / "m.npz", **arrays))) == ["a", "b"]
    arrays[between] = np.ones((5, 5) if between == "fc.weight" else 5)
    model = load(save(tmp_path / "m.npz", **arrays))
    assert names(model) == ["a", "input of b", "b", "other tensors"]
    assert (
        "whether b reads a, whose output fits, is not in the file: taken no; --layer-order a,b says otherwise"
        in remarks(model)
    )
    assert names(load(save(tmp_path / "m.npz", **arrays), Choices(layer_order=("a", "b"))))[:2] == ["a", "b"]


def test_modules_that_fit_in_several_orders_are_in_doubt(tmp_path: Path) -> None:
    model = load(save(tmp_path / "m.npz", **weights("left.", 4, 4), **weights("right.", 4, 4)))
    assert names(model) == ["left", "input of right", "right"]
    assert "taken no; --layer-order left,right says otherwise" in remarks(model)


def test_a_module_with_an_embedding_of_its_own_reads_no_other(tmp_path: Path) -> None:
    arrays = {**weights("encoder.rnn.", 5, 4), **weights("decoder.rnn.", 6, 5)}
    arrays["decoder.embedding.weight"] = np.ones((7, 5))
    model = load(save(tmp_path / "m.npz", **arrays))
    assert names(model) == ["encoder.rnn", "input of decoder.rnn", "decoder.embedding", "decoder.rnn"]
    assert "whose output fits" not in remarks(model)


def test_an_embedding_called_encoder_beside_a_decoder(tmp_path: Path) -> None:
    arrays = {"encoder.weight": np.ones((7, 4)), **weights("rnn.", 3, 4), "decoder.weight": np.ones((7, 3))}
    model = load(save(tmp_path / "m.npz", **arrays))
    assert names(model) == ["encoder", "rnn", "decoder"]
    assert "encoder is taken for the Embedding that rnn reads, as its name and size say" in remarks(model)


def test_each_module_has_the_embedding_beside_it(tmp_path: Path) -> None:
    arrays = {**weights("encoder.gru.", 3, 4), **weights("decoder.gru.", 3, 4)}
    arrays |= {"encoder.embedding.weight": np.ones((7, 4)), "decoder.embedding.weight": np.ones((9, 4))}
    arrays |= {"decoder.out.weight": np.ones((9, 3)), "decoder.out.bias": np.ones(9)}
    model = load(save(tmp_path / "m.npz", **arrays))
    assert names(model) == [
        "encoder.embedding",
        "encoder.gru",
        "input of decoder.gru",
        "decoder.embedding",
        "decoder.gru",
        "decoder.out",
    ]


def test_an_embedding_that_two_modules_could_read_is_in_doubt(tmp_path: Path) -> None:
    arrays = {**weights("encoder.", 3, 4), **weights("decoder.", 3, 4), "emb.weight": np.ones((7, 4))}
    model = load(save(tmp_path / "m.npz", **arrays))
    assert names(model) == ["encoder", "input of decoder", "decoder", "other tensors"]
    assert "not used, as the file does not say where they stand: emb.weight" in remarks(model)


@pytest.mark.parametrize(
    "others",
    [
        {"fc1.weight": (4, 3), "fc2.weight": (2, 4)},
        {"fc.weight": (4, 5)},
        {"fc.weight": (4, 3), "fc.bias": (3,)},
        {"fc.weight": (4, 3), "norm.weight": (3,)},
        {"attention.weight": (4, 3)},
        {"emb.weight": (7, 5)},
        {"emb.weight": (7, 4), "pos_emb.weight": (7, 4)},
        {"encoder.weight": (7, 4)},
        {"emb.weight": (7, 4), "emb.bias": (7,)},
    ],
    ids=str,
)
def test_what_is_in_doubt_is_left_out_and_said_so(tmp_path: Path, others: dict[str, tuple[int, ...]]) -> None:
    arrays = {name: np.ones(shape) for name, shape in others.items()}
    model = load(save(tmp_path / "m.npz", **weights("gru.", 3, 4), **arrays))
    assert names(model) == ["gru", "other tensors"]
    assert model.network.parameters == sum(array.size for array in [*weights("gru.", 3, 4).values(), *arrays.values()])
    assert f"not used, as the file does not say where they stand: {', '.join(others)}" in remarks(model)


def test_a_linear_that_may_stand_before_is_named_where_x_does_not_fit(tmp_path: Path) -> None:
    """Linear(5 → 4), then a GRU that reads 4 features."""
    arrays = {"proj.weight": np.ones((4, 5)), "proj.bias": np.ones(4)}
    model = load(save(tmp_path / "m.npz", **weights("gru.", 3, 4), **arrays))
    told = "proj may stand before gru, whose 4 features it puts out: x must be what gru reads"
    assert told in remarks(model)
    np.savez(tmp_path / "n.npz", x=np.zeros((7, 5)), h=np.zeros((7, 3)))
    with pytest.raises(unrolled.SequenceFileError, match=f"4 features, got shape .*{told}"):
        verify_file(model, tmp_path / "n.npz")
    embedded = {"emb.weight": np.ones((9, 4)), **arrays}
    assert "may stand before" not in remarks(load(save(tmp_path / "e.npz", **weights("gru.", 3, 4), **embedded)))


def test_modules_whose_names_look_the_same(tmp_path: Path) -> None:
    long = "x" * 100
    arrays = {
        **weights(f"{long}.a.", 3, 4),
        **weights(f"{long}.b.", 3, 5),
        **weights("gru.", 3, 4),
        **weights("", 3, 5),
    }
    names_of_it = [layer.name for layer in load(save(tmp_path / "m.npz", **arrays)).network.recurrent]
    assert names_of_it == [f"{long[:60]}…", f"{long[:60]}… (2)", "gru", "gru (2)"]


def test_names_as_some_archives_have_them(tmp_path: Path) -> None:
    renamed = {f"enc_{name.replace('weight', 'w').replace('bias', 'b').replace('_l0', '')}": array
               for name, array in weights("", 3, 4).items()}  # fmt: skip
    ours = load(save(tmp_path / "ours.npz", **renamed))
    theirs = load(save(tmp_path / "theirs.npz", **weights("", 3, 4)))
    assert names(ours) == ["enc"]
    x = np.ones((5, 4))
    assert np.array_equal(ours.network.read(x).output("enc"), theirs.network.read(x).output("gru"))


def test_an_embedding_of_whole_numbers_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "m.npz"
    arrays: dict[str, Any] = {**weights("gru.", 3, 4), "emb.weight": np.ones((7, 4), np.int8)}
    np.savez(path, **arrays)
    assert names(load(path)) == ["gru"]


def test_values_that_are_not_finite_are_told(tmp_path: Path) -> None:
    arrays = weights("", 3, 4)
    arrays["bias_hh_l0"][4] = np.inf
    arrays |= {"emb.weight": np.full((7, 4), np.nan), "fc.weight": np.ones((2, 3)), "fc.bias": np.array([1, -np.inf])}
    told = remarks(load(save(tmp_path / "m.npz", **arrays)))
    assert "gru: bias_hh_l0: 1 value is not finite: inf at [4]" in told
    assert "emb.weight: 28 values are not finite, the first is nan at [0, 0]" in told
    assert "fc.bias: 1 value is not finite: -inf at [1]" in told


def test_a_sum_of_biases_that_is_not_finite_is_told(tmp_path: Path) -> None:
    arrays = weights("", 3, 4, gates=4)
    arrays["bias_ih_l0"][5] = arrays["bias_hh_l0"][5] = 3e38
    told = remarks(load(save(tmp_path / "m.npz", **arrays)))
    assert "lstm: bias_ih + bias_hh_l0: 1 value is not finite: inf at [5]" in told


def test_one_command_shows_the_gates(tmp_path: Path) -> None:
    target = tmp_path / "out.npz"
    assert cli.run(["trace", str(FOLDER / "lstm4.pt"), "-o", str(target)]) == 0
    with np.load(target) as found:
        assert {"i", "f", "g", "o", "c", "h"} <= {name.rpartition("/")[2] for name in found.files}


def test_neither_pytorch_nor_pickle_is_used() -> None:
    program = """
import sys, json, pickle
def refuse(*args, **kwargs): raise AssertionError("unpickled")
pickle.Unpickler = pickle.load = pickle.loads = pickle._Unpickler = refuse
import unrolled
for path in sys.argv[1:]: unrolled.load(path)
print(json.dumps([name for name in ("torch", "safetensors", "ml_dtypes", "_pickle_unused") if name in sys.modules]))
"""
    paths = [str(FOLDER / name) for name in ("lstm4.pt", "older.pt", "tagger.script.pt", "bfloat16.safetensors")]
    done = subprocess.run([sys.executable, "-c", program, *paths], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []


def test_a_wrong_answer_is_no_damage_of_the_file() -> None:
    with pytest.raises(unrolled.ModelFileError, match=r"rnn_relu\.pt: activation: expected one of"):
        load(FOLDER / "rnn_relu.pt", Choices(activation="nothing"))
    with pytest.raises(unrolled.ModelFileError, match=r"stages\.pt: --layer-order: expected upper,lower, in any order"):
        load(FOLDER / "stages.pt", Choices(layer_order=("upper",)))


def test_an_unneeded_answer_is_told() -> None:
    assert "--activation is not needed" in remarks(load(FOLDER / "lstm4.pt", Choices(activation="relu")))
    typed = remarks(load(FOLDER / "lstm4.pt", Choices(return_sequences=False)))
    assert "--no-return-sequences is not needed" in typed
    assert "--return-sequences" not in typed
    assert issubclass(OptionError, ValueError)
