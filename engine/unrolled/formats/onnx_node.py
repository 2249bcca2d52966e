"""Nodes of an ONNX graph as records, with attributes that are of the type they have to be."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from unrolled.files import UnreadableError
from unrolled.text import printable

if TYPE_CHECKING:
    from onnx import AttributeProto, NodeProto

DOMAIN = ""
"""ONNX's own operators. Its other name is ai.onnx."""

_TYPES = {1: "a number", 2: "a whole number", 3: "a text", 4: "a tensor", 5: "a graph", 6: "numbers"} | {
    7: "whole numbers",
    8: "texts",
}
_FIELDS = {1: "f", 2: "i", 3: "s", 4: "t", 5: "g", 6: "floats", 7: "ints", 8: "strings"}
FLOAT, INT, STRING, TENSOR, GRAPH, FLOATS, INTS, STRINGS = range(1, 9)
"""AttributeProto.AttributeType."""


@dataclass(frozen=True, eq=False, slots=True)
class Node:
    """An operator with its inputs and outputs.

    Attributes:
        shown: Its name, printable.
        op: The operator.
        domain: Whose operator it is.
        inputs: The names of its inputs, "" for one that is left out.
        outputs: The names of its outputs.
        attributes: Its attributes by name.
        opset: The version of ONNX's operators.
    """

    shown: str
    op: str
    domain: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, "AttributeProto"]
    opset: int

    @property
    def is_standard(self) -> bool:
        """Whether the operator is one of ONNX's own."""
        return self.domain == DOMAIN

    def __contains__(self, name: str) -> bool:
        """Whether it has that attribute."""
        return name in self.attributes

    def _get(self, name: str, kind: int) -> Any:
        attribute = self.attributes[name]
        if attribute.type != kind or attribute.ref_attr_name:
            got = _TYPES.get(attribute.type, "something else")
            raise UnreadableError(f"{self.shown}: {printable(name, 40)}: expected {_TYPES[kind]}, got {got}")
        return getattr(attribute, _FIELDS[kind])

    def integer(self, name: str, default: int) -> int:
        """The whole number of that name.

        Raises:
            UnreadableError: If it is of another type; so with all the others.
        """
        return int(self._get(name, INT)) if name in self else default

    def number(self, name: str) -> float | None:
        """The number of that name, if there is one."""
        return float(self._get(name, FLOAT)) if name in self else None

    def integers(self, name: str) -> list[int] | None:
        """The whole numbers of that name, if there are any."""
        return list(self._get(name, INTS)) if name in self else None

    def numbers(self, name: str) -> list[float]:
        """The numbers of that name."""
        return list(self._get(name, FLOATS)) if name in self else []

    def text(self, name: str, default: str) -> str:
        """The text of that name."""
        return text(self._get(name, STRING)) if name in self else default

    def texts(self, name: str) -> list[str] | None:
        """The texts of that name, if there are any."""
        return [text(each) for each in self._get(name, STRINGS)] if name in self else None

    def tensor(self, name: str) -> Any:
        """The tensor of that name, which is there."""
        return self._get(name, TENSOR)

    def graph(self, name: str) -> Any:
        """The graph of that name.

        Raises:
            UnreadableError: If there is none.
        """
        if name not in self:
            raise UnreadableError(f"{self.shown}: expected a graph {name}, got none")
        return self._get(name, GRAPH)


def node_of(proto: "NodeProto", number: int, opset: int) -> Node:
    """The record of a node, the `number`th of its graph.

    Raises:
        UnreadableError: If its operator is no text, or it has an attribute twice.
    """
    if not (_is_text(proto.op_type) and _is_text(proto.domain)):
        got = printable(text(proto.op_type), 40)
        raise UnreadableError(f"node {number}: expected an operator in UTF-8, got {got}")
    domain = DOMAIN if proto.domain == "ai.onnx" else proto.domain
    shown = printable(text(proto.name), 60) or f"{printable(proto.op_type, 40).lower()}_{number}"
    attributes: dict[str, AttributeProto] = {}
    for attribute in proto.attribute:
        name = text(attribute.name)
        if name in attributes:
            raise UnreadableError(f"{shown}: {printable(name, 40)}: expected it once, got it twice")
        attributes[name] = attribute
    inputs, outputs = (tuple(map(text, names)) for names in (proto.input, proto.output))
    return Node(shown, proto.op_type, domain, inputs, outputs, attributes, opset)


def _is_text(found: object) -> bool:
    """Whether it is UTF-8: protobuf hands back bytes otherwise."""
    return isinstance(found, str)


def text(found: str | bytes) -> str:
    """A text out of protobuf, which hands back bytes where they are no UTF-8."""
    return found if isinstance(found, str) else bytes(found).decode("utf-8", "backslashreplace")
