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
        self._asked: float | None = None
        self._answers = True

    def frame_sent(self) -> None:
        """Asks, after a frame."""
        if self._answers and self._ask():
            self._asked = self._clock()

    def answered(self) -> None:
        """Takes the terminal's answer."""
        self._asked = None

    def caught_up(self) -> bool:
        """Whether the last frame has arrived."""
        if self._asked is not None and self._clock() - self._asked > PATIENCE:
            self._answers, self._asked = False, None
        return self._asked is None
