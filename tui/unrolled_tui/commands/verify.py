"""`unrolled verify`: whether a model's numbers agree with those of the framework that it is from."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from unrolled import Choices
from unrolled.doctor import diagnose
from unrolled.text import printable
from unrolled.verify import Told, read_arrays, verify_file
from unrolled_tui.commands.model_options import model_options, take_choices
from unrolled_tui.commands.options import HELP_NAMES, examples
from unrolled_tui.commands.printing import say
from unrolled_tui.commands.watchdog import load_in_time
from unrolled_tui.exits import FAILED, tell

_MOST_NAMED = 6
"""So many arrays that are not compared are named."""

_LONG = 0.5
"""What takes more seconds than this shows its progress."""


@click.command(
    context_settings=HELP_NAMES,
    epilog=examples(
        "unrolled verify model.keras numbers.npz",
        "unrolled verify weights.pt numbers.npz --no-batch-first",
    ),
)
@click.argument("model")
@click.argument("numbers", metavar="FILE.npz")
@click.option("--layer", metavar="NAME", help="The recurrent layer that reads x, behind layers that are not computed.")
@click.option("--tolerance", type=float, metavar="D", help="The largest difference that is none.")
@model_options
def command(model: str, numbers: str, layer: str | None, tolerance: float | None, **options: object) -> None:
    """Say whether a model's numbers agree with the framework's own, or where they first part.

    FILE.npz has x, what the model reads, and h, the output of its last recurrent layer at every timestep, or y, its
    own output, or both, or either at the last timestep; and what a trace has, such as lstm_1/h or
    bidirectional/forward/c. Where they part, the orders of the gates, biases, activations, transpositions,
    directions, states and arrays that are commonly mistaken are tried, one and then two at once, for some 20
    seconds at most, and those named that would make them agree. The exit code is 0 where they agree, 1 where they
    part.
    """
    loaded = load_in_time(model, Choices(**dict(take_choices(options))))
    for remark in loaded.remarks:
        tell(remark)
    with _progress("samples") as told:
        report = verify_file(loaded, numbers, layer, tolerance, told)
    if report.ignored:
        names, more = ", ".join(report.ignored[:_MOST_NAMED]), len(report.ignored) - _MOST_NAMED
        others = f" and {more:,} more" if more > 0 else ""
        tell(f"{printable(numbers)}: not compared, as nothing of the model has such a name: {names}{others}")
    say(report.sentence)
    if report.agrees:
        return
    with _progress("mistakes tried") as told:
        diagnosis = diagnose(loaded, read_arrays(numbers), report, layer, tolerance, told=told)
    for sentence in diagnosis.sentences:
        say(sentence)
    raise click.exceptions.Exit(FAILED)


@contextmanager
def _progress(label: str) -> Iterator[Told]:
    """What shows how much is done, in front of somebody, once that takes long."""
    begun, bars = time.monotonic(), list[Any]()
    in_front = sys.stderr is not None and sys.stderr.isatty()

    def told(done: int, of: int) -> None:
        if not bars:
            if not in_front or time.monotonic() - begun < _LONG:
                return
            bars.append(click.progressbar(length=of, label=label, file=sys.stderr, update_min_steps=1))
            bars[0].__enter__()
        bars[0].length = of
        bars[0].update(done - bars[0].pos)

    try:
        yield told
    finally:
        for bar in bars:
            bar.__exit__(None, None, None)
