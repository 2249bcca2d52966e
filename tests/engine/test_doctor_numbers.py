"""What the doctor says of numbers that ONNX Runtime and PyTorch computed with another model than the one that is read.

The numbers are those of a file that was changed, and the model is that of the file as it was: so they are never made by
the arithmetic that is to explain them.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.engine.framework_numbers import Arrays, outputs
from tests.formats import torch_models
from tests.formats.onnx_files import BLOCKS, File, add, random_x, recurrent_file, runtime

from unrolled import load
from unrolled.doctor import Diagnosis, Finding, diagnose
from unrolled.formats.model import Model
from unrolled.network import Network, Recurrent
from unrolled.verify import verify

Array = np.ndarray[Any, Any]
Change = Callable[[File], None]
UNITS = 4


def said(model: Model, arrays: Arrays, **options: Any) -> Diagnosis:
    report = verify(model, arrays)
    assert not report.agrees
    return diagnose(model, arrays, report, **options)


def truths(model: Model, arrays: Arrays, **options: Any) -> list[str]:
    return [finding.truth for finding in said(model, arrays, **options).findings]


def copied(file: File) -> File:
    return replace(file, arrays={name: array.copy() for name, array in file.arrays.items()})


def read_and_computed(tmp_path: Path, file: File, *changes: Change, timesteps: int = 7) -> tuple[Model, Arrays]:
    """The model of a file, and what ONNX Runtime makes of the file once it is changed."""
    other, x = copied(file), random_x(timesteps=timesteps)
    for change in changes:
        change(other)
    y = runtime(other.save(tmp_path / "changed.onnx"), x)["Y"]
    return load(file.save(tmp_path / "m.onnx")), {"x": x, "h": y}


# Changes of a file.


def rows_in_order(array: Array, places: tuple[int, ...], axis: int = 1) -> Array:
    blocks = np.split(array, len(places), axis)
    return np.concatenate([blocks[place] for place in places], axis)


def in_order(*places: int, names: str = "WRB") -> Change:
    def change(file: File) -> None:
        for name in names:
            array = file.arrays[name]
            halves = np.split(array, 2, 1) if name == "B" else [array]
            file.arrays[name] = np.concatenate([rows_in_order(half, places) for half in halves], 1)

    return change


def without_half(half: int) -> Change:
    def change(file: File) -> None:
        np.split(file.arrays["B"], 2, 1)[half][...] = 0

    return change


def summed(file: File) -> None:
    one, other = np.split(file.arrays["B"], 2, 1)
    one += other
    other[...] = 0


def forget_bias(more: float) -> Change:
    def change(file: File) -> None:
        file.arrays["B"][:, 2 * UNITS : 3 * UNITS] += more  # the blocks are i, o, f, c

    return change


def recurrent_transposed(file: File) -> None:
    blocks = np.split(file.arrays["R"], BLOCKS[file.cell], 1)
    file.arrays["R"] = np.concatenate([np.swapaxes(block, 1, 2) for block in blocks], 1)


def other_directions(file: File) -> None:
    file.arrays = {name: array[::-1].copy() for name, array in file.arrays.items()}


def other_activations(*names: str) -> Change:
    def change(file: File) -> None:
        file.attributes = {**file.attributes, "activations": list(names)}

    return change


def reset(after: int) -> Change:
    def change(file: File) -> None:
        file.attributes = {**file.attributes, "linear_before_reset": after}

    return change


def kernels_swapped(file: File) -> None:
    file.arrays["W"], file.arrays["R"] = file.arrays["R"], file.arrays["W"]


ONES: list[tuple[str, dict[str, Any], Change, str]] = [
    ("LSTM", {}, without_half(1), "in rnn only the bias beside W counts, not the one beside U"),
    ("LSTM", {}, without_half(0), "in rnn only the bias beside U counts, not the one beside W"),
    ("RNN", {}, without_half(1), "in rnn only the bias beside W counts, not the one beside U"),
    ("GRU", {"linear_before_reset": 0}, without_half(1), "in rnn only the bias beside W counts, not the one beside U"),
    ("GRU", {"linear_before_reset": 1}, without_half(1), "in rnn only the bias beside W counts"),
    ("GRU", {"linear_before_reset": 1}, summed, "in rnn both rows of the bias are added beside W"),
    ("LSTM", {}, forget_bias(1), "in rnn 1 is added to the bias of f (TensorFlow 1's forget_bias)"),
    ("LSTM", {}, forget_bias(-1), "in rnn the 1 of unit_forget_bias is in the bias of f already"),
    ("LSTM", {}, recurrent_transposed, "in rnn each gate's block of the recurrent kernel is transposed"),
    ("RNN", {}, recurrent_transposed, "in rnn the recurrent kernel is transposed"),
    ("RNN", {}, other_activations("Relu"), "in rnn the activation is relu, not tanh"),
    (
        "GRU",
        {"linear_before_reset": 1},
        reset(0),
        "in rnn the reset gate is applied before the recurrent kernel (reset_after=False)",
    ),
    (
        "GRU",
        {"linear_before_reset": 0},
        reset(1),
        "in rnn the reset gate is applied after the recurrent kernel (reset_after=True)",
    ),
]


@pytest.mark.parametrize(("cell", "options", "change", "truth"), ONES)
def test_one_mistake(tmp_path: Path, cell: str, options: dict[str, Any], change: Change, truth: str) -> None:
    assert truths(*read_and_computed(tmp_path, recurrent_file(cell, **options), change)) == [truth]


@pytest.mark.parametrize("cell", ["LSTM", "GRU", "RNN"])
def test_a_layer_of_two_directions(tmp_path: Path, cell: str) -> None:
    file = recurrent_file(cell, directions=2, direction="bidirectional")
    model, arrays = read_and_computed(tmp_path, file, other_directions)
    assert truths(model, arrays) == ["in rnn the weights of its two directions are swapped"]
    model, right = read_and_computed(tmp_path, file)
    y = right["h"]  # (T, directions, batch, units)
    unflipped = np.stack([y[:, 0], y[::-1, 1]], 1)
    told = "in h the output of the backward direction is not flipped back in time"
    assert truths(model, right | {"h": unflipped}) == [told]
    assert truths(model, right | {"h": y[:, ::-1]}) == ["in h the halves of the two directions are swapped"]
    swapped = np.concatenate([unflipped[:, 1], unflipped[:, 0]], -1)
    both = {"x": np.swapaxes(right["x"], 0, 1), "h": np.swapaxes(swapped, 0, 1)}
    assert (
        said(model, both).sentences[0].startswith("none of the common mistakes")
    )  # two of one kind are not looked for


def swapped_in(model: Model, *names: str) -> Model:
    layers = tuple(
        replace(layer, forward=layer.backward, backward=layer.forward)
        if isinstance(layer, Recurrent) and layer.name in names and layer.backward is not None
        else layer
        for layer in model.network.layers
    )
    return replace(model, network=Network(layers))


@pytest.mark.parametrize("names", [("lstm_l0",), ("lstm_l1",), ("lstm_l0", "lstm_l1")], ids=" ".join)
def test_directions_swapped_in_one_layer_and_in_all(names: tuple[str, ...]) -> None:
    one = torch_models.case("bilstm2.pt")
    model = one.load()
    told = f"in {' and '.join(names)} the weights of its two directions are swapped"
    assert truths(swapped_in(model, *names), outputs(model, one.expected)) == [told]


def test_another_array_in_the_place_of_h() -> None:
    one = torch_models.case("lstm4.pt")
    model, expected = one.load(), one.expected
    c = expected["c.0.fwd"]
    assert truths(model, {"x": expected["x"], "h": c}) == ["in h there is the cell state c, not h"]
    assert truths(model, {"x": expected["x"], "h": np.tanh(c)}) == [
        "in h there is tanh(c), before the output gate, not h"
    ]
    two = torch_models.case("bilstm2.pt")
    model, expected = two.load(), two.expected
    cells = np.concatenate([expected["c.1.fwd"], expected["c.1.bwd"]], -1)
    assert truths(model, {"x": expected["x"], "h": cells}) == ["in h there is the cell state c, not h"]
    first = np.concatenate([expected["h.0.fwd"], expected["h.0.bwd"]], -1)
    assert truths(model, {"x": expected["x"], "h": first}) == ["in h there is the output of lstm_l0, not of lstm_l1"]


def test_the_output_of_two_directions_that_is_given_once() -> None:
    """`out[:, -1]` in PyTorch is not the last output of each direction, which Keras's Bidirectional gives."""
    one = torch_models.case("bilstm2.pt")
    y, units = one.expected["y"], one.expected["h.1.fwd"].shape[-1]
    last_of_each = np.concatenate([y[:, -1, :units], y[:, 0, units:]], -1)
    model = one.load()
    for at_last, given, told in (
        (False, y[:, -1], "the output is that of both directions at the last timestep, not the last one of each"),
        (True, last_of_each, "the output is the last one of each direction, not that of both at the last timestep"),
    ):
        last = replace(model.network.recurrent[-1], return_sequences=False, at_last_timestep=at_last)
        layers = (*model.network.layers[:-1], last)
        wrong = replace(model, network=Network(layers))
        assert truths(wrong, {"x": one.expected["x"], "y": given}) == [f"in lstm_l1 {told}"]


def test_directions_that_take_turns_and_time_in_reverse() -> None:
    one = torch_models.case("bilstm2.pt")
    x, y = one.expected["x"], one.expected["y"]
    units = y.shape[-1] // 2
    turns = np.stack([y[..., :units], y[..., units:]], -1).reshape(y.shape)
    assert truths(one.load(), {"x": x, "h": turns}) == ["in h the directions take turns, unit by unit"]
    assert truths(one.load(), {"x": x, "y": y[:, ::-1]}) == ["in y the timesteps are in reverse order"]


def with_state(file: File) -> None:
    for name in ("initial_h", "initial_c") if file.cell == "LSTM" else ("initial_h",):
        add(file, name, 1, 2, UNITS)
        file.arrays[name][:] = file.arrays[name][:, :1]


@pytest.mark.parametrize("cell", ["LSTM", "GRU", "RNN"])
def test_the_initial_state(tmp_path: Path, cell: str) -> None:
    told = "in rnn the initial state is another one: each further timestep follows from those before"
    assert truths(*read_and_computed(tmp_path, recurrent_file(cell), with_state)) == [told]
    given = recurrent_file(cell)
    with_state(given)

    def forget(file: File) -> None:
        for name in ("initial_h", "initial_c"):
            file.arrays.pop(name, None)

    model, arrays = read_and_computed(tmp_path, given, forget)
    assert truths(model, arrays) == ["in rnn the initial state is zero, not the one of the file"]


@pytest.mark.parametrize(("cell", "options"), [("LSTM", {}), ("GRU", {"linear_before_reset": 1}), ("RNN", {})])
def test_a_bias_that_is_in_neither_file(tmp_path: Path, cell: str, options: dict[str, Any]) -> None:
    def other_bias(file: File) -> None:
        file.arrays["B"] += np.random.default_rng(8).uniform(-0.4, 0.4, file.arrays["B"].shape).astype(np.float32)

    (found,) = truths(*read_and_computed(tmp_path, recurrent_file(cell, **options), other_bias))
    assert found.startswith("in rnn another bias is added (as when one of two is left out")


# Two at once.

PAIRS: list[tuple[str, dict[str, Any], tuple[Change, Change], tuple[str, str]]] = [
    (
        "LSTM",
        {},
        (in_order(0, 2, 3, 1), recurrent_transposed),
        ("the gate blocks stand in the order ", "each gate's block of the recurrent kernel is transposed"),
    ),
    (
        "LSTM",
        {},
        (in_order(0, 2, 3, 1), without_half(1)),
        ("the gate blocks stand in the order ", "only the bias beside W counts, not the one beside U"),
    ),
    (
        "GRU",
        {"linear_before_reset": 1},
        (in_order(1, 0, 2), summed),
        ("the gate blocks stand in the order ", "both rows of the bias are added beside W"),
    ),
    (
        "RNN",
        {},
        (recurrent_transposed, other_activations("Relu")),
        ("the recurrent kernel is transposed", "the activation is relu, not tanh"),
    ),
]


@pytest.mark.parametrize(("cell", "options", "changes", "parts"), PAIRS)
def test_two_at_once(
    tmp_path: Path, cell: str, options: dict[str, Any], changes: tuple[Change, Change], parts: tuple[str, str]
) -> None:
    (found,) = truths(*read_and_computed(tmp_path, recurrent_file(cell, **options), *changes))
    assert found.startswith("in rnn ")
    assert all(part in found for part in parts)


# What nothing can be concluded from.


@pytest.mark.parametrize("cell", ["LSTM", "GRU", "RNN"])
@pytest.mark.parametrize("directions", [1, 2])
def test_noise_is_explained_by_nothing(tmp_path: Path, cell: str, directions: int) -> None:
    both: dict[str, Any] = {"direction": "bidirectional"} if directions == 2 else {}
    model, arrays = read_and_computed(tmp_path, recurrent_file(cell, directions=directions, **both))
    noise = np.asarray(np.random.default_rng(5).uniform(-0.9, 0.9, arrays["h"].shape), np.float32)
    found = said(model, arrays | {"h": noise})
    assert not found.findings
    assert found.tried > 50
    assert found.sentences[0].startswith(f"none of the common mistakes explains it ({found.tried:,} tried")


@pytest.mark.parametrize(("value", "shown"), [(0.0, "0"), (0.5, "0.5"), (-1.0, "-1")])
def test_a_constant_says_nothing(tmp_path: Path, value: float, shown: str) -> None:
    for cell in BLOCKS:
        model, arrays = read_and_computed(tmp_path, recurrent_file(cell))
        found = said(model, arrays | {"h": np.full_like(arrays["h"], value)})
        assert found.sentences == (f"h is {shown} everywhere: nothing can be concluded from that",)


def test_what_is_no_number_says_nothing() -> None:
    one = torch_models.case("lstm4.pt")
    c = one.expected["c.0.fwd"].copy()
    c[1, 2, 3] = np.nan
    (sentence,) = said(one.load(), {"x": one.expected["x"], "lstm/c": c}).sentences
    assert sentence == "lstm/c is nan at lstm, unit 4, timestep 3, sample 2: nothing can be concluded from that"


def test_one_number_is_too_little() -> None:
    model = torch_models.case("rnn_tanh.pt").load()
    x = np.ones((1, model.network.recurrent[0].forward.features), np.float32)
    h = np.full((1, model.network.recurrent[-1].outputs or 0), 0.25, np.float32)
    assert said(model, {"x": x, "h": h}).remark


def test_what_a_file_does_not_tell_apart_is_said(tmp_path: Path) -> None:
    """At the only timestep no unit hears another, so the recurrent kernel's order does not show."""
    file = recurrent_file("LSTM")
    del file.arrays["B"]
    model, arrays = read_and_computed(tmp_path, file, in_order(0, 2, 3, 1, names="WR"), timesteps=1)
    told = said(model, arrays)
    assert len(told.findings) > 1
    assert told.sentences[-1] == f"the numbers of this file do not tell these {len(told.findings)} apart"
    assert any("the gate blocks stand in the order" in finding.truth for finding in told.findings)


def test_no_more_than_the_precision_is_looked_for(tmp_path: Path) -> None:
    model, arrays = read_and_computed(tmp_path, recurrent_file("LSTM"))
    report = verify(model, arrays, tolerance=1e-12)
    (sentence,) = diagnose(model, arrays, report, tolerance=1e-12).sentences
    assert sentence.startswith("they agree to ")
    assert sentence.endswith("and no more is to be had in numbers of this precision")


def test_one_name_for_one_change(tmp_path: Path) -> None:
    """Where there are as many units as features, CuDNN's layout is a transposed square."""

    def transposed(file: File) -> None:
        file.arrays["W"] = np.concatenate([np.swapaxes(block, 1, 2) for block in np.split(file.arrays["W"], 4, 1)], 1)

    file = recurrent_file("LSTM", units=3)
    told = "in rnn each gate's block of the kernel is transposed (CuDNN's layout)"
    assert truths(*read_and_computed(tmp_path, file, transposed)) == [told]


@pytest.mark.parametrize("cell", ["LSTM", "GRU", "RNN"])
def test_kernels_in_each_others_place(tmp_path: Path, cell: str) -> None:
    told = "in rnn the kernel and the recurrent kernel are swapped"
    assert truths(*read_and_computed(tmp_path, recurrent_file(cell, units=3), kernels_swapped)) == [told]


# The time that it takes.


def test_a_search_is_cut_short(tmp_path: Path) -> None:
    model, arrays = read_and_computed(tmp_path, recurrent_file("LSTM"))
    noise = {"x": arrays["x"], "h": arrays["h"][:, :, ::-1] * np.float32(0.5)}
    seconds = iter(range(10_000))
    told: list[tuple[int, int]] = []
    found = said(model, noise, seconds=20, clock=lambda: next(seconds), told=lambda done, of: told.append((done, of)))
    assert 0 < found.tried <= 20
    assert found.untried > 100
    assert found.sentences == (
        f"none of the {found.tried:,} tried explains it",
        f"the search was cut short: {found.untried:,} more were not tried",
    )
    sure = replace(found, findings=(Finding("in rnn it is so", 0.0),))
    assert sure.sentences == ("they agree to 0 if in rnn it is so",)
    assert [done for done, _ in told] == list(range(1, found.tried + 1))
    assert all(done <= of for done, of in told)
