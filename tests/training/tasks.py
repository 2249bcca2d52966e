"""What the layers of the shipped examples are trained to do: texts to read, and the answer after each symbol.

The answers are counted here from the text alone, so they judge a layer without knowing one.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from unrolled.arrays import Array

DEEPEST, DEEP = 5, 3
"""No text of brackets is deeper than the first; a group that gets as deep as the second is a deep one."""


@dataclass(frozen=True, slots=True)
class Task:
    """What there is to learn.

    Attributes:
        symbols: What is read, one feature each, one-hot.
        shown: The text that is shipped.
        classes: The possible answers.
        draw: A fresh text of so many symbols.
        answers: The answer after each symbol of a text.
        signal: A number after each symbol, which the c of a unit may follow.
    """

    symbols: str
    shown: str
    classes: tuple[str, ...]
    draw: Callable[[np.random.Generator, int], str]
    answers: Callable[[str], list[str]]
    signal: Callable[[str], list[int]]

    def batch(self, generator: np.random.Generator, count: int, length: int) -> tuple[list[str], Array, Array]:
        """Fresh texts, what they are one-hot, (T, count, features), and their answers as indices, (T, count)."""
        texts = [self.draw(generator, length) for _ in range(count)]
        read = np.array([[self.symbols.index(symbol) for symbol in text] for text in texts]).T
        answers = np.array([[self.classes.index(answer) for answer in self.answers(text)] for text in texts]).T
        return texts, np.eye(len(self.symbols), dtype=np.float32)[read], answers

    def followed(self, texts: list[str]) -> Array:
        """The signal of some texts, (T, count)."""
        return np.array([self.signal(text) for text in texts]).T


def depths(text: Iterable[str]) -> list[int]:
    """How many brackets are open after each one."""
    return list(accumulate(1 if symbol == "(" else -1 for symbol in text))


def deep_groups(text: str) -> list[int]:
    """1 while the group that is open (since the depth was 0) has been deep, else 0."""
    flags = [0]
    for depth in depths(text):
        flags.append(int(depth >= DEEP or (depth > 0 and flags[-1] == 1)))
    return flags[1:]


def odd(text: str) -> list[int]:
    """1 while the number of 1s so far is odd, else 0."""
    return [ones % 2 for ones in accumulate(map(int, text))]


def _nesting(text: str) -> list[str]:
    return [
        f"{depth} deep" if deep else str(depth) for depth, deep in zip(depths(text), deep_groups(text), strict=True)
    ]


def _brackets(generator: np.random.Generator, length: int) -> Iterator[str]:
    """Never closes what is not open. Half of the texts like to go deep, so that every depth is seen."""
    opens = generator.choice([0.5, 0.65])
    depth = 0
    for _ in range(length):
        up = depth == 0 or (depth < DEEPEST and generator.random() < opens)
        depth += 1 if up else -1
        yield "(" if up else ")"


def _any_of(symbols: str) -> Callable[[np.random.Generator, int], str]:
    return lambda generator, length: "".join(generator.choice(list(symbols), length))


TASKS = {
    "brackets": Task(
        symbols="()",
        shown="(()())((())())()(((()(()))()))(()())()((((()))(()()))())",
        classes=("0", "1", "2", *(f"{depth} deep" for depth in range(1, DEEPEST + 1))),
        draw=lambda generator, length: "".join(_brackets(generator, length)),
        answers=_nesting,
        signal=depths,
    ),
    "first": Task(
        symbols="abxyz",
        shown="bxzyyxzxyzzyxxzyzxyyxzzxyxzyyzx",
        classes=("a", "b"),
        draw=lambda generator, length: generator.choice(["a", "b"]) + _any_of("xyz")(generator, length - 1),
        answers=lambda text: [text[0]] * len(text),
        signal=lambda text: [int(text[0] == "b")] * len(text),
    ),
    "parity": Task(
        symbols="01",
        shown="0010110001110100100000101100",
        classes=("even", "odd"),
        draw=_any_of("01"),
        answers=lambda text: ["odd" if flag else "even" for flag in odd(text)],
        signal=odd,
    ),
}
