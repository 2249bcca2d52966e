"""A model's layers and a batch's sequences: moving between them."""

from textual import work

from unrolled import UnrolledError
from unrolled_tui.screens.background import in_background
from unrolled_tui.screens.moving import LongWork
from unrolled_tui.screens.noting import NotingScreen


class LayersScreen(NotingScreen):
    """A screen whose keys turn to another layer of its session's model, or to another sequence."""

    def on_mount(self) -> None:
        """Goes through what the layers need to be seen where one begins, such as the other end of the sequence."""
        if not self.session.is_near(self.session.t):
            self._travel(self.session.t)

    def action_layer(self, place: int) -> None:
        """Turns to the direction of a recurrent layer with this place among all of them."""
        tour = self.session.tour
        if tour is None:
            super().action_layer(place)
        else:
            self.stop_travelling()
            self._turn_to(place % len(tour.names))

    def action_next_layer(self, by: int) -> None:
        """Turns to the next layer, or the one before."""
        if self.session.tour is not None:
            self.action_layer(self.session.place + by)

    def action_next_sequence(self, by: int) -> None:
        """Turns to the next sequence of the batch, or the one before, and stops at the ends."""
        tour = self.session.tour
        if tour is not None:
            row = min(max(tour.row + by, 0), len(tour) - 1)
            if row != tour.row:
                self.stop_travelling()
                self._open(row)

    def action_reset_states(self) -> None:
        """Sets the states of stateful layers to zeros before this batch, or lets them go on from the one before."""
        tour = self.session.tour
        if tour is not None and tour.batches and tour.batch:
            self.stop_travelling()
            tour.toggle_reset()
            self._open(tour.row)
        elif tour is not None:
            why = "the first batch begins at zero anyway" if tour.batches else "no layer of this model is stateful"
            self.tell("states", why)

    @work(group="travel", exclusive=True)
    async def _turn_to(self, place: int) -> None:
        """Shows a layer; what stands before it has to be known first."""
        tour, session = self.session.tour, self.session
        if tour is None:
            return
        timestep = session.timestep
        try:
            async for way in in_background(tour.reading.passages[place].explore(timestep)):
                self._long(f"to {tour.names[place]}", way.done, way.total)
            tour.place, before = place, tour.place
            try:
                session.show_layer()
            except UnrolledError:
                tour.place = before
                raise
        except UnrolledError as error:
            self._failed(error)
        else:
            self._arrived()

    @work(group="travel", exclusive=True)
    async def _open(self, row: int) -> None:
        """Shows a sequence, after those whose states lead to it."""
        tour, session = self.session.tour, self.session
        if tour is None:
            return
        try:
            async for way in in_background(tour.open(row)):
                self._long(f"to sequence {row + 1:,}", way.done, way.total)
            timestep = min(session.timestep, tour.reading.timesteps - 1)
            async for way in in_background(tour.passage.explore(timestep)):
                self._long(f"to sequence {row + 1:,}", way.done, way.total)
            session.show_layer()
        except UnrolledError as error:
            self._failed(error)
        else:
            self._arrived()
            if not session.is_near(session.t):
                await self.travel(session.t)

    def _long(self, what: str, done: int, total: int) -> None:
        self.long_work = LongWork(what, done, total)
        self.draw_soon()

    def _failed(self, error: UnrolledError) -> None:
        self.long_work = None
        self.tell("error", str(error))

    def _arrived(self) -> None:
        self.long_work = None
        self.changed()
