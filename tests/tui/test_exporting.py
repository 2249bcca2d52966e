"""Exports: what a lens shows as .csv, and the screen as .svg."""

import csv
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from tests.tui.stage import SMALL, WIDE, example, halves, long, rows, spelled, stepper, text
from tests.tui.time_stage import of, saturating, whole
from textual.widgets import Input

from unrolled import LSTM, InputSequence, OutputFileError
from unrolled_tui.app import UnrolledApp
from unrolled_tui.saving import save
from unrolled_tui.service import Service
from unrolled_tui.session import Session
from unrolled_tui.tables import Table, as_csv


async def export(session: Session, path: Path, *keys: str) -> list[list[str]]:
    """Presses some keys, exports to a .csv file, and reads it."""
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press(*keys, "e")
        app.screen.query_one(Input).value = str(path)
        await pilot.press("enter")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert app.screen is stepper(app)
        assert rows(app)[-3].startswith(" written ")
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


async def test_the_memory_as_a_table(tmp_path: Path) -> None:
    session = spelled("hello there")
    session.go_to(7)
    columns, *table = await export(session, tmp_path / "memory.csv", "5", "tab", "s")
    assert columns == ["written at t", "token", "written", "kept", "left", "running total"]
    assert table[0][0] == "before t 1"
    assert {int(row[0]): row[1] for row in table[1:]} == dict(enumerate(session.sequence.labels[:8], 1))
    left = [float(row[4]) for row in table[1:]]
    assert left == sorted(left, key=abs, reverse=True)
    assert float(table[-1][5]) == pytest.approx(session.numbers()["c"], rel=1e-12)
    assert [float(row[2]) * float(row[3]) for row in table[1:]] == pytest.approx(left, rel=1e-12)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
async def test_the_units_as_a_table(dtype: str, tmp_path: Path) -> None:
    layer = LSTM.initialize(5, 1, seed=7, dtype=dtype)
    session = Session.open(layer, InputSequence(np.array([[1.0], [2.0]]), "numbers"), "seed 7", at=2)
    columns, *table = await export(session, tmp_path / "units.csv")
    step = [*layer.unroll([[1.0], [2.0]])][1]
    assert columns == ["unit", "i", "f", "g", "o", "c", "h"]
    assert [row[0] for row in table] == ["1", "2", "3", "4", "5"]
    for name, *values in zip(columns[1:], *(row[1:] for row in table), strict=True):
        assert np.array(values, dtype).tobytes() == getattr(step, name).tobytes()
        assert dtype == "float64" or max(map(len, values)) < 14


async def test_what_is_not_computed_yet_is_empty(tmp_path: Path) -> None:
    _, *table = await export(example(), tmp_path / "units.csv", "comma")
    assert all(row[6] == "" and row[5] for row in table)


async def test_the_ledger_as_a_table(tmp_path: Path) -> None:
    session = example(units=40, at=2)
    columns, *table = await export(session, tmp_path / "ledger.csv", "2", "s", "tab", "right_square_bracket")
    assert columns == ["from", "weight", "its value", "signal", "its value now", "product", "running total"]
    weights, step = session.layer.weights, session.step
    assert len(table) == 1 + 40 + 1
    expected = {"x1": step.x[0] * weights["kernel"][0, 41], "": weights["bias"][41]}
    expected |= {f"h{k + 1}(t-1)": step.h_previous[k] * weights["recurrent_kernel"][k, 41] for k in range(40)}
    assert {row[3]: float(row[5]) for row in table} == pytest.approx(expected, rel=1e-15)
    sizes = [abs(float(row[5])) for row in table]
    assert sizes == sorted(sizes, reverse=True)
    assert float(table[-1][6]) == pytest.approx(step.pre_activations[1, 1], rel=1e-12)
    assert {row[0] for row in table} == {"from the input", "from other units", "from itself", "bias"}
    assert next(row[1] for row in table if row[3] == "x1") == "W[x1→f2]"


async def test_the_wiring_as_a_table(tmp_path: Path) -> None:
    session = example(units=40, at=2)
    columns, *table = await export(session, tmp_path / "wiring.csv", "3")
    block = np.vstack([array[..., :40] for array in session.layer.weights.values()])
    assert columns == ["from", *(f"i{unit}" for unit in range(1, 41))]
    assert [row[0] for row in table] == ["x1", *(f"h{unit}" for unit in range(1, 41)), "b"]
    assert np.array([row[1:] for row in table], float).tobytes() == np.ascontiguousarray(block).tobytes()
    _, *cut = await export(session, tmp_path / "cut.csv", "x")
    assert [[bool(cell) for cell in row[1:]] for row in cut[1:41]] == np.eye(40, dtype=bool).tolist()
    assert all(all(row) for row in (cut[0], cut[41]))


@pytest.mark.parametrize("name", ["c", "f", "g"])
async def test_the_figures_over_time_as_a_table(name: str, tmp_path: Path) -> None:
    session = saturating()
    keys = ["4", "v", *["right_square_bracket"] * {"c": 0, "f": 2, "g": 3}[name]]
    columns, *table = await export(session, tmp_path / "figures.csv", *keys, *["s"] * 2)
    values = of(whole(session), name)
    low, high = (values < (-0.9 if name == "g" else 0.1)).mean(axis=0), (values > 0.9).mean(axis=0)
    measures = [values.min(axis=0), values.max(axis=0), values.mean(axis=0), values.std(axis=0)]
    shares = {"c": [], "f": ["closed", "mid", "open"], "g": ["near low", "mid", "near high"]}[name]
    measures += [low, 1 - low - high, high] if shares else []
    named = [f"{name} {each}" for each in ("low", "high", "mean", "deviation", *shares)]
    assert columns == ["unit", "from t", "to t", "finite values", *named]
    assert [int(row[0]) - 1 for row in table] == np.argsort(-values.std(axis=0), kind="stable").tolist()
    for row in table:
        assert row[1:4] == ["1", "50", "50"]
        assert [*map(float, row[4:])] == pytest.approx([each[int(row[0]) - 1] for each in measures], abs=1e-12)


async def test_the_figures_as_a_table_are_those_of_the_page_on_show(tmp_path: Path) -> None:
    session = long(200)
    session.go_to(100)
    _, *table = await export(session, tmp_path / "page.csv", "4", "v")
    values = whole(session).c[70:140]
    for unit, row in enumerate(table):
        assert row[:4] == [f"{unit + 1}", "71", "140", "70"]
        assert [float(row[4]), float(row[5])] == [values[:, unit].min(), values[:, unit].max()]
        assert float(row[6]) == pytest.approx(values[:, unit].mean(), rel=1e-12)


async def test_the_running_text_as_a_table(tmp_path: Path) -> None:
    session = spelled("to be, or not")
    columns, *table = await export(session, tmp_path / "text.csv", "4", "v", "v", "tab", "right_square_bracket")
    assert columns == ["t", "token", "i of unit 2"]
    assert [row[0] for row in table] == [f"{t}" for t in range(1, 14)]
    assert [row[1] for row in table] == list(session.sequence.labels)
    assert [float(row[2]) for row in table] == whole(session).i[:, 1].tolist()


async def test_the_triangle_as_a_table(tmp_path: Path) -> None:
    session = halves()
    session.go_to(2)
    columns, *table = await export(session, tmp_path / "triangle.csv", "5", "v")
    assert columns == ["written at t", "token", *(f"read at t {t}" for t in range(1, 5))]
    assert table == [
        ["before t 1", "", "0.0", "0.0", "0.0", ""],
        ["1", "", "0.5", "0.25", "0.125", ""],
        ["2", "", "", "0.5", "0.25", ""],
        ["3", "", "", "", "0.5", ""],
        ["4", "", "", "", "", ""],
        ["c_t", "", "0.5", "0.75", "0.875", ""],
    ]


async def test_a_page_of_the_triangle_as_a_table_adds_up(tmp_path: Path) -> None:
    session = spelled("to be or not to be, that is the question")
    session.go_to(30)
    columns, *table = await export(session, tmp_path / "page.csv", "5", "v")
    first = int(table[0][0].removeprefix("before t "))
    count = len(table) - 2
    assert 1 < first <= 31 < first + count
    assert columns[2:] == [f"read at t {t}" for t in range(first, first + count)]
    assert [row[0] for row in table[1:-1]] == [f"{t}" for t in range(first, first + count)]
    assert [row[1] for row in table[1:-1]] == list(session.sequence.labels[first - 1 : first - 1 + count])
    c = whole(session).c[:, 0]
    for place in range(count):
        column = [row[2 + place] for row in table]
        if first + place > 31:
            assert set(column) == {""}
            continue
        assert all(column[: place + 2])
        assert set(column[place + 2 : -1]) <= {""}
        assert sum(map(float, column[: place + 2])) == pytest.approx(c[first - 1 + place], rel=1e-12)
        assert float(column[-1]) == c[first - 1 + place]


async def test_the_screen_as_a_picture_without_the_prompt(tmp_path: Path) -> None:
    pictures = []
    for name in ("one.svg", "other.svg"):
        session = example(at=3)
        app = UnrolledApp(session)
        async with app.run_test(size=WIDE) as pilot:
            await pilot.press("tab", "e")
            assert "Export to" in text(app)
            app.screen.query_one(Input).value = str(tmp_path / name)
            await pilot.press("enter")
            await app.workers.wait_for_complete()
            await pilot.pause()
        pictures.append((tmp_path / name).read_text("utf-8"))
    assert pictures[0] == pictures[1]
    told = "".join(ET.fromstring(pictures[0]).itertext()).replace("\xa0", " ")  # noqa: S314  # our own
    assert "▶ unit 2" in told
    assert "Export to" not in told


async def test_a_key_before_is_in_the_picture(tmp_path: Path) -> None:
    app = UnrolledApp(example())
    async with app.run_test(size=SMALL) as pilot:
        for key in ("right", "e"):  # without a pause between them
            app.simulate_key(key)
        await pilot.pause()
        app.screen.query_one(Input).value = str(tmp_path / "a.svg")
        await pilot.press("enter")
        await app.workers.wait_for_complete()
    told = "".join(ET.fromstring((tmp_path / "a.svg").read_text("utf-8")).itertext())  # noqa: S314  # our own
    assert "2" in told[told.index("/4") - 3 : told.index("/4")]


async def test_an_export_that_cannot_be_is_told_in_the_prompt(tmp_path: Path) -> None:
    (tmp_path / "there.csv").write_text("mine")
    app = UnrolledApp(example())
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("e")
        for name, told in (
            ("a.txt", "expected the extension .csv or .svg, got .txt"),
            ("no/where.csv", "cannot be written: No such file or directory"),
            ("there.csv", "exists: enter again replaces it"),
        ):
            app.screen.query_one(Input).value = str(tmp_path / name)
            await pilot.press("enter")
            await app.workers.wait_for_complete()
            await pilot.pause()
            assert told in " ".join(text(app).split())
        assert (tmp_path / "there.csv").read_text() == "mine"
        await pilot.press("enter")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert app.screen is stepper(app)
    assert (tmp_path / "there.csv").read_text().startswith("unit,i,f,g,o,c,h\n1,")
    assert [path.name for path in tmp_path.iterdir()] == ["there.csv"]


async def test_a_session_that_is_served_exports_nothing(tmp_path: Path) -> None:
    session = example()
    session.service = Service(touches_files=False)
    app = UnrolledApp(session)
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("e")
        assert app.screen is stepper(app)
    with pytest.raises(OutputFileError, match="touches no files here"):
        save(session, str(tmp_path / "a.csv"), b"", replace=False)
    assert [*tmp_path.iterdir()] == []


def test_what_has_commas_is_quoted() -> None:
    table = Table(("a", 'b "c"'), [("x, y", 0.1), ("", float("nan"))])
    assert as_csv(table) == b'a,"b ""c"""\n"x, y",0.1\n,nan\n'
