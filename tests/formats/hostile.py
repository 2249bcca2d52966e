"""What files that are made to do harm are tested with: how they are made, and what must be said of them."""

import json
import time
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import pytest
from tests.formats.keras_models import case

import unrolled
from unrolled import ModelFileError

Config = dict[str, Any]
KERAS, H5 = case("keras3/lstm3.keras").path, case("keras2/lstm3.h5").path
MEMBERS = ("metadata.json", "config.json", "model.weights.h5")


def problem(path: Path) -> str:
    """What is said of a file that is refused as it should be."""
    begin = time.process_time()
    with pytest.raises(ModelFileError) as caught:
        unrolled.load(path)
    assert time.process_time() - begin < 1
    tracemalloc.start()
    try:
        with pytest.raises(ModelFileError):
            unrolled.load(path)
        assert tracemalloc.get_traced_memory()[1] < 100 << 20
    finally:
        tracemalloc.stop()
    sentence = str(caught.value)
    assert sentence.isprintable()
    assert len(sentence) < 1000
    return sentence.removeprefix(f"{path}: ")


def patched(path: Path, offset: int, value: bytes) -> Path:
    """With some bytes of the first entry of the central directory changed."""
    raw = bytearray(path.read_bytes())
    start = raw.index(b"PK\x01\x02") + offset
    raw[start : start + len(value)] = value
    path.write_bytes(raw)
    return path


def said(path: Path) -> str:
    """What is said of a file, if it is refused."""
    try:
        unrolled.load(path)
    except ModelFileError as error:
        return str(error)
    return ""


def parts() -> dict[str, bytes]:
    with zipfile.ZipFile(KERAS) as archive:
        return {name: archive.read(name) for name in MEMBERS}


def zipped(path: Path, members: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, raw in members.items():
            archive.writestr(name, raw)
    return path


def configured(path: Path, change: Callable[[Config], Any]) -> Path:
    """The .keras file with its configuration changed."""
    members = parts()
    config = json.loads(members["config.json"])
    change(config)
    return zipped(path, {**members, "config.json": json.dumps(config).encode()})


def lstm(config: Config) -> Config:
    found: Config = config["config"]["layers"][1]
    return found


def setting(**options: Any) -> Callable[[Config], Any]:
    return lambda config: lstm(config)["config"].update(options)


def layer(kind: str, module: str = "keras.layers", **options: Any) -> Callable[[Config], Any]:
    """With a layer of another kind in front."""
    entry = {"module": module, "class_name": kind, "config": {"name": "first", **options}, "registered_name": None}
    return lambda config: config["config"]["layers"].insert(1, entry)


def edited(path: Path, change: Callable[[h5py.File], object], source: Path = H5) -> Path:
    path.write_bytes(source.read_bytes())
    with h5py.File(path, "r+") as file:
        change(file)
    return path


WEIGHTS = "model_weights/lstm_1"
KERNEL = f"{WEIGHTS}/lstm_1/lstm_cell/kernel:0"


def replaced(*arguments: Any, **options: Any) -> Callable[[h5py.File], object]:
    """With another dataset in the place of the kernel."""

    def change(file: h5py.File) -> None:
        del file[KERNEL]
        file.create_dataset(KERNEL, *arguments, **options)

    return change
