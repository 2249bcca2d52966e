"""One layer, or one direction of it, as it reads a sequence, and what is worked out about that once."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from unrolled import InputSequence, RecurrentLayer, Run, Step, Tally, tally
from unrolled.arrays import Array
from unrolled.clock import Clock
from unrolled.compare import differences
from unrolled.lazy import LazySequence
from unrolled.wiring import check_separate
from unrolled_tui.scales import scale_of
from unrolled_tui.wires import GateWeights, gate_weights

if TYPE_CHECKING:
    from unrolled_tui.over_time import OverTime  # loaded when it is first looked at

EARLY = 64
"""So many first timesteps stand for the run where all of it would take long: for scales, and for checks."""

NEAR = 64
"""So many timesteps past the last one that was computed are no long way."""


class LayerView:
    """A run, beside what the model reads.

    Its timesteps are the rows of the run: a direction that reads backwards has its own time order, and what is masked
    is not in it.

    Args:
        run: The layer's run over its input.
        sequence: What the model reads, in the order of the rows: see `in_order`.
        name: What the layer is called in its model.
        clock: Which timestep of the model's sequence is in which row; None where that is the same.

    Attributes:
        cut_check: How many units were run alone by then, and their largest difference from the cut layer.
    """

    def __init__(self, run: Run[Any], sequence: InputSequence, name: str = "", clock: Clock | None = None) -> None:
        self.run, self.sequence, self.name = run, sequence, name
        self.cut_check = (0, 0.0)
        self._clock = clock
        self._scales: dict[str, float] = {}
        self._kept_weights: GateWeights | None = None
        self._kept_step: Step | None = None

    @property
    def layer(self) -> RecurrentLayer[Any]:
        """The layer."""
        return self.run.layer

    def step(self, t: int) -> Step:
        """Everything that happens at timestep `t`, kept until another is asked for."""
        if self._kept_step is None or self._kept_step.t != t:
            self._kept_step = self.run[t]
        return self._kept_step

    def numbers(self, t: int, unit: int) -> dict[str, float]:
        """A unit's numbers at timestep `t`, by the attribute of the step, and `z_i` and so on.

        Behind a projection, h has coordinates of its own, which are no unit's.
        """
        step, layer = self.step(t), self.layer
        sums = {f"z_{gate.name}": z for gate, z in zip(layer.anatomy.gates, step.pre_activations, strict=True)}
        names = {name for phase in layer.anatomy.phases for name in phase.computes} - {"x", *sums}
        if not layer.separable:
            names -= {"h", "h_previous"}
        values = sums | {name: getattr(step, name) for name in names}
        return {name: float(array[unit]) for name, array in values.items()}

    def past(self, name: str, units: slice, start: int, stop: int) -> Array:
        """What some units have of the attribute `name` at the timesteps from `start` to `stop`, (timesteps, units)."""
        parts = self.run.window(start, stop)
        none = np.empty((0, units.stop - units.start))
        return np.concatenate([getattr(part, name)[:, units] for part in parts]) if parts else none

    def scale(self, name: str) -> float:
        """The value that fills a bar of `name`: its bound, or a round number that holds its first values."""
        if name not in self._scales:
            self._scales[name] = scale_of(self.run, name, EARLY)
        return self._scales[name]

    @cached_property
    def over_time(self) -> "OverTime":
        """What the time lens shows of the run."""
        from unrolled_tui.over_time import OverTime  # noqa: PLC0415  # not before the lens is opened

        return OverTime(self.run)

    @cached_property
    def tally(self) -> Tally:
        """The parameters of the layer."""
        return tally(self.layer)

    @cached_property
    def widest_label(self) -> int:
        """The cells of the widest token; 0 without tokens."""
        from rich.cells import cell_len  # noqa: PLC0415  # commands without a screen open sessions too

        return max(map(cell_len, set(self.sequence.labels)), default=0)

    @cached_property
    def state_phases(self) -> tuple[int, ...]:
        """The phases that make a state."""
        states = {state.name for state in self.layer.anatomy.states}
        return tuple(k for k, phase in enumerate(self.layer.anatomy.phases) if states & set(phase.computes))

    def weights_of(self, gate: int) -> GateWeights:
        """The weights of a gate, kept until another is asked for."""
        if self._kept_weights is None or self._kept_weights.gate != gate:
            self._kept_weights = gate_weights(self.layer, gate)
        return self._kept_weights

    # Where a timestep is in the model's sequence.

    def timestep(self, row: int) -> int:
        """The timestep of the model's sequence that row `row` reads."""
        return row if self._clock is None else self._clock.timestep(row)

    def row(self, timestep: int) -> int:
        """The last row done when the layer has come to a timestep of the model's sequence; the first if none is."""
        return timestep if self._clock is None else self._clock.row(timestep) or 0

    @property
    def backwards(self) -> bool:
        """Whether it begins with the last timestep."""
        return self._clock is not None and self._clock.backwards

    # The layer with the wires between its units cut.

    @cached_property
    def cut_run(self) -> Run[Any]:
        """The same input read without the wires between the units."""
        sequence = self.run.sequence
        own = sequence.fork() if isinstance(sequence, LazySequence) else sequence
        return Run(self.layer.without_connections(), own, self.run.initial_state)

    def cut_difference(self, name: str) -> Array:
        """How far whole and cut are apart in the state `name`, at the first timesteps, shape (T, units)."""
        stop = min(len(self.run), EARLY)
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

    def check_cut(self) -> Iterator[None]:
        """Runs each unit alone over the first timesteps, one at each next, and notes how far the cut layer is off."""
        if self.cut_check[0] < self.layer.units:
            largest = check_separate(self.cut_run.layer, self.run.sequence[0 : min(len(self.run), EARLY)])
            for done, difference in enumerate(largest, 1):
                self.cut_check = (done, difference)
                yield


def in_order(sequence: InputSequence, clock: Clock) -> InputSequence:
    """A model's sequence in the order in which a direction reads it."""
    if clock.read is None and not clock.backwards:
        return sequence
    order = clock.at(slice(None))
    tokens = tuple(sequence.tokens[t] for t in order.tolist()) if sequence.tokens else ()
    return replace(sequence, values=sequence.values[order], tokens=tokens)
