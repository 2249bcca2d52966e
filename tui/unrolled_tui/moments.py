"""Moments: the condition that one runs to, and the breakpoints that play mode stops at. Records only, no Textual."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from unrolled import Run
from unrolled.text import printable

if TYPE_CHECKING:
    from unrolled.conditions import Condition  # loaded when one is asked for


class Told(NamedTuple):
    """What is said in the caption until the next key.

    Attributes:
        word: What happened, in a word or two.
        text: The rest.
    """

    word: str
    text: str


BREAK = "break"
"""What happened where play mode stopped at a breakpoint."""


@dataclass(frozen=True, slots=True)
class Sought:
    """A moment that is looked for.

    Attributes:
        condition: What has to hold.
        layer: Of which layer on the screen, from 0.
    """

    condition: "Condition"
    layer: int = 0

    @property
    def text(self) -> str:
        """The condition as it is printed."""
        return printable(self.condition.text, 500)


@dataclass(frozen=True, slots=True)
class Breakpoint:
    """A moment that play mode stops at.

    Attributes:
        sought: The moment.
        on: Whether it does stop there.
    """

    sought: Sought
    on: bool = True


@dataclass(frozen=True, slots=True)
class Moments:
    """What is looked for.

    Attributes:
        sought: The last moment that was asked for.
        breakpoints: The breakpoints, in the order in which they came.
    """

    sought: Sought | None = None
    breakpoints: tuple[Breakpoint, ...] = ()

    def seek(self, sought: Sought) -> "Moments":
        """The same, looking for another moment."""
        return replace(self, sought=sought)

    def stop_at(self, sought: Sought) -> "Moments":
        """With a breakpoint more, or that one switched on if there is one like it."""
        others = [point for point in self.breakpoints if point.sought != sought]
        return replace(self, breakpoints=(*others, Breakpoint(sought)))

    def toggled(self, place: int) -> "Moments":
        """With one of the breakpoints switched on, or off."""
        point = self.breakpoints[place]
        return self._with(place, (replace(point, on=not point.on),))

    def without(self, place: int) -> "Moments":
        """Without one of the breakpoints."""
        return self._with(place, ())

    def _with(self, place: int, instead: tuple[Breakpoint, ...]) -> "Moments":
        points = self.breakpoints
        return replace(self, breakpoints=(*points[:place], *instead, *points[place + 1 :]))

    @property
    def stops(self) -> bool:
        """Whether any breakpoint is on."""
        return any(point.on for point in self.breakpoints)

    def stopping(self, runs: Sequence[Run[Any]], tokens: Sequence[str], t: int) -> Sought | None:
        """The first breakpoint that is on and holds at timestep `t`, from 0.

        Args:
            runs: A run for each layer.
            tokens: What each timestep stands for, as shown.
            t: The timestep.
        """
        if not self.stops:
            return None
        from unrolled.conditions import within  # noqa: PLC0415  # by now there is a condition

        for point in self.breakpoints:
            if point.on and within(point.sought.condition, runs[point.sought.layer], tokens, t, t + 1)[0]:
                return point.sought
        return None
