"""Initial states and lengths of an ONNX graph: those of each sample of a batch, and those that are not in the file."""

from collections import deque
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import helper
from tests.formats.onnx_files import File, add, constant, far, random_x, recurrent_file, runtime

import unrolled
from unrolled import InputSequence
from unrolled.stateful import Batches
from unrolled.verify import verify
from unrolled_tui.tour import Tour

TOLERANCE = 1e-6


def test_states_of_the_graph_are_told(tmp_path: Path) -> None:
    file = add(recurrent_file("LSTM"), "initial_h", 1, 2, 4)

    def ask(proto: Any) -> None:
        (tensor,) = (tensor for tensor in proto.graph.initializer if tensor.name == "initial_h")
        proto.graph.initializer.remove(tensor)
        proto.graph.input.append(proto.graph.input[0].__class__(name="initial_h"))

    model = unrolled.load(file.save(tmp_path / "model.onnx", ask))
    assert model.remarks == ("model.onnx: rnn: initial_h is the graph's input initial_h: zero is taken",)


def test_states_that_nothing_gives(tmp_path: Path) -> None:
    file = add(recurrent_file("GRU"), "initial_h", 1, 2, 4)

    def lose(proto: Any) -> None:
        proto.graph.initializer.remove(next(tensor for tensor in proto.graph.initializer if tensor.name == "initial_h"))

    with pytest.raises(unrolled.ModelFileError, match="initial_h: expected numbers, got initial_h, which nothing"):
        unrolled.load(file.save(tmp_path / "model.onnx", lose))


@pytest.mark.parametrize("lengths", [(4, 6), (4, 4)])
def test_lengths_as_an_input_of_the_graph_are_told(tmp_path: Path, lengths: tuple[int, int]) -> None:
    """Every timestep is read: ONNX Runtime's numbers are the same as far as the sequence goes."""
    file = recurrent_file("LSTM")

    def ask(proto: Any) -> None:
        proto.graph.input.append(helper.make_tensor_value_info("how_long", 6, [2]))
        proto.graph.node[-1].input.append("")
        proto.graph.node[-1].input[4] = "how_long"

    path = file.save(tmp_path / "model.onnx", ask)
    model = unrolled.load(path)
    assert model.remarks == ("model.onnx: rnn: sequence_lens is the graph's input how_long: every timestep is read",)
    x = random_x()
    theirs = runtime(path, x, how_long=np.array(lengths, np.int32))["Y"]
    for sample, length in enumerate(lengths):
        mine = np.asarray(model.network.read(x[:, sample]).output("rnn"))
        assert far(mine[:length], theirs[:length, 0, sample]) <= TOLERANCE


def of_each_sample(count: int = 2) -> File:
    """A file with lengths and states that are another one for each sample."""
    file = recurrent_file("LSTM", directions=2, direction="bidirectional")
    file.arrays["sequence_lens"] = np.arange(3, 3 + count, dtype=np.int32)
    return add(add(file, "initial_h", 2, count, 4), "initial_c", 2, count, 4)


def test_a_batch_has_as_many_samples_as_the_file(tmp_path: Path) -> None:
    """ONNX Runtime refuses any other number; a sequence by itself has those of the first."""
    path = of_each_sample().save(tmp_path / "model.onnx")
    model = unrolled.load(path)
    assert model.remarks == (
        "model.onnx: rnn has a length or an initial state for each of 2 samples: a batch has as many, and a sequence "
        "by itself has those of the first",
    )
    x = random_x()
    theirs = runtime(path, x)["Y"]
    every = np.moveaxis(theirs, 2, 0).reshape(2, 6, 8)
    assert far(np.asarray(model.network.read(x[:, 0]).output("rnn")), every[0]) <= TOLERANCE
    batches = Batches(model.network, np.concatenate([x, x], axis=1).swapaxes(0, 1), 2)
    for sample in range(4):
        assert far(np.asarray(batches.read(sample).output("rnn")), every[sample % 2]) <= TOLERANCE
    with pytest.raises(unrolled.ShapeError, match=r"expected a batch of 2 sequences, as the file has .*, got 3"):
        Batches(model.network, np.zeros((3, 6, 3), np.float32), 3)
    with pytest.raises(unrolled.ShapeError, match="row: expected 0 to 1"):
        model.network.read(x[:, 0], row=2)


def test_the_next_sequence_of_a_batch_has_its_own(tmp_path: Path) -> None:
    """What the key r opens."""
    path = of_each_sample().save(tmp_path / "model.onnx")
    x = random_x()
    theirs = runtime(path, x)
    tour = Tour(unrolled.load(path).network, InputSequence(x.swapaxes(0, 1), "x"))
    for row, length in enumerate((3, 4)):
        deque(tour.open(row), 0)
        for place in (0, 1):
            tour.place = place
            run = tour.view().run
            h = [run[step].h for step in range(length)][:: -1 if place else 1]
            assert far(np.stack(h), theirs["Y"][:length, place, row]) <= TOLERANCE
            assert len(run) == length


def test_verify_has_the_states_of_each_sample(tmp_path: Path) -> None:
    path = of_each_sample(3).save(tmp_path / "model.onnx")
    model = unrolled.load(path)
    assert not model.batch_first
    file = of_each_sample(3)
    file.x_shape = ("T", 3, 3)
    path = file.save(tmp_path / "model.onnx")
    x = random_x(batch=3)
    theirs = runtime(path, x)
    assert verify(model, {"x": x, "h": theirs["Y"]}).agrees
    assert not verify(model, {"x": x, "h": theirs["Y"][:, :, [1, 0, 2]]}).agrees
    with pytest.raises(unrolled.ShapeError, match="expected a batch of 3 sequences"):
        verify(model, {"x": x[:, :2], "h": theirs["Y"][:, :, :2]})


def test_lengths_and_states_of_different_numbers_of_samples(tmp_path: Path) -> None:
    file = add(of_each_sample(2), "initial_h", 2, 3, 4)
    with pytest.raises(unrolled.ModelFileError, match="got 2 in sequence_lens and 3 in initial_h"):
        unrolled.load(file.save(tmp_path / "model.onnx"))


def test_two_layers_of_different_numbers_of_samples(tmp_path: Path) -> None:
    file = recurrent_file("GRU")
    file.arrays["sequence_lens"] = np.array([4, 5], np.int32)
    more = constant("more", np.array([4, 5, 6], np.int32))
    file.behind = [
        constant("one", [1]),
        helper.make_node("Squeeze", ["Y", "one"], ["h"]),
        more,
        helper.make_node("GRU", ["h", "V", "R", "", "more"], ["Z"], name="other", hidden_size=4),
    ]
    file.behind.insert(0, constant("V", np.zeros((1, 12, 4), np.float32)))
    with pytest.raises(unrolled.ModelFileError, match="for one size of batch, got 2 and 3"):
        unrolled.load(file.save(tmp_path / "model.onnx"))
