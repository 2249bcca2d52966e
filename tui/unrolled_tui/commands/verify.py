"""`unrolled verify`: whether a model's numbers agree with those of the framework that it is from."""

import click

from unrolled import Choices
from unrolled.doctor import diagnose
from unrolled.text import printable
from unrolled.verify import read_arrays, verify_file
from unrolled_tui.commands.model_options import model_options, take_choices
from unrolled_tui.commands.options import HELP_NAMES, examples
from unrolled_tui.commands.printing import say
from unrolled_tui.commands.watchdog import load_in_time
from unrolled_tui.exits import FAILED, tell


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

    FILE.npz has x, what the model reads, and h, the output of its last recurrent layer at every timestep, or y, its own
    output, or both; and what a trace has, such as lstm_1/h or bidirectional/forward/c. Where they part, the orders of
    the gates, biases, activations, transpositions and directions that are commonly mistaken are tried, and those named
    that would make them agree. The exit code is 0 where they agree, 1 where they part.
    """
    loaded = load_in_time(model, Choices(**dict(take_choices(options))))
    for remark in loaded.remarks:
        tell(remark)
    report = verify_file(loaded, numbers, layer, tolerance)
    for name in report.ignored:
        tell(f"{printable(numbers)}: not compared, as nothing of the model has this name: {name}")
    say(report.sentence)
    if report.agrees:
        return
    for sentence in diagnose(loaded, read_arrays(numbers), report, layer, tolerance).sentences:
        say(sentence)
    raise click.exceptions.Exit(FAILED)
