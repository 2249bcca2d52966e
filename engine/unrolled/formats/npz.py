"""An LSTM in a .npz file, as `numpy.savez(path, kernel=…, recurrent_kernel=…, bias=…)` writes it.

The arrays are in Keras's layout. `bias` may be absent, and so may `activation` and `recurrent_activation`, which are
single strings.
"""

import io

import numpy as np

from unrolled.files import UnreadableError
from unrolled.finite import not_finite
from unrolled.formats.model import Model, NamedLayer
from unrolled.lstm import LSTM
from unrolled.npy import ZIP_MAGIC, AnyArray, read_npz
from unrolled.text import printable

_WEIGHTS = ("kernel", "recurrent_kernel")
_ACTIVATIONS = ("activation", "recurrent_activation")
_KNOWN = (*_WEIGHTS, "bias", *_ACTIVATIONS)
_MOST_NAME_BYTES = 1024


def recognises(beginning: bytes) -> bool:
    """Whether a file that begins so may be one of these."""
    return beginning.startswith(ZIP_MAGIC)


def read(file: io.BufferedReader, name: str) -> Model:
    """The model in `file`.

    Raises:
        UnreadableError: If it holds other arrays than these, or none that can be read.
        ShapeError: If the shapes disagree.
        OptionError: If there is no such activation.
    """
    arrays = read_npz(file, texts=_ACTIVATIONS)
    if any(key not in arrays for key in _WEIGHTS) or any(key not in _KNOWN for key in arrays):
        found = printable(", ".join(arrays)) or "none"
        raise UnreadableError(
            f"expected the arrays kernel and recurrent_kernel, and bias, activation and recurrent_activation "
            f"if there are any, got {found}"
        )
    weights = {key: array for key, array in arrays.items() if key not in _ACTIVATIONS}
    options = {key: _text(key, arrays[key]) for key in _ACTIVATIONS if key in arrays}
    layer = LSTM(weights["kernel"], weights["recurrent_kernel"], weights.get("bias"), **options)
    return Model(name, (NamedLayer("lstm", layer),), _remarks(name, weights))


def _text(key: str, array: AnyArray) -> str:
    if array.dtype.kind not in "US" or array.nbytes > _MOST_NAME_BYTES:
        raise UnreadableError(f"{key}: expected the name of an activation, got {printable(str(array.dtype))}")
    value = array.item()
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)


def _remarks(name: str, weights: dict[str, AnyArray]) -> tuple[str, ...]:
    remarks = []
    for key, array in weights.items():
        if array.dtype == np.float16:
            remarks.append(f"{name}: {key} is stored as float16, stepped in float32")
        found = not_finite(array)
        if found:
            remarks.append(f"{name}: {key}: {found.told(str(list(found.first)))}")
    return tuple(remarks)
