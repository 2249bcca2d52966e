"""Every error that the engine raises on purpose.

Each is an `UnrolledError` and also the builtin it specialises, so that a program can catch all of them at once
or treat one like the `ValueError` it is. A message is one sentence: what was expected, what came, and where.
"""

from unrolled.text import printable


class UnrolledError(Exception):
    """Root of every error raised on purpose by `unrolled`."""


class ShapeError(UnrolledError, ValueError):
    """Arrays whose shapes do not fit each other."""


class OptionError(UnrolledError, ValueError):
    """An option with a value outside of what it accepts, such as an unknown activation."""


class TimestepError(UnrolledError, IndexError):
    """A timestep outside of the sequence."""


class ConditionError(UnrolledError, ValueError):
    """A condition that cannot be understood.

    Args:
        text: The condition.
        position: Where in it, from 0.
        expected: What could have stood there.
        got: What stands there, printable.
    """

    def __init__(self, text: str, position: int, expected: str, got: str) -> None:
        super().__init__(text, position, expected, got)
        self.position = position
        self.reason = f"expected {expected}, got {got}"

    def __str__(self) -> str:
        return f'condition "{printable(self.args[0], 100)}", character {self.position + 1:,}: {self.reason}'


class ModelFileError(UnrolledError, ValueError):
    """A model file that cannot be read as one."""


class SequenceFileError(UnrolledError, ValueError):
    """A sequence (numbers or text) that cannot be read."""


class OutputFileError(UnrolledError, OSError):
    """An output file that cannot be written, or exists already."""
