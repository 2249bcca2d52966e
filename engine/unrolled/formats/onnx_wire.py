"""How much an ONNX file claims to hold, seen in its bytes before protobuf makes anything of them.

Sources: https://protobuf.dev/programming-guides/encoding/ for the bytes, and `onnx/onnx.proto` for the fields' numbers.
"""

from typing import Protocol

from unrolled.files import UnreadableError

MOST_NODES = 20_000
MOST_NESTED = 8

_MOST_FIELDS = 500_000
_MOST_OTHER_BYTES = 16 << 20
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5

_INSIDE = {
    "model": {7: "graph"},
    "graph": {1: "node", 5: "tensor"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph"},
    "tensor": {},
}
"""The messages that are looked into, by the number of the field that holds them."""

_AS_LARGE_IN_MEMORY = {"tensor": (4, 9, 10)}
"""float_data, raw_data and double_data: everything else can grow many times over when it is parsed."""


class Bytes(Protocol):
    """Bytes in memory, or of a mapped file."""

    def __getitem__(self, place: int) -> int:
        """The byte there."""

    def __len__(self) -> int:
        """How many there are."""


def check(raw: Bytes) -> None:
    """Checks that the message in `raw` can be parsed in little time and memory.

    Raises:
        UnreadableError: If it is cut short, has too many parts, or graphs in graphs too deep.
    """
    place, fields, nodes, other = 0, 0, 0, 0
    open_messages = [("model", len(raw))]
    while open_messages:
        kind, end = open_messages[-1]
        if place == end:
            open_messages.pop()
            continue
        tag, place = _varint(raw, place, end)
        number, wire_type = tag >> 3, tag & 7
        fields += 1
        if not number:
            raise damaged()
        if wire_type != _BYTES:
            place = _after(raw, place, end, wire_type)
            continue
        size, place = _varint(raw, place, end)
        if size > end - place:
            raise damaged()
        inside = _INSIDE[kind].get(number)
        nodes += inside == "node"
        if inside is not None:
            open_messages.append((inside, place + size))
            _check_depth(open_messages)
        else:
            other += 0 if number in _AS_LARGE_IN_MEMORY.get(kind, ()) else size
            place += size
        _check_counts(fields, nodes, other)


def damaged() -> UnreadableError:
    """What is said of bytes that are no ONNX model."""
    return UnreadableError("the ONNX file is damaged or cut short")


def _varint(raw: Bytes, place: int, end: int) -> tuple[int, int]:
    """A number of variable length at `place`, and the place behind it."""
    value = 0
    for count in range(min(10, end - place)):
        byte = raw[place + count]
        value |= (byte & 0x7F) << 7 * count
        if byte < 0x80:
            return value, place + count + 1
    raise damaged()


def _after(raw: Bytes, place: int, end: int, wire_type: int) -> int:
    """The place behind a number."""
    if wire_type == _VARINT:
        return _varint(raw, place, end)[1]
    size = {_FIXED64: 8, _FIXED32: 4}.get(wire_type)
    if size is None or size > end - place:
        raise damaged()
    return place + size


def _check_depth(open_messages: list[tuple[str, int]]) -> None:
    graphs = sum(kind == "graph" for kind, _ in open_messages)
    if graphs > MOST_NESTED:
        raise UnreadableError(f"expected graphs nested at most {MOST_NESTED} deep, got more")


def _check_counts(fields: int, nodes: int, other: int) -> None:
    if nodes > MOST_NODES:
        raise UnreadableError(f"expected a graph of at most {MOST_NODES:,} nodes, got more")
    if fields > _MOST_FIELDS or other > _MOST_OTHER_BYTES:
        raise UnreadableError("expected a graph of a size that can be shown, got more names and attributes than that")
