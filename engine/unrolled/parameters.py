"""The tally: how many parameters a layer has, per gate and per matrix, and under whose convention."""

from dataclasses import dataclass
from typing import Any

from unrolled.layer import RecurrentLayer


@dataclass(frozen=True, slots=True)
class Convention:
    """The number of parameters as somebody else counts it.

    Attributes:
        name: Who counts so.
        total: The number.
        formula: Where it comes from, in units and features.
        numbers: The formula with this layer's numbers.
        reason: Why it is this number.
    """

    name: str
    total: int
    formula: str
    numbers: str
    reason: str


@dataclass(frozen=True, slots=True)
class Tally:
    """The parameters of a layer: rows are gates, columns are matrices.

    Attributes:
        cell: The cell's name.
        units: The number of units.
        features: The number of features.
        gates: The names of the rows; behind the gates h, if a projection makes it.
        titles: What the rows are called.
        matrices: The names of the columns: kernel, recurrent_kernel, bias, and peepholes and projection if there are.
        shapes: For each matrix, the shape of one gate's block.
        counts: `counts[row][column]`.
        conventions: The total as Keras, and as PyTorch and ONNX, count it; the layer's own first.
    """

    cell: str
    units: int
    features: int
    gates: tuple[str, ...]
    titles: tuple[str, ...]
    matrices: tuple[str, ...]
    shapes: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    conventions: tuple[Convention, ...]

    @property
    def gate_sums(self) -> tuple[int, ...]:
        """The parameters of each gate."""
        return tuple(sum(row) for row in self.counts)

    @property
    def matrix_sums(self) -> tuple[int, ...]:
        """The parameters of each matrix."""
        return tuple(sum(column) for column in zip(*self.counts, strict=True))

    @property
    def total(self) -> int:
        """All parameters of the layer."""
        return sum(self.gate_sums)

    @property
    def formula(self) -> str:
        """Where the total comes from, in units and features."""
        return self.conventions[0].formula

    @property
    def numbers(self) -> str:
        """The formula with this layer's numbers."""
        return self.conventions[0].numbers


def tally(layer: RecurrentLayer[Any]) -> Tally:
    """Counts the parameters of `layer`, from the arrays it has.

    The formulas: https://keras.io/api/layers/recurrent_layers/lstm/ and
    https://pytorch.org/docs/stable/generated/torch.nn.LSTM.html (two biases, b_ih and b_hh, which are added).
    """
    gates, weights = layer.anatomy.gates, layer.weights
    matrices = ("kernel", "recurrent_kernel", "bias", *(name for name in _RARE if name in weights))
    shares = _shares(layer)
    counts = [tuple(shares[gate.name].get(name, 0) for name in matrices) for gate in gates]
    rows, titles = [gate.name for gate in gates], [gate.title for gate in gates]
    if "projection" in weights:
        rows.append("h")
        titles.append("hidden state, projected")
        counts.append(tuple(weights[name].size if name == "projection" else 0 for name in matrices))
    return Tally(
        cell=layer.anatomy.cell,
        units=layer.units,
        features=layer.features,
        gates=tuple(rows),
        titles=tuple(titles),
        matrices=matrices,
        shapes=tuple(_shape(layer, name) for name in matrices),
        counts=tuple(counts),
        conventions=_conventions(layer),
    )


_RARE = ("peepholes", "projection")
"""The matrices that few layers have. They get a column where there are."""


def _shares(layer: RecurrentLayer[Any]) -> dict[str, dict[str, int]]:
    """For each gate, the parameters of each matrix that reach it."""
    names = {"W": "kernel", "U": "recurrent_kernel", "b": "bias", "b_h": "bias", "p": "peepholes"}
    shares: dict[str, dict[str, int]] = {}
    for gate in layer.anatomy.gates:
        share = shares[gate.name] = {}
        for kind in layer.senders(gate.name):
            name = names[kind.matrix]
            share[name] = share.get(name, 0) + kind.weights.size
    return shares


def _shape(layer: RecurrentLayer[Any], name: str) -> str:
    """The shape of one gate's block of a matrix."""
    units, bias = layer.units, layer.weights.get("bias")
    if name == "bias":
        return "0" if bias is None else f"2×{units}" if bias.ndim == 2 else f"{units}"
    shapes = {"kernel": f"{layer.features}×{units}", "recurrent_kernel": f"{layer.outputs}×{units}"}
    return shapes.get(name) or {"peepholes": f"{units}", "projection": f"{units}×{layer.outputs}"}[name]


def _conventions(layer: RecurrentLayer[Any]) -> tuple[Convention, ...]:
    """How others count, the layer's own first, which is that of its number of biases."""
    bias = layer.weights.get("bias")
    own = 0 if bias is None else bias.ndim
    counted = {
        0: _convention(layer, "no bias", 0, "the layer has no bias"),
        1: _convention(layer, "Keras", 1, "one bias per gate and unit: what enters a gate needs no more than one"),
        2: _convention(
            layer,
            "PyTorch, ONNX",
            2,
            "two biases per gate and unit, one beside W and one beside U, which are added (cuDNN's layout)",
        ),
    }
    if layer.anatomy.cell == "GRU":
        counted |= _conventions_of_gru(layer, own)
    elif any(name in layer.weights for name in _RARE) or len(layer.anatomy.gates) == 3:
        counted |= _conventions_without_keras(layer)
    others = [counted[biases] for biases in (1, 2) if biases != own]
    return (counted[own], *others)


def _conventions_of_gru(layer: RecurrentLayer[Any], own: int) -> dict[int, Convention]:
    """A GRU's biases cannot be added where the reset gate stands between them."""
    two = (
        "two biases per gate and unit, one beside W and one beside U: the reset gate multiplies the second one in the "
        "candidate, so they are not one (Keras's default, reset_after)"
    )
    one = "one bias per gate and unit, where the reset gate comes before the product (Keras with reset_after=False)"
    return {
        1: _convention(layer, "Keras, reset first" if own != 1 else "Keras", 1, one),
        2: _convention(layer, "Keras, PyTorch, ONNX", 2, two),
    }


def _conventions_without_keras(layer: RecurrentLayer[Any]) -> dict[int, Convention]:
    """Keras has neither peepholes nor a projection, and no coupled gates; PyTorch has the projection alone."""
    one = "one bias per gate and unit: what enters a gate needs no more than one"
    two = "two biases per gate and unit, one beside W and one beside U, which are added"
    coupled = len(layer.anatomy.gates) == 3
    if coupled:
        two += "; the forget gate, which is 1 − i, has weights in the file that nothing reads"
    torch = "projection" in layer.weights and "peepholes" not in layer.weights and not coupled
    return {
        1: _convention(layer, "one bias", 1, one),
        2: _convention(layer, "PyTorch" if torch else "ONNX", 2, two, unread=1 if coupled else 0),
    }


def _convention(layer: RecurrentLayer[Any], name: str, biases: int, reason: str, unread: int = 0) -> Convention:
    """The count with so many biases, and so many blocks that nothing reads."""
    gates, units = len(layer.anatomy.gates) + unread, layer.units
    weights, features, outputs = layer.weights, layer.features, layer.outputs
    plus, times = f" + {biases}" if biases else "", f"{gates}·" if gates > 1 else ""
    recurrent = "outputs" if "projection" in weights else "units"
    formula = f"{times}units·(features + {recurrent}{plus})"
    numbers = f"{times}{units}·({features} + {outputs}{plus})"
    total = gates * units * (features + outputs + biases)
    if "peepholes" in weights:
        rows = len(weights["peepholes"]) + unread
        formula, numbers, total = f"{formula} + {rows}·units", f"{numbers} + {rows}·{units}", total + rows * units
    if "projection" in weights:
        formula, numbers, total = (
            f"{formula} + units·outputs",
            f"{numbers} + {units}·{outputs}",
            total + units * outputs,
        )
    return Convention(name, total, formula, f"{numbers} = {total}", reason)
