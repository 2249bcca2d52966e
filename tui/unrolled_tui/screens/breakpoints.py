"""The list of the breakpoints."""

from typing import ClassVar

from textual.binding import Binding, BindingType

from unrolled_tui.moments import Sought
from unrolled_tui.renderables.spans import Line, Span, line
from unrolled_tui.screens.condition import Asked, ConditionScreen
from unrolled_tui.screens.listing import ListScreen
from unrolled_tui.session import Session


class BreakpointsScreen(ListScreen[Sought]):
    """The breakpoints of a session. Answers the one to go to the next moment of."""

    title_text: ClassVar[str] = "breakpoints: play mode stops there"
    empty: ClassVar[str] = "There is no breakpoint yet: a adds one."
    keys: tuple[str, ...] = ("enter find", "space on or off", "a add", "d delete", "esc close")

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("k", "dismiss(None)", "close"),
        Binding("space", "switch", "on or off"),
        Binding("d,delete,backspace", "remove", "delete"),
        Binding("a,slash", "add", "add"),
        Binding("enter", "find", "find"),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session

    def rows(self) -> list[Line]:
        """A row for each breakpoint."""
        return [
            line(
                Span("on   " if point.on else "off  ", "mark" if point.on else "dim"),
                Span(f"layer {point.sought.layer + 1}  " if self._session.versus is not None else "", "dim"),
                Span(point.sought.text, "" if point.on else "dim"),
            )
            for point in self._session.moments.breakpoints
        ]

    def whole(self) -> str:
        """The selected condition."""
        return self._session.moments.breakpoints[self.selected].sought.text

    def action_switch(self) -> None:
        """Switches the selected one on, or off."""
        if self._any:
            self._session.moments = self._session.moments.toggled(self.selected)
            self.draw()

    def action_remove(self) -> None:
        """Removes the selected one."""
        if self._any:
            self._session.moments = self._session.moments.without(self.selected)
            self.draw()

    def action_add(self) -> None:
        """Asks for one more."""
        session = self._session

        def add(asked: Asked | None) -> None:
            if asked is not None:
                session.moments = session.moments.stop_at(Sought(asked.condition, session.front))
                self.selected = len(session.moments.breakpoints) - 1
                self.draw()

        layer = session.both[session.front].layer
        self.app.push_screen(ConditionScreen(layer, bool(session.sequence.labels), stop=True), add)

    def action_find(self) -> None:
        """Answers the selected one."""
        if self._any:
            self.dismiss(self._session.moments.breakpoints[self.selected].sought)

    @property
    def _any(self) -> bool:
        return bool(self._session.moments.breakpoints)
