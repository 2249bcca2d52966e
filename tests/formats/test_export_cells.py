"""Traces of every cell as files: the names are those of its anatomy, the widths those of its arrays."""

import json
from pathlib import Path

import numpy as np
import pytest
from tests.engine.layers import Layer, random_gru, random_lstm, random_simple_rnn

from unrolled import write_trace
from unrolled.export import names

CELLS: list[tuple[Layer, str]] = [
    (random_gru(3, 2), "x h z r n z_z z_r z_n"),
    (random_simple_rnn(3, 2), "x h z_h"),
    (random_lstm(3, 2, peepholes=True), "x h c i f g o z_i z_f z_g z_o"),
    (random_lstm(3, 2, coupled=True), "x h c i g o f z_i z_g z_o"),
    (random_lstm(3, 2, outputs=2), "x h c i f g o m z_i z_f z_g z_o"),
]


@pytest.mark.parametrize(("layer", "expected"), CELLS)
def test_every_format_holds_the_steps(layer: Layer, expected: str, tmp_path: Path) -> None:
    assert " ".join(names(layer.anatomy)) == expected
    sequence = np.random.default_rng(0).normal(size=(30, 2))
    for name in ("t.npz", "t.csv", "t.jsonl"):
        write_trace(layer, sequence, str(tmp_path / name))
    arrays = dict(np.load(tmp_path / "t.npz"))
    head, *rows = [line.split(",") for line in (tmp_path / "t.csv").read_text().splitlines()]
    table = dict(zip(head, np.array(rows, float).T, strict=True))
    records = [json.loads(line) for line in (tmp_path / "t.jsonl").read_text().splitlines()]
    assert " ".join(arrays) == expected
    gates = [gate.name for gate in layer.anatomy.gates]
    for t, step in enumerate(layer.unroll(iter(sequence))):
        for name in arrays:
            is_sum = name.startswith("z_")
            value = step.pre_activations[gates.index(name[2:])] if is_sum else getattr(step, name)
            np.testing.assert_allclose(arrays[name][t], value, rtol=1e-12, atol=1e-15)
            assert arrays[name][t].tolist() == records[t][name]
            assert arrays[name][t].tolist() == [table[f"{name}{k + 1}"][t] for k in range(len(value))]
