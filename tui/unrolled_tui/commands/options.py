"""The options that several commands share."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeAlias

import click

from unrolled_tui.commands.model_options import check_choices, take_choices
from unrolled_tui.commands.request import CELL, CELLS, DTYPE, EXAMPLES, LENS_NAMES, REQUEST_NAMES, SEED, UNITS, Request

Callback: TypeAlias = Callable[..., None]
Decorator: TypeAlias = Callable[[Callback], Callback]

_LIST = ""
"""The name of no example, which asks for their list."""

HELP_NAMES = {"help_option_names": ["-h", "--help"]}


def examples(*lines: str) -> str:
    """The text under a command's help, with its examples as they are typed."""
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])


def fresh_layer_options(callback: Callback) -> Callback:
    """The options of a layer that comes from no file."""
    return _all(
        click.option("--cell", type=click.Choice(CELLS), help=f"The cell of a fresh layer.  [default: {CELL}]"),
        click.option("--units", type=int, metavar="N", help=f"Units of a fresh layer.  [default: {UNITS}]"),
        click.option(
            "--features",
            type=int,
            metavar="N",
            help="Features of a fresh layer.  [default: what the sequence has, or 1]",
        ),
        click.option(
            "--seed",
            type=int,
            metavar="N",
            help=f"Draw the weights with this seed: the same seed gives the same layer.  [default: {SEED}]",
        ),
        click.option(
            "--dtype",
            type=click.Choice(["float32", "float64"]),
            help=f"Compute a fresh layer in this.  [default: {DTYPE}]",
        ),
    )(callback)


def sequence_options(callback: Callback) -> Callback:
    """The options that say what is read."""
    return _all(
        click.option(
            "--input", metavar="FILE", help="The sequence: .npy, .npz, .csv, .jsonl or .txt; - reads standard input."
        ),
        click.option(
            "--text",
            metavar="STRING",
            help="The sequence: characters, as --vocab numbers them, or one-hot over the distinct ones, sorted.",
        ),
        click.option("--vocab", metavar="FILE", help="The tokens of a model: a JSON list, or a map of token to id."),
        click.option(
            "--batch-size",
            type=click.IntRange(1),
            metavar="N",
            help="Sequences in a batch of a stateful model: the next batch goes on where it ended.",
        ),
        layer_option,
    )(callback)


layer_option = click.option("--layer", metavar="NAME", help="The recurrent layer of a model, such as lstm_1.")


def at_option(callback: Callback) -> Callback:
    """The option that says where to begin."""
    return click.option("--at", type=int, default=1, metavar="T", help="Begin at timestep T, from 1.")(callback)


def example_option(callback: Callback) -> Callback:
    """The option that names a built-in example; without a name it lists them."""
    return click.option(
        "--example",
        is_flag=False,
        flag_value=_LIST,
        is_eager=True,  # the list needs nothing else on the command line
        callback=_example,
        metavar="[NAME]",
        help=f"A built-in example: {', '.join(EXAMPLES)}. Without a NAME, list them.",
    )(callback)


def _example(_context: click.Context, _option: click.Parameter, name: str | None) -> str | None:
    if name == _LIST:
        width = max(map(len, EXAMPLES))
        print("\n".join(f"{known.ljust(width)}  {says}" for known, says in EXAMPLES.items()))
        raise click.exceptions.Exit
    if name is not None and name not in EXAMPLES:
        raise click.BadParameter(f"{name!r} is not one of {', '.join(map(repr, EXAMPLES))}.")
    return name


def view_options(callback: Callback) -> Callback:
    """The options that say how to look, and what to put beside the layer."""
    return _all(
        at_option,
        click.option("--row", type=click.IntRange(1), default=1, metavar="N", help="Begin with sequence N of a batch."),
        click.option("--lens", type=click.Choice(LENS_NAMES), default="units", help="Begin with this lens."),
        click.option("--marks", metavar="FILE", help="Bookmarks and notes, as the key M writes them."),
        click.option(
            "--verify",
            metavar="FILE.npz",
            help="Check MODEL against the framework's own numbers first, as unrolled verify does.",
        ),
        example_option,
        click.option("--versus", metavar="MODEL", help="A second layer, from a file, beside the first."),
        click.option("--versus-units", type=int, metavar="N", help="A second layer, fresh, with N units."),
        click.option("--versus-seed", type=int, metavar="N", help="A second layer, fresh, with this seed."),
        click.option("--versus-cut", is_flag=True, help="A second layer: the first with the wires between units cut."),
    )(callback)


def request_from_options(callback: Callback) -> Callback:
    """Calls `callback` with the options above, and MODEL if there is one, as one `Request`."""

    @wraps(callback)
    def with_request(**options: Any) -> None:
        choices = take_choices(options)
        request = Request(**{name: options.pop(name) for name in REQUEST_NAMES if name in options}, choices=choices)
        if "models" not in options:
            check_choices(choices, request.model is not None or request.versus is not None)
        if request.model is not None:
            check_no_fresh_layer(request)
        elif "models" not in options:
            check_no_model_options(request)
        check_versus(request)
        if request.input is not None and request.text is not None:
            raise click.UsageError("--input and --text both give the sequence: choose one.")
        callback(request=request, **options)

    return with_request


def check_no_fresh_layer(request: Request) -> None:
    """Checks that a model file is not asked for together with a fresh layer.

    Raises:
        UsageError: If it is.
    """
    if request.fresh_options:
        given = " and ".join(request.fresh_options)
        raise click.UsageError(f"{given} cannot go with MODEL, which brings its own weights.")


def check_no_model_options(request: Request) -> None:
    """Checks that nothing is asked of a model file where there is none.

    Raises:
        UsageError: If it is.
    """
    for name in ("layer", "batch_size", "verify"):
        if getattr(request, name) is not None:
            raise click.UsageError(f"--{name.replace('_', '-')} goes with MODEL.")


def check_versus(request: Request) -> None:
    """Checks that there is at most one second layer, and one that can be.

    Raises:
        UsageError: If there is not.
    """
    fresh = request.versus_units is not None or request.versus_seed is not None
    if (request.versus is not None) + fresh + request.versus_cut > 1:
        raise click.UsageError("--versus, --versus-units or --versus-seed, and --versus-cut each name a second layer.")
    if fresh and request.model is not None:
        raise click.UsageError("--versus-units and --versus-seed go with a fresh layer: use --versus beside a MODEL.")
    alone = Request(example=request.example, at=request.at, lens=request.lens, marks=request.marks)
    if request.example is not None and request != alone:
        raise click.UsageError(
            "--example brings its own layers and sequence: it goes with --at, --lens and --marks only."
        )


model_argument = click.argument("model", required=False)
force_option = click.option("--force", is_flag=True, help="Replace the file if it exists.")


def output_option(help: str) -> Decorator:  # noqa: A002
    """The option that says where the output goes."""
    return click.option("-o", "--output", required=True, metavar="FILE", help=help)


def _all(*decorators: Decorator) -> Decorator:
    def decorate(callback: Callback) -> Callback:
        for decorator in reversed(decorators):
            callback = decorator(callback)
        return callback

    return decorate
