"""From the weights of a recurrent module of PyTorch to cells.

PyTorch multiplies W·x, so its weights are those of Keras transposed, with the gates in the order i, f, g, o (LSTM) and
r, z, n (GRU): https://pytorch.org/docs/stable/generated/torch.nn.GRU.html. A GRU resets after the product.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

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
    activation = asking.ask("activation", "tanh", str, "--activation relu") if cell == "RNN" else "tanh"
    for number in range(module.layers or 1):
        both = [module.weights(number, direction) for direction in module.directions]
        shown = name if module.layers in (None, 1) else f"{name}_l{number}"
        cells = []
        for direction, weights in zip(module.directions, both, strict=True):
            behind = direction if module.layers is None else f"_l{number}{direction}"
            cells.append(_cell(cell, weights, activation, shown, partial(_tell, asking, name, behind)))
        count = sum(one.parameters for weights in both for one in weights.values())
        are_summed = cell != "GRU" and all("bias_ih" in weights for weights in both)
        biases = tuple(_biases(weights, shown) for weights in both) if are_summed else None
        if len(cells) == 1:
            yield Recurrent(shown, cells[0], parameters=count, biases=biases)
        else:
            yield Recurrent(shown, cells[0], cells[1], "concat", parameters=count, biases=biases)


def _tell(asking: Asking, name: str, behind: str, kind: str, numbers: Array) -> None:
    asking.remark_not_finite(f"{name}: {kind}{behind}", numbers)


def _gates(weights: Mapping[str, Tensor], where: str) -> int:
    """How many rows there are for each unit, once it is checked that the shapes agree."""
    shapes = {kind: one.shape for kind, one in weights.items()}
    for kind, shape in shapes.items():
        got = printable(str(shape), 60)
        if len(shape) != (1 if kind.startswith("bias") else 2):
            expected = "1 axis" if kind.startswith("bias") else "2 axes"
            raise UnreadableError(f"{where}{kind}: expected {expected}, got shape {got}")
        if not all(shape):
            raise UnreadableError(f"{where}{kind}: expected at least one unit and one feature, got shape {got}")
    rows, columns = shapes["weight_hh"]
    units = shapes["weight_hr"][1] if "weight_hr" in shapes else columns
    if rows % units or rows // units not in _CELLS or ("weight_hr" in shapes and rows != 4 * units):
        gates = "4·hidden_size" if "weight_hr" in shapes else "hidden_size, 3·hidden_size or 4·hidden_size"
        raise UnreadableError(f"{where}weight_hh: expected {gates} rows, hidden_size being {units:,}, got {rows:,}")
    if units > MOST_UNITS:
        raise UnreadableError(f"{where}expected a hidden_size of at most {MOST_UNITS:,}, got {units:,}")
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


def _cell(
    cell: str, weights: Mapping[str, Tensor], activation: str, where: str, tell: Callable[[str, Array], None]
) -> LSTM | GRU | SimpleRNN:
    """A cell of those weights; `tell` is given each of them by kind, as it is in the file."""
    gates = _gates(weights, f"{where}: ")
    if _CELLS[gates] != cell:
        raise UnreadableError(
            f"{where}: expected the weights of one more {cell}, got those of another cell, {_CELLS[gates]}"
        )
    arrays = {kind: one.numbers(f"{where}: {kind}") for kind, one in weights.items()}
    for kind, array in arrays.items():
        tell(kind, array)
    if cell == "GRU":
        arrays = {kind: _in_order(array) for kind, array in arrays.items()}
    kernel, recurrent_kernel = arrays["weight_ih"].T, arrays["weight_hh"].T
    biases = np.stack([arrays["bias_ih"], arrays["bias_hh"]]) if "bias_ih" in arrays else None
    if cell == "GRU":
        return GRU(kernel, recurrent_kernel, biases)
    bias = None if biases is None else _sum(biases)
    if bias is not None and biases is not None and np.isfinite(biases).all():
        tell("bias_ih + bias_hh", bias)
    if cell == "RNN":
        return SimpleRNN(kernel, recurrent_kernel, bias, activation)
    projection = arrays["weight_hr"].T if "weight_hr" in arrays else None
    return LSTM(kernel, recurrent_kernel, bias, projection=projection)


def _in_order(array: Array) -> Array:
    """The blocks of a GRU in the order z, r, n."""
    blocks = np.split(array, 3)
    return np.concatenate([blocks[number] for number in _GRU_ORDER])


def _biases(weights: Mapping[str, Tensor], where: str) -> Array:
    return np.stack([weights[kind].numbers(f"{where}: {kind}") for kind in ("bias_ih", "bias_hh")])


def _sum(biases: Array) -> Array:
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is told
        return np.asarray(biases.sum(axis=0))
