"""`unrolled summary`: the parameters of models and layers, counted per layer, gate and matrix, as plain text."""

from collections.abc import Iterator
from typing import Any

import click

from unrolled import Choices, Model, OptionError, RecurrentLayer, Tally, UnrolledError, tally
from unrolled.network import Direction, Network
from unrolled.text import printable
from unrolled_tui.commands.model_help import MODEL_FILES
from unrolled_tui.commands.model_options import check_choices, model_options
from unrolled_tui.commands.model_summary import whole
from unrolled_tui.commands.options import (
    HELP_NAMES,
    check_no_fresh_layer,
    example_option,
    examples,
    fresh_layer_options,
    request_from_options,
)
from unrolled_tui.commands.printing import aligned, many, say
from unrolled_tui.commands.request import Request
from unrolled_tui.commands.subject import fresh_layer, fresh_origin, subject
from unrolled_tui.commands.watchdog import load_in_time
from unrolled_tui.exits import FAILED, fail


@click.command(
    context_settings=HELP_NAMES,
    help=(
        "Count the parameters of a model: per layer as its framework counts them, and of each recurrent layer per gate "
        f"and matrix, and as others count them.\n\n{MODEL_FILES} Several are told one after the other. Without one, it "
        "is a fresh layer or an example."
    ),
    epilog=examples(
        "unrolled summary --units 3 --features 2",
        "unrolled summary model.keras other.npz",
        "unrolled summary model.keras --layer bidirectional/backward",
    ),
)
@click.argument("models", nargs=-1, metavar="[MODEL]...")
@click.option("--layer", metavar="NAME", help="Only this recurrent layer, or one direction of it.")
@model_options
@fresh_layer_options
@example_option
@request_from_options
def command(request: Request, models: tuple[str, ...]) -> None:
    """Tells of each model, or of a fresh layer or an example."""
    if request.example is not None:
        if models:
            raise click.UsageError("--example brings its own layers: it goes without MODEL.")
        about = subject(request)
        first = Model(about.origin, about.network)
        beside = [] if about.beside is None else [page(*about.beside)]
        say("\n\n".join([*pages(first, None), *beside]))
        return
    check_choices(request.choices, bool(models))
    if not models:
        if request.layer is not None:
            raise click.UsageError("--layer goes with MODEL: a fresh layer is the only one.")
        features = 1 if request.features is None else request.features
        say(page(fresh_layer(request, features), fresh_origin(request)))
        return
    check_no_fresh_layer(request)
    told = [_tell_model(path, request, first=number == 0) for number, path in enumerate(models)]
    if not all(told):
        raise click.exceptions.Exit(FAILED)


def page(layer: RecurrentLayer[Any], origin: str) -> str:
    """What there is to tell of one layer's parameters."""
    counted = tally(layer)
    sizes = f"{many(layer.units, 'unit')} · {many(layer.features, 'feature')}"
    title = f"{counted.cell} · {sizes} · {layer.dtype} · {origin}"
    return "\n".join([title, "", *_table(counted), "", *_conventions(counted)])


def pages(model: Model, layer: str | None) -> Iterator[str]:
    """What there is to tell of a model: all of it, then each recurrent layer, or the one that is asked for.

    Raises:
        OptionError: If there is no such layer.
    """
    network = model.network
    directions = _directions(network, layer)
    if len(network.layers) == len(directions) == 1 and network.parameters == tally(directions[0].layer).total:
        yield page(directions[0].layer, model.name)
    else:
        if layer is None:
            yield "\n".join(whole(model))
        for direction in directions:
            yield page(direction.layer, f"{direction.name} · {model.name}")
    remarks = (*model.remarks, *network.remarks)
    if remarks:
        yield "\n".join(printable(remark, 1000) for remark in remarks)


def _directions(network: Network, layer: str | None) -> list[Direction]:
    """The directions of the recurrent layer that is asked for, or one of them, or those of all."""
    found = [
        direction
        for recurrent in network.recurrent
        for direction in recurrent.directions
        if layer in (None, recurrent.name, direction.name)
    ]
    if not found:
        known = ", ".join(direction.name for recurrent in network.recurrent for direction in recurrent.directions)
        raise OptionError(f"layer: expected one of {known}, got {printable(str(layer), 60)}")
    return found


def _tell_model(path: str, request: Request, first: bool) -> bool:
    """Tells of a model file, and whether it could be read."""
    try:
        told = [*pages(load_in_time(path, Choices(**dict(request.choices))), request.layer)]
    except UnrolledError as error:
        fail(error)
        return False
    say(("" if first else "\n") + "\n\n".join(told))
    return True


def _table(counted: Tally) -> Iterator[str]:
    """Rows for the gates, columns for the matrices, and the sums of both."""
    rows = [
        ("", *counted.matrices, "sum"),
        ("", *counted.shapes, ""),
        *(
            (f"{gate}  {title}", *map(str, counts), str(gate_sum))
            for gate, title, counts, gate_sum in zip(
                counted.gates, counted.titles, counted.counts, counted.gate_sums, strict=True
            )
        ),
        ("sum", *map(str, counted.matrix_sums), str(counted.total)),
    ]
    return aligned(rows)


def _conventions(counted: Tally) -> Iterator[str]:
    """The total as each convention counts it, with its formula and the reason, the layer's own first."""
    width = max(len(convention.name) for convention in counted.conventions)
    for convention in counted.conventions:
        yield f"{convention.name.ljust(width)}  {convention.formula} = {convention.numbers}"
        yield f"{' ' * width}  {convention.reason}"
