"""The pickles that PyTorch writes, read without `pickle`: their operations are gone through here, one by one.

What comes out is texts, numbers, containers and descriptions of tensors. Nothing that a file names is looked up,
imported or called: the names that are allowed are listed here, and stand for what this file does. The operations:
`pickletools` of Python's standard library; what PyTorch writes: `torch/serialization.py` and `torch/_utils.py`.
"""

import pickletools
from collections.abc import Callable
from dataclasses import dataclass, field
from math import prod
from typing import IO, Any, cast

from unrolled.files import UnreadableError
from unrolled.text import printable

MOST_BYTES = 16 << 20
MOST_OPERATIONS = 500_000
_MOST_LINE = 1024
_OPERATIONS = {operation.code: operation for operation in pickletools.opcodes}
_MOST_AXES = 8
_MOST_NUMBERS = 1 << 40
_MOST_KEY = 1 << 31
_ADVICE = "expected tensors alone, as torch.save(model.state_dict(), …) writes them"

_STORAGES = {
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
_SCRIPT_LISTS = tuple(f"torch.jit._pickle.build_{kind}list" for kind in ("int", "double", "bool", "tensor"))


@dataclass(frozen=True, slots=True)
class Name:
    """The name of a class or a function. It is never looked up."""

    full: str


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


class Unpickled:
    """The object that a pickle describes, and the storages that it names.

    Args:
        file: Where the pickle begins; it is left where it ends.

    Raises:
        UnreadableError: If it is no pickle, is damaged or too large, or describes anything but tensors.

    Attributes:
        storages: The storages, by key.
        found: The object.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self.storages: dict[str, Storage] = {}
        self._stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: dict[int, Any] = {}
        try:
            self._run(_Guarded(file))
            self.found = self._stack[-1]
        except (ValueError, IndexError, KeyError, TypeError) as problem:
            if isinstance(problem, UnreadableError):
                raise
            raise UnreadableError("the pickle is damaged or cut short") from problem

    def _run(self, file: "_Guarded") -> None:
        for _ in range(MOST_OPERATIONS):
            operation = _OPERATIONS.get(file.read(1).decode("latin-1"))
            if operation is None:
                raise UnreadableError("the pickle is damaged or cut short")
            if operation.name == "STOP":
                return
            handle = _HANDLERS.get(operation.name)
            if handle is None:
                raise UnreadableError(f"{_ADVICE}, got the operation {operation.name}, which is not run")
            if operation.name in _NAMED:
                handle(self, file.name())
            else:
                handle(self, None if operation.arg is None else operation.arg.reader(cast("IO[bytes]", file)))
        raise UnreadableError(f"expected a pickle of at most {MOST_OPERATIONS:,} operations, got more")

    # The operations. Each takes what stands behind its code in the file, if anything does.

    def _push(self, value: object) -> None:
        self._stack.append(value)

    def _mark(self, _: None) -> None:
        self._marks.append(len(self._stack))

    def _from_mark(self) -> list[Any]:
        start = self._marks.pop()
        items = self._stack[start:]
        del self._stack[start:]
        return items

    def _tuple_of(self, count: int) -> None:
        if len(self._stack) < count:
            raise IndexError(count)
        items = self._stack[len(self._stack) - count :]
        del self._stack[len(self._stack) - count :]
        self._push(tuple(items))

    def _append(self, items: list[Any]) -> None:
        _of(list, self._stack[-1]).extend(items)

    def _set(self, items: list[Any]) -> None:
        target = _of(dict, self._stack[-1])
        for key, value in zip(items[::2], items[1::2], strict=True):
            # Hashing a tuple of tuples may never end, and numbers can be made to collide. State dicts have neither.
            if isinstance(key, str) or (isinstance(key, int) and abs(key) < _MOST_KEY):
                target[key] = value

    def _keep(self, place: int | None) -> None:
        if place is not None and place > MOST_OPERATIONS:
            raise UnreadableError(
                f"expected a pickle of at most {MOST_OPERATIONS:,} objects, got one numbered {place:,}"
            )
        self._memo[len(self._memo) if place is None else place] = self._stack[-1]

    def _fetch(self, place: int) -> None:
        self._push(self._memo[place])

    def _global(self, name: str) -> None:
        self._push(_allowed(name))

    def _stack_global(self, _: None) -> None:
        name, module = self._stack.pop(), self._stack.pop()
        self._push(_allowed(f"{_of(str, module)}.{_of(str, name)}"))

    def _call(self, _: None) -> None:
        arguments, function = self._stack.pop(), self._stack.pop()
        self._push(_made(_of(Name, function).full, _of(tuple, arguments)))

    def _make(self, _: None) -> None:
        arguments, kind = self._stack.pop(), self._stack.pop()
        if arguments or not _of(Name, kind).full.startswith("__torch__."):
            raise _refused(_of(Name, kind).full)
        self._push(Scripted())

    def _build(self, _: None) -> None:
        """Fills a module of a script. What a state dict has beside its items, its version, does not matter."""
        state, target = self._stack.pop(), self._stack[-1]
        if isinstance(target, Scripted):
            target.attributes.update(_of(dict, state))
        else:
            _of(dict, target)

    def _persistent(self, _: None) -> None:
        word, kind, key, _place, count, *rest = _of(tuple, self._stack.pop())
        stored = _STORAGES.get(_of(Name, kind).full)
        if word != "storage" or stored is None or any(rest):
            raise UnreadableError(f"expected a storage of numbers, got {printable(_of(Name, kind).full)}")
        storage = Storage(stored, _of(str, key), _whole(count))
        if self.storages.setdefault(storage.key, storage) != storage:
            raise UnreadableError(f"the storage {printable(storage.key)} is described in two ways")
        self._push(storage)


class _Guarded:
    """A file that gives no more than a pickle may have."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._left = file, MOST_BYTES

    def read(self, size: int) -> bytes:
        if size > self._left:
            raise UnreadableError(f"expected a pickle of at most {MOST_BYTES >> 20} MiB, got one that claims more")
        self._left -= size
        return self._file.read(size)

    def name(self) -> str:
        """A module and a name in it, each on a line of its own."""
        lines = [self._file.readline(_MOST_LINE) for _ in range(2)]
        if not all(line.endswith(b"\n") for line in lines):
            raise UnreadableError("the pickle is damaged or cut short")
        self._left -= sum(map(len, lines))
        return ".".join(line[:-1].decode() for line in lines)


_Handler = Callable[[Unpickled, Any], None]
_PUSHED = (
    "BININT BININT1 BININT2 LONG1 BINFLOAT BINUNICODE SHORT_BINUNICODE BINUNICODE8 "
    "BINBYTES SHORT_BINBYTES BINBYTES8 BINSTRING SHORT_BINSTRING"
)
_NAMED = ("GLOBAL", "INST")
_HANDLERS: dict[str, _Handler] = {
    **dict.fromkeys(_PUSHED.split(), Unpickled._push),
    **dict.fromkeys(("PROTO", "FRAME"), lambda _, __: None),
    "NONE": Unpickled._push,
    "NEWTRUE": lambda self, _: self._push(True),
    "NEWFALSE": lambda self, _: self._push(False),
    "MARK": Unpickled._mark,
    "EMPTY_TUPLE": lambda self, _: self._push(()),
    "EMPTY_LIST": lambda self, _: self._push([]),
    "EMPTY_DICT": lambda self, _: self._push({}),
    "TUPLE": lambda self, _: self._push(tuple(self._from_mark())),
    "TUPLE1": lambda self, _: self._tuple_of(1),
    "TUPLE2": lambda self, _: self._tuple_of(2),
    "TUPLE3": lambda self, _: self._tuple_of(3),
    "APPEND": lambda self, _: self._append([self._stack.pop()]),
    "APPENDS": lambda self, _: self._append(self._from_mark()),
    "SETITEM": lambda self, _: self._set([self._stack.pop(-2), self._stack.pop()]),
    "SETITEMS": lambda self, _: self._set(self._from_mark()),
    "BINPUT": Unpickled._keep,
    "LONG_BINPUT": Unpickled._keep,
    "MEMOIZE": Unpickled._keep,
    "BINGET": Unpickled._fetch,
    "LONG_BINGET": Unpickled._fetch,
    "GLOBAL": Unpickled._global,
    "INST": Unpickled._global,
    "STACK_GLOBAL": Unpickled._stack_global,
    "REDUCE": Unpickled._call,
    "NEWOBJ": Unpickled._make,
    "BUILD": Unpickled._build,
    "BINPERSID": Unpickled._persistent,
}


def _made(function: str, arguments: tuple[Any, ...]) -> object:
    """What the function of that name stands for here."""
    match function, arguments:
        case ("collections.OrderedDict", ()):
            return {}
        case (
            "torch._utils._rebuild_tensor" | "torch._utils._rebuild_tensor_v2",
            (storage, offset, shape, strides, *_),
        ):
            return _view(_of(Storage, storage), offset, shape, strides)
        case ("torch._utils._rebuild_parameter" | "torch._utils._rebuild_parameter_with_state", (View() as view, *_)):
            return view
        case (("torch.Size" | "torch.jit._pickle.restore_type_tag"), (value, *_)):
            return value
        case (name, (value,)) if name in _SCRIPT_LISTS:
            return value
        case ("torch.device", _):
            return None
        case _:
            raise _refused(function)


_CALLED = (
    "collections.OrderedDict",
    "torch._utils._rebuild_tensor",
    "torch._utils._rebuild_tensor_v2",
    "torch._utils._rebuild_parameter",
    "torch._utils._rebuild_parameter_with_state",
    "torch.Size",
    "torch.device",
    "torch.jit._pickle.restore_type_tag",
    *_SCRIPT_LISTS,
)


def _allowed(full: str) -> Name:
    is_storage = full.startswith("torch.") and full.endswith("Storage")  # which one is checked when it is used
    if full not in _CALLED and not is_storage and not full.startswith("__torch__."):
        raise _refused(full)
    return Name(full)


def _refused(full: str) -> UnreadableError:
    return UnreadableError(f"{_ADVICE}, got {printable(full, 100)}, which is neither run nor imported")


def _view(storage: Storage, offset: object, shape: object, strides: object) -> View:
    """A tensor, if it lies inside of its storage."""
    sizes, steps = _all_whole(shape), _all_whole(strides)
    view = View(storage, _whole(offset), tuple(sizes), tuple(steps))
    if len(sizes) != len(steps) or len(sizes) > _MOST_AXES:
        raise UnreadableError(f"expected a tensor of as many strides as axes, got {len(steps)} and {len(sizes)}")
    last = view.offset + sum((size - 1) * step for size, step in zip(sizes, steps, strict=True))
    count = prod(sizes)
    if count > storage.count or (count and last >= storage.count):
        raise UnreadableError(
            f"expected a tensor inside of its storage of {storage.count:,} numbers, got one of shape "
            f"{printable(str(view.shape), 80)} from {view.offset:,} to {last:,}"
        )
    return view


def _whole(number: object) -> int:
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number <= _MOST_NUMBERS:
        raise UnreadableError("expected sizes, strides and offsets from 0 up that can be held, got another one")
    return number


def _all_whole(numbers: object) -> list[int]:
    return [_whole(number) for number in _of(tuple, numbers)]


def _of(kind: type[Any], value: Any) -> Any:
    if not isinstance(value, kind):
        raise TypeError(kind)
    return value
