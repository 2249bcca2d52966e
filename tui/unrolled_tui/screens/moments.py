"""Running to a moment: a condition is asked for, looked for in a thread, and stopped at in play mode."""

from typing import TYPE_CHECKING

from textual import work

from unrolled_tui.moments import BREAK, Sought, Told
from unrolled_tui.screens.background import in_background
from unrolled_tui.screens.moving import LongWork, MovingScreen

if TYPE_CHECKING:
    from unrolled_tui.screens.condition import Asked


class MomentsScreen(MovingScreen):
    """A screen whose keys run its session to a moment."""

    @property
    def doing(self) -> str:
        """What is going on, in words; with a dot where there are breakpoints."""
        said, session = super().doing, self.session
        if self.long_work is not None:
            return said
        if session.told is not None and session.told.word == BREAK:
            return f"● {BREAK}"
        return f"{said} ●" if session.moments.stops else said

    def tell(self, word: str, text: str) -> None:
        """Draws the session, and says something until the next key."""
        self.changed()
        self.session.told = Told(word, text)

    def action_ask_moment(self) -> None:
        """Asks for a condition, and goes to the next moment when it holds."""
        from unrolled_tui.screens.condition import ConditionScreen  # noqa: PLC0415  # prompts are loaded when they are asked for

        session = self.session

        def go(asked: "Asked | None") -> None:
            if asked is None:
                return
            sought = Sought(asked.condition, session.front)
            session.moments = session.moments.seek(sought)
            if asked.stop:
                session.moments = session.moments.stop_at(sought)
                self.tell("breakpoint", f"{sought.text}   (k lists them)")
            else:
                self._look_for(sought)

        sought = session.moments.sought
        layer, tokens = session.both[session.front].layer, bool(session.sequence.labels)
        self.app.push_screen(ConditionScreen(layer, tokens, "" if sought is None else sought.condition.text), go)

    def action_next_moment(self) -> None:
        """The next moment when the last condition holds."""
        self._look_again(True)

    def action_previous_moment(self) -> None:
        """The moment before when it held."""
        self._look_again(False)

    def action_breakpoints(self) -> None:
        """Lists the breakpoints, and goes to the next moment of one of them."""
        from unrolled_tui.screens.breakpoints import BreakpointsScreen  # noqa: PLC0415  # prompts are loaded when they are asked for

        def go(sought: Sought | None) -> None:
            self.changed()
            if sought is not None:
                self.session.moments = self.session.moments.seek(sought)
                self._look_for(sought)

        self.app.push_screen(BreakpointsScreen(self.session), go)

    def played_on(self) -> None:
        """Stops play mode at a breakpoint."""
        session = self.session
        sought = session.moments.stopping([each.run for each in session.both], session.sequence.labels, session.t)
        if sought is not None:
            if session.playing:
                self.action_play()
            self.tell(BREAK, sought.text)

    def _look_again(self, forward: bool) -> None:
        sought = self.session.moments.sought
        if sought is None:
            self.action_ask_moment()
        else:
            self._look_for(sought, forward)

    def _look_for(self, sought: Sought, forward: bool = True) -> None:
        if self.session.playing:
            self.action_play()
        self.stop_travelling()
        self._search(sought, forward)

    @work(group="travel", exclusive=True)
    async def _search(self, sought: Sought, forward: bool) -> None:
        """Looks for the nearest moment after the timestep on show, or before it, which any key can stop."""
        from unrolled.conditions import search  # noqa: PLC0415  # by then there is a condition

        session = self.session
        run, here = session.both[sought.layer].run.fork(), session.t
        start, to_see = (here + 1, session.length - here - 1) if forward else (here - 1, here)
        found = None
        async for looked, found in in_background(
            search(sought.condition, run, session.sequence.labels, start, forward)
        ):
            if found is None and looked < to_see:
                self.long_work = LongWork("searching", looked, to_see)
                self.draw_soon()
        self.long_work = None
        if found is None:
            where, other = ("after", "<") if forward else ("before", ">")
            self.tell("not found", f"{where} t {here + 1:,} ({other} looks the other way): {sought.text}")
        else:
            await self.travel(found)
            self.tell("found", sought.text)
