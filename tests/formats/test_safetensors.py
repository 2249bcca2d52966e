"""Files of safetensors that lie: each is refused in one printable line, in no time and little memory."""

import json
import struct
from pathlib import Path

import pytest
from tests.formats.hostile import problem
from tests.formats.torch_pickles import ODD_NAMES

import unrolled

# safetensors.


def safetensors(path: Path, header: object, data: bytes = b"", length: int | None = None) -> Path:
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(raw) if length is None else length) + raw + data)
    return path


def entry(first: int, last: int, *shape: int, dtype: object = "F32") -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [first, last]}


GOOD = {"weight_ih": entry(0, 24, 3, 2), "weight_hh": entry(24, 36, 3, 1)}


def test_safetensors_made_by_hand(tmp_path: Path) -> None:
    path = safetensors(tmp_path / "m.safetensors", {"__metadata__": {"format": "pt"}, **GOOD}, bytes(36))
    assert unrolled.load(path).layers[0].layer.units == 1


@pytest.mark.parametrize(
    ("header", "length", "what"),
    [
        (b"{}", 1 << 60, "expected a header of at most 16 MiB, got one of"),
        (b"{}", 101 << 20, "expected a header of at most 16 MiB, got one of"),
        (b"{}", 1000, "it is cut short"),
        (b"{nothing}", None, "the JSON is damaged"),
        (b'{"a\xff":1}', None, "expected JSON in UTF-8"),
        (b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}", None, "nested at most 100 deep"),
        (b'{"a":{},"a":{}}', None, "the key a is there twice"),
        (b'{"a":NaN}', None, "expected numbers, got NaN"),
        ({"a": [1]}, None, "tensor a: expected dtype, shape and data_offsets, got [1]"),
        ({"\x1b[2J": 1}, None, "tensor \\x1b[2J: expected dtype"),
        ({**GOOD, "c": entry(36, 44, 2)}, None, "expected 44 bytes of numbers, as the header says, got 36"),
        ({**GOOD, "c": entry(36, 30, 2)}, None, "tensor c: expected 8 bytes for float32 of shape (2,), got -6"),
        (
            {**GOOD, "c": entry(28, 36, 2)},
            None,
            "expected the numbers of a tensor at 36, behind the one before, got 28",
        ),
        ({"weight_ih": entry(0, 24, 3, 2)}, None, "expected 24 bytes of numbers, as the header says, got 36"),
        ({"weight_ih": entry(12, 36, 3, 2)}, None, "expected the numbers of a tensor at 0"),
        ({"a": entry(0, 36, 1 << 62, 1 << 62)}, None, "tensor a: expected"),
        ({"a": entry(0, 36, -3, 3)}, None, "tensor a: expected whole numbers from 0 up, got [-3, 3]"),
        ({"a": {**entry(0, 36), "shape": [True]}}, None, "tensor a: expected whole numbers from 0 up, got [True]"),
        ({"a": {**entry(0, 36), "shape": 9}}, None, "tensor a: expected whole numbers from 0 up, got 9"),
        ({"a": {**entry(0, 36), "data_offsets": [0]}}, None, "tensor a: expected two offsets"),
        ({"a": entry(0, 36, *[1] * 9)}, None, "at most 8 axes"),
        ({"a": entry(0, 36, 9, dtype="F5")}, None, "got F5"),
        ({"a": entry(0, 36, 36, dtype="F8_E4M3")}, None, "got F8_E4M3"),
        ({"a": entry(0, 36, 9, dtype=[])}, None, "got []"),
        ({"weight_ih": entry(0, 24, 6, dtype="F32"), "weight_hh": entry(24, 36, 3, 1)}, None, "expected 2 axes"),
        ({"a": entry(0, 36, 9)}, None, "expected weights such as weight_ih_l0"),
        ({}, None, "expected 0 bytes of numbers"),
    ],
)
def test_headers_that_lie(tmp_path: Path, header: object, length: int | None, what: str) -> None:
    assert what in problem(safetensors(tmp_path / "m.safetensors", header, bytes(36), length))


@pytest.mark.parametrize("odd", [*ODD_NAMES, "\ud800"], ids=ascii)
def test_odd_names_load_and_are_shown_escaped(tmp_path: Path, odd: str) -> None:
    header = {f"{odd}.{key}": value for key, value in GOOD.items()}
    (named,) = unrolled.load(safetensors(tmp_path / "m.safetensors", header, bytes(36))).layers
    assert named.name.isprintable()
