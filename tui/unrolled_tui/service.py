"""How a session is given to its user: as one's own, or as one of many that a server gives."""

from dataclasses import dataclass

_WITH_FILES = frozenset({"export", "write", "read", "screenshot"})
"""The actions that write or read a file: our own, and Textual's."""


@dataclass(frozen=True, slots=True)
class Service:
    """What the user of a session may do, and who looks on.

    Attributes:
        touches_files: Whether keys may write and read files: not in a session that is served to others.
        may_follow: Whether the user may leave it for the presenter's screen.
        followers: How many look on, in the session that is presented to others; else None.
    """

    touches_files: bool = True
    may_follow: bool = False
    followers: int | None = None

    def allows(self, action: str) -> bool:
        """Whether there is an action of this name for the user."""
        if action == "follow":
            return self.may_follow
        return self.touches_files or action not in _WITH_FILES
