"""A condition that was read, and its arithmetic: over all timesteps of a stretch at once."""

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from unrolled.conditions.names import Reading
from unrolled.trace import Trace

Booleans: TypeAlias = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Constant:
    """Puts a value on the stack: a Python number, which takes the precision of the arrays that it meets, or a text."""

    value: float | str


@dataclass(frozen=True, slots=True)
class Read:
    """Puts what a name stands for on the stack."""

    reading: Reading


@dataclass(frozen=True, slots=True)
class Apply:
    """Replaces the last values on the stack with what a function makes of them."""

    function: Callable[..., Any]
    values: int


Program: TypeAlias = tuple[Constant | Read | Apply, ...]
"""A condition in postfix order: no text, however deep, can use up the stack of calls."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What is asked of a timestep. Two are equal if their texts are.

    Attributes:
        text: As it was written.
        program: What is done to find out.
        before: How many timesteps before a timestep have to be known: 1 if the condition says `changes`, else 0.
    """

    text: str
    program: Program = field(compare=False, repr=False)
    before: int = field(compare=False, repr=False)

    @np.errstate(all="ignore")  # what is not finite goes on as such, as it does in the layer
    def test(self, window: Sequence[Trace[Any]], tokens: Sequence[str] = (), timesteps: Sequence[int] = ()) -> Booleans:
        """Whether each timestep fulfils the condition.

        Args:
            window: Traces that follow each other, as `Run.window` gives them, of a single sequence of the layer that
                the condition was read for. `changes` is False in the first row: `within` gives one more before it.
            tokens: What each timestep of the whole sequence stands for, as shown: `InputSequence.labels`.
            timesteps: Which timestep, from 0, each row of the whole run is about, if that is not its own number.

        Returns:
            As many as the window has timesteps.
        """
        length = sum(map(len, window))
        if not length:
            return np.zeros(0, np.bool_)
        stack: list[Any] = []
        for part in self.program:
            match part:
                case Constant(value):
                    stack.append(value)
                case Read(reading):
                    stack.append(reading(window, tokens, timesteps))
                case Apply(function, values):
                    stack[-values:] = [function(*stack[-values:])]
        return np.broadcast_to(stack.pop(), (length, 1))[:, 0].astype(np.bool_)


def differs(one: Any, other: Any) -> Any:
    """Whether two numbers differ; unlike `!=`, False where one is not a number."""
    return (one < other) | (one > other)


def changes(values: Any) -> Any:
    """Whether a number differs from that of the timestep before."""
    return _with_the_one_before(values, differs)


def text_changes(values: Any) -> Any:
    """Whether a text differs from that of the timestep before."""
    return _with_the_one_before(values, operator.ne)


def changes_sign(values: Any) -> Any:
    """Whether exactly one of a number and that of the timestep before is negative."""
    return _with_the_one_before(values, lambda one, other: ((one < 0) & (other >= 0)) | ((one >= 0) & (other < 0)))


def _with_the_one_before(values: Any, compare: Callable[[Any, Any], Any]) -> Any:
    if not isinstance(values, np.ndarray):
        return False  # a constant
    answers = np.zeros(values.shape, np.bool_)
    answers[1:] = compare(values[1:], values[:-1])
    return answers


def any_of(answers: Any) -> Any:
    """Whether one unit or more does."""
    return answers.any(axis=1, keepdims=True)


def all_of(answers: Any) -> Any:
    """Whether every unit does."""
    return answers.all(axis=1, keepdims=True)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": differs,
    "and": np.logical_and,
    "or": np.logical_or,
    "not": np.logical_not,
    "any": any_of,
    "all": all_of,
    "abs": abs,
    "negative": operator.neg,
    "changes": changes,
    "changes sign": changes_sign,
}
"""What numbers and answers go through, by the word for it."""

TEXT_FUNCTIONS: dict[str, Callable[..., Any]] = {"==": operator.eq, "!=": operator.ne, "changes": text_changes}
"""What texts go through."""

LOOKING_BACK = (changes, text_changes, changes_sign)
"""What has to know the timestep before."""
