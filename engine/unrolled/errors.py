"""Every error that the engine raises on purpose.

Each is an `UnrolledError` and also the builtin it specialises, so that a program can catch all of them at once
or treat one like the `ValueError` it is. A message is one sentence: what was expected, what came, and where.
"""


class UnrolledError(Exception):
    """Root of every error raised on purpose by `unrolled`."""


class ShapeError(UnrolledError, ValueError):
    """Arrays whose shapes do not fit each other."""


class OptionError(UnrolledError, ValueError):
    """An option with a value outside of what it accepts, such as an unknown activation."""


class TimestepError(UnrolledError, IndexError):
    """A timestep outside of the sequence."""


class ModelFileError(UnrolledError, ValueError):
    """A model file that cannot be read as one."""


class SequenceFileError(UnrolledError, ValueError):
    """A sequence (numbers or text) that cannot be read."""


class OutputFileError(UnrolledError, OSError):
    """An output file that cannot be written, or exists already."""
