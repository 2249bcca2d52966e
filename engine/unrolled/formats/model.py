"""What every format's reader gives: a model's network, and what is unusual about it."""

from dataclasses import dataclass
from typing import Any

from unrolled.layer import RecurrentLayer
from unrolled.network import Network

MAY_STAND_BEFORE = "may stand before"
"""In the remark on a layer that is left out, and may be what the first one reads."""


@dataclass(frozen=True, eq=False, slots=True)
class NamedLayer:
    """A recurrent layer of a model, or one direction of a bidirectional one.

    Attributes:
        name: Its name in the file, printable; with `/forward` or `/backward` behind it if it has both directions.
        layer: The layer.
    """

    name: str
    layer: RecurrentLayer[Any]


@dataclass(frozen=True, eq=False, slots=True)
class Model:
    """A model file.

    Attributes:
        name: The file's name, printable.
        network: Its layers, in the order in which they run.
        remarks: What is unusual about the weights, one sentence each.
        framework: What wrote it: Keras, PyTorch, ONNX, or nothing that is known.
        batch_first: Whether it takes an array of three axes as (batch, T, features); otherwise as (T, batch, features).
        batch_size: How many sequences a batch of its stateful layers has, where the file says so.
    """

    name: str
    network: Network
    remarks: tuple[str, ...] = ()
    framework: str = ""
    batch_first: bool = True
    batch_size: int | None = None

    @property
    def layers(self) -> tuple[NamedLayer, ...]:
        """Its recurrent layers, each direction by itself."""
        directions = [direction for layer in self.network.recurrent for direction in layer.directions]
        return tuple(NamedLayer(direction.name, direction.layer) for direction in directions)

    def doubt(self, problem: Exception) -> str:
        """The remark on which layer is the first one, where another may be, which reads other features."""
        if "feature" not in str(problem):
            return ""
        return next((told for told in self.remarks if "--layer-order" in told or MAY_STAND_BEFORE in told), "")
