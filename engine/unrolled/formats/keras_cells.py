"""From the weight arrays of a Keras layer to cells, in all the layouts that Keras 1, 2 and 3 have written.

The gates stand in the order i, f, c, o (LSTM) and z, r, h (GRU). Sources: `keras/src/legacy/saving/legacy_h5_format.py`
of Keras 3, and `preprocess_weights_for_loading` in `keras/saving/legacy/hdf5_format.py` of Keras 2.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from unrolled.files import UnreadableError
from unrolled.gru import GRU
from unrolled.layer import RecurrentLayer
from unrolled.lstm import LSTM
from unrolled.npy import AnyArray
from unrolled.simple_rnn import SimpleRNN
from unrolled.text import printable

GATES = {"LSTM": 4, "GRU": 3, "SimpleRNN": 1}
"""How many blocks of units the weights of each cell have."""

_KERAS_1_ORDER = {"LSTM": (0, 2, 1, 3), "GRU": (0, 1, 2)}
"""Keras 1 wrote one array for each gate: those of an LSTM as i, c, f, o."""


@dataclass(frozen=True, slots=True)
class Functions:
    """What a cell computes beside its weights.

    Attributes:
        activation: The activation of the candidate and the state.
        recurrent_activation: The activation of the gates; a SimpleRNN has none.
        reset_after: Whether the reset gate of a GRU is applied after the recurrent kernel, where the bias cannot tell.
    """

    activation: str
    recurrent_activation: str
    reset_after: bool = False


@dataclass(frozen=True, eq=False, slots=True)
class Arrays:
    """The weights of a cell in the layout of Keras 2 and 3.

    Attributes:
        kernel: Shape (features, gates·units).
        recurrent_kernel: Shape (units, gates·units).
        bias: Shape (gates·units,), or of a GRU with `reset_after` (2, gates·units), or None.
        was_cudnn: Whether they came in the layout of cuDNN, which computes with tanh and sigmoid only.
    """

    kernel: AnyArray
    recurrent_kernel: AnyArray
    bias: AnyArray | None
    was_cudnn: bool = False

    @property
    def units(self) -> int:
        """The number of units."""
        return len(self.recurrent_kernel)


def arranged(cell: str, arrays: Sequence[AnyArray], where: str) -> Arrays:
    """The weight arrays of a layer, as Keras wrote them, in today's layout.

    Raises:
        UnreadableError: If they are none of such a cell.
    """
    gates = GATES[cell]
    if gates > 1 and len(arrays) == 3 * gates:
        return _from_keras_1(cell, arrays, where)
    if len(arrays) not in (2, 3):
        raise UnreadableError(
            f"{where}: expected a kernel, a recurrent kernel and at most one bias, got {len(arrays)} arrays"
        )
    kernel, recurrent_kernel = arrays[:2]
    bias = arrays[2] if len(arrays) == 3 else None
    _check(cell, kernel, recurrent_kernel, where)
    if bias is not None and gates > 1 and bias.shape == (2 * kernel.shape[1],):
        return _from_cudnn(cell, kernel, recurrent_kernel, bias)
    return Arrays(kernel, recurrent_kernel, bias)


def cell_of(kernels: Sequence[AnyArray]) -> str | None:
    """Which cell a kernel and a recurrent kernel make, judging by their shapes."""
    kernel, recurrent_kernel = kernels[:2]
    if kernel.ndim != 2 or recurrent_kernel.ndim != 2 or kernel.shape[1] != recurrent_kernel.shape[1]:
        return None
    units, columns = recurrent_kernel.shape
    return next((cell for cell, gates in GATES.items() if columns == gates * units), None)


def make(cell: str, arrays: Arrays, functions: Functions) -> RecurrentLayer[Any]:
    """The cell with these weights.

    Raises:
        ShapeError: If the shapes disagree.
        OptionError: If there is no such activation.
    """
    kernel, recurrent_kernel, bias = arrays.kernel, arrays.recurrent_kernel, arrays.bias
    if cell == "LSTM":
        return LSTM(kernel, recurrent_kernel, bias, functions.activation, functions.recurrent_activation)
    if cell == "SimpleRNN":
        return SimpleRNN(kernel, recurrent_kernel, bias, functions.activation)
    return GRU(
        kernel,
        recurrent_kernel,
        bias,
        functions.activation,
        functions.recurrent_activation,
        reset_after=functions.reset_after if bias is None else bias.ndim == 2,
    )


def _check(cell: str, kernel: AnyArray, recurrent_kernel: AnyArray, where: str) -> None:
    gates = GATES[cell]
    if recurrent_kernel.ndim != 2 or recurrent_kernel.shape[1] != gates * len(recurrent_kernel):
        raise UnreadableError(
            f"{where}: expected a recurrent kernel of shape (units, {gates}·units) in {cell}, "
            f"got {recurrent_kernel.shape}"
        )
    if kernel.ndim != 2 or kernel.shape[1] != recurrent_kernel.shape[1]:
        raise UnreadableError(
            f"{where}: expected a kernel of shape (features, {recurrent_kernel.shape[1]}) beside a recurrent kernel of "
            f"shape {recurrent_kernel.shape}, got {kernel.shape}"
        )


def _from_keras_1(cell: str, arrays: Sequence[AnyArray], where: str) -> Arrays:
    """W, U and b of each gate, one after the other."""
    units = arrays[2].size
    for number, array in enumerate(arrays):
        wanted = [(len(arrays[0]), units), (units, units), (units,)][number % 3] if arrays[0].ndim else ()
        if array.shape != wanted:
            name = "WUb"[number % 3]
            raise UnreadableError(
                f"{where}: expected {name} of shape {wanted} for each gate, got {printable(str(array.shape))}"
            )
    order = _KERAS_1_ORDER[cell]
    kernel, recurrent_kernel, bias = (
        np.concatenate([arrays[3 * gate + part] for gate in order], axis=-1) for part in range(3)
    )
    return Arrays(kernel, recurrent_kernel, bias)


def _from_cudnn(cell: str, kernel: AnyArray, recurrent_kernel: AnyArray, bias: AnyArray) -> Arrays:
    """CuDNN's own layout: each gate's block is transposed, and there are two biases, one behind the other."""
    gates = GATES[cell]
    kernel = _by_block(kernel, gates, lambda block: block.T.reshape(block.shape, order="F"))
    recurrent_kernel = _by_block(recurrent_kernel, gates, lambda block: block.T)
    both = bias.reshape(2, -1)
    return Arrays(kernel, recurrent_kernel, both.sum(axis=0) if cell == "LSTM" else both, was_cudnn=True)


def _by_block(array: AnyArray, gates: int, change: Callable[[AnyArray], AnyArray]) -> AnyArray:
    return np.hstack([change(block) for block in np.hsplit(array, gates)])
