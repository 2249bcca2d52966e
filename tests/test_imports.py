"""Who imports whom, at run time: the engine no screen, and a command nothing that it does not use."""

import subprocess
import sys

import pytest

CHECK = """
import sys
try:
    {statement}
except SystemExit:
    pass
loaded = {{name.partition(".")[0] for name in sys.modules}}
print(*sorted(loaded & {{"numpy", "textual", "rich", "click", "unrolled", "unrolled_tui"}}), file=sys.stderr)
"""


def loaded_by(statement: str) -> set[str]:
    """Which of the packages that matter are imported once `statement` is done."""
    program = CHECK.format(statement=statement)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stderr.splitlines()[-1].split())


def test_the_engine_knows_no_screen() -> None:
    assert loaded_by("import unrolled") == {"numpy", "unrolled"}


@pytest.mark.parametrize(
    ("arguments", "packages"),
    [
        (["--version"], {"click", "unrolled_tui"}),
        (["--help"], {"click", "unrolled_tui"}),
        (["summary"], {"click", "numpy", "unrolled", "unrolled_tui"}),
    ],
)
def test_a_command_imports_what_it_uses(arguments: list[str], packages: set[str]) -> None:
    statement = f"sys.argv[1:] = {arguments}; from unrolled_tui.cli import main; main()"
    assert loaded_by(statement) == packages


def test_bare_unrolled_needs_no_command_line_library() -> None:
    assert "click" not in loaded_by("import unrolled_tui.commands.stepper, unrolled_tui.app")


def test_a_mistake_is_told_without_waiting_for_the_screen() -> None:
    packages = loaded_by("import io; sys.stdout = io.StringIO(); from unrolled_tui.cli import run; run([])")
    assert not packages & {"textual", "rich", "click"}


def test_the_linear_algebra_gets_one_thread_unless_told_otherwise() -> None:
    program = (
        "import os, sys; sys.argv[1:] = ['--version']; os.environ['OMP_NUM_THREADS'] = '4'\n"
        "from unrolled_tui.cli import main\n"
        "try: main()\n"
        "except SystemExit: print(os.environ['OPENBLAS_NUM_THREADS'], os.environ['OMP_NUM_THREADS'])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "1 4"
