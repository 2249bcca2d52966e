"""The trained layers that `--example` shows, each in a .npz file here. `tests/training/examples.py` makes them.

A file has the layer's `kernel`, `recurrent_kernel` and `bias` in Keras's layout, the read-out's `readout_kernel`
(units, classes) and `readout_bias` (classes,), which answers from h_t at each timestep, the names of its `classes`, the
`accuracy` of these answers on texts that were not trained on, the `symbols` that the features stand for, one-hot, and
the `text` of them that is shown.
"""

from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt

from unrolled import LSTM, InputSequence
from unrolled.arrays import Array, read_only


@dataclass(frozen=True, eq=False, slots=True)
class Example:
    """A small layer that was trained, and a text for it to read.

    Attributes:
        layer: The layer.
        sequence: The text, one-hot.
        symbols: What each feature stands for.
        readout_kernel: What each unit's h_t says for each answer, shape (units, classes).
        readout_bias: What speaks for each answer anyway, shape (classes,).
        classes: The possible answers.
        accuracy: The share of right answers on texts that the layer was not trained on.
    """

    layer: LSTM
    sequence: InputSequence
    symbols: tuple[str, ...]
    readout_kernel: Array
    readout_bias: Array
    classes: tuple[str, ...]
    accuracy: float

    def answers(self, h: Array) -> Any:
        """The class that the read-out chooses from hidden states of shape (…, units), as indices of shape (…)."""
        return np.argmax(h @ self.readout_kernel + self.readout_bias, axis=-1)


def trained(name: str) -> Example:
    """The trained example `name`.

    Raises:
        FileNotFoundError: If there is none of that name.
    """
    with files(__name__).joinpath(f"{name}.npz").open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        layer = LSTM(arrays["kernel"], arrays["recurrent_kernel"], arrays["bias"])
        symbols = tuple(arrays["symbols"].tolist())
        return Example(
            layer=layer,
            sequence=_sequence(arrays["text"].item(), symbols, layer.dtype),
            symbols=symbols,
            readout_kernel=arrays["readout_kernel"],
            readout_bias=arrays["readout_bias"],
            classes=tuple(arrays["classes"].tolist()),
            accuracy=arrays["accuracy"].item(),
        )


def _sequence(text: str, symbols: tuple[str, ...], dtype: npt.DTypeLike) -> InputSequence:
    read = [symbols.index(symbol) for symbol in text]
    return InputSequence(read_only(np.eye(len(symbols), dtype=dtype)[read]), f'"{text}"', text)
