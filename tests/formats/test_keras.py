"""Keras files: each gives the numbers of the Keras that wrote it, at every timestep, for h and c."""

import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import h5py
import numpy as np
import pytest
from tests.formats.keras_models import CASES, Case, case, distance

from unrolled import LSTM, ModelFileError
from unrolled.formats import Choices, load
from unrolled.formats.model import Model
from unrolled.network import Foreign
from unrolled.network_reading import Reading
from unrolled.stateful import Batches

TOLERANCE = {"float16": 5e-4, "bfloat16": 5e-3, "float64": 1e-12}
SMALL = 1e-6
SUBCLASSED = Choices(layer_order=("gru", "lstm"), return_sequences=False)
CHOSEN = {
    "subclassed": Choices(return_sequences=False),
}


def opened(one: Case, choices: Choices | None = None) -> Model:
    return load(one.path, choices or CHOSEN.get(one.stem, Choices()))


def remarks(model: Model) -> str:
    return "\n".join(model.remarks)


def inner_weights(name: str, folder: Path) -> Path:
    """The .weights.h5 file inside of a .keras file."""
    with zipfile.ZipFile(case(name).path) as archive:
        path = folder / "m.weights.h5"
        path.write_bytes(archive.read("model.weights.h5"))
    return path


@pytest.mark.parametrize("one", [one for one in CASES if one.stem != "branched"], ids=str)
def test_the_numbers_are_those_of_keras(one: Case) -> None:
    assert distance(opened(one), one.expected) <= TOLERANCE.get(one.stem, SMALL)


@pytest.mark.parametrize("one", CASES, ids=str)
def test_parameters_are_counted_as_keras_counts_them(one: Case) -> None:
    expected = one.expected
    told = expected["parameters"] if "parameters" in expected else json.loads(str(expected["meta"]))["params"]
    assert opened(one).network.parameters == int(told)


def test_a_file_that_says_everything_needs_no_remark() -> None:
    for one in ("keras2/lstm3.h5", "keras3/lstm3.keras", "keras2/hard.h5", "keras3/tokens.keras"):
        assert not load(case(one).path).remarks


@pytest.mark.parametrize("name", ["keras2/lstm_hardsigmoid.h5", "keras2/hard.h5", "keras3/hard.keras"])
def test_hard_sigmoid_is_that_of_the_version_in_the_file(name: str) -> None:
    layer = load(case(name).path).layers[0].layer
    assert isinstance(layer, LSTM)
    assert layer.recurrent_activation == ("hard_sigmoid" if "keras3" in name else "hard_sigmoid_keras2")


def test_what_a_weights_file_does_not_say_is_told_with_the_option_that_answers() -> None:
    told = remarks(load(case("keras2/lstm3.weights.h5").path))
    assert "the activation is not in the file: taken tanh; --activation says otherwise" in told
    assert (
        "the activation of the gates is not in the file: taken sigmoid; --recurrent-activation says otherwise" in told
    )
    assert "the version of Keras is not in the file: taken 2; --keras-version says otherwise" in told


def test_an_answer_is_told_too() -> None:
    model = load(case("keras2/lstm3.weights.h5").path, Choices(activation="relu"))
    assert "the activation is not in the file: relu, as --activation says" in remarks(model)
    layer = model.layers[0].layer
    assert isinstance(layer, LSTM)
    assert layer.activation == "relu"


def test_an_answer_that_nobody_needs_is_not_taken_in_silence() -> None:
    model = load(case("keras2/lstm3.h5").path, Choices(activation="relu"))
    assert remarks(model) == (
        "lstm3.h5: --activation is not needed: the file says it itself, or has nothing of the kind"
    )
    assert distance(model, case("keras2/lstm3.h5").expected) <= SMALL


def test_reset_after_without_a_bias_is_asked_for(tmp_path: Path) -> None:
    expected = case("keras3/gru_no_bias_before.keras").expected
    path = inner_weights("keras3/gru_no_bias_before.keras", tmp_path)
    answered = load(path, Choices(reset_after=False, return_sequences=False))
    assert distance(answered, expected) <= SMALL
    usual = load(path, Choices(return_sequences=False))
    assert "where the GRU resets is not in the file: taken after the recurrent kernel; --no-reset-after" in remarks(
        usual
    )
    assert distance(usual, expected) > 0.01


def test_the_activation_of_the_gates_of_old_weights_is_the_one_of_their_day() -> None:
    one = case("keras2/keras1_lstm.h5")
    assert "the activation of the gates is not in the file: taken hard_sigmoid_keras2" in remarks(load(one.path))
    assert distance(load(one.path, Choices(recurrent_activation="sigmoid")), one.expected) > 0.01


def test_weights_alone_of_a_whole_stack(tmp_path: Path) -> None:
    path = inner_weights("keras3/mixed.keras", tmp_path)
    model = load(path, Choices(dense_activation="tanh", return_sequences=False))
    assert [layer.name for layer in model.network.layers] == ["lstm", "gru", "simple_rnn", "dense"]
    assert distance(model, case("keras3/mixed.keras").expected) <= SMALL


def test_weights_alone_behind_tokens(tmp_path: Path) -> None:
    path = inner_weights("keras3/tokens.keras", tmp_path)
    choices = Choices(mask_zero=True, dense_activation="softmax", return_sequences=False, layer_order=LAYERS)
    assert distance(load(path, choices), case("keras3/tokens.keras").expected) <= SMALL


LAYERS = ("embedding", "lstm", "gru", "dense")


def test_weights_alone_of_both_directions(tmp_path: Path) -> None:
    path = inner_weights("keras3/both_ways_last.keras", tmp_path)
    model = load(path, Choices(return_sequences=False, merge="concat"))
    assert distance(model, case("keras3/both_ways_last.keras").expected) <= SMALL


def test_what_no_option_asks_for_is_told_of_weights_alone(tmp_path: Path) -> None:
    told = "whether a layer goes backwards, is stateful or stands behind a Masking layer is not in the file: taken no"
    for path in (
        inner_weights("keras3/mixed.keras", tmp_path),
        case("keras2/lstm3.weights.h5").path,
        case("keras2/oldstyle_weights.legacyweights.h5").path,
        case("keras3/subclassed.keras").path,
    ):
        assert load(path).remarks.count(f"{path.name}: {told}") == 1
    for name in ("keras3/mixed.keras", "keras2/lstm3.h5", "keras3/both_ways.keras"):
        assert told not in remarks(load(case(name).path))


def test_weights_alone_that_do_not_fit_name_the_options_that_may_help(tmp_path: Path) -> None:
    path = inner_weights("keras3/both_ways.keras", tmp_path)
    with pytest.raises(
        ModelFileError, match=r"expected to read .*features, got .*; --merge or --layer-order may help$"
    ):
        load(path)
    assert len(load(path, Choices(merge="sum")).network.layers) == 3
    path = inner_weights("keras3/mixed.keras", tmp_path)
    with pytest.raises(ModelFileError, match=r"expected to read .* features; --layer-order may help$"):
        load(path, Choices(layer_order=("gru", "lstm", "simple_rnn", "dense")))


def test_weights_alone_without_a_recurrent_layer_are_not_helped_by_an_option(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "m.weights.h5", "w") as file:
        for name in ("dense", "dense_1"):
            file[f"layers/{name}/vars/0"] = np.zeros((2, 2))
    with pytest.raises(ModelFileError, match=r"expected a recurrent one among them, got dense, dense_1$"):
        load(tmp_path / "m.weights.h5")


def test_the_tenth_layer_does_not_come_before_the_second(tmp_path: Path) -> None:
    names = ["lstm", *(f"lstm_{number}" for number in range(1, 11))]
    assert [layer.name for layer in load(inner_weights("keras3/many.keras", tmp_path)).layers] == names


def test_the_order_of_a_subclassed_model_is_asked_for() -> None:
    path = case("keras3/subclassed.keras").path
    told = remarks(load(path))
    assert "the order of the layers is not in the file: taken gru, lstm; --layer-order says otherwise" in told
    assert distance(load(path, SUBCLASSED), case("keras3/subclassed.keras").expected) <= SMALL
    with pytest.raises(ModelFileError, match="lstm, in any order, got gru"):
        load(path, Choices(layer_order=("gru",)))


def test_a_stateful_layer_goes_on_where_the_batch_before_ended() -> None:
    one = case("keras3/stateful.keras")
    expected = one.expected
    batches = Batches(load(one.path).network, np.concatenate([expected["x"], expected["x"]]), 2)
    for sample in range(4):
        theirs = expected["y" if sample < 2 else "y of the same again"][sample % 2]
        assert np.allclose(batches.read(sample).output("lstm"), theirs, rtol=0, atol=SMALL)


def stateful(folder: Path, options: dict[str, object], *, has_input_layer: bool = True) -> Model:
    """The stateful model, with these options in the place of its first layer's shape of a batch."""
    with zipfile.ZipFile(case("keras3/stateful.keras").path) as old, zipfile.ZipFile(folder / "m.keras", "w") as new:
        config = json.loads(old.read("config.json"))
        layers = config["config"]["layers"]
        del layers[0]["config"]["batch_shape"]
        if not has_input_layer:
            del layers[0]
        layers[0]["config"].update(options)
        new.writestr("config.json", json.dumps(config))
        for member in ("metadata.json", "model.weights.h5"):
            new.writestr(member, old.read(member))
    return load(folder / "m.keras")


def test_the_batch_size_of_stateful_layers_is_that_of_the_file() -> None:
    model = load(case("keras3/stateful.keras").path)
    assert (model.batch_size, model.remarks) == (2, ())
    assert load(case("keras3/lstm3.keras").path).batch_size is None


@pytest.mark.parametrize("has_input_layer", [False, True])
def test_the_batch_size_in_the_words_of_keras_2(tmp_path: Path, has_input_layer: bool) -> None:
    model = stateful(tmp_path, {"batch_input_shape": [7, None, 3]}, has_input_layer=has_input_layer)
    assert (model.batch_size, model.remarks) == (7, ())


@pytest.mark.parametrize("shape", [[None, 5, 3], [True, 5, 3], [0, 5, 3], [-2, 5, 3], [2.0, 5, 3], ["2"], [], None, 2])
def test_a_batch_size_that_is_not_in_the_file_is_told(tmp_path: Path, shape: object) -> None:
    model = stateful(tmp_path, {"batch_shape": shape})
    assert model.batch_size is None
    assert remarks(model) == (
        "m.keras: the batch size of its stateful layers is not in the file: taken all sequences as one batch; "
        "--batch-size says otherwise"
    )


def test_the_batch_size_of_a_model_without_stateful_layers_does_not_matter(tmp_path: Path) -> None:
    for shape in (None, [7, 5, 3]):
        model = stateful(tmp_path, {"stateful": False, "batch_input_shape": shape}, has_input_layer=False)
        assert (model.batch_size, model.remarks) == (None, ())


def test_branches_are_told_and_fed_one_by_one() -> None:
    model = load(case("keras3/branched.keras").path)
    assert "decoder: its initial state comes from encoder, here it is zero" in remarks(model)
    assert [stretch.layers[0].name for stretch in model.network.stretches] == ["encoder", "decoder"]


def test_a_layer_that_is_not_computed_is_counted_and_stands_between() -> None:
    conv = load(case("keras3/convolved.keras").path).network.layers[0]
    assert isinstance(conv, Foreign)
    assert (conv.kind, conv.parameters) == ("Conv1D", 28)


def test_names_may_have_any_characters() -> None:
    assert load(case("keras3/names.keras").path).layers[0].name == "ünï [café] $x"


def test_a_folder_is_read_like_the_archive_that_was_unpacked_into_it(tmp_path: Path) -> None:
    one = case("keras3/lstm_stack.keras")
    with zipfile.ZipFile(one.path) as archive:
        archive.extractall(tmp_path / "model")
    assert distance(load(tmp_path / "model"), one.expected) <= SMALL


@pytest.mark.parametrize(("name", "ending"), [("keras2/lstm3.h5", ".keras"), ("keras3/lstm3.keras", ".h5")])
def test_content_decides_and_not_the_name(tmp_path: Path, name: str, ending: str) -> None:
    shutil.copy(case(name).path, tmp_path / f"m{ending}")
    assert distance(load(tmp_path / f"m{ending}"), case(name).expected) <= SMALL


def test_reading_imports_neither_a_framework_nor_h5py_and_bare_unrolled_not_even_pyfive() -> None:
    program = (
        "import sys, unrolled\n"
        "assert not {'pyfive', 'unrolled.formats'} & set(sys.modules)\n"
        f"unrolled.load({str(case('keras3/lstm3.keras').path)!r})\n"
        "assert 'pyfive' in sys.modules\n"
        "assert not {'keras', 'tensorflow', 'torch', 'h5py', 'jax'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_reading_leaves_nothing_behind(tmp_path: Path) -> None:
    shutil.copy(case("keras3/lstm3.keras").path, tmp_path / "m.keras")
    before = (tmp_path / "m.keras").read_bytes()
    load(tmp_path / "m.keras")
    assert [path.name for path in tmp_path.iterdir()] == ["m.keras"]
    assert (tmp_path / "m.keras").read_bytes() == before


def test_a_reading_of_both_outputs() -> None:
    one = case("keras3/both_ways_apart.keras")
    expected = one.expected
    forward, backward = Reading(load(one.path).network.stretches[0], expected["x"][0]).output("bidirectional")
    assert np.allclose(forward, expected["y"][0], rtol=0, atol=SMALL)
    assert np.allclose(backward, expected["y1"][0], rtol=0, atol=SMALL)


def edited(path: Path, source: str, change: Callable[[h5py.File], object]) -> Path:
    path.write_bytes(case(source).path.read_bytes())
    with h5py.File(path, "r+") as file:
        change(file)
    return path


def _set_version(file: h5py.File, version: str) -> None:
    file.attrs["keras_version"] = version


def test_weights_of_keras_2_2_had_a_hard_sigmoid(tmp_path: Path) -> None:
    source = "keras2/oldstyle_weights.legacyweights.h5"
    for version, taken in (("2.2.0", "hard_sigmoid_keras2"), ("2.2.4-tf", "sigmoid"), ("2.3.1", "sigmoid")):
        path = edited(tmp_path / "m.h5", source, partial(_set_version, version=version))
        assert f"the activation of the gates is not in the file: taken {taken};" in remarks(load(path))


def test_lists_of_names_that_are_cut_into_parts(tmp_path: Path) -> None:
    def cut(file: h5py.File) -> None:
        group = file["model_weights"]
        names = list(group.attrs["layer_names"])
        del group.attrs["layer_names"]
        group.attrs["layer_names0"], group.attrs["layer_names1"] = names[:2], names[2:]

    path = edited(tmp_path / "m.h5", "keras2/tokens.h5", cut)
    assert distance(load(path), case("keras2/tokens.h5").expected) <= SMALL


def test_weights_where_keras_2_12_put_them(tmp_path: Path) -> None:
    path = inner_weights("keras3/nested.keras", tmp_path)
    with h5py.File(path, "r+") as file:
        file.move("layers/sequential/layers", "layers/sequential/_layer_checkpoint_dependencies")
        file.move("layers", "_layer_checkpoint_dependencies")
    with zipfile.ZipFile(case("keras3/nested.keras").path) as old, zipfile.ZipFile(tmp_path / "m.keras", "w") as new:
        for name in ("config.json", "metadata.json"):
            new.writestr(name, old.read(name))
        new.write(path, "model.weights.h5")
    assert distance(load(tmp_path / "m.keras"), case("keras3/nested.keras").expected) <= SMALL
