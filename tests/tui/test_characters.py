"""Drawings where the locale has no UTF-8."""

import ast
from pathlib import Path

import pytest

import unrolled
import unrolled_tui
from unrolled_tui.characters import ASCII, in_ascii
from unrolled_tui.renderables.bar import bar
from unrolled_tui.renderables.frame import framed
from unrolled_tui.renderables.spans import line, text_of


def _texts(path: Path) -> set[str]:
    """The characters outside of ASCII in the strings of a module, without its docstrings."""
    tree = ast.parse(path.read_text("utf-8"))
    told = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    strings = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told
    ]
    return {character for string in strings for character in string if not character.isascii()}


_DRAWN_FROM = [
    *sorted(
        path for folder in unrolled_tui.__path__ for path in Path(folder).rglob("*.py") if path.name != "characters.py"
    ),
    *(Path(folder) / name for folder in unrolled.__path__ for name in ("lstm.py", "parameters.py")),
]


@pytest.mark.parametrize("path", [path for path in _DRAWN_FROM if _texts(path)], ids=lambda path: path.stem)
def test_every_character_that_is_drawn_has_one_in_ascii(path: Path) -> None:
    assert {character for character in _texts(path) if ord(character) not in ASCII} == set()


def test_a_character_in_ascii_takes_one_cell() -> None:
    assert {len(str(drawn)) for drawn in ASCII.values()} == {1}
    assert all(str(drawn).isascii() for drawn in ASCII.values())


def test_bars_and_frames_in_ascii() -> None:
    assert bar(0.5625, 0, 1, 8).translate(ASCII) == "####=   "
    assert bar(-1.5, -1, 1, 9).translate(ASCII) == "<###|    "
    assert text_of(framed((line("a"),), 9, line("b"))).translate(ASCII).splitlines() == [
        "+- b ---+",
        "|a      |",
        "+-------+",
    ]


def test_what_multiplies_is_a_star_in_ascii_and_what_separates_is_not() -> None:
    assert in_ascii("0.5·(-0.7) = -0.35") == "0.5*(-0.7) = -0.35"
    assert in_ascii("4·3·(1 + 3 + 1)") == "4*3*(1 + 3 + 1)"
    assert in_ascii("LSTM · 3 units") == "LSTM . 3 units"


def test_what_has_no_ascii_keeps_its_cells() -> None:
    assert in_ascii("naïve 日本 e\u0301") == "na?ve ???? e"
