"""What a part of a condition is: a number, a text or an answer, and how parts become one."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from unrolled.conditions.condition import Apply, Constant, Program, Read
from unrolled.conditions.names import Name


class Sort(Enum):
    """What a part gives."""

    NUMBER = "number"
    TEXT = "text"
    ANSWER = "answer"


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a condition.

    Attributes:
        sort: What it gives.
        program: What is done to get it.
        position: Where it begins in the text.
        all_of: A name in it that stands for all units or features at once, if there is one.
    """

    sort: Sort
    program: Program
    position: int
    all_of: Name | None = None


def constant(value: float | str, position: int) -> Part:
    """A number or a text that stands in the condition itself."""
    return Part(Sort.TEXT if isinstance(value, str) else Sort.NUMBER, (Constant(value),), position)


def read(name: Name, index: int | None, position: int) -> Part:
    """The value of `name` at `index`, from 0, or all of its values."""
    return Part(Sort.NUMBER, (Read(name.reading(index)),), position, name if index is None else None)


def apply(function: Callable[..., Any], sort: Sort, position: int, *parts: Part) -> Part:
    """What `function` makes of `parts`."""
    program: Program = tuple(step for part in parts for step in part.program)
    return Part(sort, (*program, Apply(function, len(parts))), position, _widest(parts))


def _widest(parts: tuple[Part, ...]) -> Name | None:
    """The name in `parts` that stands for the most values at once, if there is one."""
    return max((part.all_of for part in parts if part.all_of is not None), key=lambda name: name.width, default=None)
