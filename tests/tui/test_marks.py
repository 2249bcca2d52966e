"""Bookmarks and notes: on the screen, by value, and in their file."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.tui.stage import SMALL, WIDE, example, long, rows, stepper, text
from textual.widgets import Input

from unrolled import LSTM, OutputFileError
from unrolled_tui.app import UnrolledApp
from unrolled_tui.cli import run
from unrolled_tui.commands.request import Request
from unrolled_tui.commands.subject import subject
from unrolled_tui.marks import LONGEST_NOTE, Marks, MarksFileError, Note, Notebook, marks_as_json, read_marks
from unrolled_tui.saving import load_marks, save_marks
from unrolled_tui.screens.marks import MarksScreen
from unrolled_tui.service import Service
from unrolled_tui.session import Session

# Bookmarks.


async def test_a_key_marks_the_timestep_and_another_goes_from_mark_to_mark() -> None:
    session = long(100)
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL) as pilot:
        for t in (9, 2, 50):
            session.go_to(t)
            await pilot.press("m")
        assert [*session.notebook.marks.bookmarks] == [2, 9, 50]
        seen = []
        for _ in range(4):
            await pilot.press("apostrophe")
            seen.append(session.t)
        assert seen == [2, 9, 50, 2]
        await pilot.press("m")
        assert [*session.notebook.marks.bookmarks] == [9, 50]


async def test_a_mark_is_in_the_strip_and_moves_nothing() -> None:
    session = example()
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("right")
        before = rows(app)
        await pilot.press("m")
        assert " marked  t 2 " in rows(app)[-3]
        assert rows(app)[2] == before[2].replace(" ━", " ◆")
        assert [*rows(app)[:2], *rows(app)[3:-3]] == [*before[:2], *before[3:-3]]
        await pilot.press("right")
        assert rows(app)[2].count("◆") == 1
        await pilot.press("left", "m", "tab", "shift+tab")
        assert rows(app) == before


async def test_without_marks_the_key_says_how_to_make_one() -> None:
    app = UnrolledApp(example())
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("apostrophe")
        assert "m marks this timestep" in rows(app)[-3]


# Notes.


async def test_a_note_is_in_the_caption_of_its_unit() -> None:
    session = example()
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("tab", "a", *"counts [up]", "enter")
        assert rows(app)[-2].rstrip().endswith("note: counts [up]")
        await pilot.press("tab")
        assert "note:" not in text(app)
        await pilot.press("shift+tab", "a", "end", "!", "enter")
        assert [*session.notebook.marks.notes] == [Note(0, 1, "counts [up]!")]
        await pilot.press("a", "backspace", "enter")
        assert [*session.notebook.marks.notes] == []
        await pilot.press("a", "x", "escape")
        assert [*session.notebook.marks.notes] == []


async def test_of_two_layers_each_has_its_notes() -> None:
    session = subject(Request(example="units")).session(Request(example="units"))
    app = UnrolledApp(session)
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("a", *"alone", "enter", "w", "a", *"one of three", "enter")
        await pilot.pause()
        assert session.notebook.marks.notes == (Note(0, 0, "alone"), Note(1, 0, "one of three"))
        assert rows(app)[-2].rstrip().endswith("note: one of three")
        await pilot.press("M", "enter")
        await pilot.pause()
        assert session.front == 0
        assert rows(app)[-2].rstrip().endswith("note: alone")


# The list.


async def test_the_list_goes_to_what_is_marked_and_deletes() -> None:
    session = long(100)
    session.notebook = Notebook(Marks((4, 70), (Note(0, 2, "counts " * 20),)))
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("M", "down")
        assert isinstance(app.screen, MarksScreen)
        assert "▶ t 71" in text(app)
        assert "Not written to a file yet." in text(app)
        await pilot.press("enter")
        await app.workers.wait_for_complete()
        assert session.t == 70
        assert app.screen_stack == [stepper(app)]
        await pilot.press("M", "down", "down")
        assert text(app).count("counts") >= 20  # all of it, below
        await pilot.press("enter")
        assert session.unit == 2
        await pilot.press("M", "d", "down", "d")
        assert session.notebook.marks == Marks((70,))


async def test_marks_are_written_on_request_only_and_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    session = example()
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("right", "m", "a", *"counts", "enter", "M")
        assert [*tmp_path.iterdir()] == []
        await pilot.press("w", "enter")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert "Written to unrolled.json." in text(app)
    assert [path.name for path in tmp_path.iterdir()] == ["unrolled.json"]
    assert json.loads((tmp_path / "unrolled.json").read_text()) == {
        "unrolled": "marks",
        "version": 1,
        "bookmarks": [2],
        "notes": [{"layer": 1, "unit": 1, "note": "counts"}],
    }
    other = example()
    app = UnrolledApp(other)
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("M", "r", "enter")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert "Read from unrolled.json." in text(app)
        assert other.notebook.marks == session.notebook.marks
        await pilot.press("escape")
        assert rows(app)[-2].rstrip().endswith("note: counts")


async def test_another_file_is_not_replaced_without_asking(tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_text("mine")
    session = example()
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("m", "M", "w")
        app.screen.query_one(Input).value = str(file)
        await pilot.press("enter")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert "enter again replaces it" in " ".join(text(app).split())
        assert file.read_text() == "mine"
        await pilot.press("enter")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert isinstance(app.screen, MarksScreen)
    assert json.loads(file.read_text())["bookmarks"] == [1]


async def test_what_is_wrong_with_a_file_is_told_in_the_prompt(tmp_path: Path) -> None:
    app = UnrolledApp(example())
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("m", "M")
        for key, name, told in (
            ("w", "no/where.json", "cannot be written: No such file or directory"),
            ("w", "model.npz", "expected the extension .json, got .npz"),
            ("w", "", "expected the name of a file, got nothing"),
            ("r", "none.json", "there is no such file"),
            ("r", "", "expected the name of a file, got nothing"),
        ):
            await pilot.press(key)
            app.screen.query_one(Input).value = str(tmp_path / name) if name else ""
            await pilot.press("enter")
            await app.workers.wait_for_complete()
            await pilot.pause()
            assert told in " ".join(text(app).split())
            await pilot.press("escape")
    assert [*tmp_path.iterdir()] == []


# The file.


def test_a_model_keeps_its_marks_beside_it_and_a_file_of_marks_is_read_if_asked_for(tmp_path: Path) -> None:
    assert subject(Request()).session(Request()).notebook == Notebook(path="unrolled.json")
    model = tmp_path / "model.npz"
    np.savez(model, allow_pickle=False, **LSTM.initialize(3, 1, seed=7).weights)
    (tmp_path / "model.npz.unrolled.json").write_bytes(marks_as_json(Marks((1,))))  # there, but nobody asked for it
    request = Request(model=str(model))
    assert subject(request).session(request).notebook == Notebook(path=f"{model}.unrolled.json")
    file = tmp_path / "lecture.json"
    file.write_bytes(marks_as_json(Marks((1,), (Note(0, 2, "counts"),))))
    request = Request(marks=str(file))
    assert subject(request).session(request).notebook.marks == Marks((1,), (Note(0, 2, "counts"),))


@given(
    bookmarks=st.sets(st.integers(0, 999)),
    notes=st.dictionaries(st.tuples(st.integers(0, 1), st.integers(0, 4)), st.text(max_size=300)),
)
@settings(deadline=None, max_examples=60)
def test_marks_come_back_from_their_file(
    bookmarks: set[int], notes: dict[tuple[int, int], str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    marks = Marks(tuple(sorted(bookmarks)))
    for (layer, unit), note in notes.items():
        marks = marks.noted(layer, unit, note)
    assert all(note.text.isprintable() and 0 < len(note.text) <= LONGEST_NOTE for note in marks.notes)
    file = tmp_path_factory.mktemp("marks") / "marks.json"
    file.write_bytes(marks_as_json(marks))
    assert read_marks(str(file), 1000, (5, 5)) == marks


HEAD: dict[str, Any] = {"unrolled": "marks", "version": 1}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "the file is empty"),
        (b"\xff\xfe", "expected marks as JSON"),
        (b"[" * 100_000, "expected marks as JSON"),
        (b'{"unrolled": ' + b"9" * 5000 + b"}", "expected marks as JSON"),
        (b"[1]", "the marks: expected an object, got a list"),
        (b'{"bookmarks": [1]}', "got another JSON file"),
        ({**HEAD, "version": 2}, "version of the marks: expected 1, got 2"),
        ({"unrolled": "marks"}, "the marks: expected a version, got none"),
        ({**HEAD, "bookmarks": {}}, "bookmarks: expected a list, got an object"),
        ({**HEAD, "bookmarks": [1, 5]}, "bookmark 2: expected a number from 1 to 4, got 5"),
        ({**HEAD, "bookmarks": [0]}, "bookmark 1: expected a number from 1 to 4, got 0"),
        ({**HEAD, "bookmarks": [True]}, "bookmark 1: expected a number from 1 to 4, got true or false"),
        ({**HEAD, "bookmarks": [1.5]}, "bookmark 1: expected a number from 1 to 4, got 1.5"),
        ({**HEAD, "bookmarks": ["\x1b[2J"]}, 'got "\\x1b[2J"'),
        ({**HEAD, "bookmarks": [10**30]}, "got a number of many digits"),
        ({**HEAD, "bookmarks": [1] * 1001}, "expected at most 1,000 bookmarks, got 1,001"),
        ({**HEAD, "notes": [3]}, "note 1: expected an object, got 3"),
        ({**HEAD, "notes": [{"unit": 4, "note": "x"}]}, "unit of note 1: expected a number from 1 to 3, got 4"),
        ({**HEAD, "notes": [{"layer": 2, "unit": 1, "note": "x"}]}, "layer of note 1: expected 1, got 2"),
        ({**HEAD, "notes": [{"unit": 1}]}, "note 1: expected a text of 1 to 200 characters, got none"),
        ({**HEAD, "notes": [{"unit": 1, "note": "x" * 201}]}, "characters, got 201 characters"),
        ({**HEAD, "notes": [{"note": "x"}]}, "note 1: expected a unit, got none"),
        (b" " * ((1 << 20) + 1), "expected marks of at most 1 MiB"),
    ],
)
def test_a_file_that_is_wrong_is_told_in_one_sentence(
    content: bytes | dict[str, Any], told: str, tmp_path: Path
) -> None:
    file = tmp_path / "marks.json"
    file.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    with pytest.raises(MarksFileError) as raised:
        read_marks(str(file), 4, (3,))
    assert told in str(raised.value)
    assert str(raised.value).isprintable()


@pytest.mark.parametrize("arguments", [["--marks"], ["--example", "units", "--marks"]])
def test_a_command_line_with_marks_that_are_wrong(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "marks.json"
    file.write_bytes(marks_as_json(Marks((7,))))
    output = tmp_path / "screen.svg"
    assert run(["screenshot", *arguments, str(file), "-o", str(output)]) == 1
    told = capsys.readouterr().err
    assert told.endswith("marks.json: bookmark 1: expected a number from 1 to 4, got 8\n")
    assert told.count("\n") == 1
    assert not output.exists()


def test_what_a_note_says_is_printable(tmp_path: Path) -> None:
    file = tmp_path / "marks.json"
    file.write_text(json.dumps({**HEAD, "notes": [{"unit": 1, "note": "\x1b[2J\u202e"}]}))
    assert read_marks(str(file), 4, (3,)).notes == (Note(0, 0, "\\x1b[2J\\u202e"),)


def test_a_session_that_is_served_touches_no_files(tmp_path: Path) -> None:
    session: Session = example()
    session.service = Service(touches_files=False)
    file = tmp_path / "marks.json"
    with pytest.raises(OutputFileError, match="touches no files"):
        save_marks(session, str(file), replace=False)
    assert not file.exists()
    file.write_bytes(marks_as_json(Marks()))
    with pytest.raises(MarksFileError, match="touches no files"):
        load_marks(session, str(file))


async def test_marks_in_no_file_are_told_of_before_the_app_ends() -> None:
    app = UnrolledApp(example())
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("m", "q")
        assert rows(app)[-3].startswith(" not kept these marks are in no file")
        await pilot.press("right", "q")
        assert app.is_running
        await pilot.press("q")
        assert not app.is_running


async def test_without_marks_the_app_ends_at_once() -> None:
    app = UnrolledApp(example())
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("m", "m", "q")
        assert not app.is_running
