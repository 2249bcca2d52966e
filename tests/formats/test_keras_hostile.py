"""Keras files made to do harm, or damaged: each is refused in one printable line, in no time and little memory."""

import json
import os
import zipfile
from pathlib import Path
from typing import Any

import h5py
import pytest
from tests.formats.hostile import MEMBERS, Config, configured, edited, layer, parts, patched, problem, setting, zipped
from tests.formats.keras_models import case

import unrolled


@pytest.mark.parametrize("ending", [".keras", ".h5", ".weights.h5"])
def test_an_empty_file(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"m{ending}"
    path.touch()
    assert problem(path) == "the file is empty"


@pytest.mark.parametrize("name", ["keras3/lstm3.keras", "keras2/lstm3.h5", "keras3/lstm3.weights.h5"])
def test_a_file_cut_short(tmp_path: Path, name: str) -> None:
    whole = case(name).path.read_bytes()
    path = tmp_path / "m"
    for length in range(16, len(whole) - 1, len(whole) // 40):
        path.write_bytes(whole[:length])
        if length < len(whole) // 2:
            assert problem(path)


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
        (b"<!DOCTYPE html>404", "a web page"),
        (b"version https://git-lfs", "git lfs pull"),
    ],
)
def test_something_else_under_the_name_of_a_model(tmp_path: Path, raw: bytes, kind: str) -> None:
    (tmp_path / "m.keras").write_bytes(raw)
    assert kind in problem(tmp_path / "m.keras")


def test_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.keras")
    assert problem(tmp_path / "pipe.keras") == "expected a file, got a pipe"
    (tmp_path / "folder.keras").mkdir()
    assert problem(tmp_path / "folder.keras") == "expected a file, got a directory"
    assert problem(tmp_path / "none.keras") == "there is no such file"


def test_a_folder_with_something_else_in_it(tmp_path: Path) -> None:
    for name, raw in parts().items():
        (tmp_path / name).write_bytes(raw)
    (tmp_path / "model.weights.h5").unlink()
    assert "expected model.weights.h5 in the folder, got none" in problem(tmp_path)
    os.mkfifo(tmp_path / "model.weights.h5")
    assert problem(tmp_path) == "expected a file, got a pipe"


@pytest.mark.parametrize("name", MEMBERS[1:])
def test_members_that_unpack_to_far_more(tmp_path: Path, name: str) -> None:
    path = zipped(tmp_path / "m.keras", {**parts(), name: bytes(60 << 20)}, zipfile.ZIP_DEFLATED)
    assert "when unpacked" in problem(path)


def test_a_configuration_that_is_too_large(tmp_path: Path) -> None:
    path = zipped(tmp_path / "m.keras", {**parts(), "config.json": bytes(17 << 20)})
    assert problem(path) == "config.json: expected at most 16 MiB, got more"


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_that_is_there_twice(tmp_path: Path) -> None:
    path = zipped(tmp_path / "m.keras", parts())
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("config.json", b"{}")
    assert problem(path) == "the zip archive has two members called config.json"


def test_members_outside_of_the_folder_stay_names(tmp_path: Path) -> None:
    outside = {"../../outside": b"x", "/etc/outside": b"x", "..\\outside": b"x"}
    assert unrolled.load(zipped(tmp_path / "m.keras", {**parts(), **outside})).layers
    assert [path.name for path in tmp_path.iterdir()] == ["m.keras"]


def test_members_that_are_encrypted_or_packed_otherwise_or_damaged(tmp_path: Path) -> None:
    path = zipped(tmp_path / "m.keras", parts())
    assert problem(patched(path, 8, b"\x01")) == "metadata.json is encrypted"
    path = zipped(tmp_path / "m.keras", parts())
    assert problem(patched(path, 10, b"\x63")) == "metadata.json is packed in a way other than deflate"
    path = zipped(tmp_path / "m.keras", parts())
    raw = path.read_bytes()
    middle = raw.index(b"\x89HDF") + 3000
    path.write_bytes(raw[:middle] + bytes([raw[middle] ^ 1]) + raw[middle + 1 :])
    assert "Bad CRC-32" in problem(path)


def test_members_that_are_missing(tmp_path: Path) -> None:
    def without(name: str) -> Path:
        return zipped(tmp_path / "m", {member: raw for member, raw in parts().items() if member != name})

    assert "expected config.json" in problem(without("config.json"))
    assert "expected model.weights.h5" in problem(without("model.weights.h5"))
    remarks = unrolled.load(without("metadata.json")).remarks
    assert remarks == ("m: the version of Keras is not in the file: taken 3; --keras-version says otherwise",)


def test_too_many_members(tmp_path: Path) -> None:
    path = zipped(tmp_path / "m.keras", {**parts(), **{str(number): b"" for number in range(20_000)}})
    assert "members" in problem(path)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b'{"a": ', "the JSON is damaged or cut short"),
        (b'{"a": "\xff"}', "expected JSON in UTF-8"),
        (b"[" * 200_000, "nested at most 100 deep"),
        (b'{"a":' * 5000 + b"1" + b"}" * 5000, "nested at most 100 deep"),
        (b"[]", "expected a JSON object, got a list"),
        (b'{"a": NaN}', "expected numbers, got NaN"),
        (b'{"a": 1, "b": 1, "a": 2}', "the key a is there twice"),
        (b'{"a": ' + b"9" * 5000 + b"}", "expected numbers of at most 30 digits"),
        (b"{" + b",".join(b'"%d":0' % n for n in range(400_000)) + b"}", "at most 300,000 values"),
        (b'"' + b"\\" * 1_000_001, "damaged or cut short"),
        (b"{}", "expected the description of a layer, got {}"),
        (b'{"class_name": "Sequential", "config": {"layers": 3}}', "expected"),
    ],
)
def test_a_configuration_that_is_none(tmp_path: Path, raw: bytes, expected: str) -> None:
    assert expected in problem(zipped(tmp_path / "m.keras", {**parts(), "config.json": raw}))


@pytest.mark.parametrize("units", [-3, 0, 2**40, "4", 3.5, True, None, [4], {}])
def test_units_that_are_none(tmp_path: Path, units: object) -> None:
    path = configured(tmp_path / "m.keras", setting(units=units))
    assert "units: expected a whole number from 1 to 65,536, got" in problem(path)


def test_units_that_are_not_those_of_the_weights(tmp_path: Path) -> None:
    told = problem(configured(tmp_path / "m.keras", setting(units=4)))
    assert told == "lstm_1: expected 4 units, as the configuration says, got weights of 3"


@pytest.mark.parametrize(
    "activation",
    [
        "os.mkdir",
        "__import__('os')",
        7,
        [],
        {"class_name": "function", "module": "os", "config": "mkdir"},
        {"class_name": "mkdir", "module": "os", "config": {"path": "made"}},
        {"class_name": "function", "module": "builtins", "config": "eval"},
        {"class_name": "__lambda__", "config": {"value": "AAAA"}},
    ],
)
@pytest.mark.parametrize("option", ["activation", "recurrent_activation"])
def test_activations_that_are_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: str, activation: object
) -> None:
    monkeypatch.chdir(tmp_path)
    assert option in problem(configured(tmp_path / "m.keras", setting(**{option: activation})))
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    ("kind", "module", "options", "told"),
    [
        ("Lambda", "keras.layers", {"function": {"class_name": "__lambda__", "config": {"code": "4wE"}}}, "Lambda"),
        ("TFSMLayer", "keras.layers", {"filepath": "/etc"}, "TFSMLayer"),
        ("StringLookup", "keras.layers", {"vocabulary": "/etc/passwd"}, "StringLookup"),
        ("system", "os", {"command": "touch made"}, "os.system"),
        ("LSTM", "os", {}, "os.LSTM"),
        ("Mine", "package", {}, "package.Mine"),
        ("Custom>Mine", "", {}, "Custom>Mine"),
        ("\x1b[2J", "", {}, r"\x1b[2J"),
        ("LSTM", "keras.layers\n", {}, "LSTM"),
    ],
)
def test_layers_that_run_code_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, module: str, options: Config, told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert told in problem(configured(tmp_path / "m.keras", layer(kind, module, **options)))
    assert [path.name for path in tmp_path.iterdir()] == ["m.keras"]


def test_a_lambda_in_an_h5_file(tmp_path: Path) -> None:
    def change(file: h5py.File) -> None:
        config = json.loads(file.attrs["model_config"])
        config["config"]["layers"].append(
            {"class_name": "Lambda", "config": {"name": "run", "function": ["4wE=", None, None]}}
        )
        file.attrs["model_config"] = json.dumps(config)

    assert problem(edited(tmp_path / "m.h5", change)) == (
        "run: expected a layer that Keras brings along, got one of type Lambda"
    )


@pytest.mark.parametrize("where", ["cell", "layer", "stacked"])
def test_code_inside_of_a_wrapper(tmp_path: Path, where: str) -> None:
    mine = {"class_name": "Mine", "module": "mine", "config": {}}
    wrapped: dict[str, tuple[str, Any]] = {
        "cell": ("RNN", {"cell": mine}),
        "layer": ("Bidirectional", {"layer": mine}),
        "stacked": ("RNN", {"cell": {"class_name": "StackedRNNCells", "config": {"cells": [mine]}}}),
    }
    kind, options = wrapped[where]
    assert "mine.Mine" in problem(configured(tmp_path / "m.keras", layer(kind, **options)))


NAMES = [
    "\x1b[2J", "\x1b]52;c;AAAA\x07", "\x1b]8;;file:///etc\x1b\\x", "\x9b2J", "a\nb", "a\0b", "a\u202eb", "a\u200bb",
    "\ud800", "[/", "[@click=app.quit]x[/]", "[link=file:///etc]x[/]", "x" * 1_000_000, "e" + "\u0301" * 500, "層" * 40,
    "../../etc",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_names_are_shown_escaped_and_cut(tmp_path: Path, name: str) -> None:
    model = unrolled.load(configured(tmp_path / "m.keras", setting(name=name)))
    shown = model.layers[0].name
    assert shown.isprintable()
    assert len(shown) <= 600


def test_an_empty_name(tmp_path: Path) -> None:
    assert unrolled.load(configured(tmp_path / "m.keras", setting(name=""))).layers[0].name
