"""What a served app is told when it is made, and what it returns."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from unrolled_tui.serve.stage import Stage

if TYPE_CHECKING:  # Textual reads the environment when it is imported, and the front's is not the sessions'
    from textual.app import App

FOLLOW = 75
"""The return code of an app whose user leaves it for the presenter's screen."""


@dataclass(frozen=True, slots=True)
class Part:
    """The part that an app plays in what is served.

    Attributes:
        place: Where to begin, as an app that presents told its stage; empty for the app's own beginning.
        may_follow: Whether the user may leave for the presenter's screen: the app then exits with `FOLLOW`.
        stage: What an app that presents tells the server, and hears from it.
    """

    place: str = ""
    may_follow: bool = False
    stage: Stage | None = None


AppFactory: TypeAlias = Callable[[Part], "App[Any]"]
"""Makes the app of one session, in the session's own process."""
