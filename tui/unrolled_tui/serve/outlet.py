"""What stands between a person's terminal and what is shown on it."""

from typing import Protocol


class Outlet(Protocol):
    """A person's terminal, as a channel that takes bytes."""

    def write(self, data: bytes) -> None:
        """Sends bytes. They are kept until the line takes them: look at `full` first."""

    @property
    def full(self) -> bool:
        """Whether the line is slow and no more should be written now; `Showing.resume` is called when it takes more."""

    def hold(self) -> None:
        """Takes no more keys for now."""

    def let_go(self) -> None:
        """Takes keys again."""


class Showing(Protocol):
    """What is shown on a terminal: a program of its own, or the presenter's screen."""

    def keys(self, data: bytes) -> None:
        """Takes what the person typed, and what the terminal answered."""

    def resize(self, columns: int, rows: int) -> None:
        """Takes the terminal's new size."""

    def resume(self) -> None:
        """Goes on writing: the line takes bytes again."""

    def leave(self) -> None:
        """Ends: the person is gone."""
