"""Asks for a timestep."""

from unrolled_tui.screens.prompt import Prompt


class GoToScreen(Prompt[int]):
    """A prompt for a timestep, from 1."""

    def __init__(self, length: int) -> None:
        question = f"Go to timestep, 1 to {length:,}:"
        super().__init__(question, keys="enter go  esc close", longest=20, restrict="-?[0-9]*")
        self._length = length

    def submitted(self, value: str) -> None:
        """Answers, or says what is expected."""
        timestep = int(value) if value.strip("-") else 0
        if 1 <= timestep <= self._length:
            self.dismiss(timestep)
        else:
            self.say(f"expected 1 to {self._length:,}, got {value or 'nothing'}")
