"""Files that have to be refused: in one line, at once, in little memory, and with nothing opened elsewhere."""

import os
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from tests.formats.onnx_files import recurrent_file

import unrolled
from unrolled import ModelFileError

Edit = Callable[[Any], object]
_watching: list[list[str]] = []


def _watch(event: str, details: tuple[Any, ...]) -> None:
    if event == "open" and _watching and isinstance(details[0], str | bytes | os.PathLike):
        _watching[-1].append(os.fsdecode(details[0]))


sys.addaudithook(_watch)


@contextmanager
def opened_files() -> Iterator[list[str]]:
    """The names of all files that are opened meanwhile."""
    _watching.append([])
    try:
        yield _watching[-1]
    finally:
        _watching.pop()


def refused(path: Path) -> str:
    """What is said of the file, without its name, when all else is as it has to be."""
    import_all()
    before = sorted(path.parent.rglob("*"))
    tracemalloc.start()
    began = time.perf_counter()
    try:
        with opened_files() as names, pytest.raises(ModelFileError) as caught:
            unrolled.load(path)
        took, (_, most) = time.perf_counter() - began, tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    sentence = str(caught.value)
    assert sentence.isprintable()
    assert len(sentence) < 500
    assert took < 1
    assert most < 100e6
    assert all(path.parent in Path(name).parents for name in names)
    assert sorted(path.parent.rglob("*")) == before
    return sentence.partition(": ")[2]


@cache
def import_all() -> None:
    """What is imported when the first file is read is not counted."""
    with TemporaryDirectory() as folder:
        unrolled.load(recurrent_file("LSTM").save(Path(folder) / "model.onnx"))


def tensor(proto: Any, name: str) -> Any:
    return next(each for each in proto.graph.initializer if each.name == name)


def attribute(proto: Any, name: str) -> Any:
    return next(each for each in proto.graph.node[-1].attribute if each.name == name)
