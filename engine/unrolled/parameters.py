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
        gates: The names of the rows.
        matrices: The names of the columns: kernel, recurrent_kernel, bias.
        shapes: For each matrix, the shape of one gate's block.
        counts: `counts[row][column]`.
        conventions: The total as Keras, and as PyTorch and ONNX, count it; the layer's own first.
    """

    cell: str
    units: int
    features: int
    gates: tuple[str, ...]
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
    gates = tuple(gate.name for gate in layer.anatomy.gates)
    weights = layer.weights
    names = ("kernel", "recurrent_kernel", "bias")
    row = tuple(weights[name].size // len(gates) if name in weights else 0 for name in names)
    return Tally(
        cell=layer.anatomy.cell,
        units=layer.units,
        features=layer.features,
        gates=gates,
        matrices=names,
        shapes=(f"{layer.features}×{layer.units}", f"{layer.units}×{layer.units}", str(row[2])),
        counts=(row,) * len(gates),
        conventions=_conventions(len(gates), layer.units, layer.features, "bias" in weights),
    )


def _conventions(gates: int, units: int, features: int, with_bias: bool) -> tuple[Convention, ...]:
    keras = _convention(
        "Keras", gates, units, features, 1, "one bias per gate and unit: what enters a gate needs no more than one"
    )
    two = _convention(
        "PyTorch, ONNX",
        gates,
        units,
        features,
        2,
        "two biases per gate and unit, one beside W and one beside U, which are added (cuDNN's layout)",
    )
    none = _convention("no bias", gates, units, features, 0, "the layer has no bias")
    return (keras, two) if with_bias else (none, keras, two)


def _convention(name: str, gates: int, units: int, features: int, biases: int, reason: str) -> Convention:
    plus = f" + {biases}" if biases else ""
    return Convention(
        name=name,
        total=gates * units * (features + units + biases),
        formula=f"{gates}·units·(features + units{plus})",
        numbers=f"{gates}·{units}·({features} + {units}{plus}) = {gates * units * (features + units + biases)}",
        reason=reason,
    )
