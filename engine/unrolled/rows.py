"""Numbers as text, one timestep per line: .csv, .txt and .jsonl."""

import json
import re
from array import array
from collections.abc import Callable, Iterator
from typing import BinaryIO, TypeAlias

import numpy as np

from unrolled.arrays import Array
from unrolled.files import MOST_ARRAY_BYTES, UnreadableError
from unrolled.text import printable

Row: TypeAlias = list[float]

_MOST_LINE_BYTES = 16 << 20
_JSON_KINDS = {str: "text", bool: "true or false", type(None): "null", list: "a list", dict: "an object"}
_BETWEEN_CELLS = re.compile(r"\s*,\s*|\s+")


def read_csv(file: BinaryIO) -> Array:
    """Comma-separated numbers, (T, columns). A first line without any number names the columns and is skipped.

    Raises:
        UnreadableError: If the text is not that. The message names the line.
    """
    return _read(file, _numbers, _split_csv, names=True)


def read_words(file: BinaryIO, names: bool = False) -> Array:
    """Numbers separated by white space or commas, (T, columns).

    Args:
        file: The text.
        names: Whether a first line without any number is skipped.

    Raises:
        UnreadableError: If the text is not that. The message names the line.
    """
    return _read(file, _numbers, _split_words, names)


def read_jsonl(file: BinaryIO) -> Array:
    """One JSON number, or list of numbers, per line, (T, columns).

    Raises:
        UnreadableError: If the text is not that. The message names the line.
    """
    return _read(file, _json_numbers, lambda line: [line], names=False)


def _read(
    file: BinaryIO, numbers: Callable[[list[str], int], Row], split: Callable[[str], list[str]], names: bool
) -> Array:
    values, columns, first = array("d"), 0, 0
    for number, line in _lines(file):
        cells = split(line)
        if names and not first and not any(map(_is_number, cells)):
            names = False
            continue
        row = numbers(cells, number)
        if not first:
            first, columns = number, len(row)
        if len(row) != columns:
            raise UnreadableError(f"line {number}: expected {_count(columns)} as in line {first}, got {len(row)}")
        values.extend(row)
        if len(values) * values.itemsize > MOST_ARRAY_BYTES:
            raise UnreadableError(f"expected numbers of at most {MOST_ARRAY_BYTES >> 30} GiB, got more")
    return np.array(values, np.float64).reshape(-1, columns or 1)


def _lines(file: BinaryIO) -> Iterator[tuple[int, str]]:
    """The lines that are not blank, with their numbers from 1."""
    number = 0
    while raw := file.readline(_MOST_LINE_BYTES + 1):
        number += 1
        if len(raw) > _MOST_LINE_BYTES:
            raise UnreadableError(f"line {number}: expected at most {_MOST_LINE_BYTES >> 20} MiB, got a longer line")
        try:
            line = raw.decode("utf-8-sig" if number == 1 else "utf-8").strip()
        except UnicodeDecodeError as problem:
            wrong = raw[problem.start]
            raise UnreadableError(f"line {number}: expected UTF-8 text, got the byte 0x{wrong:02x}") from problem
        if line:
            yield number, line


def _split_csv(line: str) -> list[str]:
    return [cell.strip().strip('"') for cell in line.split(",")]


def _split_words(line: str) -> list[str]:
    return _BETWEEN_CELLS.split(line)


def _numbers(cells: list[str], line: int) -> Row:
    try:
        if not any("_" in cell for cell in cells):
            return [float(cell) for cell in cells]
    except ValueError:
        pass
    column = next(column for column, cell in enumerate(cells, 1) if not _is_number(cell))
    raise UnreadableError(f"line {line}, column {column}: expected a number, got {_shown(cells[column - 1])}")


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell  # Python's 1_000 is no number to anyone else


def _json_numbers(cells: list[str], line: int) -> Row:
    try:
        value = json.loads(cells[0])
    except (ValueError, RecursionError) as problem:
        raise UnreadableError(f"line {line}: expected a JSON number or list, got {_shown(cells[0])}") from problem
    row = value if isinstance(value, list) else [value]
    if not row:
        raise UnreadableError(f"line {line}: expected one number or more, got an empty list")
    for column, cell in enumerate(row, 1):
        if isinstance(cell, bool) or not isinstance(cell, int | float):
            raise UnreadableError(f"line {line}, value {column}: expected a number, got {_JSON_KINDS[type(cell)]}")
    try:
        return [float(cell) for cell in row]
    except OverflowError as problem:
        raise UnreadableError(f"line {line}: expected numbers below 1.8e308, got a larger one") from problem


def _shown(text: str) -> str:
    return f'"{printable(text, 60)}"' if text else "nothing"


def _count(columns: int) -> str:
    return "1 value" if columns == 1 else f"{columns:,} values"
