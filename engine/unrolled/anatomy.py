"""What a cell is made of, as data: its gates and states, and the phases inside one timestep.

Screens, tallies and files read a cell's anatomy instead of knowing cells by name, so a new cell needs no new screen.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Quantity:
    """One thing that every unit has at every timestep.

    Attributes:
        name: The attribute of a step that holds it.
        symbol: How the mathematics writes it.
        title: What it is called.
        role: What it does, in one clause.
    """

    name: str
    symbol: str
    title: str
    role: str


@dataclass(frozen=True, slots=True)
class Phase:
    """One stage inside a timestep.

    Attributes:
        name: One word: read, project, gate, propose, write or show.
        computes: The attributes of a step that are known from this phase on, and `z_` before a gate's name for its
            pre-activation.
        formula: What happens, for all units at once.
        numbers: The same for one unit, with the names of a step's attributes in braces.
    """

    name: str
    computes: tuple[str, ...]
    formula: str
    numbers: str


@dataclass(frozen=True, slots=True)
class Account:
    """How a state remembers: state_t = keep ⊙ state_(t-1) + written, with `written` an attribute of a trace.

    Attributes:
        state: The name of the state.
        previous: The attribute of a step that holds it as it was before.
        keep: The name of the gate that says how much of it stays.
        written: What is written anew, as mathematics.
    """

    state: str
    previous: str
    keep: str
    written: str


@dataclass(frozen=True, slots=True)
class Anatomy:
    """A cell as data.

    Attributes:
        cell: The cell's name, as Keras has it.
        gates: What has a block of weights, in the order of the blocks.
        states: What every unit has beside its gates: the cell state, if there is one, and what it puts out.
        carries: The names of the states in the order in which `step` and `unroll` take them, h first.
        phases: The stages inside a timestep, in their order.
        account: How its memory works, or None if no state goes on but through weights.
    """

    cell: str
    gates: tuple[Quantity, ...]
    states: tuple[Quantity, ...]
    carries: tuple[str, ...]
    phases: tuple[Phase, ...]
    account: Account | None = None

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """The gates, then the states, each once: the only gate of a simple recurrent layer is its state too."""
        return self.gates + tuple(state for state in self.states if state not in self.gates)
