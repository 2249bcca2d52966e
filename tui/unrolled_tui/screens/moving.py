"""Moving through the sequence: steps, phases, long ways, and play mode."""

from typing import NamedTuple

from textual import work
from textual.screen import Screen
from textual.timer import Timer

from unrolled_tui.pacing import Pace
from unrolled_tui.screens.background import in_background
from unrolled_tui.session import Session


class LongWork(NamedTuple):
    """What takes long, and how far it has got.

    Attributes:
        what: What is being done, in words.
        done: How many timesteps of it are done.
        total: How many there are.
    """

    what: str
    done: int
    total: int

    @property
    def share(self) -> float:
        """How much of it is done, from 0 to 1."""
        return self.done / max(1, self.total)


class MovingScreen(Screen[None]):
    """A screen whose keys move its session through the sequence.

    Attributes:
        session: What is on show.
        pace: Whether the terminal has caught up, for play mode.
        long_work: What is under way and takes long, if anything does.
    """

    def __init__(self, session: Session, pace: Pace) -> None:
        super().__init__()
        self.session, self.pace = session, pace
        self.long_work: LongWork | None = None
        self._player: Timer | None = None
        self._draw_due = False

    def draw(self) -> None:
        """Draws the session."""
        self._draw_due = False

    def changed(self) -> None:
        """Draws what a key has changed."""
        self.session.told = None
        self.draw_soon()

    def draw_soon(self) -> None:
        """Draws once all keys that are waiting have had their effect: the newest state is what counts."""
        if not self._draw_due:
            self._draw_due = True
            self.call_later(self.draw)

    @property
    def doing(self) -> str:
        """What is going on, in words."""
        if self.long_work is not None:
            return f"{int(100 * self.long_work.share)} % esc"
        return f"▶ {self.session.speed:g}/s" if self.session.playing else "paused"

    def action_step(self) -> None:
        """One timestep on."""
        self._step_by(1)

    def action_back(self) -> None:
        """One timestep back."""
        self._step_by(-1)

    def _step_by(self, timesteps: int) -> None:
        """Goes on at once: keys that come faster than the screen is drawn all count."""
        self.stop_travelling()
        self.session.go_to(self.session.t + timesteps)
        self.changed()

    def action_first(self) -> None:
        """The first timestep."""
        self.action_go_to(0)

    def action_last(self) -> None:
        """The last timestep."""
        self.action_go_to(self.session.length - 1)

    def action_go_to(self, t: int) -> None:
        """Timestep `t`, from 0: at once if it is near or was passed before, else with the way shown."""
        t = min(max(t, 0), self.session.length - 1)
        self.stop_travelling()
        if self.session.is_near(t):
            self.session.go_to(t)
            self.changed()
        else:
            self._travel(t)

    def stop_travelling(self) -> None:
        """Stays where we are, if we are on a long way."""
        self.long_work = None
        self.workers.cancel_group(self, "travel")

    @work(group="travel", exclusive=True)
    async def _travel(self, t: int) -> None:
        """Goes a long way, which any key can stop."""
        await self.travel(t)

    async def travel(self, t: int) -> None:
        """Goes to timestep `t`, from 0, however far that is, and shows how far it has got."""
        async for way in in_background(self.session.explore(t)):
            self.long_work = LongWork(f"to t {t + 1:,}", way.done, way.total)
            self.changed()
        self.long_work = None
        if t != self.session.t:
            self.session.go_to(t)
        self.changed()

    def action_next_phase(self) -> None:
        """One phase on."""
        self.stop_travelling()
        self.session.next_phase()
        self.changed()

    def action_previous_phase(self) -> None:
        """One phase back."""
        self.stop_travelling()
        self.session.previous_phase()
        self.changed()

    def action_ask_timestep(self) -> None:
        """Asks for a timestep, and goes there."""
        from unrolled_tui.screens.go_to import GoToScreen  # noqa: PLC0415  # prompts are loaded when they are asked for

        def go(answer: int | None) -> None:
            if answer is not None:
                self.action_go_to(answer - 1)

        self.app.push_screen(GoToScreen(self.session.length), go)

    def action_play(self) -> None:
        """Plays from here, or pauses."""
        session = self.session
        session.playing = not session.playing and session.t + 1 < session.length
        self._restart_player()

    def action_faster(self) -> None:
        """Plays faster."""
        self.session.change_speed(1)
        self._restart_player()

    def action_slower(self) -> None:
        """Plays slower."""
        self.session.change_speed(-1)
        self._restart_player()

    def _restart_player(self) -> None:
        if self._player is not None:
            self._player.stop()
        self._player = self.set_interval(1 / self.session.speed, self._play_on) if self.session.playing else None
        self.changed()

    def _play_on(self) -> None:
        if not self.pace.caught_up():
            return
        self.pace.frame_begun()
        self.action_step()
        if self.session.t + 1 >= self.session.length:
            self.action_play()
        self.played_on()

    def played_on(self) -> None:
        """What else happens when play mode has gone a timestep on."""
