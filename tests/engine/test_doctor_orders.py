"""What the doctor says where some of the weights stand in another order, and the others do not."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.engine.test_doctor_numbers import in_order, read_and_computed, rows_in_order, truths
from tests.formats.onnx_files import File, recurrent_file


@pytest.mark.parametrize(("names", "which"), [("W", "the kernel alone"), ("R", "the recurrent kernel alone")])
@pytest.mark.parametrize(("cell", "places"), [("LSTM", (0, 2, 3, 1)), ("LSTM", (3, 0, 1, 2)), ("GRU", (1, 0, 2))])
def test_one_kernel_in_another_order(
    tmp_path: Path, cell: str, places: tuple[int, ...], names: str, which: str
) -> None:
    model, arrays = read_and_computed(tmp_path, recurrent_file(cell), in_order(*places, names=names))
    (found,) = truths(model, arrays)
    assert found.startswith(f"in rnn the gate blocks of {which} stand in the order ")


@pytest.mark.parametrize("cell", ["LSTM", "GRU"])
def test_the_bias_or_the_kernels_in_another_order(tmp_path: Path, cell: str) -> None:
    places = (0, 2, 3, 1) if cell == "LSTM" else (1, 0, 2)
    for names, which in (("B", "the bias alone"), ("WR", "the kernels, but not of the bias,")):
        (found,) = truths(*read_and_computed(tmp_path, recurrent_file(cell), in_order(*places, names=names)))
        assert found.startswith(f"in rnn the gate blocks of {which} stand in the order ")


@pytest.mark.parametrize("half", [0, 1])
@pytest.mark.parametrize(
    ("cell", "options"), [("LSTM", {}), ("GRU", {"linear_before_reset": 0}), ("GRU", {"linear_before_reset": 1})]
)
def test_a_kernel_and_the_bias_beside_it(tmp_path: Path, cell: str, options: dict[str, Any], half: int) -> None:
    places = (0, 2, 3, 1) if cell == "LSTM" else (1, 0, 2)

    def change(file: File) -> None:
        name = "WR"[half]
        file.arrays[name] = rows_in_order(file.arrays[name], places)
        biases = np.split(file.arrays["B"], 2, 1)
        biases[half] = rows_in_order(biases[half], places)
        file.arrays["B"] = np.concatenate(biases, 1)

    (found,) = truths(*read_and_computed(tmp_path, recurrent_file(cell, **options), change))
    which = ("kernel", "recurrent kernel")[half]
    assert found.startswith(f"in rnn the gate blocks of the {which} and of the bias beside it stand in the order ")
