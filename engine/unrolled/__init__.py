"""Recurrent layers in NumPy that show every gate, c_t and h_t of every unit, timestep by timestep.

Example:
    >>> import unrolled
    >>> layer = unrolled.LSTM.initialize(units=3, features=1, seed=7)
    >>> for step in layer.unroll([[1.0], [2.0], [3.0], [4.0]]):
    ...     print(step.t, step.f, step.c, step.h)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from unrolled.activations import ACTIVATIONS
from unrolled.compare import Parting, find_parting
from unrolled.errors import (
    ConditionError,
    ModelFileError,
    OptionError,
    OutputFileError,
    SequenceFileError,
    ShapeError,
    TimestepError,
    UnrolledError,
)
from unrolled.layer import RecurrentLayer
from unrolled.ledger import Ledger, ledger
from unrolled.lstm import LSTM
from unrolled.memory import Memory, MemoryTriangle, half_life, memory, memory_triangle
from unrolled.parameters import Convention, Tally, tally
from unrolled.run import Run
from unrolled.sequences import InputSequence
from unrolled.step import GRUStep, LSTMStep, SimpleRNNStep, Step
from unrolled.trace import GRUTrace, LSTMTrace, SimpleRNNTrace, Trace
from unrolled.walk import Walk
from unrolled.wiring import WireCount, count_wires

if TYPE_CHECKING:
    from unrolled.choices import Choices
    from unrolled.export import write_trace
    from unrolled.formats import Model, load
    from unrolled.gru import GRU
    from unrolled.reading import read_sequence
    from unrolled.simple_rnn import SimpleRNN

__all__ = [
    "ACTIVATIONS",
    "GRU",
    "LSTM",
    "Choices",
    "ConditionError",
    "Convention",
    "GRUStep",
    "GRUTrace",
    "InputSequence",
    "LSTMStep",
    "LSTMTrace",
    "Ledger",
    "Memory",
    "MemoryTriangle",
    "Model",
    "ModelFileError",
    "OptionError",
    "OutputFileError",
    "Parting",
    "RecurrentLayer",
    "Run",
    "SequenceFileError",
    "ShapeError",
    "SimpleRNN",
    "SimpleRNNStep",
    "SimpleRNNTrace",
    "Step",
    "Tally",
    "TimestepError",
    "Trace",
    "UnrolledError",
    "Walk",
    "WireCount",
    "count_wires",
    "find_parting",
    "half_life",
    "ledger",
    "load",
    "memory",
    "memory_triangle",
    "read_sequence",
    "tally",
    "write_trace",
]

_LATER = {
    "Choices": "unrolled.choices",
    "GRU": "unrolled.gru",
    "Model": "unrolled.formats",
    "SimpleRNN": "unrolled.simple_rnn",
    "load": "unrolled.formats",
    "read_sequence": "unrolled.reading",
    "write_trace": "unrolled.export",
}
"""What is imported when it is first used: an LSTM that reads numbers needs none of it."""


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(import_module(_LATER[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
