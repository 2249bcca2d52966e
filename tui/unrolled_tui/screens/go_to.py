"""Asks for a timestep."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.events import Key
from textual.screen import ModalScreen
from textual.validation import Integer
from textual.widgets import Input, Label


class GoToScreen(ModalScreen[int | None]):
    """A prompt for a timestep, from 1. Answers None if it was left."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "close")]

    DEFAULT_CSS = """
    GoToScreen { align: center middle; }
    GoToScreen Vertical { width: 44; height: auto; padding: 1 2; background: $panel; }
    GoToScreen Input, GoToScreen Input:focus, GoToScreen Input.-invalid, GoToScreen Input.-invalid:focus {
        border: none; height: 1; padding: 0;
    }
    """

    def __init__(self, length: int) -> None:
        super().__init__()
        self._length = length

    def compose(self) -> ComposeResult:
        """The question, the answer, and why it is not one."""
        with Vertical():
            yield Label(f"Go to timestep, 1 to {self._length:,}:")
            yield Input(type="integer", validate_on=["submitted"], validators=[Integer(1, self._length)])
            yield Label("", id="why")

    async def on_key(self, event: Key) -> None:
        """Hands on what was typed before the prompt had the focus."""
        answer = self.query_one(Input)
        if not answer.has_focus and event.character is not None:
            event.stop()
            if event.key == "enter":
                await answer.action_submit()
            elif event.is_printable:
                answer.insert_text_at_cursor(event.character)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Answers, or says what is expected."""
        if event.validation_result is not None and event.validation_result.is_valid:
            self.dismiss(int(event.value))
        else:
            self.query_one("#why", Label).update(f"expected 1 to {self._length:,}, got {event.value or 'nothing'}")
