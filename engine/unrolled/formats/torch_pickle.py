"""The pickles that PyTorch writes, read without `pickle`: their operations are gone through here, one by one.

What comes out is texts, numbers, containers and descriptions of tensors. Nothing that a file names is looked up,
imported or called: what the known names stand for is in `torch_globals`. The operations: `pickletools` of Python's
standard library.
"""

import pickletools
from collections.abc import Callable
from typing import IO, Any, cast

from unrolled.files import UnreadableError
from unrolled.formats.torch_globals import (
    ADVICE,
    STORAGES,
    Left,
    Name,
    Scripted,
    Storage,
    instance,
    made,
    named,
    of,
    whole,
)
from unrolled.text import printable

MOST_BYTES = 16 << 20
MOST_OPERATIONS = 500_000
_MOST_LINE = 1024
_OPERATIONS = {operation.code: operation for operation in pickletools.opcodes}
_MOST_KEY = 1 << 31
_DAMAGED = "the pickle is damaged or cut short: fetch or save the file again"


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
            raise UnreadableError(_DAMAGED) from problem

    def _run(self, file: "_Guarded") -> None:
        for _ in range(MOST_OPERATIONS):
            operation = _OPERATIONS.get(file.read(1).decode("latin-1"))
            if operation is None:
                raise UnreadableError(_DAMAGED)
            if operation.name == "STOP":
                return
            handle = _HANDLERS.get(operation.name)
            if handle is None:
                raise UnreadableError(
                    f"expected tensors and plain values, got the operation {operation.name}, which is not run: {ADVICE}"
                )
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
        """Appends to a list. What is appended to something that is left out is left out too."""
        target = self._stack[-1]
        if not isinstance(target, Left):
            of(list, target).extend(items)

    def _set(self, items: list[Any]) -> None:
        target = self._stack[-1]
        if isinstance(target, Left):
            return
        of(dict, target)
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
        self._push(named(name, not self._stack))

    def _stack_global(self, _: None) -> None:
        name, module = self._stack.pop(), self._stack.pop()
        self._global(f"{of(str, module)}.{of(str, name)}")

    def _call(self, _: None) -> None:
        arguments, function = self._stack.pop(), self._stack.pop()
        self._push(made(of(Name, function).full, of(tuple, arguments)))

    def _make(self, _: None) -> None:
        arguments, kind = self._stack.pop(), self._stack.pop()
        self._push(instance(of(Name, kind).full, of(tuple, arguments)))

    def _set_of_items(self, _: None) -> None:
        self._from_mark()
        self._push(Left("builtins.frozenset"))

    def _build(self, _: None) -> None:
        """Fills a module of a script. What a state dict has beside its items, its version, does not matter."""
        state, target = self._stack.pop(), self._stack[-1]
        if isinstance(target, Scripted):
            target.attributes.update(of(dict, state))
        elif not isinstance(target, Left):
            of(dict, target)

    def _persistent(self, _: None) -> None:
        word, kind, key, _place, count, *rest = of(tuple, self._stack.pop())
        stored = STORAGES.get(of(Name, kind).full)
        if word != "storage" or stored is None or any(rest):
            raise UnreadableError(f"expected a storage of numbers, got {printable(of(Name, kind).full)}: {ADVICE}")
        storage = Storage(stored, of(str, key), whole(count))
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
            raise UnreadableError(_DAMAGED)
        self._left -= sum(map(len, lines))
        return ".".join(line[:-1].decode() for line in lines)


_Handler = Callable[[Unpickled, Any], None]
_PUSHED = (
    "BININT BININT1 BININT2 LONG1 BINFLOAT BINUNICODE SHORT_BINUNICODE BINUNICODE8 "
    "BINBYTES SHORT_BINBYTES BINBYTES8 BYTEARRAY8 BINSTRING SHORT_BINSTRING"
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
    "EMPTY_SET": lambda self, _: self._push(Left("builtins.set")),
    "ADDITEMS": lambda self, _: self._append(self._from_mark()),
    "FROZENSET": Unpickled._set_of_items,
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
