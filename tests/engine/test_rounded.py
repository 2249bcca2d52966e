"""What the doctor says of weights in half precision: the file's, or those that the numbers are of."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.engine.test_doctor_numbers import Array, copied, read_and_computed, said, truths
from tests.formats.onnx_files import File, random_x, recurrent_file, runtime

from unrolled import load


def as_bfloat16(array: Array) -> Array:
    bits = np.ascontiguousarray(array, np.float32).view(np.uint32)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000).view(np.float32)


def halves() -> Iterator[tuple[str, Callable[[Array], Array]]]:
    yield "float16", lambda array: array.astype(np.float16).astype(np.float32)
    yield "bfloat16", as_bfloat16


@pytest.mark.parametrize(("stored", "rounded"), halves())
@pytest.mark.parametrize("cell", ["LSTM", "GRU", "RNN"])
def test_weights_that_were_rounded(tmp_path: Path, cell: str, stored: str, rounded: Callable[[Array], Array]) -> None:
    def rounds(file: File) -> None:
        file.arrays = {name: rounded(array) for name, array in file.arrays.items()}

    whole = recurrent_file(cell, linear_before_reset=1) if cell == "GRU" else recurrent_file(cell)
    half = copied(whole)
    rounds(half)
    x = random_x()
    arrays = {"x": x, "h": runtime(whole.save(tmp_path / "whole.onnx"), x)["Y"]}
    (sentence,) = said(load(half.save(tmp_path / "half.onnx")), arrays).sentences
    assert f"the weights of this file are rounded to {stored}" in sentence
    wrong = said(load(half.save(tmp_path / "half.onnx")), arrays | {"h": arrays["h"][::-1]})
    assert not wrong.remark  # what is no rounding is looked for
    model, arrays = read_and_computed(tmp_path, whole, rounds)
    assert truths(model, arrays) == [f"the weights are rounded to {stored} there"]
