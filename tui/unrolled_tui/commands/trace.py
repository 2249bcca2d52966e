"""`unrolled trace`: runs without a screen, and writes every gate at every timestep."""

import sys
from contextlib import nullcontext
from typing import Any

import click

from unrolled import write_trace
from unrolled.conditions import Condition, parse
from unrolled.export import Progress, names
from unrolled.network import Direction
from unrolled.text import printable
from unrolled_tui.commands.model_help import MODEL_FILES
from unrolled_tui.commands.model_options import model_options
from unrolled_tui.commands.options import (
    HELP_NAMES,
    example_option,
    examples,
    force_option,
    fresh_layer_options,
    model_argument,
    output_option,
    request_from_options,
    sequence_options,
)
from unrolled_tui.commands.printing import say
from unrolled_tui.commands.request import Request
from unrolled_tui.commands.subject import Subject, subject
from unrolled_tui.exits import signals_clean_up, tell

_LONG_RUN = 200_000
"""A run of more timesteps times units than this shows its progress."""

_PREFIXES, _LONGEST = 4, 30
"""So many layers are named, each with so many characters."""


@click.command(
    context_settings=HELP_NAMES,
    help=(
        "Run a model over a sequence and write every gate and state of every unit at every timestep.\n\n"
        "The names are x h c i f g o and z_i z_f z_g z_o (the pre-activations); for a GRU x h z r n and z_z z_r z_n, "
        "for a SimpleRNN x h z_h. Where a model has several recurrent layers the layer is before them, as in lstm_1/h, "
        "and the direction of a bidirectional one, as in lstm_1/backward/h: all in the order of the input. At a masked "
        "timestep the states are what they were, and the gates NaN. A .npz file "
        "has an array of shape (T, units) for each, a .csv a row per timestep with a column per unit, a .jsonl an "
        "object per timestep.\n\n"
        "The input is (T, features), or a batch (batch, T, features); for a model that begins with an Embedding token "
        "ids, (T) or (batch, T). With --when a .npz has the numbers of its timesteps, from 1, as t, and --layer says "
        f"which layer the condition is about.\n\n{MODEL_FILES} Without one, it is a fresh layer or an example."
    ),
    epilog=examples(
        "unrolled trace --units 3 --seed 7 -o out.npz",
        "unrolled trace model.keras --input data.npy -o out.npz",
        'unrolled trace model.keras --vocab characters.json --text "hello" -o out.npz',
        'unrolled trace --text "hello" -o hello.jsonl --force',
        "unrolled trace --input data.csv --when 'f[2] < 0.1' -o forgets.csv",
    ),
)
@model_argument
@model_options
@fresh_layer_options
@sequence_options
@example_option
@output_option("Write here: .npz, .csv or .jsonl.")
@force_option
@click.option(
    "--when",
    metavar="CONDITION",
    help="Write only the timesteps that fulfil it, such as 'f[2] < 0.1', 'c[1] changes sign' or 'any f < 0.05'.",
)
@request_from_options
def command(request: Request, output: str, force: bool, when: str | None) -> None:
    """Writes the trace, and says what is in it."""
    about = subject(request)
    if about.beside is not None:
        raise click.UsageError(f"--example {request.example} is two layers: a trace is of one.")
    has_tokens = bool(about.sequence.tokens) or about.sequence.spell is not None
    condition = None if when is None else parse(when, about.layer, has_tokens)
    for remark in (*about.remarks, *about.sequence.remarks):
        tell(remark)
    written = _write(about, output, force, condition)
    say(f"{printable(output)}: {_account(about, written, condition)}")


def _account(about: Subject, written: int, condition: Condition | None) -> str:
    """What the file holds."""
    sequences, timesteps = about.sequence.rows, about.sequence.values.shape[-2]
    if condition is None:
        of = "" if sequences is None else f"{sequences:,} sequences of "
        return f"{_names(_directions(about))} at {of}{timesteps:,} timesteps"
    of = "" if sequences is None else f" of {sequences:,} sequences"
    total = f"{(sequences or 1) * timesteps:,} timesteps{of}"
    if not written:
        return f"no row, as none of {total} fulfils {printable(condition.text)}"
    return f"{_names(_directions(about))} at {written:,} of {total}"


def _directions(about: Subject) -> list[Direction]:
    """The recurrent layers that are written, each direction by itself."""
    stretch = about.network.stretch(about.reader)
    return [direction for recurrent in stretch.recurrent for direction in recurrent.directions]


def _names(directions: list[Direction]) -> str:
    """What the arrays are called, cut to a line where there are many layers."""
    each = [names(direction.layer.anatomy) for direction in directions]
    if len(directions) == 1:
        return " ".join(each[0])
    prefixes = [f"{printable(direction.name, _LONGEST)}/" for direction in directions[:_PREFIXES]]
    layers = " ".join([*prefixes, *(["…"] if len(directions) > _PREFIXES else [])])
    return f"{layers}: {' '.join(each[0]) if len(set(each)) == 1 else 'x h …'}"


def _write(about: Subject, output: str, force: bool, condition: Condition | None) -> int:
    sequence = about.sequence
    timesteps = (sequence.rows or 1) * sequence.values.shape[-2]
    units = sum(direction.layer.units for direction in _directions(about))
    with signals_clean_up(), _bar(timesteps, timesteps * units) as bar:
        progress: Progress = bar.update if bar is not None else (lambda _count: None)
        return write_trace(
            about.network,
            sequence.values,
            output,
            force,
            progress,
            reader=about.reader,
            batch_size=about.batch_size,
            when=condition,
            tokens=lambda row: sequence.row(row).labels,
            direction=about.name,
        )


def _bar(timesteps: int, work: int) -> Any:
    """A progress bar for a long run in front of somebody, or nothing."""
    if work < _LONG_RUN or sys.stderr is None or not sys.stderr.isatty():
        return nullcontext()
    return click.progressbar(length=timesteps, label="timesteps", file=sys.stderr)
