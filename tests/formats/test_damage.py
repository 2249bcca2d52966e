"""Files with bytes changed at random: each is read or refused, and nothing else happens."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import unrolled
from unrolled import LSTM, UnrolledError, read_sequence


def damaged(whole: bytes, chance: np.random.Generator) -> bytes:
    raw = bytearray(whole)
    for _ in range(chance.integers(1, 5)):
        raw[chance.integers(len(raw))] = chance.choice([0, 1, 0x7F, 0xFF, int(chance.integers(256))])
    return bytes(raw)


def said(read: Callable[[str], Any], path: Path) -> str:
    """What is said of the file, if it is refused."""
    try:
        read(str(path))
    except UnrolledError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("read", [unrolled.load, read_sequence])
@pytest.mark.parametrize("name", ["x.npy", "x.npz", "packed.npz", "x.csv", "x.jsonl"])
def test_damage(tmp_path: Path, name: str, read: Callable[[str], Any]) -> None:
    weights: dict[str, Any] = {**LSTM.initialize(1, 1, 7).weights, "activation": "tanh"}
    np.save(tmp_path / "x.npy", np.zeros((3, 2)))
    np.savez(tmp_path / "x.npz", **weights)
    np.savez_compressed(tmp_path / "packed.npz", **weights)
    (tmp_path / "x.csv").write_text("a,b\n1,-2.5e3\n3,nan\n")
    (tmp_path / "x.jsonl").write_text("[1, -2.5e3]\n[3, NaN]\n")
    whole, chance = (tmp_path / name).read_bytes(), np.random.default_rng(len(name))
    for _ in range(150):
        (tmp_path / name).write_bytes(damaged(whole, chance))
        sentence = said(read, tmp_path / name)
        assert sentence.isprintable()
