"""Walking through an ONNX graph once: constants are folded when needed, arrays followed where that is certain."""

from collections import ChainMap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from unrolled.files import UnreadableError
from unrolled.formats.asking import Asking
from unrolled.formats.onnx_cells import BLOCKS, INITIAL_C, INITIAL_H, SEQUENCE_LENS, Starts, recurrent
from unrolled.formats.onnx_dense import DENSE, dense
from unrolled.formats.onnx_fold import FOLDED, KEEPS_SPREAD, SPREADING, NotComputedError, Operands, fold
from unrolled.formats.onnx_node import Node, node_of, text
from unrolled.formats.onnx_tensor import Tensors
from unrolled.formats.onnx_values import (
    Atom,
    Axis,
    Constant,
    Extent,
    Opaque,
    Piece,
    RecurrentStage,
    Value,
    View,
    axis_of,
    sizes,
)
from unrolled.formats.onnx_views import MOVES, concatenated, move
from unrolled.npy import AnyArray
from unrolled.text import printable

if TYPE_CHECKING:
    from onnx import GraphProto, TensorProto, ValueInfoProto

_MOST_DEPTH = 200
_MOST_LAYERS = 500
_CONSTANTS = ("value", "value_float", "value_floats", "value_int", "value_ints")

_STARTS = {INITIAL_H: "initial_h", INITIAL_C: "initial_c", SEQUENCE_LENS: "sequence_lens"}

FOLLOWED = {*MOVES, *DENSE, "Concat"}
"""What is followed, if it is of the layer's output."""

Scope = ChainMap[str, Value]


@dataclass(eq=False, slots=True)
class Walk:
    """A walk through a graph and the graphs in it.

    Attributes:
        opset: The version of ONNX's operators.
        tensors: What reads its tensors.
        asking: Who is told what is unusual.
        stages: The recurrent nodes that were found, in the order of the graph.
        others: The operators of the other nodes, with their domains.
        inputs: The names of the graph's inputs.
    """

    opset: int
    tensors: Tensors
    asking: Asking
    stages: list[RecurrentStage] = field(default_factory=list)
    others: set[tuple[str, str]] = field(default_factory=set)
    inputs: set[str] = field(default_factory=set)

    def graph(self, graph: "GraphProto", outside: Scope) -> Scope:
        """The values in a graph by name, beside those that it sees outside of it.

        Raises:
            UnreadableError: If a node in it is not as ONNX says, or something has two values.
        """
        scope: Scope = outside.new_child()
        for tensor in graph.initializer:
            self._set(scope, text(tensor.name), self._constant(tensor))
        for entry in graph.input:
            if text(entry.name) not in scope.maps[0]:  # old files name their constants among the inputs too
                self._set(scope, text(entry.name), _input(entry))
                self.inputs.add(text(entry.name))
        for number, proto in enumerate(graph.node, 1):
            node = node_of(proto, number, self.opset)
            values = [scope.get(name) or _missing(name) if name else None for name in node.inputs]
            for name, value in zip(node.outputs, self._node(node, values, scope), strict=False):
                self._set(scope, name, value)
        return scope

    def _set(self, scope: Scope, name: str, value: Value) -> None:
        if name and name in scope.maps[0]:
            raise UnreadableError(f"expected one value for {printable(name, 60)}, got two")
        scope[name] = value

    def _constant(self, tensor: "TensorProto") -> Constant:
        return Constant(partial(self.tensors.array, tensor))

    def _node(self, node: Node, values: list[Value | None], scope: Scope) -> Sequence[Value]:
        """What a node gives."""
        if node.is_standard and node.op in BLOCKS:
            return self._recurrent(node, values)
        self.others.add((node.op, node.domain))
        if node.is_standard:
            if node.op == "If":
                return self._if(node, values, scope)
            if node.op == "Constant":
                return [self._constant_node(node)]
            found = self._folded(node, values) or _followed(node, values)
            if found is not None:
                self._tell_numbers(node, values)
                return found
        return [_opaque(node, values)] * len(node.outputs)

    def _constant_node(self, node: Node) -> Value:
        name = next((name for name in _CONSTANTS if name in node), None)
        if name is None:
            return _opaque(node, ())
        if name == "value":
            return self._constant(node.tensor(name))
        values: dict[str, Callable[[], Any]] = {
            "value_float": lambda: node.number(name),
            "value_floats": lambda: node.numbers(name),
            "value_int": lambda: node.integer(name, 0),
            "value_ints": lambda: node.integers(name),
        }
        return Constant(partial(np.array, values[name](), np.float32 if "float" in name else np.int64))

    def _folded(self, node: Node, values: list[Value | None]) -> list[Value] | None:
        """What a node gives that reads constants only, or asks for the shape of an array."""
        match node.op, values:
            case "Shape", [View() as view]:
                axes = view.axes[node.integer("start", 0) : node.integer("end", len(view.axes))]
                return [Constant(partial(sizes, axes))]
        if node.op not in FOLDED or not all(value is None or isinstance(value, Constant) for value in values):
            return None
        constants = [value for value in values if isinstance(value, Constant)]
        if node.op == "ConstantOfShape" and "value" in node:
            values = [*values, self._constant(node.tensor("value"))]
        spread = any(constant.spread for constant in constants)
        if spread and node.op not in KEEPS_SPREAD:
            return None
        if node.op in SPREADING and constants:
            shape = _computed(constants[-1])
            if shape is None:
                return None
            spread = any(isinstance(size, Extent) for size in shape.flat)
        depth = 1 + max((constant.depth for constant in constants), default=0)
        if depth > _MOST_DEPTH:
            raise UnreadableError(f"{node.shown}: expected constants of at most {_MOST_DEPTH} operators, got more")
        outputs = cache(partial(self._fold, node, values))
        return [Constant(partial(_at, outputs, place), depth, spread) for place in range(len(node.outputs))]

    def _fold(self, node: Node, values: Sequence[Value | None]) -> tuple[AnyArray, ...]:
        outputs = fold(node, _operands(values))
        for output in outputs:
            if output.base is None:  # a view takes no memory of its own
                self.tensors.take(output.nbytes, node.shown)
        return outputs

    def _if(self, node: Node, values: list[Value | None], scope: Scope) -> Sequence[Value]:
        """What an If gives: of the branch that runs, if that is certain, or else of the one that has a layer in it."""
        condition = values[0] if values else None
        if isinstance(condition, Constant) and not condition.spread:
            told = _computed(condition)
            if told is not None and told.size == 1 and told.dtype != object:
                branch = node.graph("then_branch" if told.all() else "else_branch")
                return _outputs(branch, self.graph(branch, scope), node, values)
        found: list[Sequence[Value]] = []
        for name in ("then_branch", "else_branch"):
            before, branch = len(self.stages), node.graph(name)
            outputs = _outputs(branch, self.graph(branch, scope), node, values)
            if len(self.stages) > before:
                self.asking.remark(f"{node.shown}: {name} is shown; which branch runs depends on the model's input")
                found.append(outputs)
        return found[0] if len(found) == 1 else [_opaque(node, values)] * len(node.outputs)

    def _recurrent(self, node: Node, values: list[Value | None]) -> Sequence[Value]:
        """What a recurrent node gives: its output at every timestep, the last one, and the last cell state."""
        if len(self.stages) >= _MOST_LAYERS:
            raise UnreadableError(f"expected at most {_MOST_LAYERS} recurrent layers, got more")
        reads = values[0] if values else None
        if reads is None or (isinstance(reads, Opaque) and not reads.kind):
            got = reads.name if isinstance(reads, Opaque) else "nothing"
            raise UnreadableError(f"{node.shown}: X: expected a sequence to read, got {got}, which nothing gives")
        name = self._name(node.shown)
        by_sample = bool(node.integer("layout", 0))
        view = reads if isinstance(reads, View) and _fits(reads, by_sample) else None
        timesteps = None if view is None else view.axes[1 if by_sample else 0]
        h, c = (self._start(node, values, place, "zero is taken") for place in (INITIAL_H, INITIAL_C))
        starts = Starts(h, c, self._lengths(node, values, timesteps))
        layer = recurrent(node, name, partial(self._weight, node, values), starts)
        if layer.batch_size is not None:
            self.asking.remark(
                f"{node.shown} has a length or an initial state for each of {layer.batch_size:,} samples: a batch has "
                f"as many, and a sequence by itself has those of the first"
            )
        self._tell_types(name, values)
        stage = RecurrentStage(name, layer, view or _opaque_input(node, reads), by_sample)
        self.stages.append(stage)
        axes = view.axes if view is not None else tuple((Atom(f"{name}: axis {place}", None),) for place in range(3))
        time, batch = axes[1 if by_sample else 0], axes[0 if by_sample else 1]
        direction, unit = Atom("directions", stage.width), Atom("units", layer.forward.units)
        d, u = axis_of(direction), axis_of(unit)
        pieces = tuple(Piece(stage, place) for place in range(stage.width))
        every = View((batch, time, d, u) if by_sample else (time, d, batch, u), pieces, direction, unit, time, batch)
        last = replace(every, axes=(batch, d, u) if by_sample else (d, batch, u), at="end")
        return [every, last, Opaque(f"last cell state of {name}", node.op)]

    def _name(self, shown: str) -> str:
        """A name that no other layer has."""
        taken = sum(stage.name == shown or stage.name.startswith(f"{shown} (") for stage in self.stages)
        return f"{shown} ({taken + 1})" if taken else shown

    def _start(self, node: Node, values: list[Value | None], place: int, instead: str) -> AnyArray | None:
        """An initial state or the lengths, if they are constants; `instead` says what is taken where they are not.

        Raises:
            UnreadableError: If nothing gives them.
        """
        value = values[place] if place < len(values) else None
        if value is None:
            return None
        what, source = _STARTS[place], node.inputs[place]
        if isinstance(value, Constant):
            self._tell_not_finite(f"{node.shown}: {what}", value.array)
            return value.array
        shown = printable(source, 60)
        if isinstance(value, Opaque) and not value.kind:
            raise UnreadableError(f"{node.shown}: {what}: expected numbers, got {shown}, which nothing gives")
        told = "the graph's input" if source in self.inputs else "computed while the graph runs, as"
        self.asking.remark(f"{node.shown}: {what} is {told} {shown}: {instead}")
        return None

    def _lengths(self, node: Node, values: list[Value | None], timesteps: Axis | None) -> AnyArray | None:
        """How many timesteps each sample has, if that is in the file and may be fewer than there are."""
        lengths = self._start(node, values, SEQUENCE_LENS, "every timestep is read")
        if lengths is None or lengths.dtype != object:
            return lengths
        if any(size != Extent(timesteps or ()) for size in lengths.flat):
            told = f"computed from a shape, as {printable(node.inputs[SEQUENCE_LENS], 60)}"
            self.asking.remark(f"{node.shown}: sequence_lens is {told}: every timestep is read")
        return None

    def _weight(self, node: Node, values: list[Value | None], place: int, letter: str) -> AnyArray | None:
        """The weights that a node reads at a place."""
        array = _weight(node, values, place, letter)
        if array is not None:
            self._tell_not_finite(f"{node.shown}: {letter}", array)
        return array

    def _tell_numbers(self, node: Node, values: Sequence[Value | None]) -> None:
        """Tells where what a Dense layer or an Embedding reads is NaN or infinite."""
        if node.op in DENSE and not all(isinstance(value, Constant) for value in values):
            for name, value in zip(node.inputs, values, strict=True):
                if isinstance(value, Constant):
                    self._tell_not_finite(f"{node.shown}: {printable(name, 60)}", value.array)

    def _tell_not_finite(self, where: str, array: AnyArray) -> None:
        if array.ndim and array.dtype.kind == "f":
            self.asking.remark_not_finite(where, array)

    def _tell_types(self, name: str, values: list[Value | None]) -> None:
        for place, letter in ((1, "W"), (2, "R"), (3, "B"), (7, "P")):
            value = values[place] if place < len(values) else None
            if isinstance(value, Constant) and value.array.dtype == np.float16:
                self.asking.remark(f"{name}: {letter} is stored as float16, stepped in float32")


def _input(entry: "ValueInfoProto") -> Value:
    """The graph's input: of its axes no more is known than their number and some sizes."""
    name = text(entry.name)
    if not entry.type.tensor_type.HasField("shape"):
        return Opaque(printable(name, 60) or "input", "Input")
    axes: list[Axis] = []
    for place, dimension in enumerate(entry.type.tensor_type.shape.dim):
        size = dimension.dim_value if dimension.HasField("dim_value") and dimension.dim_value > 0 else None
        axes.append(axis_of(Atom(f"{name}: axis {place}", size)))
    return View(tuple(axes))


def _followed(node: Node, values: Sequence[Value | None]) -> Sequence[Value] | None:
    """What a node gives that moves axes about, or is a part of a Dense layer."""
    if node.op not in FOLLOWED:
        return None
    others = [value for value in values if isinstance(value, Constant)]
    if any(value.spread or _computed(value) is None for value in others):
        return None
    if node.op == "Concat" and all(isinstance(value, View) for value in values):
        joined = concatenated(node, [value for value in values if isinstance(value, View)])
        return None if joined is None else [joined]
    match values:
        case [View() as view, *rest] if node.op in MOVES and all(value is None or value in others for value in rest):
            return move(node, view, _operands([None, *rest]))
    made = dense(node, values)
    return None if made is None else [made]


def _computed(constant: Constant) -> AnyArray | None:
    """The array of a constant, or None if it is none that is computed here."""
    try:
        return constant.array
    except NotComputedError:
        return None


def _operands(values: Iterable[Value | None]) -> Operands:
    return [value.array if isinstance(value, Constant) else None for value in values]


def _at(outputs: Any, place: int) -> AnyArray:
    arrays: tuple[AnyArray, ...] = outputs()
    if place >= len(arrays):
        raise UnreadableError(f"expected at most {len(arrays)} outputs of an operator, got more")
    return arrays[place]


def _outputs(
    branch: "GraphProto", scope: Mapping[str, Value], node: Node, values: Sequence[Value | None]
) -> list[Value]:
    return [scope.get(text(entry.name)) or _opaque(node, values) for entry in branch.output]


def _opaque(node: Node, values: Sequence[Value | None]) -> Opaque:
    """What a node gives that cannot be followed. A node that only moves such an array about is not worth naming.

    Behind a layer it is the first such node that is named, in front of one the last, whose output the layer reads.
    """
    first = next((value for value in values if isinstance(value, Opaque)), None)
    is_behind = first is not None and first.reads is not None and bool(first.reads.pieces)
    if first is not None and (is_behind or node.op in MOVES or node.op == "Concat"):
        return first
    reads = next((value for value in values if isinstance(value, View)), None)
    if reads is None and first is not None:
        reads = first.reads
    return Opaque(node.shown, printable(node.op, 40), reads)


def _missing(name: str) -> Opaque:
    """A value that nothing gives."""
    return Opaque(printable(name, 60), "")


def _opaque_input(node: Node, reads: Value | None) -> Opaque:
    if isinstance(reads, Opaque):
        return reads
    return Opaque(f"input of {node.shown}", "Branch", reads if isinstance(reads, View) else None)


def _fits(view: View, by_sample: bool) -> bool:
    """Whether a node can read an array as (timesteps, samples, features), or samples first."""
    if len(view.axes) != 3 or view.at != "all":
        return False
    time, batch = (view.axes[1], view.axes[0]) if by_sample else view.axes[:2]
    if view.time is not None and (view.time, view.batch) != (time, batch):
        return False
    return not view.pieces or (view.stage is not None and view.axes[2] == view.features)


def _weight(node: Node, values: Sequence[Value | None], place: int, letter: str) -> AnyArray | None:
    """The weights that a node reads at a place."""
    value = values[place] if place < len(values) else None
    if isinstance(value, Constant) and not value.spread:
        return value.array
    if place >= len(node.inputs) or not node.inputs[place]:
        return None
    name = printable(node.inputs[place], 60)
    if isinstance(value, Opaque) and not value.kind:
        raise UnreadableError(f"{node.shown}: {letter}: expected numbers in the file, got {name}, which nothing gives")
    raise UnreadableError(
        f"{node.shown}: {letter}: expected numbers in the file, got {name}, which depends on the model's input"
    )
