"""What commands print on standard output: tables, and text in whatever characters can be written there."""

import sys
from collections.abc import Iterator, Sequence
from unicodedata import category, east_asian_width

from unrolled_tui.characters import ASCII
from unrolled_tui.terminal import speaks_utf8

_WITHOUT_WIDTH = ("Mn", "Me", "Cf")


def say(text: str) -> None:
    """Prints text, in ASCII where standard output can write no more."""
    print(text if speaks_utf8(sys.stdout) else plain(text))


def plain(text: str) -> str:
    """The same in ASCII."""
    short = text.replace(" · ", ", ").replace("·", "*").translate(ASCII)
    return short.encode("ascii", "backslashreplace").decode()


def aligned(rows: Sequence[Sequence[str]], left: int = 1) -> Iterator[str]:
    """Rows as lines: the first `left` columns begin below each other, the others end so."""
    widths = [max(map(cells, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        gaps = [" " * (width - cells(cell)) for cell, width in zip(row, widths, strict=True)]
        pairs = enumerate(zip(row, gaps, strict=True))
        yield "  ".join(cell + gap if number < left else gap + cell for number, (cell, gap) in pairs).rstrip()


def cells(text: str) -> int:
    """How many cells of a terminal a text takes."""
    return sum(
        0 if category(character) in _WITHOUT_WIDTH else 2 if east_asian_width(character) in "WF" else 1
        for character in text
    )


def many(count: int, noun: str) -> str:
    """A number of things, such as 1 unit or 2 units."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
