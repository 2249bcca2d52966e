"""Asks for a condition."""

import re
from typing import Any, ClassVar, NamedTuple

from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.suggester import Suggester
from textual.widgets import Input
from textual.widgets.input import Selection

from unrolled import RecurrentLayer
from unrolled.conditions import Condition, complete, finish, parse
from unrolled.errors import ConditionError
from unrolled_tui.screens.prompt import Prompt

_WORD = re.compile(r"\w+|\S")


_LONGEST = 10_000
"""Far more than a condition may have: it is the grammar that says so, and nothing is cut."""


class Asked(NamedTuple):
    """A condition, and what it is for.

    Attributes:
        condition: The condition.
        stop: Whether play mode is to stop where it holds, instead of going there now.
    """

    condition: Condition
    stop: bool


class ConditionScreen(Prompt[Asked]):
    """A prompt for a condition over what is shown.

    Args:
        layer: The layer whose names it can use.
        tokens: Whether the sequence has tokens.
        value: The condition before, to edit. Without one there stands what is most often worth knowing.
        stop: Whether it is for a breakpoint in the first place.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "complete", "complete", priority=True),
        Binding("ctrl+t", "stop", "stop there", priority=True),
    ]

    def __init__(self, layer: RecurrentLayer[Any], tokens: bool, value: str = "", stop: bool = False) -> None:
        question = "Play mode stops when, such as f[2] < 0.1:" if stop else "Run to when, such as f[2] < 0.1:"
        keys = "enter add  tab complete" if stop else "enter find  tab complete  ctrl+t breakpoint"
        super().__init__(question, value or usual(layer), f"{keys}  esc close", _Completion(layer, tokens), _LONGEST)
        self._layer, self._tokens, self._stop = layer, tokens, stop

    def on_mount(self) -> None:
        """Says what a condition can begin with, or go on."""
        self._suggest(self.answer.value)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Says what the condition can go on with."""
        self._suggest(event.value)

    def _suggest(self, text: str) -> None:
        self.say("  ".join(complete(text, self._layer, self._tokens)))

    def action_complete(self) -> None:
        """Completes the word that was begun, with the first that fits."""
        completed = completion(self.answer.value, self._layer, self._tokens)
        if completed is not None:
            self.answer.value = completed
            self.answer.cursor_position = len(completed)

    def action_stop(self) -> None:
        """Answers with a breakpoint."""
        self._answer_with(self.answer.value, stop=True)

    def submitted(self, value: str) -> None:
        """Answers, or says what is expected where."""
        self._answer_with(value, self._stop)

    def _answer_with(self, value: str, stop: bool) -> None:
        try:
            condition = parse(value.strip(), self._layer, self._tokens)
        except ConditionError as error:
            self._show(error, len(value) - len(value.lstrip()))
        else:
            self.dismiss(Asked(condition, stop))

    def _show(self, error: ConditionError, indent: int) -> None:
        """Selects the word that is wrong, so that typing replaces it, and puts a sign below it."""
        answer, start = self.answer, indent + error.position
        word = _WORD.match(answer.value, start)
        answer.selection = Selection(start, start if word is None else word.end())

        def point() -> None:
            before = cell_len(answer.value[:start]) - int(answer.scroll_offset.x)
            self.say(f"{' ' * before}^\n{error.reason}")

        self.call_after_refresh(point)  # a long condition is scrolled by then


def usual(layer: RecurrentLayer[Any]) -> str:
    """When a unit forgets: its gate that keeps the memory closes. Where there is none, when a state turns."""
    account = layer.anatomy.account
    return "h[1] changes sign" if account is None else f"any {account.keep} < 0.1"


class _Completion(Suggester):
    """Suggests what `completion` does."""

    def __init__(self, layer: RecurrentLayer[Any], tokens: bool) -> None:
        super().__init__(case_sensitive=True)
        self._layer, self._tokens = layer, tokens

    async def get_suggestion(self, value: str) -> str | None:
        """The condition with its last word completed."""
        return completion(value, self._layer, self._tokens)


def completion(text: str, layer: RecurrentLayer[Any], tokens: bool) -> str | None:
    """`text` with the word completed that was begun, or with the only word that can follow; None if there is none."""
    words = complete(text, layer, tokens)
    if not words:
        return None
    completed = finish(text, words[0])
    begun = len(completed) < len(text) + len(words[0])
    return completed if begun or len(words) == 1 else None
