"""From the weights of a recurrent module of PyTorch to cells.

PyTorch multiplies W·x, so its weights are those of Keras transposed, with the gates in the order i, f, g, o (LSTM) and
r, z, n (GRU): https://pytorch.org/docs/stable/generated/torch.nn.GRU.html. A GRU resets after the product.
"""

from collections.abc import Iterator, Mapping

import numpy as np

from unrolled.arrays import Array
from unrolled.checks import MOST_UNITS
from unrolled.files import UnreadableError
from unrolled.formats.asking import Asking
from unrolled.formats.tensors import Tensor
from unrolled.formats.torch_names import Module
from unrolled.gru import GRU
from unrolled.lstm import LSTM
from unrolled.network import Recurrent
from unrolled.simple_rnn import SimpleRNN
from unrolled.text import printable

_CELLS = {1: "RNN", 3: "GRU", 4: "LSTM"}
"""The cells by how many rows their weights have for each unit."""

_GRU_ORDER = (1, 0, 2)


def cell_of(module: Module) -> str:
    """Which cell a module is of: RNN, GRU or LSTM.

    Raises:
        UnreadableError: If its weights are of none.
    """
    weights = module.weights(0, "")
    return _CELLS[_gates(weights, module.shown)]


def recurrent_layers(module: Module, name: str, asking: Asking) -> Iterator[Recurrent]:
    """The layers of a module; `name` is what it is called.

    Raises:
        UnreadableError: If a weight is missing, or has another shape than the others say.
        OptionError: If there is no such activation.
    """
    cell = cell_of(module)
    activation = asking.ask("activation", "tanh", _nonlinearity) if cell == "RNN" else "tanh"
    for number in range(module.layers or 1):
        both = [module.weights(number, direction) for direction in module.directions]
        shown = name if module.layers in (None, 1) else f"{name}_l{number}"
        cells = [_cell(cell, weights, activation, shown) for weights in both]
        count = sum(one.parameters for weights in both for one in weights.values())
        if len(cells) == 1:
            yield Recurrent(shown, cells[0], parameters=count)
        else:
            yield Recurrent(shown, cells[0], cells[1], "concat", parameters=count)


def _nonlinearity(name: str) -> str:
    return f"{name} (PyTorch's nonlinearity)"


def _gates(weights: Mapping[str, Tensor], where: str) -> int:
    """How many rows there are for each unit, once it is checked that the shapes agree."""
    shapes = {kind: one.shape for kind, one in weights.items()}
    for kind, shape in shapes.items():
        if len(shape) != (1 if kind.startswith("bias") else 2) or not all(shape):
            got = printable(str(shape), 60)
            raise UnreadableError(
                f"{where}{kind}: expected {1 if kind.startswith('bias') else 2} axes, got shape {got}"
            )
    rows, columns = shapes["weight_hh"]
    units = shapes["weight_hr"][1] if "weight_hr" in shapes else columns
    if rows % units or rows // units not in _CELLS or ("weight_hr" in shapes and rows != 4 * units):
        gates = "4·units" if "weight_hr" in shapes else "units, 3·units or 4·units"
        raise UnreadableError(f"{where}weight_hh: expected {gates} rows for {units:,} units, got {rows:,}")
    if units > MOST_UNITS:
        raise UnreadableError(f"{where}expected at most {MOST_UNITS:,} units, got {units:,}")
    wanted = {
        "weight_ih": (rows, shapes["weight_ih"][1]),
        "bias_ih": (rows,),
        "bias_hh": (rows,),
        "weight_hr": (columns, units),
    }
    for kind, shape in wanted.items():
        if shapes.get(kind, shape) != shape:
            raise UnreadableError(
                f"{where}{kind}: expected shape {shape} beside a weight_hh of shape {shapes['weight_hh']}, "
                f"got {shapes[kind]}"
            )
    return rows // units


def _cell(cell: str, weights: Mapping[str, Tensor], activation: str, where: str) -> LSTM | GRU | SimpleRNN:
    gates = _gates(weights, f"{where}: ")
    if _CELLS[gates] != cell:
        raise UnreadableError(
            f"{where}: expected the weights of one more {cell}, got those of another cell, {_CELLS[gates]}"
        )
    arrays = {kind: one.numbers(f"{where}: {kind}") for kind, one in weights.items()}
    if cell == "GRU":
        arrays = {kind: _in_order(array) for kind, array in arrays.items()}
    kernel, recurrent_kernel = arrays["weight_ih"].T, arrays["weight_hh"].T
    biases = np.stack([arrays["bias_ih"], arrays["bias_hh"]]) if "bias_ih" in arrays else None
    if cell == "GRU":
        return GRU(kernel, recurrent_kernel, biases)
    bias = None if biases is None else _sum(biases)
    if cell == "RNN":
        return SimpleRNN(kernel, recurrent_kernel, bias, activation)
    projection = arrays["weight_hr"].T if "weight_hr" in arrays else None
    return LSTM(kernel, recurrent_kernel, bias, projection=projection)


def _in_order(array: Array) -> Array:
    """The blocks of a GRU in the order z, r, n."""
    blocks = np.split(array, 3)
    return np.concatenate([blocks[number] for number in _GRU_ORDER])


def _sum(biases: Array) -> Array:
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is told
        return np.asarray(biases.sum(axis=0))
