"""The names in pickles that PyTorch writes, and what each stands for here. None is looked up, imported or called.

Three kinds are known: those that tensors and state dicts are made with; harmless values that training loops keep beside
them, such as counters, dates and NumPy's numbers, of which nothing is read; and names that are values themselves, such
as `torch.float32`. Any other name is refused. What PyTorch writes: `torch/_utils.py` and `torch/serialization.py`.
"""

import re
from dataclasses import dataclass, field
from math import prod
from typing import Any

from unrolled.files import UnreadableError
from unrolled.text import printable

ADVICE = "save the weights alone, with torch.save(model.state_dict(), …)"
_MOST_AXES = 8
_MOST_NUMBERS = 1 << 40

STORAGES = {
    f"torch.{kind}Storage": stored
    for kind, stored in {
        "Double": "float64",
        "Float": "float32",
        "Half": "float16",
        "BFloat16": "bfloat16",
        "Long": "int64",
        "Int": "int32",
        "Short": "int16",
        "Char": "int8",
        "Byte": "uint8",
        "Bool": "bool",
    }.items()
}
"""The storages whose numbers can be read, and their types."""

_FIRST = (
    "torch.Size",
    "torch.jit._pickle.restore_type_tag",
    *(f"torch.jit._pickle.build_{kind}list" for kind in ("int", "double", "bool", "tensor")),
)
"""What gives its first argument back."""

_DICTIONARIES = ("collections.OrderedDict", "collections.defaultdict")
_TENSORS = (
    *_DICTIONARIES,
    *(f"torch._utils._rebuild_{what}" for what in ("tensor", "tensor_v2", "parameter", "parameter_with_state")),
    *_FIRST,
)


def _in(module: str, names: str) -> tuple[str, ...]:
    return tuple(f"{module}.{name}" for name in names.split())


_BUILTINS = ("builtins", "__builtin__")  # the second is what protocol 2 calls it
_NUMPY = ("numpy.core", "numpy._core")  # before and since NumPy 2
_OF_NUMPY = "multiarray.scalar multiarray._reconstruct numeric._frombuffer"
_VALUES = frozenset({
    *_in("collections", "Counter deque"),
    *_in("datetime", "date datetime time timedelta timezone"),
    *_in("pathlib", "Path PosixPath WindowsPath PurePath PurePosixPath PureWindowsPath"),
    *_in("pathlib._local", "Path PosixPath WindowsPath PurePath PurePosixPath PureWindowsPath"),  # Python 3.13
    *(name for module in _BUILTINS for name in _in(module, "set frozenset complex bytearray range xrange slice")),
    *(name for module in _NUMPY for name in _in(module, _OF_NUMPY)),
    *_in("numpy", "dtype"),
    *_in("lightning.fabric.utilities.data", "AttributeDict"),
    *_in("lightning_fabric.utilities.data", "AttributeDict"),
    *_in("pytorch_lightning.utilities.parsing", "AttributeDict"),
    "_codecs.encode",  # how protocol 2 writes bytes
    "argparse.Namespace",
    "decimal.Decimal",
    "fractions.Fraction",
    "torch.device",
    "types.SimpleNamespace",
    "uuid.UUID",
})  # fmt: skip
_NUMBERS = "float16 float32 float64 int8 int16 int32 int64 uint8 uint16 uint32 uint64"
_NAMES = frozenset({
    *_in("torch", f"{_NUMBERS} bfloat16 bool complex32 complex64 complex128"),
    *_in("numpy", f"{_NUMBERS} bool_ ndarray"),
    *(name for module in _BUILTINS for name in _in(module, "bool bytes dict float int list str tuple")),
})  # fmt: skip
_CLASS = re.compile(r"\.[_\d]*[A-Z]\w*\Z")
"""The name of a class, as most are written; what begins with a small letter is usually a function."""

_QUANTIZED = re.compile(
    r"torch\.(_utils\._rebuild_qtensor|ScriptObject|qu?int\w+|per_(tensor|channel)_\w+|QU?Int\w+)\Z"
)


@dataclass(frozen=True, slots=True)
class Name:
    """The name of a class, a function or a value. It is never looked up."""

    full: str


@dataclass(frozen=True, slots=True)
class Left:
    """A harmless value that is left out.

    Attributes:
        kind: The name of what makes it.
    """

    kind: str


@dataclass(frozen=True, slots=True)
class Storage:
    """Numbers that tensors are views of.

    Attributes:
        stored: Their type, a name in `STORED`.
        key: What the file calls them.
        count: How many there are.
    """

    stored: str
    key: str
    count: int


@dataclass(frozen=True, slots=True)
class View:
    """A tensor: a view of a storage, which lies inside of it.

    Attributes:
        storage: The storage.
        offset: The number that it begins with.
        shape: Its shape.
        strides: How many numbers lie from one to the next, along each axis.
    """

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Scripted:
    """A module of a TorchScript file, whose code is not run.

    Attributes:
        attributes: Its attributes: tensors, and modules in it.
    """

    attributes: dict[Any, Any] = field(default_factory=dict)


def named(full: str, is_outermost: bool) -> Name:
    """The name, if it is known; of the outermost object in a file, or of something inside of it.

    Raises:
        UnreadableError: If it is not.
    """
    is_storage = full.startswith("torch.") and full.endswith("Storage")  # which one is checked when it is used
    known = full in _TENSORS or full in _VALUES or full in _NAMES or full.startswith("__torch__.")
    if not known and not is_storage:
        raise refused(full, is_outermost)
    return Name(full)


def refused(full: str, is_outermost: bool = False) -> UnreadableError:
    """What is said of a name that is not known, or is not used as PyTorch uses it."""
    shown = printable(full, 100)
    if _QUANTIZED.match(full):
        return UnreadableError(
            f"expected plain weights, got quantized ones ({shown}), which are packed: save those of the model before "
            f"it is quantized, with torch.save(model.state_dict(), …)"
        )
    if full.startswith("torch.nn.") or (is_outermost and _CLASS.search(full)):
        got = f"a whole object of the class {shown}"
    elif is_outermost:
        got = f"another name than a tensor's, {shown}"
    else:
        return UnreadableError(
            f"expected tensors and plain values, got {shown}, which is neither run nor imported: {ADVICE}"
        )
    return UnreadableError(f"expected a state dict, got {got}, which is neither run nor imported: {ADVICE}")


def made(function: str, arguments: tuple[Any, ...]) -> object:
    """What a call of that name stands for here.

    Raises:
        UnreadableError: If PyTorch does not call it so, or a tensor lies outside of its storage.
    """
    match function, arguments:
        case ("collections.OrderedDict", ()) | ("collections.defaultdict", _):
            return {}
        case ("collections.OrderedDict", ([*pairs],)):  # how Python 2 wrote it
            return {of(str, key): value for key, value in (of(list, pair) for pair in pairs)}
        case (
            "torch._utils._rebuild_tensor" | "torch._utils._rebuild_tensor_v2",
            (storage, offset, shape, strides, *_),
        ):
            return _view(of(Storage, storage), offset, shape, strides)
        case ("torch._utils._rebuild_parameter" | "torch._utils._rebuild_parameter_with_state", (View() as view, *_)):
            return view
        case (name, (value, *_)) if name in _FIRST:
            return value
        case (name, _) if name in _VALUES:
            return Left(name)
        case _:
            raise refused(function)


def instance(kind: str, arguments: tuple[Any, ...]) -> object:
    """What a new object of that class stands for here: a module of a script, or a harmless value.

    Raises:
        UnreadableError: If it is of another class.
    """
    if kind in _VALUES:
        return Left(kind)
    if kind.startswith("__torch__.") and not arguments:
        return Scripted()
    raise refused(kind)


def _view(storage: Storage, offset: object, shape: object, strides: object) -> View:
    """A tensor, if it lies inside of its storage."""
    sizes, steps = _all_whole(shape), _all_whole(strides)
    view = View(storage, whole(offset), tuple(sizes), tuple(steps))
    if len(sizes) != len(steps) or len(sizes) > _MOST_AXES:
        raise UnreadableError(f"expected a tensor of as many strides as axes, got {len(steps)} and {len(sizes)}")
    last = view.offset + sum((size - 1) * step for size, step in zip(sizes, steps, strict=True))
    count = prod(sizes)
    if 0 in steps and count > storage.count:
        raise UnreadableError(
            f"expected a tensor with a number of its own at each place, got one of shape "
            f"{printable(str(view.shape), 80)} that repeats its {storage.count:,} (a stride of 0, as expand gives it): "
            f"save it with .contiguous()"
        )
    if count > storage.count or (count and last >= storage.count):
        raise UnreadableError(
            f"expected a tensor inside of its storage of {storage.count:,} numbers, got one of shape "
            f"{printable(str(view.shape), 80)} from {view.offset:,} to {last:,}"
        )
    return view


def whole(number: object) -> int:
    """A size, a stride or an offset.

    Raises:
        UnreadableError: If it is none.
    """
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number <= _MOST_NUMBERS:
        raise UnreadableError("expected sizes, strides and offsets from 0 up that can be held, got another one")
    return number


def _all_whole(numbers: object) -> list[int]:
    return [whole(number) for number in of(tuple, numbers)]


def of(kind: type[Any], value: Any) -> Any:
    """The value, which is of that type.

    Raises:
        TypeError: If it is not.
    """
    if not isinstance(value, kind):
        raise TypeError(kind)
    return value
