"""Asks for the name of a file, and lets it be written or read."""

from collections.abc import Awaitable, Callable
from pathlib import Path

from textual import work

from unrolled import UnrolledError
from unrolled.text import printable
from unrolled_tui.saving import full_path
from unrolled_tui.screens.prompt import Prompt

Attempt = Callable[[str, bool], Awaitable[None]]
"""Writes or reads the file of a name; the second says whether one that exists is replaced."""


class FileNameScreen(Prompt[str]):
    """A prompt for a file. Answers its name, printable, once what it is for is done.

    Args:
        question: What is asked.
        value: The name that stands there already.
        attempt: What is done with the file. What goes wrong is told, and another name can be tried.
        writes: Whether the file is written: one that exists is replaced only if enter is pressed again.
    """

    def __init__(self, question: str, value: str, attempt: Attempt, writes: bool = True) -> None:
        super().__init__(question, value, f"enter {'write' if writes else 'read'}   esc close", longest=4096)
        self._attempt, self._writes = attempt, writes
        self._told_of = ""

    def submitted(self, value: str) -> None:
        """Does what the file is for, or says why not."""
        name = value.strip()
        path = full_path(name)
        if not name:
            self.say("expected the name of a file, got nothing")
        elif self._writes and path != self._told_of and _is_file(path):
            self._told_of = path
            self.say(f"{printable(name)} exists: enter again replaces it")
        else:
            self._try(path)

    @work(exclusive=True)
    async def _try(self, path: str) -> None:
        try:
            await self._attempt(path, path == self._told_of)
        except UnrolledError as error:
            self._told_of = ""
            self.say(str(error))
        else:
            self.dismiss(printable(path))


def _is_file(path: str) -> bool:
    try:
        return Path(path).is_file()
    except (OSError, ValueError):
        return False  # the attempt says what is wrong
