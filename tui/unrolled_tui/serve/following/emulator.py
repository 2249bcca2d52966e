"""What an app has drawn, kept as a terminal keeps it: `pyte.Screen`, with a reader of sequences in front of it.

pyte's own reader draws the ends of sequences that it does not know (`CSI < u`), takes some for others (`CSI > 4 m`),
and fails at some (`CSI ? 6 n`). This one knows the grammar of ECMA-48, and passes over what draws nothing.
"""

import codecs
import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache

import pyte
from pyte import modes
from pyte.screens import Char
from wcwidth import wcwidth

ALTERNATE_SCREEN, WRAPS = 1049, 7
"""The private modes that matter to what is drawn: a program's own screen, and lines that wrap."""

_TOKENS = re.compile(
    r"(?P<text>[^\x00-\x1f\x7f-\x9f]+)"
    r"|\x1b\[(?P<parameters>[0-?]*)(?P<between>[ -/]*)(?P<final>[@-~])"
    r"|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?"  # strings: OSC, DCS, SOS, PM, APC
    r"|\x1b(?P<escape>[0-OQ-WYZ`-~\\])"
    r"|\x1b[ -/]+[0-~]"
    r"|(?P<control>[\x00-\x1f\x7f-\x9f])"
)
_UNFINISHED = re.compile(r"\x1b(?:\[[0-?]{0,64}[ -/]{0,8}|[ -/]{0,8})\Z")
_STRING_BEGINS = re.compile(r"\x1b[\]PX^_][^\x07\x1b]*\x1b?\Z")
_STRING_ENDS = re.compile(r"\x07|\x1b\\|(?=\x1b[^\\])")

_SEQUENCES = {
    "@": ("insert_characters", 1),
    "A": ("cursor_up", 1),
    "B": ("cursor_down", 1),
    "C": ("cursor_forward", 1),
    "D": ("cursor_back", 1),
    "E": ("cursor_down1", 1),
    "F": ("cursor_up1", 1),
    "G": ("cursor_to_column", 1),
    "H": ("cursor_position", 2),
    "J": ("erase_in_display", 1),
    "K": ("erase_in_line", 1),
    "L": ("insert_lines", 1),
    "M": ("delete_lines", 1),
    "P": ("delete_characters", 1),
    "X": ("erase_characters", 1),
    "`": ("cursor_to_column", 1),
    "a": ("cursor_forward", 1),
    "d": ("cursor_to_line", 1),
    "e": ("cursor_down", 1),
    "f": ("cursor_position", 2),
    "m": ("select_graphic_rendition", 32),
    "r": ("set_margins", 2),
}
"""What draws, by the last character of its sequence: pyte's method, and how many numbers it takes at most."""

_ESCAPES = {
    "D": "index",
    "E": "next_line",
    "M": "reverse_index",
    "7": "save_cursor",
    "8": "restore_cursor",
    "c": "reset",
}
_CONTROLS = {
    "\b": "backspace",
    "\t": "tab",
    "\n": "linefeed",
    "\v": "linefeed",
    "\f": "linefeed",
    "\r": "carriage_return",
}
_LARGEST = 9999
_MOST_STYLES = 4096


class Emulator:
    """A screen of cells that takes an app's bytes. What it draws beside its alternate screen is passed over.

    Args:
        columns: The width.
        rows: The height.

    Attributes:
        alternate: Whether the app is on its alternate screen.
    """

    def __init__(self, columns: int, rows: int) -> None:
        self.alternate = False
        self._screen = _Screen(columns, rows)
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._rest = ""
        self._in_string = False
        screen = self._screen
        self._sequences = {final: (getattr(screen, name), most) for final, (name, most) in _SEQUENCES.items()}
        self._escapes: dict[str, Callable[[], None]] = {key: getattr(screen, name) for key, name in _ESCAPES.items()}
        self._controls: dict[str, Callable[[], None]] = {key: getattr(screen, name) for key, name in _CONTROLS.items()}

    @property
    def size(self) -> tuple[int, int]:
        """Columns and rows."""
        return self._screen.columns, self._screen.lines

    def resize(self, columns: int, rows: int) -> None:
        """Takes another size. What was drawn stays where it was."""
        for row in range(rows, self._screen.lines):  # pyte would drop rows from the top
            self._screen.buffer.pop(row, None)
        self._screen.lines = min(rows, self._screen.lines)
        self._screen.resize(rows, columns)
        self._screen.ensure_hbounds()
        self._screen.ensure_vbounds()

    def feed(self, data: bytes) -> None:
        """Takes what the app has written. A sequence or character may come in parts."""
        text = self._whole_sequences(self._rest + self._decode(data))
        for token in _TOKENS.finditer(text):
            kind = token.lastgroup
            if kind == "final":
                self._control_sequence(token["parameters"], token["between"], token["final"])
            elif not self.alternate:
                continue
            elif kind == "text":
                self._screen.draw(token["text"])
            elif kind == "escape" and token["escape"] in self._escapes:
                self._escapes[token["escape"]]()
            elif kind == "control" and token["control"] in self._controls:
                self._controls[token["control"]]()

    def changed_rows(self) -> set[int]:
        """The rows that may have changed since this was last asked."""
        changed = {row for row in self._screen.dirty if row < self._screen.lines}
        self._screen.dirty.clear()
        return changed

    def row(self, number: int) -> tuple[Char, ...]:
        """The cells of a row, from 0. Behind a wide character there is one cell without any."""
        line = self._screen.buffer[number]
        cells = tuple(map(line.__getitem__, range(self._screen.columns)))
        return cells if all(map(_is_narrow, {cell.data for cell in cells})) else _paired(cells)

    def _whole_sequences(self, text: str) -> str:
        """`text` without what ends in its middle: a sequence is kept for the next time, a string is passed over."""
        self._rest = ""
        if self._in_string:
            end = _STRING_ENDS.search(text)
            if end is None:
                self._rest = "\x1b" if text.endswith("\x1b") else ""
                return ""
            self._in_string, text = False, text[end.end() :]
        if string := _STRING_BEGINS.search(text):
            self._in_string, self._rest = True, "\x1b" if text.endswith("\x1b") else ""
            return text[: string.start()]
        if sequence := _UNFINISHED.search(text):
            self._rest = sequence[0]
            return text[: sequence.start()]
        return text

    def _control_sequence(self, parameters: str, between: str, final: str) -> None:
        private = parameters.startswith("?")
        numbers = _numbers(parameters[private:])
        if between or numbers is None:
            return
        if private:
            if final in "hl":
                self._switch(numbers, final == "h")
        elif self.alternate and final in self._sequences:
            method, most = self._sequences[final]
            method(*numbers[:most])

    def _switch(self, numbers: tuple[int, ...], on: bool) -> None:
        if WRAPS in numbers:
            (self._screen.set_mode if on else self._screen.reset_mode)(WRAPS, private=True)
        if ALTERNATE_SCREEN in numbers and on != self.alternate:
            self.alternate = on
            if on:
                self._screen.clear()


@lru_cache(maxsize=8192)
def _numbers(parameters: str) -> tuple[int, ...] | None:
    """The numbers of a sequence, 0 for one that is left out; None if there is anything else."""
    if not set(parameters) <= _NUMERIC:
        return None
    return tuple(min(int(number or 0), _LARGEST) for number in parameters.split(";"))


_NUMERIC = frozenset("0123456789;")


class _Screen(pyte.Screen):
    """pyte's screen, without what it gets wrong, and quicker at what an app does most."""

    def __init__(self, columns: int, lines: int) -> None:
        super().__init__(columns, lines)
        self._styles: dict[tuple[Char, tuple[int, ...]], Char] = {}

    def draw(self, data: str) -> None:
        """Draws text: at once what is narrow and fits in the row."""
        end = self.cursor.x + len(data)
        characters = set(data)
        if end > self.columns or modes.IRM in self.mode or not all(map(_is_narrow, characters)):
            super().draw("".join(filter(_is_drawn, data)))
            return
        cells = {character: self.cursor.attrs._replace(data=character) for character in characters}
        line = self.buffer[self.cursor.y]
        for column, character in enumerate(data, self.cursor.x):
            line[column] = cells[character]
        self.cursor.x = end
        self.dirty.add(self.cursor.y)

    def select_graphic_rendition(self, *attrs: int) -> None:
        """Changes the style; an app has few, and changes them often."""
        change = (self.cursor.attrs, attrs)
        known = self._styles.get(change)
        if known is None:
            super().select_graphic_rendition(*attrs)
            if len(self._styles) >= _MOST_STYLES:
                self._styles.clear()
            self._styles[change] = self.cursor.attrs
        else:
            self.cursor.attrs = known

    def clear(self) -> None:
        """Empties the screen, as the alternate one is when it is taken."""
        self.buffer.clear()
        self.dirty.update(range(self.lines))
        self.cursor_position()

    def next_line(self) -> None:
        """Goes to the beginning of the next row. pyte only goes down."""
        self.carriage_return()
        self.linefeed()

    def save_cursor(self) -> None:
        """Keeps where the cursor is, once, as terminals do. pyte would keep all."""
        self.savepoints.clear()
        super().save_cursor()

    def erase_in_display(self, how: int = 0, *_: object) -> None:
        """Erases, if there is such a way to."""
        if how <= 3:
            super().erase_in_display(how)

    def erase_in_line(self, how: int = 0, private: bool = False) -> None:
        """Erases, if there is such a way to."""
        if how <= 2:
            super().erase_in_line(how, private)


@lru_cache(maxsize=8192)
def _is_narrow(text: str) -> bool:
    """Whether a cell's text is one character of one column."""
    return len(text) == 1 and wcwidth(text) == 1


@lru_cache(maxsize=8192)
def _is_drawn(char: str) -> bool:
    """Whether anything is drawn for a character. pyte stops at one for which there is not."""
    return wcwidth(char) > 0 or unicodedata.combining(char) > 0


def _paired(cells: tuple[Char, ...]) -> tuple[Char, ...]:
    """Puts an empty cell behind each wide character, and a blank for what has lost one of its two."""
    paired: list[Char] = []
    for position, cell in enumerate(cells):
        if len(paired) > position:
            continue
        width = wcwidth(cell.data[0]) if cell.data else 0
        if width == 2 and position + 1 < len(cells) and _is_stub(cells[position + 1]):
            paired += [cell, cell._replace(data="")]
        else:
            paired.append(cell if width == 1 else cell._replace(data=" "))
    return tuple(paired)


def _is_stub(cell: Char) -> bool:
    return not cell.data or wcwidth(cell.data[0]) == 0
