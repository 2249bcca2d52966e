"""The files of `torch.save` and TorchScript: state dicts, checkpoints that hold them, scripted modules.

Since PyTorch 1.6 they are zip archives of a pickle and the numbers; before, pickles one behind the other. PyTorch is
not needed, and nothing in a file is run. Source: `torch/serialization.py`.
"""

import io
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from math import prod
from typing import Any

import numpy as np

from unrolled.archives import archive, unpacking
from unrolled.choices import Choices
from unrolled.files import MOST_ARRAY_BYTES, UnreadableError, size_of
from unrolled.formats.asking import Asking
from unrolled.formats.model import Model
from unrolled.formats.tensors import STORED, Tensor, tensor
from unrolled.formats.torch_globals import ADVICE, Left, Scripted, Storage, View
from unrolled.formats.torch_model import model_of
from unrolled.formats.torch_names import is_recurrent
from unrolled.formats.torch_pickle import MOST_BYTES, Unpickled
from unrolled.npy import ZIP_MAGIC, AnyArray
from unrolled.text import printable

_PICKLE = "data.pkl"
_PICKLES = tuple(bytes((0x80, protocol)) for protocol in range(2, 6))
_OLDER_PICKLE = re.compile(rb"(L\d+L\n|[(]*[\]})]q\0|\([dlt]p0\n|[(]*c[\w.]{1,200}\n[\w.]{1,200}\n(p\d+\n|q\0|\())")
"""How dictionaries, lists and objects begin in protocols 0 and 1, which say nothing of themselves."""

_LEGACY = b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
"""What files begin with that were written before PyTorch 1.6, behind what differs between protocols of pickle."""

_BEGINNING = 32

_LEGACY_PROTOCOL = 1001
_MOST_DEPTH = 100
_AT_ONCE = 1 << 20
_MOST_NAME_CHARACTERS = 16 << 20

_MOST_TENSORS = 20_000
_MOST_MATCHED = 100

_Path = tuple[str, ...]
_Found = tuple[_Path, _Path, Any]
_NOTHING = object()

Numbers = Callable[[str], AnyArray]
"""Reads a storage, by its key."""


def recognises(beginning: bytes, members: Sequence[str]) -> bool:
    """Whether a file that begins so may be one of these; `members` are the names in it if it is an archive."""
    is_pickle = beginning.startswith(_PICKLES) or _OLDER_PICKLE.match(beginning) is not None
    return is_pickle or any(_is_pickle(member) for member in members)


def read(file: io.BufferedReader, name: str, choices: Choices) -> Model:
    """The model in `file`.

    Raises:
        UnreadableError: If it is none, is damaged, or holds anything but tensors.
        ShapeError: If shapes disagree.
        OptionError: If there is no such activation, or no such layer.
    """
    asking, beginning = Asking(choices), file.read(_BEGINNING)
    file.seek(0)
    if beginning.startswith(ZIP_MAGIC):
        with archive(file) as opened:
            return model_of(name, _from_archive(opened, asking), asking)
    if _LEGACY not in beginning:
        raise UnreadableError(f"expected a file of torch.save, got a Python pickle, which is never loaded: {ADVICE}")
    return model_of(name, _from_chain(file, asking), asking)


def _is_pickle(member: str) -> bool:
    return member == _PICKLE or member.endswith(f"/{_PICKLE}")


def _from_archive(opened: zipfile.ZipFile, asking: Asking) -> dict[str, Tensor]:
    pickles = [member for member in opened.namelist() if _is_pickle(member)]
    if len(pickles) != 1:
        raise UnreadableError(f"expected one {_PICKLE} in the archive, got {len(pickles)}")
    root = pickles[0].removesuffix(_PICKLE)
    order = f"{root}byteorder"
    if order in opened.namelist() and _member(opened, order, 16) != b"little":
        raise UnreadableError("expected numbers in little-endian order, got a file of a machine with another one")
    unpickled = Unpickled(io.BytesIO(_member(opened, pickles[0], MOST_BYTES)))
    for storage in unpickled.storages.values():
        member = f"{root}data/{storage.key}"
        if member not in opened.NameToInfo:
            raise UnreadableError(f"expected the numbers of storage {printable(storage.key, 60)}, got none")
        _check_storage(storage, opened.getinfo(member).file_size)

    @lru_cache(1)  # many tensors may be views of one storage, and they come one after the other
    def numbers(key: str) -> AnyArray:
        raw = _member(opened, f"{root}data/{key}", MOST_ARRAY_BYTES)
        return np.frombuffer(raw, STORED[unpickled.storages[key].stored])

    return _tensors(unpickled.found, numbers, asking)


def _member(opened: zipfile.ZipFile, name: str, most: int) -> bytearray:
    size = opened.getinfo(name).file_size
    if size > most:
        raise UnreadableError(f"{printable(name, 60)}: expected at most {most:,} bytes, got {size:,}")
    raw = bytearray()
    with unpacking(), opened.open(name) as stream:
        while piece := stream.read(_AT_ONCE):
            raw += piece
    if len(raw) != size:
        raise UnreadableError(f"{printable(name, 60)}: expected {size:,} bytes, got {len(raw):,}")
    return raw


def _from_chain(file: io.BufferedReader, asking: Asking) -> dict[str, Tensor]:
    """Five pickles: a number, a version, facts about the machine, the object, and the keys of the storages."""
    _number, version, machine, unpickled, keys = (Unpickled(file) for _ in range(5))
    if version.found != _LEGACY_PROTOCOL or not isinstance(machine.found, dict) or not isinstance(keys.found, list):
        raise UnreadableError(
            f"expected the older format of torch.save, version {_LEGACY_PROTOCOL}, got another one: {ADVICE}"
        )
    if machine.found.get("little_endian") is not True:
        raise UnreadableError("expected numbers in little-endian order, got a file of a machine with another one")
    places: dict[str, int] = {}
    for key in keys.found:
        storage = unpickled.storages.get(key) if isinstance(key, str) else None
        count = int.from_bytes(file.read(8), "little")
        if storage is None or storage.count != count or key in places:
            raise UnreadableError("expected the storages that the tensors are in, got others: the file is damaged")
        places[key] = file.tell()
        size = count * STORED[storage.stored].itemsize
        _check_storage(storage, min(size, size_of(file) - places[key]))
        file.seek(size, io.SEEK_CUR)
    missing = next((key for key in unpickled.storages if key not in places), None)
    if missing is not None:
        raise UnreadableError(f"expected the numbers of storage {printable(missing, 60)}, got none")

    @lru_cache(1)
    def numbers(key: str) -> AnyArray:
        file.seek(places[key])
        storage = unpickled.storages[key]
        kind = STORED[storage.stored]
        return np.frombuffer(file.read(storage.count * kind.itemsize), kind)

    return _tensors(unpickled.found, numbers, asking)


def _check_storage(storage: Storage, got: int) -> None:
    expected = storage.count * STORED[storage.stored].itemsize
    if got != expected:
        raise UnreadableError(
            f"storage {printable(storage.key, 60)}: expected {expected:,} bytes for {storage.count:,} numbers of type "
            f"{storage.stored}, got {got:,}: the file is damaged or cut short, fetch or save it again"
        )
    if got > MOST_ARRAY_BYTES:
        raise UnreadableError(f"expected an array of at most 1 GiB ({MOST_ARRAY_BYTES:,} bytes), got {got:,}")


def _tensors(found: object, numbers: Numbers, asking: Asking) -> dict[str, Tensor]:
    """The tensors by name: those of the state dict, if there is one among other things."""
    groups: dict[str, dict[str, View]] = {}
    no_tensor = None
    for group, name, value in _values(found):
        if isinstance(value, View):
            groups.setdefault(group, {})[name] = value
        elif no_tensor is None and is_recurrent(name[-_MOST_MATCHED:]):
            no_tensor = UnreadableError(f"{printable(name, 60)}: expected a tensor, got {value.kind}: {ADVICE}")
    models = {group: views for group, views in groups.items() if any(map(is_recurrent, views))}
    if no_tensor is not None and not models:
        raise no_tensor
    models = models or groups
    views = {
        f"{group}.{name}" if group and len(models) > 1 else name: view
        for group, members in models.items()
        for name, view in members.items()
    }
    _remark_on_tied(views, asking)
    return {
        name: tensor(view.shape, view.storage.stored, partial(_read, view, numbers)) for name, view in views.items()
    }


def _remark_on_tied(views: Mapping[str, View], asking: Asking) -> None:
    """Tells of a weight that is there under two names, as in a language model whose Linear reuses its Embedding."""
    first: dict[View, str] = {}
    for name, view in views.items():
        other = first.setdefault(view, name)
        if other != name and all(view.shape):
            both = f"{printable(name, 60)} and {printable(other, 60)}"
            asking.remark(f"{both} are one tensor (tied weights): counted twice here, once by PyTorch")
            return


def _read(view: View, numbers: Numbers) -> AnyArray:
    whole = numbers(view.storage.key)
    if not prod(view.shape):
        return np.empty(view.shape, whole.dtype)
    size = whole.itemsize
    strides = tuple(step * size for step in view.strides)
    return np.ndarray(view.shape, whole.dtype, whole.data, view.offset * size, strides)  # it checks the bounds too


def _values(found: object) -> Iterator[tuple[str, str, View | Left]]:
    """All tensors in an object, each with the dictionary that it is in, and its name in there; what is left out too.

    Containers that are in several places, or in themselves, are gone through once.
    """
    seen: set[int] = set()
    tensors = characters = 0
    inside: list[Iterator[_Found]] = [iter([((), (), found)])]
    while inside:
        group, path, value = next(inside[-1], ((), (), _NOTHING))
        if value is _NOTHING:
            inside.pop()
        elif isinstance(value, View):
            tensors, characters = tensors + 1, characters + sum(map(len, (*group, *path)))
            if tensors > _MOST_TENSORS or characters > _MOST_NAME_CHARACTERS:
                raise UnreadableError(f"expected at most {_MOST_TENSORS:,} tensors with names of sane length, got more")
            yield ".".join(group), ".".join(path), value
        elif isinstance(value, Left):
            yield "", path[-1] if path else "", value
        elif isinstance(value, dict | list | tuple | Scripted) and id(value) not in seen:
            seen.add(id(value))
            inside.append(_inside(group, path, value))
            if len(inside) > _MOST_DEPTH:
                raise UnreadableError(f"expected an object nested at most {_MOST_DEPTH} deep, got deeper")


def _inside(group: _Path, path: _Path, value: Any) -> Iterator[_Found]:
    """What is in a container. A dictionary or list begins a group of names, a module of a script is part of one."""
    if isinstance(value, Scripted):
        for key, one in value.attributes.items():
            if not str(key).startswith("_"):  # those are lists of the same tensors
                yield group, (*path, str(key)), one
        return
    group = (*group, *path)
    for key, one in value.items() if isinstance(value, dict) else enumerate(value):
        yield group, (str(key),), one
