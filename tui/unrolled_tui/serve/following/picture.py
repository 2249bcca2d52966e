"""A presenter's screen as bytes: what changed, or all of it, made once and sent to all who follow.

They are drawn anew from the cells, so that nothing else of the app's output reaches another terminal: no question, no
private mode, no title. Colours are of the 256 that almost every terminal has, as the app chose them.
"""

from functools import lru_cache
from itertools import groupby
from typing import TypeAlias

from pyte import graphics
from pyte.screens import Char

from unrolled_tui.serve.following.emulator import Emulator

BEGIN, END = b"\x1b[?2026h", b"\x1b[?2026l"
"""Around a frame: a terminal that knows them shows it at once, another passes over them."""

NEARBY = 4
"""Cells between two changes that are cheaper to draw than to jump over."""

Row: TypeAlias = tuple[Char, ...]
Style: TypeAlias = tuple[str, str, bool, bool, bool, bool, bool, bool]


class Picture:
    """The screen of an app that presents.

    Args:
        columns: The width.
        rows: The height.
    """

    def __init__(self, columns: int, rows: int) -> None:
        self._emulator = Emulator(columns, rows)
        self._rows: list[Row] = []
        self._whole = b""

    @property
    def size(self) -> tuple[int, int]:
        """Columns and rows."""
        return self._emulator.size

    @property
    def alternate(self) -> bool:
        """Whether the app is on its alternate screen: what it writes elsewhere is not shown."""
        return self._emulator.alternate

    def feed(self, data: bytes) -> None:
        """Takes what the app has written."""
        self._emulator.feed(data)

    def resize(self, columns: int, rows: int) -> None:
        """Takes another size; the next `delta` is the whole screen."""
        self._emulator.resize(columns, rows)
        self._rows, self._whole = [], b""

    def delta(self) -> bytes:
        """What changed since this was last asked, empty if nothing did. It fits on what came before it."""
        if not self._rows:
            return self.whole()
        drawn = bytearray()
        for number in sorted(self._emulator.changed_rows()):
            row = self._emulator.row(number)
            drawn += _changes(number, self._rows[number], row).encode()
            self._rows[number] = row
        if not drawn:
            return b""
        self._whole = b""
        return BEGIN + drawn + END

    def whole(self) -> bytes:
        """The screen as of the last `delta`, for a terminal that shows anything else."""
        if not self._whole:
            drawn = "".join(_span(number, 0, row) for number, row in enumerate(self._shown()))
            self._whole = BEGIN + b"\x1b[m\x1b[2J" + drawn.encode() + END
        return self._whole

    def cells(self, number: int) -> Row:
        """The cells of a row, from 0, as of the last `delta`."""
        return self._shown()[number]

    def row(self, number: int) -> bytes:
        """One row, from 0, as of the last `delta`, for a terminal that shows anything else in it."""
        return _span(number, 0, self._shown()[number]).encode()

    def _shown(self) -> list[Row]:
        if not self._rows:
            self._emulator.changed_rows()
            self._rows = [self._emulator.row(number) for number in range(self.size[1])]
        return self._rows


def _changes(number: int, before: Row, after: Row) -> str:
    """What makes of the row `before` the row `after`."""
    if before == after:
        return ""
    spans: list[list[int]] = []
    for column, (old, new) in enumerate(zip(before, after, strict=True)):
        if old != new:
            if spans and column - spans[-1][1] <= NEARBY:
                spans[-1][1] = column + 1
            else:
                spans.append([column, column + 1])
    return "".join(_span(number, start, after[start:end]) for start, end in spans)


def _span(number: int, start: int, cells: Row) -> str:
    """Cells of a row, from a column on.

    Terminals disagree how wide some characters are: after one that is wide or combined, the place is said anew.
    """
    drawn = [f"\x1b[{number + 1};{start + 1}H"]
    style: Style | None = None
    column = start
    for new, group in groupby(cells, _style):
        texts = [cell.data for cell in group]
        text = "".join(texts)
        if not all(map((1).__eq__, map(len, texts))):
            text = "".join(
                text if len(text) == 1 else f"{text}\x1b[{place}G" for place, text in enumerate(texts, column + 2)
            )
        drawn += (_change(style, new), text)
        style = new
        column += len(texts)
    return "".join(drawn)


def _style(cell: Char) -> Style:
    return cell[1:]


@lru_cache(maxsize=8192)
def _change(before: Style | None, after: Style) -> str:
    """The shorter way from one style to another: by what differs, or anew."""
    anew = [0, *_codes(_PLAIN, after)]
    codes = anew if before is None else min(_codes(before, after), anew, key=_length)
    return f"\x1b[{_joined(codes)}m"


def _codes(before: Style, after: Style) -> list[int]:
    codes: list[int] = []
    for old, new, table in zip(before[:2], after[:2], (_FOREGROUND, _BACKGROUND), strict=True):
        if old != new:
            codes += table.get(new) or _other(new, table)
    for was, is_on, (on, off) in zip(before[2:], after[2:], _SWITCHES, strict=True):
        if was != is_on:
            codes.append(on if is_on else off)
    return codes


def _other(colour: str, table: dict[str, list[int]]) -> list[int]:
    """A colour that is none of the 256: six digits, or what an app has got wrong."""
    try:
        red, green, blue = bytes.fromhex(colour)
    except ValueError:
        return table["default"]
    return [table[_LAST][0], 2, red, green, blue]


def _joined(codes: list[int]) -> str:
    joined = ";".join(map(str, codes))
    return "" if joined == "0" else joined


def _length(codes: list[int]) -> int:
    return len(_joined(codes))


def _table(names: dict[int, str], extended: int) -> dict[str, list[int]]:
    """Codes by pyte's name of a colour. Of two indices for one colour the later one, which no theme changes."""
    indices = {colour: [extended, 5, index] for index, colour in enumerate(graphics.FG_BG_256)}
    return indices | {name: [code] for code, name in names.items()}


_FOREGROUND = _table(graphics.FG_ANSI | graphics.FG_AIXTERM, graphics.FG_256)
_BACKGROUND = _table(graphics.BG_ANSI | graphics.BG_AIXTERM, graphics.BG_256)
_LAST = graphics.FG_BG_256[-1]
_SWITCHES = ((1, 22), (3, 23), (4, 24), (9, 29), (7, 27), (5, 25))  # in the order of pyte's cells
_PLAIN: Style = Char(" ")[1:]
