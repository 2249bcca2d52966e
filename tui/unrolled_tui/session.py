"""What is on show: the one home of the app's state. It knows no Textual.

A key changes the session, and the screen is drawn from it again; nothing else remembers anything.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from unrolled import InputSequence, RecurrentLayer, Run, ShapeError, Step, Tally, TimestepError
from unrolled.anatomy import Phase, Quantity
from unrolled.arrays import Array
from unrolled.compare import Parting, find_parting
from unrolled.progress import Progress
from unrolled_tui.layer_view import EARLY, NEAR, LayerView
from unrolled_tui.marks import Notebook
from unrolled_tui.moments import Moments, Told
from unrolled_tui.service import Service
from unrolled_tui.wires import largest_flow, sender_count, signals_sent

if TYPE_CHECKING:
    from unrolled_tui.tour import Tour  # a fresh layer opens without what models need

SPEEDS = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Timesteps a second in play mode."""

TOLERANCE = 1e-6
"""Two layers part where they differ by more than this."""

UNITS, LEDGER, WIRING, TIME, MEMORY = range(5)
"""The lenses, as places in their order."""


@dataclass(eq=False)
class Session:
    """A layer reading a sequence, and where we are in it.

    Attributes:
        view: The layer's run over its input, and what is worked out about it.
        origin: Where the weights are from, such as "seed 7".
        t: The timestep on show, from 0.
        phase_index: How many phases of it have happened, less one.
        unit: The selected unit, from 0.
        tour: The model that the layer is one of, and its other layers, if it is of one.
        versus: A second layer that reads the same sequence beside this one, moved along with it.
        front: Which of the two the keys are for, where they are for one.
        minus: The session whose values these are taken from, in the difference mode.
        parting: How many timesteps were compared for it, and where the two part.
        lens: The lens, as its place in the order of the lenses.
        came_from: The lens that one returns to.
        gate_index: The selected gate.
        order_index: The order of the ledger's terms, and of the memory's writes.
        top: The first row of the ledger on show, or how far one has scrolled in the memory.
        sender: The selected sender of the wiring: a feature, or behind them a unit, or the bias.
        signals: Whether the wiring shows what flows instead of the weights.
        triangle: Whether the memory is shown as a triangle.
        cut: Whether the wires between the units are cut, as an experiment.
        tally_shown: Whether the parameters are on show.
        playing: Whether play mode is on.
        speed_index: The speed of play mode, as an index into `SPEEDS`.
        moments: The condition that one runs to, and the breakpoints.
        notebook: The bookmarks and notes.
        told: What is said in the caption until the next key.
        service: What the user may do, and who looks on.
        badge: What the model was verified against, if it was, in many words and in few.
    """

    view: LayerView
    origin: str
    t: int = 0
    phase_index: int = -1
    unit: int = 0
    tour: "Tour | None" = None
    versus: "Session | None" = None
    front: int = 0
    minus: "Session | None" = None
    parting: tuple[int, Parting | None] = (0, None)
    lens: int = UNITS
    came_from: int = UNITS
    gate_index: int = 0
    order_index: int = 0
    top: int = 0
    sender: int = 0
    signals: bool = False
    triangle: bool = False
    cut: bool = False
    tally_shown: bool = True
    playing: bool = False
    speed_index: int = 1
    moments: Moments = field(default_factory=Moments)
    notebook: Notebook = field(default_factory=Notebook)
    told: Told | None = None
    service: Service = Service()  # noqa: RUF009  # it is immutable
    badge: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Starts with the whole timestep on show."""
        self.phase_index = len(self.layer.anatomy.phases) - 1

    @classmethod
    def open(cls, layer: RecurrentLayer[Any], sequence: InputSequence, origin: str, at: int = 1) -> "Session":
        """A session at timestep `at`, counted from 1 as on the screen.

        Raises:
            ShapeError: If the sequence does not fit the layer, or is a batch.
            TimestepError: If it has no timestep `at`.
        """
        if sequence.values.ndim != 2:
            raise ShapeError(
                f"{sequence.name}: expected (T, features) to step through, got shape {sequence.values.shape}: "
                f"choose one sequence of the batch, such as xs[0]"
            )
        session = cls(LayerView(Run(layer, sequence.values), sequence), origin)
        session._begin_at(at, session.length)
        return session

    @classmethod
    def of(cls, tour: "Tour", origin: str, at: int = 1) -> "Session":
        """A session at timestep `at` of a model, counted from 1, with the layer that the tour is at.

        Raises:
            ShapeError: If the layer reads nothing, as all is masked, or too much would have to be kept.
            TimestepError: If the sequence has no timestep `at`.
        """
        session = cls(tour.view(), origin, tour=tour)
        session._begin_at(at, tour.reading.timesteps)
        return session

    def _begin_at(self, at: int, length: int) -> None:
        if not 1 <= at <= length:
            raise TimestepError(f"timestep: expected 1 to {length}, got {at}")
        self.t = self.view.row(at - 1)

    @property
    def run(self) -> Run[Any]:
        """The layer's run."""
        return self.view.run

    @property
    def sequence(self) -> InputSequence:
        """What the model reads, in the order in which the layer does."""
        return self.view.sequence

    @property
    def layer(self) -> RecurrentLayer[Any]:
        """The layer."""
        return self.view.layer

    @property
    def length(self) -> int:
        """The number of timesteps."""
        return len(self.run)

    @property
    def step(self) -> Step:
        """Everything that happens at the timestep on show."""
        return self.view.step(self.t)

    @property
    def phase(self) -> Phase:
        """The phase on show."""
        return self.layer.anatomy.phases[self.phase_index]

    @property
    def speed(self) -> float:
        """Timesteps a second in play mode."""
        return SPEEDS[self.speed_index]

    @property
    def tally(self) -> Tally:
        """The parameters of the layer."""
        return self.view.tally

    def known(self, name: str) -> bool:
        """Whether the attribute `name` of the step is computed by now."""
        return any(name in phase.computes for phase in self.layer.anatomy.phases[: self.phase_index + 1])

    def values(self, name: str, units: slice) -> list[float]:
        """What some units have of the attribute `name` of the step, as plain numbers."""
        values = getattr(self.step, name)[units]
        if self.minus is not None:
            with np.errstate(invalid="ignore"):
                values = getattr(self.minus.step, name)[units] - values
        numbers: list[float] = values.tolist()
        return numbers

    def history(self, name: str, units: slice, count: int) -> list[list[float]]:
        """The last `count` values up to now of each of some units, the oldest first."""
        until = self.t + 1 if self.known(name) else self.t
        rows = self.view.past(name, units, max(0, self.t + 1 - count), until)
        if self.minus is not None:
            with np.errstate(invalid="ignore"):
                rows = self.minus.view.past(name, units, max(0, self.t + 1 - count), until) - rows
        values: list[list[float]] = rows.T.tolist()
        return values

    def bar_ends(self, name: str) -> tuple[float, float]:
        """The low and the high end of a bar of `name`: from 0 for what is never negative, else the same both ways."""
        scale = self.view.scale(name)
        return (0.0 if self.layer.bounds(name)[0] >= 0 and self.minus is None else -scale), scale

    def numbers(self) -> dict[str, float]:
        """The selected unit's numbers at this timestep, by the attribute of the step, and `z_i` and so on."""
        return self.view.numbers(self.t, self.unit)

    @property
    def remark(self) -> str:
        """What is unusual about the model or its input, if anything; the help has all of it."""
        remarks = self.sequence.remarks
        return f"{len(remarks)} remarks: ?" if len(remarks) > 1 else "".join(remarks)

    # The gate and the wires.

    @property
    def gate(self) -> Quantity:
        """The selected gate."""
        return self.layer.anatomy.gates[self.gate_index]

    def wires(self, senders: slice, receivers: slice) -> Array:
        """The selected gate's weights from some senders to some units, or what flows through them now."""
        weights = self.view.weights_of(self.gate_index).rows[senders, receivers]
        if not self.signals:
            return weights
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            return weights * signals_sent(self.layer, self.step, self.gate.name, receivers)[senders]

    def largest_wire(self) -> float:
        """The largest finite one of the selected gate's weights, or of what flows through them now, of either sign."""
        if self.signals:
            return largest_flow(self.layer, self.step, self.gate.name)
        return self.view.weights_of(self.gate_index).largest

    # What keys do.

    def go_to(self, t: int) -> None:
        """Shows timestep `t`, from 0, all of it; the nearest one if there is none."""
        for session in self.both:
            session.t = min(max(t, 0), self.length - 1)
            session.phase_index = len(session.layer.anatomy.phases) - 1

    def next_phase(self) -> None:
        """One phase on, into the next timestep after the last one."""
        if self.phase_index + 1 < len(self.layer.anatomy.phases):
            self._show_phase(self.t, self.phase_index + 1)
        elif self.t + 1 < self.length:
            self._show_phase(self.t + 1, 0)

    def previous_phase(self) -> None:
        """One phase back, into the timestep before from the first one."""
        if self.phase_index > 0:
            self._show_phase(self.t, self.phase_index - 1)
        elif self.t > 0:
            self.go_to(self.t - 1)

    def _show_phase(self, t: int, phase_index: int) -> None:
        for session in self.both:
            session.t, session.phase_index = t, min(phase_index, len(session.layer.anatomy.phases) - 1)

    def select(self, unit: int) -> None:
        """Selects a unit, counted from 0, and the other end after the last or before the first."""
        unit %= max(session.layer.units for session in self.both)
        for session in self.both:
            session.unit = min(unit, session.layer.units - 1)

    @property
    def chosen_unit(self) -> int:
        """The selected unit, of the layer that has as many."""
        return max(session.unit for session in self.both)

    def show_lens(self, lens: int) -> None:
        """Looks through another lens."""
        for session in self.both:
            if lens != session.lens:
                session.came_from = session.lens
            session.lens, session.top = lens, 0

    def select_gate(self, gate: int) -> None:
        """Selects a gate, and the other end after the last or before the first."""
        for session in self.both:
            session.gate_index, session.top = gate % len(session.layer.anatomy.gates), 0
            session.sender = min(session.sender, sender_count(session.layer, session.gate.name) - 1)

    def take_order(self, order: int) -> None:
        """Takes one of the orders of the ledger or the memory."""
        for session in self.both:
            session.order_index, session.top = order, 0

    def toggle_signals(self) -> None:
        """Shows in the wiring what flows instead of the weights, or the reverse."""
        for session in self.both:
            session.signals = not session.signals

    def select_sender(self, sender: int) -> None:
        """Selects a sender of the wiring, the nearest one if there is none."""
        for session in self.both:
            session.sender = min(max(sender, 0), sender_count(session.layer, session.gate.name) - 1)

    def toggle_cut(self) -> None:
        """Cuts the wires between the units, or restores them; nothing where a projection mixes the units."""
        for session in self.both:
            session.cut = not session.cut and session.layer.separable

    # The layers of a model, and its sequences.

    @property
    def place(self) -> int:
        """Which of the layers on the screen the keys are for: of two beside each other, or of a model's."""
        return self.front if self.tour is None else self.tour.place

    @property
    def timestep(self) -> int:
        """The timestep of the model's sequence that is on show."""
        return self.view.timestep(self.t)

    @property
    def has_list(self) -> bool:
        """Whether there are layers, or sequences of a batch, to move between."""
        return self.tour is not None and (len(self.tour.stops) > 1 or len(self.tour) > 1 or self.view.backwards)

    @property
    def predicts(self) -> bool:
        """Whether the layer is part of a model that says something."""
        return self.tour is not None and self.tour.reading.readout is not None

    @property
    def units_of_layers(self) -> list[int]:
        """The units of each layer on the screen, or of the model."""
        return [each.layer.units for each in (self.both if self.tour is None else self.tour.reading.passages)]

    @property
    def model_length(self) -> int:
        """The number of timesteps of the model's sequence, those that a layer passes over too."""
        return self.length if self.tour is None else self.tour.reading.timesteps

    def show_layer(self) -> None:
        """Turns to the layer that the tour is at, at the same timestep of the model's sequence.

        Raises:
            ShapeError: If the layer reads nothing, or too much would have to be kept.
        """
        if self.tour is not None:
            timestep, self.view = self.timestep, self.tour.view()
            self.t = self.view.row(min(timestep, self.tour.reading.timesteps - 1))
            self.unit = min(self.unit, self.layer.units - 1)
            self.phase_index = len(self.layer.anatomy.phases) - 1
            self.gate_index = self.top = self.sender = 0
            self.cut = False

    # Two layers.

    @property
    def both(self) -> tuple["Session", ...]:
        """This session, and the one beside it if there is one."""
        return (self,) if self.versus is None else (self, self.versus)

    @property
    def alike(self) -> bool:
        """Whether there are two layers of one shape, so that there is a difference to show."""
        shapes = {(each.layer.anatomy.quantities, each.layer.units) for each in self.both}
        return self.versus is not None and len(shapes) == 1

    @property
    def difference(self) -> bool:
        """Whether the second layer's place shows the first less the second."""
        return self.versus is not None and self.versus.minus is not None

    def toggle_difference(self) -> None:
        """Shows the difference of the two layers in the second one's place, or no longer."""
        if self.versus is not None and self.alike:
            self.versus.minus = None if self.difference else self

    def compare(self) -> Iterator[None]:
        """Looks for where the two layers part, a stretch at each next."""
        if self.versus is not None and self.parting[0] < self.length and self.parting[1] is None:
            for found in find_parting(self.run.fork(), self.versus.run.fork(), TOLERANCE):
                self.parting = found
                yield

    def is_near(self, t: int) -> bool:
        """Whether timestep `t` can be shown without a long way."""
        if self.tour is None:
            return t < min(session.run.frontier for session in self.both) + NEAR
        return self.tour.is_near(self.view.timestep(t))

    def explore(self, t: int) -> Iterator[Progress]:
        """Goes to timestep `t` in all runs and yields how far it has got; its readers then replace those of before."""
        if self.tour is not None:
            yield from self.tour.reading.explore(self.view.timestep(t))
        for session in self.both:
            reader = session.run.fork()
            for frontier in reader.explore(t):
                yield Progress(min(frontier, t + 1), t + 1)
            reader.window(max(0, t - EARLY), t + 1)
            session.view.run = reader

    def change_speed(self, by: int) -> None:
        """Plays faster or slower."""
        self.speed_index = min(max(self.speed_index + by, 0), len(SPEEDS) - 1)
