"""Pickles put together by hand, an operation at a time, and what is said of the files that hold them."""

import struct
import zipfile
from math import prod
from pathlib import Path

from tests.formats.hostile import problem

STORAGE_KEY = "0"
ADVICE = "save the weights alone, with torch.save(model.state_dict(), …)"
MAGIC = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."

ODD_NAMES = [
    "\x1b[2J",
    "\x1b]52;c;ZXZpbA==\x07",
    "\x1b]8;;http://evil\x07",
    "\x9b31m",
    "line\nbreak",
    "nul\0",
    "\u202eabc",
    "zero\u200bwidth",
    "[/",
    "[@click=app.quit]x[/]",
    "[link=file:]",
    "e" + "\u0301" * 500,
    "寬寬寬",
    "../../etc/passwd",
    "long" * 1000,
]
"""Names of layers that a terminal must not see as they are."""


def text(value: str) -> bytes:
    raw = value.encode("utf-8", "surrogatepass")
    return b"X" + struct.pack("<I", len(raw)) + raw


def number(value: int) -> bytes:
    raw = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    return b"\x8a" + bytes([len(raw)]) + raw


def name(module: str, what: str) -> bytes:
    return f"c{module}\n{what}\n".encode()


def sequence(*items: bytes) -> bytes:
    return b"(" + b"".join(items) + b"t"


def sizes(*values: int) -> bytes:
    return sequence(*map(number, values))


def dictionary(items: dict[str, bytes]) -> bytes:
    return b"}(" + b"".join(text(key) + value for key, value in items.items()) + b"u"


def storage(kind: str = "FloatStorage", key: str = STORAGE_KEY, count: int = 100, *more: bytes) -> bytes:
    return sequence(text("storage"), name("torch", kind), text(key), text("cpu"), number(count), *more) + b"Q"


def tensor(
    shape: tuple[int, ...],
    strides: tuple[int, ...] | None = None,
    offset: int = 0,
    of: bytes | None = None,
    function: str = "_rebuild_tensor_v2",
) -> bytes:
    steps = _steps(shape) if strides is None else strides
    hooks = name("collections", "OrderedDict") + b")R"
    arguments = (of or storage(), number(offset), sizes(*shape), sizes(*steps), b"\x89", hooks)
    return name("torch._utils", function) + sequence(*arguments) + b"R"


def _steps(shape: tuple[int, ...]) -> tuple[int, ...]:
    """How many numbers lie from one to the next along each axis, where they are one behind the other."""
    return tuple(prod(shape[axis + 1 :]) for axis in range(len(shape)))


def gru(**changes: bytes) -> bytes:
    """The state dict of a GRU of one unit and two features, with some of its tensors changed."""
    tensors = {"weight_ih_l0": tensor((3, 2)), "weight_hh_l0": tensor((3, 1))}
    tensors |= {"bias_ih_l0": tensor((3,)), "bias_hh_l0": tensor((3,))}
    return dictionary({**tensors, **changes})


def file(path: Path, body: bytes, members: dict[str, bytes] | None = None) -> Path:
    """A .pt file of that pickle, whose storage holds a hundred numbers."""
    members = {"byteorder": b"little", f"data/{STORAGE_KEY}": bytes(400), **(members or {})}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("m/data.pkl", b"\x80\x02" + body + b".")
        for member, raw in members.items():
            archive.writestr(f"m/{member}", raw)
    return path


def refused(tmp_path: Path, body: bytes, members: dict[str, bytes] | None = None) -> str:
    return problem(file(tmp_path / "m.pt", body, members))
