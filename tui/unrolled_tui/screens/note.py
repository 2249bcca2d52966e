"""Asks for a note."""

from unrolled_tui.marks import LONGEST_NOTE
from unrolled_tui.screens.prompt import Prompt


class NoteScreen(Prompt[str]):
    """A prompt for a note on something. Answers it; nothing takes the note away.

    Args:
        of: What it is on, such as "unit 2".
        note: The note that there is.
    """

    def __init__(self, of: str, note: str) -> None:
        super().__init__(f"Note on {of}:", note, "enter note   esc close", longest=LONGEST_NOTE)
        self._of = of

    def on_mount(self) -> None:
        """Says how to be rid of a note, where there is one."""
        if self.answer.value:
            self.say(f"without text {self._of} has no note")

    def submitted(self, value: str) -> None:
        """Answers."""
        self.dismiss(value)
