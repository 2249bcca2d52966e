"""Runs command lines in this process, and says how they ended."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from unrolled_tui import cli


@dataclass(frozen=True)
class Outcome:
    """How a command line ended, and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def sentence(self) -> str:
        """The one printable line on standard error, of a command line that failed as it should."""
        assert self.code == 1, self
        line, end, rest = self.err.partition("\n")
        assert line.startswith("unrolled: ")
        assert (end, rest) == ("\n", "")
        assert line.isprintable()
        return line.removeprefix("unrolled: ")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    def run_it(*arguments: object) -> Outcome:
        code = cli.run([str(argument) for argument in arguments])
        return Outcome(code, *capsys.readouterr())

    return run_it
