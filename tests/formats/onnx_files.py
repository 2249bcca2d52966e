"""Makes small ONNX files with one recurrent node, and has ONNX Runtime run them."""

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import helper, numpy_helper

BLOCKS = {"LSTM": 4, "GRU": 3, "RNN": 1}
OUTPUTS = {"LSTM": ("Y", "Y_h", "Y_c"), "GRU": ("Y", "Y_h"), "RNN": ("Y", "Y_h")}
INPUTS = ("X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P")

Array = npt.NDArray[Any]


@dataclass
class File:
    """A file with one recurrent node, before it is written.

    Attributes:
        cell: LSTM, GRU or RNN.
        arrays: What the node reads, by name.
        attributes: The node's attributes.
        nodes: Nodes in front of it.
        behind: Nodes behind it.
        outputs: The graph's outputs.
        opset: The version of ONNX's operators.
    """

    cell: str
    arrays: dict[str, Array]
    attributes: dict[str, Any]
    nodes: list[Any] = field(default_factory=list)
    behind: list[Any] = field(default_factory=list)
    outputs: Sequence[str] = ()
    opset: int = 17
    x_shape: Sequence[Any] = ("T", 2, 3)
    name: str = "rnn"
    domain: str = ""

    @property
    def node(self) -> Any:
        """The recurrent node."""
        known = {*self.arrays, *(name for node in self.nodes for name in node.output), "X"}
        names = [name if name in known else "" for name in INPUTS[: 8 if self.cell == "LSTM" else 6]]
        while not names[-1]:
            names.pop()
        return helper.make_node(
            self.cell, names, OUTPUTS[self.cell], name=self.name, domain=self.domain or None, **self.attributes
        )

    def proto(self) -> Any:
        """The model."""
        tensors = [numpy_helper.from_array(array, name) for name, array in self.arrays.items()]
        outputs = [helper.make_tensor_value_info(name, 1, None) for name in self.outputs or OUTPUTS[self.cell]]
        x = helper.make_tensor_value_info("X", 1, list(self.x_shape))
        graph = helper.make_graph([*self.nodes, self.node, *self.behind], "g", [x], outputs, tensors)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=8)

    def save(self, path: Path, edit: Callable[[Any], object] | None = None) -> Path:
        """Writes it, after `edit` has changed what it likes."""
        proto = self.proto()
        if edit is not None:
            edit(proto)
        path.write_bytes(proto.SerializeToString())
        return path


def recurrent_file(
    cell: str, units: int = 4, features: int = 3, directions: int = 1, *, scale: float = 1.0, **attributes: Any
) -> File:
    """A file with random weights."""
    chance = np.random.default_rng(units + 10 * directions)
    columns = BLOCKS[cell] * units
    shapes = {
        "W": (directions, columns, features),
        "R": (directions, columns, units),
        "B": (directions, 2 * columns),
    }
    arrays = {name: scale * chance.uniform(-0.8, 0.8, shape).astype(np.float32) for name, shape in shapes.items()}
    return File(cell, arrays, {"hidden_size": units, **attributes})


def add(file: File, name: str, *shape: int) -> File:
    """The same with one more random input of the node."""
    file.arrays[name] = np.random.default_rng(len(name)).uniform(-0.8, 0.8, shape).astype(np.float32)
    return file


def constant(name: str, values: Any) -> Any:
    """A node that gives an array."""
    return helper.make_node("Constant", [], [name], value=numpy_helper.from_array(np.asarray(values)))


def runtime(path: Path, x: Array, **others: Array) -> dict[str, Array]:
    """What ONNX Runtime makes of it, and of other inputs by their names, by the outputs' names."""
    onnxruntime: Any = importlib.import_module("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    found = session.run(names, {session.get_inputs()[0].name: x, **others})
    return {name: np.asarray(array) for name, array in zip(names, found, strict=True)}


def random_x(batch: int = 2, features: int = 3, timesteps: int = 6) -> Array:
    """Inputs, (timesteps, batch, features)."""
    return np.random.default_rng(3).normal(size=(timesteps, batch, features)).astype(np.float32)


def far(mine: Any, theirs: Array) -> float:
    """The largest difference, in proportion to numbers above 1."""
    return float((np.abs(np.asarray(mine) - theirs) / np.maximum(1, np.abs(theirs))).max())


def follow(*nodes: Any, outputs: tuple[str, ...] = ("out",), **options: Any) -> File:
    """An LSTM with nodes behind it."""
    file = recurrent_file("LSTM", **options)
    file.behind, file.outputs = list(nodes), outputs
    return file


KERNEL = np.linspace(-1, 1, 8).reshape(4, 2).astype(np.float32)
SQUEEZE = [constant("one", [1]), helper.make_node("Squeeze", ["Y", "one"], ["h"])]
DENSE = [constant("kernel", KERNEL), helper.make_node("MatMul", ["h", "kernel"], ["out"])]
