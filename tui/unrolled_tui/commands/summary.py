"""`unrolled summary`: the parameters of layers, counted per gate and matrix, as plain text."""

import sys
from collections.abc import Iterator, Sequence
from typing import Any

import click

import unrolled
from unrolled import RecurrentLayer, Tally, UnrolledError, tally
from unrolled_tui.characters import ASCII
from unrolled_tui.commands.options import (
    HELP_NAMES,
    check_no_fresh_layer,
    example_option,
    examples,
    fresh_layer_options,
    request_from_options,
)
from unrolled_tui.commands.request import Request
from unrolled_tui.commands.subject import fresh_layer, fresh_origin, subject
from unrolled_tui.exits import FAILED, fail
from unrolled_tui.terminal import speaks_utf8


@click.command(
    context_settings=HELP_NAMES,
    epilog=examples(
        "unrolled summary --units 3 --features 2",
        "unrolled summary model.npz other.npz",
    ),
)
@click.argument("models", nargs=-1, metavar="[MODEL]...")
@fresh_layer_options
@example_option
@request_from_options
def command(request: Request, models: tuple[str, ...]) -> None:
    """Count the parameters of a layer, per gate and matrix, and as others count them.

    MODEL is a .npz file; several are told one after the other. Without one, it is a fresh layer or an example.
    """
    if request.example is not None:
        if models:
            raise click.UsageError("--example brings its own layers: it goes without MODEL.")
        about = subject(request)
        layers = [(about.layer, about.origin), *([] if about.beside is None else [about.beside])]
        _tell(["\n\n".join(page(layer, origin) for layer, origin in layers)])
        return
    if not models:
        features = 1 if request.features is None else request.features
        _tell([page(fresh_layer(request, features), fresh_origin(request))])
        return
    check_no_fresh_layer(request)
    told = [_tell_model(path, first=number == 0) for number, path in enumerate(models)]
    if not all(told):
        raise click.exceptions.Exit(FAILED)


def page(layer: RecurrentLayer[Any], origin: str, remarks: Sequence[str] = ()) -> str:
    """What there is to tell of one layer's parameters."""
    counted = tally(layer)
    title = (
        f"{counted.cell} · {_many(layer.units, 'unit')} · {_many(layer.features, 'feature')} · {layer.dtype} · {origin}"
    )
    lines = [title, "", *_table(counted, [gate.title for gate in layer.anatomy.gates]), "", *_conventions(counted)]
    return "\n".join([*lines, *([""] if remarks else []), *remarks])


def _tell_model(path: str, first: bool) -> bool:
    """Tells of a model file, and whether it could be read."""
    try:
        model = unrolled.load(path)
    except UnrolledError as error:
        fail(error)
        return False
    _tell(([] if first else [""]) + [page(named.layer, model.name, model.remarks) for named in model.layers])
    return True


def _tell(pages: Sequence[str]) -> None:
    text = "\n".join(pages)
    print(text if speaks_utf8(sys.stdout) else _plain(text))


def _plain(text: str) -> str:
    """The same in ASCII."""
    plain = text.replace(" · ", ", ").replace("·", "*").translate(ASCII)
    return plain.encode("ascii", "backslashreplace").decode()


def _table(counted: Tally, titles: Sequence[str]) -> Iterator[str]:
    """Rows for the gates, columns for the matrices, and the sums of both."""
    rows = [
        ("", *counted.matrices, "sum"),
        ("", *counted.shapes, ""),
        *(
            (f"{gate}  {title}", *map(str, counts), str(gate_sum))
            for gate, title, counts, gate_sum in zip(
                counted.gates, titles, counted.counts, counted.gate_sums, strict=True
            )
        ),
        ("sum", *map(str, counted.matrix_sums), str(counted.total)),
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for label, *cells in rows:
        row = [label.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True))]
        yield "  ".join(row).rstrip()


def _conventions(counted: Tally) -> Iterator[str]:
    """The total as each convention counts it, with its formula and the reason, the layer's own first."""
    width = max(len(convention.name) for convention in counted.conventions)
    for convention in counted.conventions:
        yield f"{convention.name.ljust(width)}  {convention.formula} = {convention.numbers}"
        yield f"{' ' * width}  {convention.reason}"


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
