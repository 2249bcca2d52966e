"""The cells as data: see `anatomy` for what each part is for.

The arguments are how formulas write the activations of a z, such as `σ(z)`, and which of its options a layer has.
"""

from collections.abc import Callable
from typing import TypeAlias

from unrolled.anatomy import Account, Anatomy, Phase, Quantity

I, F, G, O, C = (  # the mathematics' own letters
    Quantity("i", "i", "input gate", "how much of the candidate is written"),
    Quantity("f", "f", "forget gate", "how much of the old cell state is kept"),
    Quantity("g", "g", "candidate", "what would be written"),
    Quantity("o", "o", "output gate", "how much of the cell state is shown"),
    Quantity("c", "c", "cell state", "what the unit remembers, private to it"),
)
Z, R, N = (
    Quantity("z", "z", "update gate", "how much of the old hidden state is kept"),
    Quantity("r", "r", "reset gate", "how much of the old hidden state the candidate reads"),
    Quantity("n", "n", "candidate", "what would be written"),
)
H = Quantity("h", "h", "hidden state", "what the unit puts out, and all units read at t+1")
M = Quantity("m", "m", "output", "what the unit puts out, before the projection mixes it with the others'")

SUM = "W·x_t + U·h_(t-1) + b"

Written: TypeAlias = Callable[[str], str]
"""How formulas write an activation of what it is given: `σ(z)` for `z`."""


def lstm_anatomy(
    squash: Written, activate: Written, activate_c: Written, peepholes: bool, projection: bool, coupled: bool
) -> Anatomy:
    """An LSTM. Through peepholes the output gate sees c_t, and so comes after it."""
    gates = (I, G, O) if coupled else (I, F, G, O)
    early = [gate.name for gate in gates if not (peepholes and gate is O)]
    shown = [*early, "f"] if coupled else early
    squashed = ", ".join(gate for gate in early if gate != "g")
    late = ("z_o", "o") if peepholes else ()
    output, what = ("m", "m_t") if projection else ("h", "h_t")
    show = f"{what} = o ⊙ {activate_c('c_t')}" + ("   h_t = m_t·V" if projection else "")
    return Anatomy(
        cell="LSTM",
        gates=gates,
        states=(F, C, M if projection else H) if coupled else (C, M if projection else H),
        carries=("h", "c"),
        phases=(
            Phase(
                "read", ("x", "h_previous", "c_previous"), "x_t, h_(t-1) and c_(t-1) come in", "c_(t-1) = {c_previous}"
            ),
            _project(f"{SUM} + p ⊙ c_(t-1)" if peepholes else SUM, early),
            Phase(
                "gate",
                tuple(shown),
                f"{squashed} = {squash('z')}   g = {activate('z')}" + ("   f = 1 − i" if coupled else ""),
                _each(shown),
            ),
            Phase("write", ("c", "tanh_c"), "c_t = f ⊙ c_(t-1) + i ⊙ g", "{f}·{c_previous} + {i}·{g} = {c}"),
            Phase(
                "show",
                (*late, *dict.fromkeys((output, "h"))),
                show + (f"   o = {squash('z_o')}   z_o = {SUM} + p ⊙ c_t" if peepholes else ""),
                f"{{o}}·{{tanh_c}} = {{{output}}}",
            ),
        ),
        account=Account("c", "c_previous", "f", "i ⊙ g"),
    )


def gru_anatomy(squash: Written, activate: Written, reset_after: bool) -> Anatomy:
    """A GRU. The reset gate comes after the product with U, or before it: two different layers."""
    candidate = "W·x_t + b + r ⊙ (U·h_(t-1) + b_h)" if reset_after else "W·x_t + U·(r ⊙ h_(t-1)) + b"
    return Anatomy(
        cell="GRU",
        gates=(Z, R, N),
        states=(H,),
        carries=("h",),
        phases=(
            Phase("read", ("x", "h_previous"), "x_t and h_(t-1) come in", "h_(t-1) = {h_previous}"),
            Phase(
                "project",
                ("z_z", "z_r"),
                f"z_z, z_r = {SUM} + b_h" if reset_after else f"z_z, z_r = {SUM}",
                "z_z = {z_z}   z_r = {z_r}",
            ),
            Phase("gate", ("z", "r"), f"z = {squash('z_z')}   r = {squash('z_r')}", _each(["z", "r"])),
            Phase(
                "propose",
                ("z_n", "n"),
                f"n = {activate('z_n')}   z_n = {candidate}",
                f"{activate('{z_n}')} = {{n}}",
            ),
            Phase("write", ("h",), "h_t = z ⊙ h_(t-1) + (1−z) ⊙ n", "{z}·{h_previous} + (1−{z})·{n} = {h}"),
        ),
        account=Account("h", "h_previous", "z", "(1−z) ⊙ n"),
    )


def simple_rnn_anatomy(activate: Written) -> Anatomy:
    """A simple recurrent layer, whose one block of weights makes the hidden state itself."""
    return Anatomy(
        cell="SimpleRNN",
        gates=(H,),
        states=(H,),
        carries=("h",),
        phases=(
            Phase("read", ("x", "h_previous"), "x_t and h_(t-1) come in", "h_(t-1) = {h_previous}"),
            _project(SUM, ["h"]),
            Phase("show", ("h",), f"h_t = {activate('z')}", f"{activate('{z_h}')} = {{h}}"),
        ),
    )


def _project(formula: str, gates: list[str]) -> Phase:
    numbers = ", ".join(f"{{z_{gate}}}" for gate in gates)
    return Phase("project", tuple(f"z_{gate}" for gate in gates), f"z = {formula}", f"z = {numbers}")


def _each(names: list[str]) -> str:
    return "  ".join(f"{name} {{{name}}}" for name in names)
