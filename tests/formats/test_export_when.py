"""Traces of the timesteps that fulfil a condition."""

import json
from pathlib import Path

import numpy as np
import pytest
from tests.formats.test_export import LAYER, NAMES, read_csv

from unrolled import OptionError, write_trace
from unrolled.arrays import Array
from unrolled.conditions import parse
from unrolled.sequences import one_hot

LENGTH = 2500
SEQUENCE = np.random.default_rng(1).normal(size=(LENGTH, 2))


def selected(path: Path, text: str, values: Array = SEQUENCE) -> int:
    return write_trace(LAYER, values, str(path), when=parse(text, LAYER))


@pytest.mark.parametrize("at_once", [1024, 100])
@pytest.mark.parametrize("text", ["f[2] < 0.4", "c[1] changes sign", "x[1] > 1 and h[2] changes sign"])
def test_every_format_holds_the_timesteps_that_fulfil_it(
    tmp_path: Path, text: str, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unrolled.export._AT_ONCE", at_once)
    trace = LAYER.trace(SEQUENCE)
    sign = {
        name: np.concatenate([[False], np.diff(getattr(trace, name)[:, k] < 0)]) for name, k in (("c", 0), ("h", 1))
    }
    masks = {
        "f[2] < 0.4": trace.f[:, 1] < 0.4,
        "c[1] changes sign": sign["c"],
        "x[1] > 1 and h[2] changes sign": (trace.x[:, 0] > 1) & sign["h"],
    }
    rows = np.flatnonzero(masks[text])
    assert 10 < len(rows) < LENGTH - 10
    assert [selected(tmp_path / name, text) for name in ("t.npz", "t.csv", "t.jsonl")] == [len(rows)] * 3
    arrays = dict(np.load(tmp_path / "t.npz"))
    columns = read_csv(tmp_path / "t.csv")
    records = [json.loads(line) for line in (tmp_path / "t.jsonl").read_text().splitlines()]
    assert tuple(arrays) == ("t", *NAMES)
    assert arrays["t"].dtype.kind == "i"
    numbers = (rows + 1).tolist()
    assert arrays["t"].tolist() == columns["t"].tolist() == [record["t"] for record in records] == numbers
    for name in NAMES:
        whole = trace.z[:, "ifgo".index(name[2])] if name.startswith("z_") else getattr(trace, name)
        assert np.array_equal(arrays[name], whole[rows]), name
        assert np.array_equal(np.array([record[name] for record in records]), whole[rows]), name
        assert np.array_equal(columns[f"{name}2"], whole[rows, 1]), name


def test_without_a_condition_every_timestep_is_written(tmp_path: Path) -> None:
    for name in ("t.npz", "t.csv", "t.jsonl"):
        assert write_trace(LAYER, SEQUENCE[:30], str(tmp_path / name)) == 30
    assert "t" not in np.load(tmp_path / "t.npz")
    assert write_trace(LAYER, SEQUENCE.reshape(10, -1, 2), str(tmp_path / "batch.npz")) == LENGTH
    assert selected(tmp_path / "all.npz", "t > 0") == LENGTH
    assert np.array_equal(np.load(tmp_path / "all.npz")["h"], LAYER.trace(SEQUENCE).h)


def test_a_file_of_no_timestep(tmp_path: Path) -> None:
    for name in ("t.npz", "t.csv", "t.jsonl"):
        assert selected(tmp_path / name, "f[2] < -1") == 0
    arrays = np.load(tmp_path / "t.npz")
    assert [arrays[name].shape for name in ("t", "x", "h", "z_o")] == [(0,), (0, 2), (0, 3), (0, 3)]
    assert arrays["h"].dtype == np.float64
    assert (tmp_path / "t.csv").read_text().splitlines()[1:] == []
    assert (tmp_path / "t.csv").read_text().startswith("t,x1,x2,h1")
    assert (tmp_path / "t.jsonl").read_text() == ""


def test_a_batch_is_selected_from_a_sequence_at_a_time(tmp_path: Path) -> None:
    batch = SEQUENCE[:60].reshape(4, 15, 2)
    expected = []
    for row, values in enumerate(batch):
        c = LAYER.trace(values).c[:, 1]
        expected += [(row + 1, t + 1) for t in range(1, 15) if (c[t] < 0) != (c[t - 1] < 0)]
    assert len({row for row, _ in expected}) > 1
    for name in ("b.csv", "b.jsonl"):
        assert selected(tmp_path / name, "c[2] changes sign", batch) == len(expected)
    columns = read_csv(tmp_path / "b.csv")
    records = [json.loads(line) for line in (tmp_path / "b.jsonl").read_text().splitlines()]
    assert [(record["batch"], record["t"]) for record in records] == expected
    assert [*zip(columns["batch"], columns["t"], strict=True)] == expected
    with pytest.raises(OptionError, match=r"b.npz: expected .csv or .jsonl for what a condition selects of a batch"):
        selected(tmp_path / "b.npz", "c[2] changes sign", batch)
    assert not (tmp_path / "b.npz").exists()


def test_tokens(tmp_path: Path) -> None:
    sequence = one_hot("abba\nab")
    when = parse(r"token == 'b' or token == '\n'", LAYER, tokens=True)
    values = np.ascontiguousarray(sequence.values[:, :2])
    assert write_trace(LAYER, values, str(tmp_path / "t.npz"), when=when, tokens=sequence.labels) == 4
    assert np.load(tmp_path / "t.npz")["t"].tolist() == [2, 3, 5, 7]


def test_progress_counts_every_timestep_that_is_looked_at(tmp_path: Path) -> None:
    told: list[int] = []
    when = parse("h[1] changes sign", LAYER)
    write_trace(LAYER, SEQUENCE, str(tmp_path / "t.csv"), progress=told.append, when=when)
    assert sum(told) == LENGTH


def test_a_selection_too_large_for_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unrolled.export.MOST_BYTES", 100 * (2 + 10 * 3) * 8)
    assert selected(tmp_path / "t.npz", "t > 2400") == 100
    with pytest.raises(OptionError, match=r"t2.npz: expected at most 0 GiB of arrays"):
        selected(tmp_path / "t2.npz", "t > 2399")
    assert [*tmp_path.iterdir()] == [tmp_path / "t.npz"]
