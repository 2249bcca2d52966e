"""Steps: everything that happened at one timestep, as an immutable record.

`…` below is any leading batch shape, usually none. The arrays of a step are read-only.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields, make_dataclass
from functools import cache
from typing import Any, TypeVar

from unrolled.arrays import Array, State


@dataclass(frozen=True, eq=False, slots=True)
class Step:
    """What every cell's step holds.

    Attributes:
        t: The timestep, counted from 0.
        x: The input x_t, shape (…, features).
        h_previous: The hidden state h_(t-1), shape (…, units).
        pre_activations: What adds up in each gate, before any clip and the activation: W·x_t + U·h_(t-1) + b and what
            else the cell has there, shape (gates, …, units), in the cell's order of gates.
        h: The hidden state h_t, shape (…, units).
    """

    t: int
    x: Array
    h_previous: Array
    pre_activations: Array
    h: Array

    @property
    def state(self) -> State:
        """What the next timestep starts from."""
        return (self.h,)


@dataclass(frozen=True, eq=False, slots=True)
class LSTMStep(Step):
    """One timestep of an LSTM (Hochreiter and Schmidhuber, 1997; Gers et al., 2000). Every shape is (…, units).

    Attributes:
        c_previous: The cell state c_(t-1).
        i: The input gate: how much of the candidate is written.
        f: The forget gate: how much of the old cell state is kept.
        g: The candidate: what would be written.
        o: The output gate: how much of the cell state is shown.
        c: The cell state c_t = f·c_(t-1) + i·g.
        tanh_c: The activation of c_t, which the output gate lets through: h_t = o·tanh(c_t).
    """

    c_previous: Array
    i: Array
    f: Array
    g: Array
    o: Array
    c: Array
    tanh_c: Array

    @property
    def z(self) -> Array:
        """The pre-activations, as the mathematics writes them."""
        return self.pre_activations

    @property
    def state(self) -> State:
        """(h_t, c_t): what the next timestep starts from."""
        return (self.h, self.c)


@dataclass(frozen=True, eq=False, slots=True)
class ProjectedLSTMStep(LSTMStep):
    """One timestep of an LSTM with a projection (Sak et al., 2014), whose h_t has a shape of its own.

    Attributes:
        m: What each unit puts out before the projection, o·tanh(c_t), shape (…, units).
    """

    m: Array


@dataclass(frozen=True, eq=False, slots=True)
class GRUStep(Step):
    """One timestep of a GRU (Cho et al., 2014). Every shape is (…, units).

    Attributes:
        z: The update gate: how much of the old hidden state is kept. The pre-activations are `pre_activations`.
        r: The reset gate: how much of the old hidden state the candidate reads.
        n: The candidate: what would be written.
    """

    z: Array
    r: Array
    n: Array


@dataclass(frozen=True, eq=False, slots=True)
class SimpleRNNStep(Step):
    """One timestep of a simple recurrent layer (Elman, 1990)."""

    @property
    def z(self) -> Array:
        """The pre-activations, as the mathematics writes them."""
        return self.pre_activations


StepT = TypeVar("StepT", bound=Step)


@cache
def maker(kind: type[StepT]) -> Callable[..., StepT]:
    """What makes a `kind` as `kind(…)` does, in a third of the time.

    A frozen dataclass fills itself through a function call for each field, which takes as long as five NumPy calls.
    This fills a class with the same slots that is not frozen, and then gives the object its true class.
    """
    plain = make_dataclass(kind.__name__, [field.name for field in fields(kind)])
    open_to_writing = {"__setattr__": object.__setattr__, "__delattr__": object.__delattr__}
    slots = {"__slots__": vars(kind)["__slots__"], "__init__": vars(plain)["__init__"]}
    unfrozen: Any = type(kind.__name__, kind.__bases__, open_to_writing | slots)

    def make(*values: Any) -> StepT:
        step = unfrozen(*values)
        step.__class__ = kind
        return step  # type: ignore[no-any-return]  # the line above makes it a `kind`

    return make
