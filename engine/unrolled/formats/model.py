"""What every format's reader gives: the layers of a model, by name."""

from dataclasses import dataclass
from typing import Any

from unrolled.layer import RecurrentLayer


@dataclass(frozen=True, eq=False, slots=True)
class NamedLayer:
    """A layer of a model.

    Attributes:
        name: Its name in the file, printable.
        layer: The layer.
    """

    name: str
    layer: RecurrentLayer[Any]


@dataclass(frozen=True, eq=False, slots=True)
class Model:
    """The recurrent layers of a model file.

    Attributes:
        name: The file's name, printable.
        layers: Its layers, in the order in which they run; at least one.
        remarks: What is unusual about the weights, one sentence each.
    """

    name: str
    layers: tuple[NamedLayer, ...]
    remarks: tuple[str, ...] = ()
