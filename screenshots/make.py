"""Makes the pictures and the table of keys that the README shows.

python screenshots/make.py            write them
python screenshots/make.py --check    write nothing; exit 1 if one of them is not what the app shows now
"""

import re
import sys
import tempfile
from contextlib import redirect_stdout
from io import StringIO
from itertools import zip_longest
from pathlib import Path

from unrolled_tui.cli import run
from unrolled_tui.neutral import neutral_environment

with neutral_environment():  # Textual reads its settings when it is imported
    from unrolled_tui.bindings import STEPPER_BINDINGS
    from unrolled_tui.widgets.key_line import key_name

FOLDER = Path(__file__).resolve().parent
README = FOLDER.parent / "README.md"

PICTURES: dict[str, list[str]] = {
    "stepper.svg": ["--at", "3", "--size", "120x40"],
    "phase.svg": ["--at", "3", "--size", "80x24", "--press", "comma"],
    "ledger.svg": ["--at", "3", "--size", "80x24", "--press", "enter"],
    "wiring-cut.svg": ["--at", "3", "--size", "80x24", "--press", "x"],
    "versus.svg": ["--example", "units", "--at", "3", "--size", "120x40"],
    "model.svg": [
        *("tests/formats/models/keras3/tokens.keras", "--input", "tests/formats/models/keras3/tokens.expected.npz"),
        *("--at", "3", "--size", "120x40", "--press", "l"),
    ],
    "time.svg": ["--example", "brackets", "--at", "20", "--size", "80x24", "--press", "4"],
    "memory.svg": ["--example", "brackets", "--at", "20", "--size", "80x24", "--press", "5"],
    "layer512.svg": ["--units", "512", "--text", "see what an LSTM does", "--at", "6", "--size", "120x40"],
}
"""Each picture, and the options of `unrolled screenshot` that draw it."""

_TABLE = re.compile(r"(?<=<!-- keys -->\n).*?(?=<!-- /keys -->)", re.DOTALL)


def picture(name: str) -> str:
    """What the app shows, as SVG."""
    with tempfile.TemporaryDirectory() as folder, redirect_stdout(StringIO()):
        path = Path(folder) / name
        options = [str(FOLDER.parent / each) if each.startswith("tests/") else each for each in PICTURES[name]]
        if run(["screenshot", *options, "-o", str(path)]) != 0:
            raise SystemExit(f"{name} cannot be drawn")
        return path.read_text("utf-8")


def keys_table() -> str:
    """The keys as a table, from the bindings, in three columns to be read downwards."""
    cells = [
        f"{' '.join(f'`{key_name(key)}`' for key in binding.key.split(','))} | {binding.tooltip}"
        for binding in STEPPER_BINDINGS
    ]
    third = -(-len(cells) // 3)
    rows = zip_longest(*(cells[start : start + third] for start in (0, third, 2 * third)), fillvalue=" | ")
    table = ["| key | does " * 3 + "|", "|---" * 6 + "|", *(f"| {' | '.join(row)} |" for row in rows)]
    return "\n".join([*table, ""])


def readme() -> str:
    """The README with the keys as they are now."""
    return _TABLE.sub(lambda _: keys_table(), README.read_text("utf-8"))


def contents() -> dict[Path, str]:
    """Every file, and what it should hold."""
    return {FOLDER / name: picture(name) for name in PICTURES} | {README: readme()}


def main(arguments: list[str]) -> int:
    """Writes the files, or checks them."""
    check = bool(arguments)
    old = {path: text for path, text in contents().items() if not path.exists() or path.read_text("utf-8") != text}
    for path, text in old.items():
        print(path.relative_to(FOLDER.parent), "is not what the app shows" if check else "written")
        if not check:
            path.write_text(text, "utf-8")
    return 1 if check and old else 0


if __name__ == "__main__":
    if sys.argv[1:] not in ([], ["--check"]):
        sys.exit(f"usage: python {sys.argv[0]} [--check]")
    sys.exit(main(sys.argv[1:]))
