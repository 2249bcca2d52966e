"""Traces as files: what is in them, and that they are there whole or not at all."""

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from unrolled import LSTM, OptionError, OutputFileError, ShapeError, write_trace
from unrolled.arrays import Array
from unrolled.export import names

NAMES = ("x", "h", "c", "i", "f", "g", "o", "z_i", "z_f", "z_g", "z_o")
LAYER = LSTM.initialize(units=3, features=2, seed=7)
SEQUENCE = np.random.default_rng(0).normal(size=(150, 2))


def expected(layer: LSTM, values: Array) -> dict[str, Array]:
    """The arrays, from the layer's clear form, a timestep at a time."""
    steps = []
    state = None
    for t, x in enumerate(values):
        steps.append(layer.step(x, state, t))
        state = steps[-1].state
    whole = {name: np.array([getattr(step, name) for step in steps]) for name in NAMES[:7]}
    return whole | {f"z_{gate}": np.array([step.z[row] for step in steps]) for row, gate in enumerate("ifgo")}


def read_csv(path: Path) -> dict[str, Array]:
    lines = path.read_text().splitlines()
    table = np.array([[float(cell) for cell in line.split(",")] for line in lines[1:]])
    return dict(zip(lines[0].split(","), table.T, strict=True))


def test_the_names_are_those_of_the_anatomy() -> None:
    assert names(LAYER.anatomy) == NAMES


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_format_holds_the_trace_to_the_last_bit(tmp_path: Path, dtype: Any) -> None:
    layer = LSTM.initialize(units=3, features=2, seed=7, dtype=dtype)
    for name in ("t.npz", "t.csv", "t.jsonl"):
        write_trace(layer, SEQUENCE, str(tmp_path / name))
    arrays = dict(np.load(tmp_path / "t.npz"))
    columns = read_csv(tmp_path / "t.csv")
    records = [json.loads(line) for line in (tmp_path / "t.jsonl").read_text().splitlines()]
    assert tuple(arrays) == NAMES
    assert [*records[0]] == ["t", *NAMES]
    assert columns["t"].tolist() == [record["t"] for record in records] == list(range(1, 151))
    for name, values in expected(layer, SEQUENCE).items():
        assert arrays[name].dtype == dtype
        assert arrays[name].shape == values.shape
        np.testing.assert_allclose(arrays[name], values, rtol=1e-5 if dtype == np.float32 else 1e-12, atol=1e-7)
        for unit in range(values.shape[1]):
            assert np.array_equal(columns[f"{name}{unit + 1}"].astype(dtype), arrays[name][:, unit])
        assert np.array_equal(np.array([record[name] for record in records]).astype(dtype), arrays[name])


def test_the_columns_of_a_csv(tmp_path: Path) -> None:
    write_trace(LSTM.initialize(2, 1, 7), [[1.0]], str(tmp_path / "t.csv"))
    header = (tmp_path / "t.csv").read_text().splitlines()[0]
    assert header == "t,x1,h1,h2,c1,c2,i1,i2,f1,f2,g1,g2,o1,o2,z_i1,z_i2,z_f1,z_f2,z_g1,z_g2,z_o1,z_o2"


def test_float32_is_written_in_its_own_digits(tmp_path: Path) -> None:
    write_trace(LSTM.initialize(1, 1, 7, np.float32), [[0.1]], str(tmp_path / "t.csv"))
    assert (tmp_path / "t.csv").read_text().splitlines()[1].startswith("1,0.1,")


def test_a_batch_is_each_of_its_sequences(tmp_path: Path) -> None:
    batch = np.random.default_rng(0).normal(size=(3, 5, 2))
    for name in ("b.npz", "b.csv", "b.jsonl"):
        write_trace(LAYER, batch, str(tmp_path / name))
    arrays = np.load(tmp_path / "b.npz")
    columns = read_csv(tmp_path / "b.csv")
    records = [json.loads(line) for line in (tmp_path / "b.jsonl").read_text().splitlines()]
    assert (tmp_path / "b.csv").read_text().startswith("batch,t,x1,x2,h1,")
    assert columns["batch"].tolist() == [record["batch"] for record in records] == [1] * 5 + [2] * 5 + [3] * 5
    assert columns["t"].tolist() == [record["t"] for record in records] == [1, 2, 3, 4, 5] * 3
    assert arrays["x"].shape == (3, 5, 2)
    assert arrays["z_o"].shape == (3, 5, 3)
    for row in range(3):
        write_trace(LAYER, batch[row], str(tmp_path / "one.npz"), force=True)
        alone = np.load(tmp_path / "one.npz")
        assert all(np.array_equal(arrays[name][row], alone[name]) for name in NAMES)
    assert np.array_equal(columns["h3"].reshape(3, 5), arrays["h"][:, :, 2])
    assert records[6]["c"] == arrays["c"][1, 1].tolist()


def test_what_is_not_finite_is_written_as_such(tmp_path: Path) -> None:
    for name in ("n.csv", "n.jsonl"):
        write_trace(LAYER, [[np.nan, 1.0], [np.inf, 1.0]], str(tmp_path / name))
    assert (tmp_path / "n.csv").read_text().splitlines()[1].startswith("1,nan,1.0,nan")
    assert (tmp_path / "n.jsonl").read_text().splitlines()[1].startswith('{"t": 2, "x": [Infinity, 1.0], "h": [NaN')


@pytest.mark.parametrize("name", ["t.npz", "t.csv", "t.jsonl"])
def test_the_same_run_gives_the_same_bytes(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    write_trace(LAYER, SEQUENCE, str(tmp_path / name))
    first = (tmp_path / name).read_bytes()
    monkeypatch.setattr("time.time", lambda: 2e9)
    monkeypatch.setattr("unrolled.export._AT_ONCE", 64)
    write_trace(LAYER, SEQUENCE, str(tmp_path / name), force=True)
    assert (tmp_path / name).read_bytes() == first


def test_progress_counts_every_timestep(tmp_path: Path) -> None:
    told: list[int] = []
    write_trace(LAYER, np.zeros((3, 700, 2)), str(tmp_path / "t.csv"), progress=told.append)
    assert sum(told) == 2100
    assert len(told) > 3


def test_an_existing_file_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("mine")
    with pytest.raises(OutputFileError, match="exists already and was kept"):
        write_trace(LAYER, SEQUENCE, str(path))
    assert path.read_text() == "mine"
    path.chmod(0o640)
    write_trace(LAYER, SEQUENCE, str(path), force=True)
    assert path.read_text().startswith("t,x1")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert [*tmp_path.iterdir()] == [path]


def test_a_link_is_written_through(tmp_path: Path) -> None:
    (tmp_path / "link.csv").symlink_to("real.csv")
    write_trace(LAYER, SEQUENCE, str(tmp_path / "link.csv"))
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").read_text().startswith("t,x1")


@pytest.mark.parametrize("failure", [KeyboardInterrupt(), OSError(28, "No space left on device"), SystemExit(143)])
@pytest.mark.parametrize("name", ["t.npz", "t.csv", "t.jsonl"])
def test_a_run_that_ends_early_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, name: str, failure: BaseException
) -> None:
    (tmp_path / name).write_text("mine")

    def stop(_count: int) -> None:
        raise failure

    with pytest.raises(OutputFileError if isinstance(failure, OSError) else type(failure)):
        write_trace(LAYER, SEQUENCE, str(tmp_path / name), force=True, progress=stop)
    assert (tmp_path / name).read_text() == "mine"
    assert [*tmp_path.iterdir()] == [tmp_path / name]


def test_a_file_that_appears_meanwhile_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    with pytest.raises(OutputFileError, match="exists already and was kept"):
        write_trace(LAYER, SEQUENCE, str(path), progress=lambda _count: path.write_text("theirs"))
    assert path.read_text() == "theirs"
    assert [*tmp_path.iterdir()] == [path]


def test_places_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "folder.csv").mkdir()
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "file").write_text("")
    assert problem(tmp_path / "nowhere" / "t.csv").endswith("cannot be written: No such file or directory")
    assert problem(tmp_path / "file" / "t.csv").endswith("cannot be written: Not a directory")
    assert problem(tmp_path / "folder.csv").endswith("expected the name of a file, got a directory or a device")
    assert problem(tmp_path / "pipe.csv").endswith("expected the name of a file, got a directory or a device")
    assert problem(tmp_path / ("n" * 300 + ".csv")).endswith("cannot be written: File name too long")
    monkeypatch.setattr(os, "open", raising(PermissionError(13, "Permission denied")))
    assert problem(tmp_path / "t.csv").endswith("cannot be written: Permission denied")


def test_extensions_that_are_not_written(tmp_path: Path) -> None:
    for name, got in (("t.xlsx", ".xlsx"), ("t", "none"), ("t.csv/", "none")):
        with pytest.raises(OptionError, match=f"expected the extension .npz or .csv or .jsonl, got {got}"):
            write_trace(LAYER, SEQUENCE, f"{tmp_path}/{name}")


def test_an_archive_too_large_for_memory(tmp_path: Path) -> None:
    zeros = np.broadcast_to(np.zeros(2), (20_000_000, 2))
    with pytest.raises(OptionError, match=r"expected at most 4 GiB of arrays, got 4.8 GiB: write .csv or .jsonl"):
        write_trace(LAYER, zeros, str(tmp_path / "t.npz"))
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("shape", [(2,), (4, 3), (0, 2), (0, 4, 2), (2, 0, 2), (2, 2, 2, 2)])
def test_sequences_that_do_not_fit(tmp_path: Path, shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match="input: expected"):
        write_trace(LAYER, np.zeros(shape), str(tmp_path / "t.csv"))
    assert not [*tmp_path.iterdir()]


def problem(path: Path) -> str:
    with pytest.raises(OutputFileError) as caught:
        write_trace(LAYER, SEQUENCE, str(path), force=True)
    return str(caught.value)


def raising(error: Exception) -> Callable[..., Any]:
    def raise_it(*_arguments: object, **_options: object) -> Any:
        raise error

    return raise_it
