"""How far something is that takes long."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """How far something is that goes through many timesteps.

    Attributes:
        done: Timesteps that are done, of all layers that are gone through.
        total: How many there are.
    """

    done: int
    total: int
