"""`unrolled trace`: runs without a screen, and writes every gate at every timestep."""

import sys
from contextlib import nullcontext
from math import prod
from typing import Any

import click

from unrolled import write_trace
from unrolled.conditions import Condition, parse
from unrolled.export import Progress, names
from unrolled.text import printable
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
from unrolled_tui.commands.request import Request
from unrolled_tui.commands.subject import Subject, subject
from unrolled_tui.exits import signals_clean_up, tell

_LONG_RUN = 200_000
"""A run of more timesteps times units than this shows its progress."""


@click.command(
    context_settings=HELP_NAMES,
    epilog=examples(
        "unrolled trace --units 3 --seed 7 -o out.npz",
        "unrolled trace model.npz --input data.csv -o out.csv",
        'unrolled trace --text "hello" -o hello.jsonl --force',
        "unrolled trace --input data.csv --when 'f[2] < 0.1' -o forgets.csv",
    ),
)
@model_argument
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
    """Run a layer over a sequence and write every gate and state of every unit at every timestep.

    The names are x h c i f g o and z_i z_f z_g z_o (the pre-activations). A .npz file has an array of shape (T, units)
    for each, a .csv a row per timestep with a column per unit, a .jsonl an object per timestep. A three-dimensional
    input is a batch: (batch, T, features). With --when a .npz has the numbers of its timesteps, from 1, as t.
    """
    about = subject(request)
    if about.beside is not None:
        raise click.UsageError(f"--example {request.example} is two layers: a trace is of one.")
    condition = None if when is None else parse(when, about.layer, bool(about.sequence.tokens))
    for remark in about.sequence.remarks:
        tell(remark)
    written = _write(about, output, force, condition)
    print(f"{printable(output)}: {_account(about, written, condition)}")


def _account(about: Subject, written: int, condition: Condition | None) -> str:
    """What the file holds."""
    batch, timesteps = about.sequence.values.shape[:-2], about.sequence.values.shape[-2]
    if condition is None:
        sequences = f"{batch[0]:,} sequences of " if batch else ""
        return f"{' '.join(names(about.layer.anatomy))} at {sequences}{timesteps:,} timesteps"
    total = f"{prod(batch) * timesteps:,} timesteps" + (f" of {batch[0]:,} sequences" if batch else "")
    if not written:
        return f"no row, as none of {total} fulfils {printable(condition.text)}"
    return f"{' '.join(names(about.layer.anatomy))} at {written:,} of {total}"


def _write(about: Subject, output: str, force: bool, condition: Condition | None) -> int:
    values, labels = about.sequence.values, about.sequence.labels
    timesteps = values.size // values.shape[-1]
    with signals_clean_up(), _bar(timesteps, timesteps * about.layer.units) as bar:
        progress: Progress = bar.update if bar is not None else (lambda _count: None)
        return write_trace(about.layer, values, output, force, progress, condition, labels)


def _bar(timesteps: int, work: int) -> Any:
    """A progress bar for a long run in front of somebody, or nothing."""
    if work < _LONG_RUN or sys.stderr is None or not sys.stderr.isatty():
        return nullcontext()
    return click.progressbar(length=timesteps, label="timesteps", file=sys.stderr)
