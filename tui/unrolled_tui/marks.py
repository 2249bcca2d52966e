"""Bookmarks on timesteps and notes on units, and the small file that holds them when one asks for it.

The file is JSON, to be read and changed by hand too; timesteps, units and layers count from 1 in it, as on the screen:

    {"unrolled": "marks", "version": 1, "bookmarks": [5, 17], "notes": [{"layer": 1, "unit": 2, "note": "counts"}]}
"""

import json
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from unrolled import UnrolledError
from unrolled.files import UnreadableError, naming, opened, size_of
from unrolled.text import printable

VERSION = 1
MOST_BYTES = 1 << 20
MOST_BOOKMARKS = 1000
LONGEST_NOTE = 200
"""Characters of a note."""


class MarksFileError(UnrolledError, ValueError):
    """A file of marks that cannot be read as one."""


@dataclass(frozen=True, slots=True)
class Note:
    """A note on a unit.

    Attributes:
        layer: Of which layer on the screen, from 0.
        unit: The unit, from 0.
        text: The note, printable.
    """

    layer: int
    unit: int
    text: str


@dataclass(frozen=True, slots=True)
class Marks:
    """What was marked.

    Attributes:
        bookmarks: Timesteps, from 0, in their order.
        notes: At most one for each unit, in the order of the layers and units.
    """

    bookmarks: tuple[int, ...] = ()
    notes: tuple[Note, ...] = ()

    def toggled(self, t: int) -> "Marks":
        """With a bookmark at timestep `t`, or without the one that was there."""
        return replace(self, bookmarks=tuple(sorted({*self.bookmarks} ^ {t})))

    def after(self, t: int) -> int | None:
        """The next bookmark after timestep `t`, and the first one after the last; None if there is none."""
        if not self.bookmarks:
            return None
        return self.bookmarks[bisect_right(self.bookmarks, t) % len(self.bookmarks)]

    def note(self, layer: int, unit: int) -> str:
        """The note on a unit, or nothing."""
        return next((note.text for note in self.notes if (note.layer, note.unit) == (layer, unit)), "")

    def noted(self, layer: int, unit: int, text: str) -> "Marks":
        """With another note on a unit, or none if `text` is nothing."""
        others = [note for note in self.notes if (note.layer, note.unit) != (layer, unit)]
        cleaned = printable(text.strip())[:LONGEST_NOTE]
        added = [Note(layer, unit, cleaned)] if cleaned else []
        return replace(self, notes=tuple(sorted([*others, *added], key=lambda note: (note.layer, note.unit))))


@dataclass(frozen=True, slots=True)
class Notebook:
    """The marks, and the file that they can be kept in.

    Attributes:
        marks: The marks as they are now.
        kept: The marks as they are in the file, as far as one has read or written it.
        path: The file's name.
    """

    marks: Marks = Marks()
    kept: Marks = Marks()
    path: str = "unrolled.json"

    @classmethod
    def held_in(cls, path: str, marks: Marks) -> "Notebook":
        """A notebook that is what the file at `path` says."""
        return cls(marks, marks, path)

    def with_marks(self, marks: Marks) -> "Notebook":
        """The same with other marks, in the memory only."""
        return replace(self, marks=marks)


def marks_as_json(marks: Marks) -> bytes:
    """What the file of `marks` holds."""
    notes = [{"layer": note.layer + 1, "unit": note.unit + 1, "note": note.text} for note in marks.notes]
    bookmarks = [t + 1 for t in marks.bookmarks]
    record = {"unrolled": "marks", "version": VERSION, "bookmarks": bookmarks, "notes": notes}
    return (json.dumps(record, indent=1, ensure_ascii=False) + "\n").encode()


def read_marks(path: str, length: int, units: Sequence[int]) -> Marks:
    """The marks in the file at `path`.

    Args:
        path: The file.
        length: How many timesteps there are.
        units: How many units each layer on the screen has.

    Raises:
        MarksFileError: If it is no such file, or has marks where there is no timestep or unit.
    """
    with naming(path, MarksFileError):
        with opened(path) as file:
            if size_of(file) > MOST_BYTES:
                raise UnreadableError(f"expected marks of at most {MOST_BYTES >> 20} MiB, got {size_of(file):,} bytes")
            content = file.read(MOST_BYTES)
        record = _object(_parsed(content), "the marks")
        if record.get("unrolled") != "marks":
            raise UnreadableError('expected marks, with "unrolled": "marks" in them, got another JSON file')
        _whole(record, "version", VERSION, "the marks")
        bookmarks = _list(record, "bookmarks")
        if len(bookmarks) > MOST_BOOKMARKS:
            raise UnreadableError(f"expected at most {MOST_BOOKMARKS:,} bookmarks, got {len(bookmarks):,}")
        timesteps = {_number(each, length, f"bookmark {place}") for place, each in enumerate(bookmarks, 1)}
        marks = Marks(tuple(sorted(t - 1 for t in timesteps)))
        for place, each in enumerate(_list(record, "notes"), 1):
            layer, unit, text = _note(each, units, f"note {place}")
            marks = marks.noted(layer - 1, unit - 1, text)
        return marks


def _parsed(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as problem:
        raise UnreadableError(f"expected marks as JSON: {printable(str(problem), 100)}") from problem


def _object(value: object, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise UnreadableError(f"{where}: expected an object, got {_shown(value)}")
    return value


def _list(record: dict[str, Any], name: str) -> list[Any]:
    value = record.get(name, [])
    if not isinstance(value, list):
        raise UnreadableError(f"{name}: expected a list, got {_shown(value)}")
    return value


def _whole(record: dict[str, Any], name: str, most: int, where: str) -> int:
    if name not in record:
        raise UnreadableError(f"{where}: expected a {name}, got none")
    return _number(record[name], most, f"{name} of {where}")


def _number(value: object, most: int, where: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
        expected = "1" if most == 1 else f"a number from 1 to {most:,}"
        raise UnreadableError(f"{where}: expected {expected}, got {_shown(value)}")
    return value


def _note(value: object, units: Sequence[int], where: str) -> tuple[int, int, str]:
    record = _object(value, where)
    layer = _whole({"layer": 1} | record, "layer", len(units), where)
    unit = _whole(record, "unit", units[layer - 1], where)
    text = record.get("note")
    if not isinstance(text, str) or not 0 < len(text) <= LONGEST_NOTE:
        raise UnreadableError(f"{where}: expected a text of 1 to {LONGEST_NOTE} characters, got {_shown(text)}")
    return layer, unit, text


def _shown(value: object) -> str:
    if isinstance(value, str):
        return printable(f'"{value}"', 40) if len(value) <= LONGEST_NOTE else f"{len(value):,} characters"
    if value is None:
        return "none"
    return str(value) if isinstance(value, float) else _shown_whole(value)


def _shown_whole(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}" if abs(value) < 10**12 else "a number of many digits"
    return {bool: "true or false", list: "a list", dict: "an object"}[type(value)]
