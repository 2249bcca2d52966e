"""A small prompt: a question, a line to answer it, and below why an answer is none."""

from typing import ClassVar, Generic, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.events import Key
from textual.screen import ModalScreen
from textual.suggester import Suggester
from textual.widgets import Input, Label

AnswerT = TypeVar("AnswerT")


class Prompt(ModalScreen[AnswerT | None], Generic[AnswerT]):
    """A prompt for a line of text, of which each kind makes its answer. Answers None if it was left.

    Args:
        question: What is asked.
        value: What stands there already: typing replaces it, and an arrow key begins to edit it.
        keys: What its keys do.
        suggester: How an answer that was begun may go on.
        longest: The most characters of an answer.
        restrict: What can be typed, as a regular expression.

    Attributes:
        answer: The line to answer in.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "close")]

    DEFAULT_CSS = """
    Prompt { align: center middle; }
    Prompt Vertical { width: 76; max-width: 100%; height: auto; padding: 1 2; background: $panel; }
    Prompt Input, Prompt Input:focus { border: none; height: 1; padding: 0; }
    Prompt Label { width: 100%; }
    Prompt #below { height: 3; }
    Prompt #keys { color: $text-muted; height: 1; }
    """

    def __init__(
        self,
        question: str,
        value: str = "",
        keys: str = "",
        suggester: Suggester | None = None,
        longest: int = 500,
        restrict: str | None = None,
    ) -> None:
        super().__init__()
        self._question, self._keys = question, keys
        self.answer = Input(value, suggester=suggester, max_length=longest, restrict=restrict, select_on_focus=False)
        self._below = Label("", id="below", markup=False)

    def on_mount(self) -> None:
        """Selects what stands there, once: where the focus came later, it would select what was typed by then."""
        self.answer.select_all()

    def compose(self) -> ComposeResult:
        """The question, the answer, room for what there is to say about it, and the keys."""
        with Vertical():
            yield Label(self._question, markup=False)
            yield self.answer
            yield self._below
            yield Label(self._keys, id="keys", markup=False)

    def say(self, text: str) -> None:
        """Says something about the answer."""
        self._below.update(text)

    async def on_key(self, event: Key) -> None:
        """Hands on what was typed before the prompt had the focus."""
        answer = self.answer
        if answer.has_focus:
            return
        if event.key == "enter":
            event.stop()
            await answer.action_submit()
        elif event.is_printable and event.character is not None:
            event.stop()
            answer.replace(event.character, *answer.selection)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Answers, or says why it is none."""
        event.stop()
        if self.is_active:  # a second enter may come before the first one has closed it
            self.submitted(event.value)

    def submitted(self, value: str) -> None:
        """What happens to an answer."""
