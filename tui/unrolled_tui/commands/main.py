"""The options of `unrolled` itself, which opens the stepper, and the page that lists the other commands."""

import click

from unrolled_tui.commands import COMMANDS
from unrolled_tui.commands.model_help import MODEL_FILES
from unrolled_tui.commands.model_options import model_options
from unrolled_tui.commands.options import (
    HELP_NAMES,
    examples,
    fresh_layer_options,
    model_argument,
    request_from_options,
    sequence_options,
    view_options,
)
from unrolled_tui.commands.request import Request


class _Main(click.Command):
    """Lists the commands under the options."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_options(ctx, formatter)
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.command(
    cls=_Main,
    context_settings=HELP_NAMES,
    epilog=examples(
        "unrolled                                the example: 3 units read 1, 2, 3, 4",
        "unrolled --example                      the built-in examples, with one line each",
        "unrolled --example brackets             a trained layer, whose unit 1 counts brackets",
        "unrolled before.npz --versus after.npz  two layers of one shape, and their difference",
        "unrolled --units 5 --seed 1             a fresh layer of 5 units",
        "unrolled model.keras --input x.npy      your model reads your data",
        'unrolled --text "hello" --at 3          characters, from the third on',
        "seq 10 | unrolled --input -             numbers from another program",
        "unrolled summary --units 3              every command has its --help",
    ),
    options_metavar="[OPTIONS]",
    help=(
        "See what an LSTM really does, or a GRU: every gate and state of every unit, one timestep a key press.\n\n"
        f"{MODEL_FILES} Without one, the layer is a fresh one with Keras's default initialisers."
    ),
)
@model_argument
@model_options
@fresh_layer_options
@sequence_options
@view_options
@click.option("--no-files", is_flag=True, help="No key writes or reads a file: for an account that several share.")
@click.version_option(package_name="unrolled", prog_name="unrolled", message="%(prog)s %(version)s")
@request_from_options
def command(request: Request, no_files: bool) -> None:
    """Open the stepper."""
    from unrolled_tui.commands.stepper import step_through  # noqa: PLC0415

    raise click.exceptions.Exit(step_through(request, not no_files))
