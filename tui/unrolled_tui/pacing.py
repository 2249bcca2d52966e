"""Play mode at the pace of the line: no timestep before the terminal has shown the one before.

After a frame the terminal is asked where its cursor is, and its answer says that the frame has arrived. So a slow line
shows fewer frames, and never old ones after a stop. A terminal that does not answer is not asked again.
"""

from collections.abc import Callable

PATIENCE = 3.0
"""Seconds after which a terminal is taken for one that does not answer."""


class Pace:
    """Whether the terminal has caught up.

    Args:
        ask: Asks the terminal for an answer, and returns whether there is a terminal to ask.
        clock: The seconds that have passed.
    """

    def __init__(self, ask: Callable[[], bool], clock: Callable[[], float]) -> None:
        self._ask, self._clock = ask, clock
        self._begun = 0.0
        self._coming = False
        self._asked = 0
        self._answers = True

    def frame_begun(self) -> None:
        """Expects a frame."""
        self._begun, self._coming = self._clock(), True

    def frame_sent(self) -> None:
        """Asks, once the expected frame is on its way."""
        if self._coming:
            self._coming = False
            self._asked += self._answers and self._ask()

    def answered(self) -> None:
        """Takes one of the terminal's answers."""
        self._asked = max(0, self._asked - 1)

    def caught_up(self) -> bool:
        """Whether the last frame has arrived, or will not."""
        if self._clock() - self._begun > PATIENCE:
            self._answers = self._answers and not self._asked
            self._asked, self._coming = 0, False
        return not self._coming and not self._asked
