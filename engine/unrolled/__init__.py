"""Recurrent layers in NumPy that show every gate, c_t and h_t of every unit, timestep by timestep.

Example:
    >>> import unrolled
    >>> layer = unrolled.LSTM.initialize(units=3, features=1, seed=7)
    >>> for step in layer.unroll([[1.0], [2.0], [3.0], [4.0]]):
    ...     print(step.t, step.f, step.c, step.h)
"""

from unrolled.activations import ACTIVATIONS
from unrolled.errors import (
    ModelFileError,
    OptionError,
    OutputFileError,
    SequenceFileError,
    ShapeError,
    TimestepError,
    UnrolledError,
)
from unrolled.layer import RecurrentLayer
from unrolled.lstm import LSTM
from unrolled.parameters import Convention, Tally, tally
from unrolled.run import Run
from unrolled.step import LSTMStep, Step
from unrolled.trace import LSTMTrace, Trace
from unrolled.walk import Walk

__all__ = [
    "ACTIVATIONS",
    "LSTM",
    "Convention",
    "LSTMStep",
    "LSTMTrace",
    "ModelFileError",
    "OptionError",
    "OutputFileError",
    "RecurrentLayer",
    "Run",
    "SequenceFileError",
    "ShapeError",
    "Step",
    "Tally",
    "TimestepError",
    "Trace",
    "UnrolledError",
    "Walk",
    "tally",
]
