"""What is on show: the one home of the app's state. It knows no Textual.

A key changes the session, and the screen is drawn from it again; nothing else remembers anything.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from unrolled import InputSequence, RecurrentLayer, Run, ShapeError, Step, Tally, TimestepError, tally
from unrolled.anatomy import Phase, Quantity
from unrolled.arrays import Array
from unrolled.compare import Parting, differences, find_parting
from unrolled.wiring import check_separate
from unrolled_tui.marks import Notebook
from unrolled_tui.moments import Moments, Told
from unrolled_tui.over_time import OverTime
from unrolled_tui.scales import scale_of
from unrolled_tui.wires import GateWeights, gate_weights, sender_count, signals_sent

SPEEDS = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Timesteps a second in play mode."""

TOLERANCE = 1e-6
"""Two layers part where they differ by more than this."""

EARLY = 64
"""So many first timesteps stand for the run where all of it would take long: for scales, and for checks."""

UNITS, LEDGER, WIRING, TIME, MEMORY = range(5)
"""The lenses, as places in their order."""


@dataclass(eq=False)
class Session:
    """A layer reading a sequence, and where we are in it.

    Attributes:
        run: The layer's run over the sequence.
        sequence: The sequence as it was read.
        origin: Where the weights are from, such as "seed 7".
        t: The timestep on show, from 0.
        phase_index: How many phases of it have happened, less one.
        unit: The selected unit, from 0.
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
        cut_check: How many units were run alone by then, and their largest difference from the cut layer.
        tally_shown: Whether the parameters are on show.
        playing: Whether play mode is on.
        speed_index: The speed of play mode, as an index into `SPEEDS`.
        moments: The condition that one runs to, and the breakpoints.
        notebook: The bookmarks and notes.
        told: What is said in the caption until the next key.
        over_time: What the time lens shows of the run.
        touches_files: Whether keys may write and read files: not in a session that is served to others.
    """

    run: Run[Any]
    sequence: InputSequence
    origin: str
    t: int = 0
    phase_index: int = -1
    unit: int = 0
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
    cut_check: tuple[int, float] = (0, 0.0)
    tally_shown: bool = True
    playing: bool = False
    speed_index: int = 1
    moments: Moments = field(default_factory=Moments)
    notebook: Notebook = field(default_factory=Notebook)
    told: Told | None = None
    touches_files: bool = True
    over_time: OverTime = field(init=False)
    _kept_weights: GateWeights | None = None
    _kept_step: Step | None = None

    def __post_init__(self) -> None:
        """Starts with the whole timestep on show."""
        self.phase_index = len(self.layer.anatomy.phases) - 1
        self.over_time = OverTime(self.run)

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
        session = cls(Run(layer, sequence.values), sequence, origin)
        if not 1 <= at <= session.length:
            raise TimestepError(f"timestep: expected 1 to {session.length}, got {at}")
        session.t = at - 1
        return session

    @property
    def layer(self) -> RecurrentLayer[Any]:
        """The layer."""
        return self.run.layer

    @property
    def length(self) -> int:
        """The number of timesteps."""
        return len(self.run)

    @property
    def step(self) -> Step:
        """Everything that happens at the timestep on show."""
        if self._kept_step is None or self._kept_step.t != self.t:
            self._kept_step = self.run[self.t]
        return self._kept_step

    @property
    def phase(self) -> Phase:
        """The phase on show."""
        return self.layer.anatomy.phases[self.phase_index]

    @property
    def speed(self) -> float:
        """Timesteps a second in play mode."""
        return SPEEDS[self.speed_index]

    @cached_property
    def tally(self) -> Tally:
        """The parameters of the layer."""
        return tally(self.layer)

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
        rows = self._past(name, units, max(0, self.t + 1 - count), until)
        if self.minus is not None:
            with np.errstate(invalid="ignore"):
                rows = self.minus._past(name, units, max(0, self.t + 1 - count), until) - rows
        values: list[list[float]] = rows.T.tolist()
        return values

    def _past(self, name: str, units: slice, start: int, stop: int) -> Array:
        parts = self.run.window(start, stop)
        none = np.empty((0, units.stop - units.start))
        return np.concatenate([getattr(part, name)[:, units] for part in parts]) if parts else none

    def scale(self, name: str) -> float:
        """The value that fills a bar of `name`: its bound, or a round number that holds its first values."""
        if name not in self._scales:
            self._scales[name] = scale_of(self.run, name, EARLY)
        return self._scales[name]

    def bar_ends(self, name: str) -> tuple[float, float]:
        """The low and the high end of a bar of `name`: from 0 for what is never negative, else the same both ways."""
        scale = self.scale(name)
        return (0.0 if self.layer.bounds(name)[0] >= 0 and self.minus is None else -scale), scale

    def numbers(self) -> dict[str, float]:
        """The selected unit's numbers at this timestep, by the attribute of the step, and `z_i` and so on for z."""
        step, gates = self.step, self.layer.anatomy.gates
        names = {name for phase in self.layer.anatomy.phases for name in phase.computes} - {"x", "z"}
        numbers = {name: float(getattr(step, name)[self.unit]) for name in names}
        return numbers | {f"z_{gate.name}": float(z) for gate, z in zip(gates, step.z[:, self.unit], strict=True)}

    @cached_property
    def widest_label(self) -> int:
        """The cells of the widest token; 0 without tokens."""
        from rich.cells import cell_len  # noqa: PLC0415  # commands without a screen open sessions too

        return max(map(cell_len, set(self.sequence.labels)), default=0)

    @cached_property
    def remark(self) -> str:
        """What is unusual about the input, if anything."""
        return self.sequence.remarks[0] if self.sequence.remarks else ""

    @cached_property
    def _scales(self) -> dict[str, float]:
        return {}

    # The gate and the wires.

    @property
    def gate(self) -> Quantity:
        """The selected gate."""
        return self.layer.anatomy.gates[self.gate_index]

    @cached_property
    def state_phases(self) -> tuple[int, ...]:
        """The phases that make a state."""
        states = {state.name for state in self.layer.anatomy.states}
        return tuple(k for k, phase in enumerate(self.layer.anatomy.phases) if states & set(phase.computes))

    def wires(self, senders: slice, receivers: slice) -> Array:
        """The selected gate's weights from some senders to some units, or what flows through them now."""
        weights = self._gate_weights.rows[senders, receivers]
        if not self.signals:
            return weights
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            return weights * signals_sent(self.layer, self.step)[senders, None]

    def largest_wire(self) -> float:
        """The largest finite one of the selected gate's weights, or of what flows through them now, of either sign."""
        largest = self._gate_weights.largest
        if self.signals:
            with np.errstate(over="ignore", invalid="ignore", under="ignore"):
                largest = largest * np.abs(signals_sent(self.layer, self.step))
        return float(np.max(largest, initial=0, where=np.isfinite(largest)))

    @property
    def _gate_weights(self) -> GateWeights:
        """The rows of the selected gate, kept until another is selected."""
        if self._kept_weights is None or self._kept_weights.gate != self.gate_index:
            self._kept_weights = gate_weights(self.layer, self.gate_index)
        return self._kept_weights

    @cached_property
    def cut_run(self) -> Run[Any]:
        """The same sequence read without the wires between the units."""
        return Run(self.layer.without_connections(), self.sequence.values)

    def cut_difference(self, name: str) -> Array:
        """How far whole and cut are apart in the state `name`, at the first timesteps, shape (T, units)."""
        stop = min(self.length, EARLY)
        whole, cut = (
            np.concatenate([getattr(part, name) for part in run.window(0, stop)]) for run in (self.run, self.cut_run)
        )
        return differences(whole, cut)

    @cached_property
    def first_cut_difference(self) -> int | None:
        """The first of the early timesteps at which whole and cut differ in any state."""
        apart = [self.cut_difference(name).any(axis=1) for name in self.layer.anatomy.carries]
        timesteps = np.flatnonzero(np.any(apart, axis=0))
        return int(timesteps[0]) if len(timesteps) else None

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
            session.t, session.phase_index = t, phase_index

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
            session.sender = min(max(sender, 0), sender_count(session.layer) - 1)

    def toggle_cut(self) -> None:
        """Cuts the wires between the units, or restores them."""
        for session in self.both:
            session.cut = not session.cut

    def check_cut(self) -> Iterator[None]:
        """Runs each unit alone over the first timesteps, one at each next, and notes how far the cut layer is off."""
        if self.cut_check[0] < self.layer.units:
            largest = check_separate(self.cut_run.layer, self.sequence.values[:EARLY])
            for done, difference in enumerate(largest, 1):
                self.cut_check = (done, difference)
                yield

    # Two layers.

    @property
    def both(self) -> tuple["Session", ...]:
        """This session, and the one beside it if there is one."""
        return (self,) if self.versus is None else (self, self.versus)

    @property
    def alike(self) -> bool:
        """Whether there are two layers of one shape, so that there is a difference to show."""
        shapes = {(each.layer.anatomy.cell, each.layer.units) for each in self.both}
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

    @property
    def frontier(self) -> int:
        """How many timesteps both runs have been through."""
        return min(session.run.frontier for session in self.both)

    def explore(self, t: int) -> Iterator[int]:
        """Goes to timestep `t` in both runs and yields how far it has got; its readers then replace those of before."""
        for session in self.both:
            reader = session.run.fork()
            yield from reader.explore(t)
            reader.window(max(0, t - EARLY), t + 1)
            session.run = reader

    def change_speed(self, by: int) -> None:
        """Plays faster or slower."""
        self.speed_index = min(max(self.speed_index + by, 0), len(SPEEDS) - 1)
