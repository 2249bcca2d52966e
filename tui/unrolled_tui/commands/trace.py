"""`unrolled trace`: runs without a screen, and writes every gate at every timestep."""

import sys
from contextlib import nullcontext
from typing import Any

import click

from unrolled import write_trace
from unrolled.export import Progress, names
from unrolled.text import printable
from unrolled_tui.commands.options import (
    HELP_NAMES,
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
    ),
)
@model_argument
@fresh_layer_options
@sequence_options
@output_option("Write here: .npz, .csv or .jsonl.")
@force_option
@request_from_options
def command(request: Request, output: str, force: bool) -> None:
    """Run a layer over a sequence and write every gate and state of every unit at every timestep.

    The names are x h c i f g o and z_i z_f z_g z_o (the pre-activations). A .npz file has an array of shape (T, units)
    for each, a .csv a row per timestep with a column per unit, a .jsonl an object per timestep. A three-dimensional
    input is a batch: (batch, T, features).
    """
    about = subject(request)
    for remark in about.sequence.remarks:
        tell(remark)
    _write(about, output, force)
    shape = about.sequence.values.shape
    sequences = f"{shape[0]:,} sequences of " if len(shape) == 3 else ""
    print(f"{printable(output)}: {' '.join(names(about.layer.anatomy))} at {sequences}{shape[-2]:,} timesteps")


def _write(about: Subject, output: str, force: bool) -> None:
    values = about.sequence.values
    timesteps = values.size // values.shape[-1]
    with signals_clean_up(), _bar(timesteps, timesteps * about.layer.units) as bar:
        progress: Progress = bar.update if bar is not None else (lambda _count: None)
        write_trace(about.layer, values, output, force, progress)


def _bar(timesteps: int, work: int) -> Any:
    """A progress bar for a long run in front of somebody, or nothing."""
    if work < _LONG_RUN or sys.stderr is None or not sys.stderr.isatty():
        return nullcontext()
    return click.progressbar(length=timesteps, label="timesteps", file=sys.stderr)
