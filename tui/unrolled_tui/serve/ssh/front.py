"""What all connections of the SSH server share."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from unrolled_tui.serve.access import Access
from unrolled_tui.serve.following.podium import Podium
from unrolled_tui.serve.limits import Attempts, Limits, Seats
from unrolled_tui.serve.sessions.nursery import Nursery

if TYPE_CHECKING:
    from unrolled_tui.serve.ssh.connection import Connection
    from unrolled_tui.serve.ssh.session import Session

MOST_STRANGERS = 200
"""Connections that may be logging in at a time: a class that begins together, and no flood."""


@dataclass(eq=False, slots=True)
class Front:
    """What all connections share.

    Attributes:
        nursery: Where the sessions come from.
        access: Who is let in.
        limits: How many, and for how long.
        podium: What those who come in are shown first, if somebody presents.
        log: Is told who comes and goes.
        seats: The sessions that there are.
        attempts: The failures of the last minute.
        connections: The connections that there are.
        strangers: How many of them have not logged in.
        sessions: The sessions that run.
    """

    nursery: Nursery
    access: Access
    limits: Limits
    podium: Podium | None
    log: Callable[[str], None]
    seats: Seats = field(init=False)
    attempts: Attempts = field(init=False)
    connections: "set[Connection]" = field(default_factory=set)
    strangers: int = 0
    sessions: "set[Session]" = field(default_factory=set)

    def __post_init__(self) -> None:
        self.seats = Seats(self.limits)
        self.attempts = Attempts(self.limits)
