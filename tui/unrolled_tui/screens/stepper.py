"""The stepper: one fixed layout around a lens. Keys change the session, and the screen is drawn from it."""

from collections.abc import Callable
from contextlib import ExitStack
from textwrap import wrap
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.events import Resize
from textual.geometry import Size

from unrolled_tui.bindings import STEPPER_BINDINGS, keys_of
from unrolled_tui.lenses.catalog import LENSES
from unrolled_tui.lenses.lens import Lacking
from unrolled_tui.lenses.units import UnitPanel, UnitsLens
from unrolled_tui.pacing import Pace
from unrolled_tui.renderables.bar import progress
from unrolled_tui.renderables.spans import Span, line
from unrolled_tui.screens.background import in_background
from unrolled_tui.screens.layers import LayersScreen
from unrolled_tui.screens.moving import LongWork
from unrolled_tui.screens.pane import Pane
from unrolled_tui.session import LEDGER, WIRING, Session
from unrolled_tui.tables import Table
from unrolled_tui.widgets.caption import Caption
from unrolled_tui.widgets.header import Header
from unrolled_tui.widgets.key_line import KeyLine
from unrolled_tui.widgets.lens_line import LensLine
from unrolled_tui.widgets.lines_view import LinesView
from unrolled_tui.widgets.model_lines import LayerLine, PredictionLine
from unrolled_tui.widgets.parameter_tally import TALLY_WIDTH, ParameterTally
from unrolled_tui.widgets.sequence_strip import SequenceStrip

if TYPE_CHECKING:
    from unrolled_tui.lenses.time import TimeLens  # loaded when it is first looked through

LEAST_WIDTH, LEAST_HEIGHT = 60, 16
MODEL_HEIGHT = 20
"""From so many lines on, two are for the model that a layer is part of."""

SIDE_BY_SIDE = 100
"""From this many columns on there are two things side by side: the lens and the tally, or two layers."""


class StepperScreen(LayersScreen):
    """A layer reading a sequence, one timestep a key press; or two layers reading the same.

    Args:
        session: What is on show.
        pace: Whether the terminal has caught up, for play mode.
        on_drawn: Called whenever the session is drawn.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*STEPPER_BINDINGS]

    DEFAULT_CSS = """
    StepperScreen {
        overflow: hidden;
        #middle { height: 1fr; }
        TallyLine { display: none; }
        #too-small { display: none; width: 100%; height: 100%; }
        &.narrow ParameterTally, &.versus ParameterTally { display: none; }
        &.narrow TallyLine, &.versus TallyLine { display: block; }
        &.versus Pane .name, &.tour LayerLine, &.predicts PredictionLine { display: block; }
        &.narrow.versus Pane { display: none; }
        &.narrow.versus Pane.front { display: block; }
        &.no-tally ParameterTally, &.no-tally TallyLine { display: none; }
        &.too-small > * { display: none; }
        &.too-small > #too-small { display: block; }
    }
    """

    def __init__(self, session: Session, pace: Pace, on_drawn: Callable[[], None] = lambda: None) -> None:
        super().__init__(session, pace)
        self._on_drawn = on_drawn
        self._around: tuple[object, ...] = ()
        self._laid_out_for = Size(0, 0)
        self._settling = ExitStack()
        self._lens_work: LongWork | None = None
        self._lacking: tuple[Lacking | None, ...] = ()

    def compose(self) -> ComposeResult:
        """The layout, from top to bottom."""
        self._choose_layout(self.app.size)
        yield Header(self.session)
        yield SequenceStrip()
        if self.session.tour is not None:
            yield LayerLine()
        yield LensLine()
        with Horizontal(id="middle"):
            for place, session in enumerate(self.session.both):
                yield Pane(session, self._pane_size(), classes="front" if place == self.session.front else "")
            yield ParameterTally()
        if self.session.tour is not None:
            yield PredictionLine()
        yield Caption()
        yield KeyLine()
        yield LinesView(id="too-small")

    def on_mount(self) -> None:
        """Draws before the first layout, so that the terminal gets one paint and not six."""
        super().on_mount()
        if self.session.cut:
            self._check_cut()
        self.draw()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool:  # noqa: ARG002  # Textual passes them
        """Whether there is an action for this user."""
        return self.session.service.allows(action)

    def on_resize(self, event: Resize) -> None:
        """Chooses the layout for the size: the only time that there is one to choose.

        At the start Textual tells the same size several times, and each would be a paint.
        """
        if event.size == self._laid_out_for:
            return
        if not self._laid_out_for:
            self._settling.enter_context(self.app.batch_update())
            self.call_after_refresh(self._settling.close)
        self._laid_out_for = event.size
        self._choose_layout(event.size)
        self.call_after_refresh(self.changed)

    def on_lens_resized(self) -> None:
        """Draws a lens that has got its size."""
        self.changed()

    def _choose_layout(self, size: Size) -> None:
        self.set_class(size.width < SIDE_BY_SIDE, "narrow")
        self.set_class(self.session.versus is not None, "versus")
        roomy = size.height >= MODEL_HEIGHT
        self.set_class(self.session.has_list and roomy, "tour")
        self.set_class(self.session.predicts and roomy, "predicts")
        self.set_class(size.width < LEAST_WIDTH or size.height < LEAST_HEIGHT, "too-small")

    def _pane_size(self) -> Size:
        """The size that a lens is going to have, for the first layout."""
        width, height = self.app.size
        height -= self.has_class("tour") + self.has_class("predicts")
        if self.session.versus is not None:
            return Size(width // 2 if width >= SIDE_BY_SIDE else width, height - 9)
        return Size(width - TALLY_WIDTH, height - 7) if width >= SIDE_BY_SIDE else Size(width, height - 8)

    def draw(self) -> None:
        """Draws the session."""
        super().draw()
        self._on_drawn()
        session = self.session
        if self.has_class("too-small"):
            self._draw_too_small()
            return
        self.draw_header()
        self.query_one(SequenceStrip).draw(session)
        if self.has_class("tour"):
            self.query_one(LayerLine).draw(session)
        for pane in self.panes:
            if self._shows(pane):
                pane.draw()
        if self.has_class("predicts"):
            self.query_one(PredictionLine).draw(session)
        self.query_one(Caption).draw(session)
        self._supply_lenses()
        work = self.long_work or self._lens_work
        around = (self.size, session.lens, session.front, session.view, session.difference, session.tally_shown, work)
        if around != self._around:
            self._around = around
            self._draw_around(work)

    def draw_header(self) -> None:
        """Draws the first line alone: who looks on changes at any time."""
        self.query_one(Header).draw(self.session, self.doing)

    def _draw_around(self, work: LongWork | None) -> None:
        """Draws what does not change from step to step."""
        session = self.session
        titles = [lens.title for lens in LENSES]
        hint = LENSES[session.lens].hint if work is None else progress(work.what, work.share)
        self.query_one(LensLine).draw(titles, session.lens, hint)
        self.query_one(KeyLine).draw([key for key in keys_of(session.service) if key.show])
        for pane in self.panes:
            pane.draw_around()
        if not self.has_class("narrow") and session.versus is None:
            self.query_one(ParameterTally).draw(session)

    def _shows(self, pane: Pane) -> bool:
        return pane.has_class("front") or not self.has_class("narrow")

    def _draw_too_small(self) -> None:
        width, height = self.size
        notice = f"unrolled needs {LEAST_WIDTH}×{LEAST_HEIGHT} cells; this terminal has {width}×{height}"
        told = tuple(line(Span(part, "strong")) for part in wrap(notice, max(1, width)))
        self.query_one("#too-small", LinesView).show(told)

    @property
    def panes(self) -> list[Pane]:
        """A pane for each layer."""
        return list(self.query(Pane))

    @property
    def front(self) -> Pane:
        """The pane that the keys are for."""
        return self.panes[self.session.front]

    # Lenses.

    def action_lens(self, lens: int) -> None:
        """Shows the lens with this place in the order of the lenses."""
        self.session.show_lens(lens)
        for pane in self.panes:
            pane.show_lens()
        self.call_after_refresh(self.draw)

    def action_look_inside(self) -> None:
        """Opens the ledger of the selected unit."""
        self.action_lens(LEDGER)

    def action_return(self) -> None:
        """Stops a long way; else goes back to the lens that one came from."""
        if self.long_work is not None:
            work = self.long_work
            self.stop_travelling()
            self.tell("stopped", f"{work.what}: {work.done:,} of {work.total:,}")
        elif self._lens_work is not None:
            self._stop_supplying()
            self.changed()
        else:
            self.action_lens(self.session.came_from)

    def _supply_lenses(self) -> None:
        """Sets about what the lenses on show lack, once that is something else than before."""
        lacking = tuple(pane.lens.lacking(pane.session) if self._shows(pane) else None for pane in self.panes)
        if lacking != self._lacking:
            self._stop_supplying()
            self._lacking = lacking
            if any(lacking):
                self._supply()

    def _stop_supplying(self) -> None:
        self._lens_work = None
        self.workers.cancel_group(self, "lens")

    @work(group="lens", exclusive=True)
    async def _supply(self) -> None:
        """Computes what the lenses on show lack."""
        for pane, lacking in zip(self.panes, self._lacking, strict=True):
            if lacking is not None:
                async for done in in_background(pane.lens.supply(pane.session)):
                    self._lens_work = LongWork(lacking.what, done, lacking.total)
                    self.draw_soon()
        self._lens_work = None
        self.draw_soon()

    def action_next_gate(self) -> None:
        """The next gate, or quantity."""
        self.front.lens.turn(self.session, 1)
        self.changed()

    def action_previous_gate(self) -> None:
        """The gate or quantity before."""
        self.front.lens.turn(self.session, -1)
        self.changed()

    def action_arrange(self) -> None:
        """Another order of what the lens shows: which there are, the lens knows."""
        self.front.lens.reorder(self.session)
        self.changed()

    def action_view(self) -> None:
        """Another view in the lens, if it has several."""
        self.front.lens.change_view(self.session)
        self.changed()

    def action_zoom(self, by: int) -> None:
        """More timesteps in each cell of the lens, or fewer."""
        self.front.lens.zoom(self.session, by)
        self.changed()

    def action_select_wire(self, sender: int, unit: int) -> None:
        """Selects a wire by its two ends."""
        self.session.select_sender(sender)
        self.action_select_unit(unit)

    def action_cut(self) -> None:
        """Cuts the wires between the units, or restores them, in the wiring's lens."""
        if self.session.lens != WIRING:
            self.action_lens(WIRING)
            if self.session.cut:
                return  # one looks at the cut first
        self.session.toggle_cut()
        if self.session.cut:
            self._check_cut()
        self.changed()

    @work(group="check", exclusive=True)
    async def _check_cut(self) -> None:
        """Runs every unit alone."""
        for session in self.session.both:
            async for _ in in_background(session.view.check_cut()):
                self.changed()
        self.changed()

    # Units.

    def action_next_unit(self) -> None:
        """The next unit."""
        self._select_after(1)

    def action_previous_unit(self) -> None:
        """The unit before."""
        self._select_after(-1)

    def _select_after(self, by: int) -> None:
        unit = self.front.lens.unit_after(self.front.session, by)
        self.action_select_unit(self.session.chosen_unit + by if unit is None else unit)

    def action_select_unit(self, unit: int) -> None:
        """Selects a unit, counted from 0."""
        self.session.select(unit)
        self.changed()

    def action_move(self, rows: int, pages: int) -> None:
        """Moves in the lens by some rows and pages: what a row is, the lens knows."""
        lens, session = self.front.lens, self.front.session
        lens.move(session, rows + pages * lens.page_rows(session))
        self.changed()

    def on_unit_panel_clicked(self, message: UnitPanel.Clicked) -> None:
        """Selects the unit of the panel."""
        for pane in self.panes:
            if isinstance(pane.lens, UnitsLens) and pane.lens is message.panel.parent:
                self.action_select_unit(pane.lens.unit_at(message.panel.place, pane.session))

    def on_time_lens_clicked(self, message: "TimeLens.Clicked") -> None:
        """Goes to the timestep and the unit of the cell."""
        for pane in self.panes:
            if pane.lens is message.lens:
                t, unit = message.lens.place_at(pane.session, message.offset)
                if unit is not None:
                    self.action_select_unit(unit)
                if t is not None:
                    self.action_go_to(t)

    # Two layers.

    def action_other_layer(self) -> None:
        """Turns to the other layer: the keys are for it, and it is the one on show where there is room for one."""
        if self.session.versus is not None:
            self.session.front = 1 - self.session.front
            self._bring_to_front()
            self.call_after_refresh(self.draw)

    def front_changed(self) -> None:
        """Shows the layer that is in front now."""
        self._bring_to_front()
        self.call_after_refresh(self.changed)

    def table(self) -> Table:
        """What the lens in front shows, as a table."""
        return self.front.lens.table(self.front.session)

    def _bring_to_front(self) -> None:
        for place, pane in enumerate(self.panes):
            pane.set_class(place == self.session.front, "front")

    def action_difference(self) -> None:
        """Shows the difference of the two layers in the second one's place, if they are of one shape."""
        self.session.toggle_difference()
        if self.session.difference:
            self.session.front = 1
            self._bring_to_front()
            self._compare()
        self.call_after_refresh(self.draw)

    @work(group="compare", exclusive=True)
    async def _compare(self) -> None:
        """Looks for where the two part."""
        async for _ in in_background(self.session.compare()):
            self.changed()

    # The rest.

    def action_tally(self) -> None:
        """Shows or hides the parameters."""
        self.session.tally_shown = not self.session.tally_shown
        self.set_class(not self.session.tally_shown, "no-tally")
        self.call_after_refresh(self.draw)

    def action_help(self) -> None:
        """Lists all keys, and what each lens is for."""
        from unrolled_tui.screens.help import HelpScreen  # noqa: PLC0415  # prompts are loaded when they are asked for

        lenses = [(lens.title, lens.answers) for lens in LENSES]
        self.app.push_screen(HelpScreen(keys_of(self.session.service), lenses, self.session.sequence.remarks))
