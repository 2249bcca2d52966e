"""The README is true: its pictures, its keys, its commands with what they print, and its Python."""

import re
import runpy
import shlex
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from unrolled import LSTM, tally
from unrolled_tui.bindings import STEPPER_BINDINGS
from unrolled_tui.cli import run
from unrolled_tui.widgets.key_line import key_name

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text("utf-8")
MAKE: dict[str, Any] = runpy.run_path(str(ROOT / "screenshots" / "make.py"))


def blocks(language: str) -> list[str]:
    """The blocks of code in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


def test_it_is_short() -> None:
    assert len(README.splitlines()) < 250


@pytest.mark.parametrize("name", MAKE["PICTURES"])
def test_a_picture_is_what_the_app_shows(name: str) -> None:
    assert (ROOT / "screenshots" / name).read_text("utf-8") == MAKE["picture"](name), "run python screenshots/make.py"


def test_every_picture_is_shown_and_there_is_no_other() -> None:
    shown = re.findall(r"!\[[^]]+]\(screenshots/([^)]+)\)", README)
    assert sorted(shown) == sorted(MAKE["PICTURES"]) == sorted(path.name for path in ROOT.glob("screenshots/*.svg"))


def test_the_keys_are_those_of_the_app() -> None:
    assert MAKE["readme"]() == README, "run python screenshots/make.py"
    table = " | ".join(re.findall(r"^\| (.*) \|$", README, re.MULTILINE))
    for binding in STEPPER_BINDINGS:
        keys = " ".join(f"`{key_name(key)}`" for key in binding.key.split(","))
        assert f"{keys} | {binding.tooltip}" in table


def test_checking_the_pictures_says_which_one_is_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    names = MAKE["main"].__globals__
    folder, readme = tmp_path / "screenshots", tmp_path / "README.md"
    folder.mkdir()
    readme.write_text("<!-- keys -->\nold\n<!-- /keys -->\n", "utf-8")
    for name, value in (
        ("FOLDER", folder),
        ("README", readme),
        ("PICTURES", {"small.svg": ["--size", "60x16"]}),
    ):
        monkeypatch.setitem(names, name, value)
    assert MAKE["main"](["--check"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "screenshots/small.svg is not what the app shows",
        "README.md is not what the app shows",
    ]
    assert not (folder / "small.svg").exists()
    assert MAKE["main"]([]) == 0
    assert capsys.readouterr().out.splitlines() == ["screenshots/small.svg written", "README.md written"]
    assert MAKE["main"](["--check"]) == 0


def test_the_commands_print_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for block in blocks("console"):
        for part in block.split("$ ")[1:]:
            command, _, printed = part.partition("\n")
            program, *arguments = shlex.split(command)
            assert program == "unrolled"
            assert run(arguments) == 0
            assert capsys.readouterr().out.strip() == printed.strip()


def test_the_commands_for_a_terminal_are_understood() -> None:
    lines = [line for block in blocks("sh") if "--input" in block for line in block.splitlines()]
    assert len(lines) > 5
    for line in lines:
        command = line.partition("#")[0].rpartition("|")[2]
        program, *arguments = shlex.split(command)
        assert program == "unrolled"
        assert run([*arguments, "--help"]) == 0


def test_the_python_prints_what_it_says() -> None:
    (code,), (printed,) = blocks("python"), blocks("text")
    said = StringIO()
    with redirect_stdout(said):
        exec(compile(code, "README.md", "exec"), {})  # noqa: S102  # it is our own
    assert said.getvalue() == printed


@pytest.mark.parametrize(
    ("units", "features", "told"),
    [
        (1, 1, r"one unit that reads one feature has (\d+)(?=.*added: (\d+),)"),
        (3, 1, r"three units have (\d+)(?=.*added: \d+, (\d+) and)"),
        (3, 2, r"with two features (\d+)(?=.*added: \d+, \d+ and (\d+)\.)"),
    ],
)
def test_the_parameters_are_counted_right(units: int, features: int, told: str) -> None:
    counted = tally(LSTM.initialize(units, features, seed=0))
    found = re.search(told, " ".join(README.split()))
    assert found is not None
    assert [each.total for each in counted.conventions] == [int(number) for number in found.groups()]


def test_the_two_commands_that_set_everything_up() -> None:
    assert blocks("sh")[0].strip() == "python -m pip install . && unrolled"
    assert blocks("sh")[-1].strip() == "python -m pip install -e '.[dev]' && python -m pytest"


@pytest.mark.parametrize("name", ["README.md", "CHANGELOG.md"])
def test_the_files_that_it_names_are_there(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    for path in re.findall(r"`((?:engine|tui|tests|screenshots|\.ci)/[\w./]+)`", text):
        assert (ROOT / path).exists(), path
