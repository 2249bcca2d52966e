"""PyTorch's files made to do harm, or damaged: each is refused in one printable line, in no time and little memory."""

import os
import pickle
import struct
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
from tests.formats.hostile import problem
from tests.formats.torch_models import FOLDER
from tests.formats.torch_pickles import (
    ADVICE,
    MAGIC,
    ODD_NAMES,
    dictionary,
    file,
    gru,
    name,
    refused,
    tensor,
    text,
)

import unrolled
from unrolled import ModelFileError

LOADS = ("lstm4.pt", "older.pt", "tagger.script.pt", "bilstm2.safetensors")


# Files that are none.


@pytest.mark.parametrize("ending", [".pt", ".pth", ".safetensors"])
def test_an_empty_file(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"m{ending}"
    path.touch()
    assert problem(path) == "the file is empty"


@pytest.mark.parametrize("whole", LOADS)
def test_files_that_are_cut_short(tmp_path: Path, whole: str) -> None:
    raw = (FOLDER / whole).read_bytes()
    path = tmp_path / whole
    for length in (len(raw) // 2, len(raw) - 1, *range(1, len(raw), len(raw) // 20)):
        path.write_bytes(raw[:length])
        assert problem(path)


@pytest.mark.parametrize(
    ("beginning", "kind"),
    [(b"\x89PNG\r\n\x1a\n", "PNG"), (b"<!DOCTYPE html>", "web page"), (b"version https://git-lfs", "git lfs pull")],
)
def test_other_files_under_such_a_name(tmp_path: Path, beginning: bytes, kind: str) -> None:
    (tmp_path / "m.pt").write_bytes(beginning + bytes(200))
    assert kind in problem(tmp_path / "m.pt")


def test_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "m.pt")
    (tmp_path / "m.safetensors").mkdir()
    assert problem(tmp_path / "m.pt") == "expected a file, got a pipe"
    assert problem(tmp_path / "m.safetensors") == "expected a file, got a directory"
    assert problem(tmp_path / "none.pt") == "there is no such file"


@pytest.mark.parametrize(("inside", "name_of_it"), [("lstm4.pt", "m.safetensors"), ("bilstm2.safetensors", "m.keras")])
def test_the_name_of_the_file_does_not_matter(tmp_path: Path, inside: str, name_of_it: str) -> None:
    (tmp_path / name_of_it).write_bytes((FOLDER / inside).read_bytes())
    assert unrolled.load(tmp_path / name_of_it).framework == "PyTorch"


# Zip archives.


def test_an_archive_that_unpacks_to_too_much(tmp_path: Path) -> None:
    path = file(tmp_path / "m.pt", gru())
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("m/data/9", bytes(64 << 20))
    assert "times its size when unpacked" in problem(path)


def test_members_that_are_there_twice(tmp_path: Path) -> None:
    path = file(tmp_path / "m.pt", gru())
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("m/data/0", bytes(400))
    assert problem(path) == "the zip archive has two members called m/data/0"
    with zipfile.ZipFile(file(path, gru()), "a") as archive:
        archive.writestr("n/data.pkl", b"\x80\x02N.")
    assert problem(path) == "expected one data.pkl in the archive, got 2"


def test_a_flipped_byte(tmp_path: Path) -> None:
    raw = bytearray(file(tmp_path / "m.pt", gru(), {"data/0": b"\1" * 400}).read_bytes())
    raw[raw.index(b"\1" * 400)] = 2
    (tmp_path / "m.pt").write_bytes(raw)
    assert "damaged or cut short" in problem(tmp_path / "m.pt")


def test_a_member_that_is_shorter_than_the_archive_says(tmp_path: Path) -> None:
    path = file(tmp_path / "m.pt", gru(), {"data/0": bytes(396)})
    raw = bytearray(path.read_bytes())
    entry = raw.rindex(b"m/data/0") - 46
    assert raw[entry : entry + 4] == b"PK\x01\x02"
    raw[entry + 24 : entry + 28] = struct.pack("<I", 400)
    path.write_bytes(raw)
    assert problem(path) == "m/data/0: expected 400 bytes, got 396"


def test_members_outside_are_never_unpacked(tmp_path: Path) -> None:
    path = file(tmp_path / "inner.pt", gru(), {"../../../evil": b"1", "/etc/evil": b"2", "..\\evil": b"3"})
    assert unrolled.load(path).layers
    assert [one.name for one in tmp_path.iterdir()] == ["inner.pt"]


# Files without a recurrent layer.


def test_a_whole_module_is_refused_with_advice() -> None:
    assert problem(FOLDER / "lstm4.full.pt") == (
        "expected a state dict, got a whole object of the class torch.nn.modules.rnn.LSTM, "
        f"which is neither run nor imported: {ADVICE}"
    )


def test_a_function_is_not_called_a_class(tmp_path: Path) -> None:
    told = "expected a state dict, got another name than a tensor's, os.system, which is neither run nor imported"
    assert refused(tmp_path, name("os", "system") + b")R").startswith(told)


@pytest.mark.parametrize("key", ["parametrizations.weight_hh_l0.original", "weight_hh_l0_orig"])
def test_another_parametrization_than_weight_norm_is_named(tmp_path: Path, key: str) -> None:
    got = f"got {key}, of another parametrization, such as spectral_norm, which is not read"
    told = f"weight_hh_l0: expected a plain weight, or one of weight_norm, {got}"
    assert refused(tmp_path, gru(**{key: tensor((3, 1))})).startswith(told)


def test_a_view_that_repeats_its_numbers(tmp_path: Path) -> None:
    body = gru(bias_hh_l0=tensor((300,), (0,)))
    assert "of shape (300,) that repeats its 100 (a stride of 0, as expand gives it)" in refused(tmp_path, body)


def test_nothing_recurrent_inside(tmp_path: Path) -> None:
    missing = "expected weights such as weight_ih_l0 and weight_hh_l0 of an LSTM, GRU or RNN, got"
    advice = "save all those of a model that has one, as torch.save(model.state_dict(), …) does"
    assert refused(tmp_path, b"K\5") == f"{missing} no tensor: {advice}"
    assert refused(tmp_path, tensor((3, 2))) == f"{missing} a tensor without a name: {advice}"
    body = dictionary({"conv.weight": tensor((3, 2)), "fc.\x1b": tensor((3,))})
    assert refused(tmp_path, body) == f"{missing} conv.weight, fc.\\x1b: {advice}"


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    "value", [{"weight_ih_l0": np.ones((3, 2))}, [1], OrderedDict(a=1), np.ones(3), Path("x")], ids=str
)
def test_a_plain_pickle(tmp_path: Path, protocol: int, value: object) -> None:
    (tmp_path / "m.pt").write_bytes(pickle.dumps(value, protocol))
    assert problem(tmp_path / "m.pt") == (
        f"expected a file of torch.save, got a Python pickle, which is never loaded: {ADVICE}"
    )


def test_the_older_format(tmp_path: Path) -> None:
    path = tmp_path / "m.pt"
    rest = {
        "another version": (b"\x80\x02K\1.", b"}"),
        "no machine": (b"\x80\x02M\xe9\x03.", b"N"),
    }
    for version, machine in rest.values():
        path.write_bytes(MAGIC + version + b"\x80\x02" + machine + b".\x80\x02" + gru() + b".\x80\x02].")
        assert problem(path) == f"expected the older format of torch.save, version 1001, got another one: {ADVICE}"
    begin = MAGIC + b"\x80\x02M\xe9\x03.\x80\x02" + dictionary({"little_endian": b"\x88"}) + b".\x80\x02" + gru() + b"."
    for keys, what in {
        b"]": "expected the numbers of storage 0, got none",
        b"]" + text("1") + b"a": "expected the storages that the tensors are in, got others: the file is damaged",
        b"]"
        + text("0")
        + b"a": "storage 0: expected 400 bytes for 100 numbers of type float32, got 8: the file is damaged or cut "
        "short, fetch or save it again",
    }.items():
        path.write_bytes(begin + b"\x80\x02" + keys + b"." + struct.pack("<Q", 100) + bytes(8))
        assert problem(path) == what
    path.write_bytes(begin + b"\x80\x02]" + text("0") + b"a." + struct.pack("<Q", 100) + bytes(400))
    assert unrolled.load(path).layers


# Names, and damage.


@pytest.mark.parametrize("odd", ODD_NAMES, ids=ascii)
def test_odd_names_load_and_are_shown_escaped(tmp_path: Path, odd: str) -> None:
    tensors = {f"{odd}.weight_ih_l0": tensor((3, 2)), f"{odd}.weight_hh_l0": tensor((3, 1))}
    for body in (dictionary(tensors), dictionary({odd: dictionary(tensors)})):
        path = file(tmp_path / "m.pt", body)
        model = unrolled.load(path)
        assert all(named.name.isprintable() and len(named.name) < 100 for named in model.layers)
        assert all(remark.isprintable() for remark in model.remarks)


@pytest.mark.parametrize("whole", LOADS)
def test_damage(tmp_path: Path, whole: str) -> None:
    raw, chance, path = (FOLDER / whole).read_bytes(), np.random.default_rng(len(whole)), tmp_path / whole
    for _ in range(200):
        changed = bytearray(raw)
        for _ in range(chance.integers(1, 5)):
            changed[chance.integers(len(raw))] = chance.choice([0, 1, 0x7F, 0xFF, int(chance.integers(256))])
        path.write_bytes(changed)
        try:
            unrolled.load(path)
        except ModelFileError as error:
            assert str(error).isprintable()  # noqa: PT017 - whether it is refused depends on where it is damaged
