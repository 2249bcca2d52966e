"""ONNX files: the nodes LSTM, GRU and RNN of a graph, with what stands around them as far as that is certain.

The file is read with the package onnx, which is an optional extra; nothing of it is run. Source:
https://onnx.ai/onnx/repo-docs/IR.html.
"""

import io
import mmap
from collections import ChainMap
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from unrolled.choices import Choices
from unrolled.errors import OptionError
from unrolled.files import MOST_ARRAY_BYTES, UnreadableError, size_of
from unrolled.formats import onnx_wire
from unrolled.formats.asking import OPTIONS, Asking
from unrolled.formats.model import Model
from unrolled.formats.onnx_cells import BLOCKS
from unrolled.formats.onnx_graph import Scope, Walk
from unrolled.formats.onnx_layers import network_of
from unrolled.formats.onnx_node import text
from unrolled.formats.onnx_tensor import Tensors, folder_of
from unrolled.formats.onnx_values import RecurrentStage, Value, View
from unrolled.text import printable

if TYPE_CHECKING:
    from onnx import ModelProto

_NEWEST_OPSET = 28
_IR_VERSION = 0x08  # the tag of ModelProto.ir_version, which comes first
_NEXT_TAGS = b"\x12\x1a\x22\x28\x32\x3a\x42\x72\xa2\xaa\xca"  # of the fields that can come behind it


def recognises(beginning: bytes, _members: Sequence[str]) -> bool:
    """Whether a file that begins so may be one of these: protobuf has no magic number, but a first field."""
    behind = beginning[2:3]
    return beginning[:1] == bytes([_IR_VERSION]) and (not behind or behind in _NEXT_TAGS)


def read(file: io.BufferedReader, name: str, choices: Choices) -> Model:
    """The model in `file`.

    Raises:
        UnreadableError: If it is none, is damaged, has no recurrent node, or the package onnx is not there.
        ShapeError: If shapes disagree.
        OptionError: If the opset that the user says is not known.
    """
    asking = Asking(choices)
    proto = _parsed(file)
    tensors = Tensors(folder_of(file.name))
    walk = Walk(_opset(proto, asking), tensors, asking)
    outside: Scope = ChainMap()
    scope = walk.graph(proto.graph, outside)
    if not walk.stages:
        raise UnreadableError(f"no LSTM, GRU or RNN operator in the ONNX graph: {_instead(proto, walk.others)}")
    outputs = {text(output.name): scope.get(text(output.name)) for output in proto.graph.output}
    network = network_of(walk.stages, outputs)
    batch_first = _batch_first(walk.stages[0], [scope.get(text(entry.name)) for entry in proto.graph.input])
    remarks = [
        *(f"{name}: {remark}" for remark in asking.finished()),
        *(f"{name}: {where} is stored as bfloat16, stepped in float32" for where in tensors.bfloat16),
    ]
    return Model(name, network, tuple(remarks), "ONNX", batch_first)


def _parsed(file: io.BufferedReader) -> "ModelProto":
    if size_of(file) > MOST_ARRAY_BYTES:
        raise UnreadableError(f"expected an ONNX file of at most {MOST_ARRAY_BYTES >> 30} GiB, got a larger one")
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        onnx_wire.check(mapped)
    try:
        from onnx import ModelProto  # noqa: PLC0415 - an extra, and it takes a while
    except ImportError as problem:
        takes = "an ONNX file takes the package onnx: in the checkout, python -m pip install '.[onnx]'"
        raise UnreadableError(takes) from problem
    try:
        model: ModelProto = ModelProto.FromString(file.read(size_of(file)))
    except Exception as problem:  # protobuf has an error of its own, which is no builtin
        raise onnx_wire.damaged() from problem
    return model


def _opset(proto: "ModelProto", asking: Asking) -> int:
    """The version of ONNX's own operators."""
    versions = [entry.version for entry in proto.opset_import if entry.domain in ("", "ai.onnx")]
    if not versions and proto.ir_version < 3:
        return 1  # before that, there was one only
    if len(versions) != 1 or versions[0] < 1:
        got = ", ".join(map(str, versions[:3])) or "none"
        raise UnreadableError(f"expected one opset, the version of ONNX's operators, got {got}")
    if versions[0] <= _NEWEST_OPSET:
        return int(versions[0])
    asking.asked.add("opset")
    told = asking.choices.opset
    if told is not None and not 1 <= told <= _NEWEST_OPSET:
        raise OptionError(f"--opset: expected 1 to {_NEWEST_OPSET}, the newest that is known here, got {told}")
    says = f"; {OPTIONS['opset'].name} says otherwise" if told is None else f", as {OPTIONS['opset'].name} says"
    asking.remark(f"opset {versions[0]} is not known here: read as opset {told or _NEWEST_OPSET}{says}")
    return told or _NEWEST_OPSET


def _batch_first(first: RecurrentStage, inputs: Iterable[Value | None]) -> bool:
    """Whether the samples come before the timesteps in what is given: the graph's input, or else that of the node."""
    if isinstance(first.reads, View):
        time, batch = (first.reads.axes[1], first.reads.axes[0]) if first.by_sample else first.reads.axes[:2]
        for given in inputs:
            if isinstance(given, View) and time and time in given.axes:
                return given.axes.index(time) > 0
            if isinstance(given, View) and batch and batch in given.axes:  # there is one timestep only
                return given.axes.index(batch) == 0
    return first.by_sample


def _instead(proto: "ModelProto", others: Iterable[tuple[str, str]]) -> str:
    """What a graph has that has no recurrent node."""
    others = set(others)
    foreign = next(((op, domain) for op, domain in sorted(others) if any(cell in op for cell in BLOCKS)), None)
    if foreign is not None:
        op, domain = (printable(part, 40) for part in foreign)
        if "Quantize" in op:
            return f"got {op}, whose weights are quantized: give the model as it was before that"
        return f"got {op}, which is not ONNX's own but of the domain {domain or 'that has no name'}"
    if {("MatMul", ""), ("Tanh", "")} <= others or {("Gemm", ""), ("Tanh", "")} <= others:
        return (
            "the exporter unrolled it to MatMul and Tanh, timestep by timestep; with PyTorch, "
            "torch.onnx.export(…, dynamo=False) keeps it"
        )
    kinds = list(_kinds(proto))
    return f"got {', '.join(kinds[:8])}{' …' if len(kinds) > 8 else ''}" if kinds else "got one without nodes"


def _kinds(proto: "ModelProto") -> Iterator[str]:
    seen = set()
    for node in proto.graph.node:
        if node.op_type not in seen:
            seen.add(node.op_type)
            yield printable(text(node.op_type), 40)
