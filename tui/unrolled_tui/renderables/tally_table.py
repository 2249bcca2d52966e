"""The parameter tally as a table of gates and matrices, and as one line."""

from collections.abc import Sequence
from textwrap import wrap
from typing import TYPE_CHECKING

from unrolled import Tally
from unrolled_tui.renderables.spans import Line, Lines, Span, fit, line, width

if TYPE_CHECKING:
    from unrolled.network import LayerCount  # a fresh layer opens without what models need

MATRIX_SYMBOLS = {"kernel": "W", "recurrent_kernel": "U", "bias": "b", "peepholes": "p", "projection": "V"}


def tally_table(tally: Tally, cells: int) -> Lines:
    """A row for each gate, a column for each matrix, sums at the end, the formula, and how others count.

    Args:
        tally: The tally.
        cells: The cells there are; sentences are broken to fit.
    """
    symbols = [MATRIX_SYMBOLS[name] for name in tally.matrices]
    heads = [f"{symbol} {shape}" for symbol, shape in zip(symbols, tally.shapes, strict=True)]
    lines: list[Line] = list(_table(tally, heads))
    if width(lines[0]) > cells:  # a large layer: its shapes go below the table
        lines = [*_table(tally, symbols), line(Span(f" {', '.join(heads)}", "dim"))]
    if width(lines[0]) > cells:  # a huge one
        lines[:-1] = _table(tally, symbols, separator="")
    own = tally.conventions[0]
    lines += [(), line(f" {own.formula}")]
    lines += [line(Span(f" {part}", "strong")) for part in wrap(f"= {own.numbers}", cells - 1)]
    for other in tally.conventions[1:]:
        lines += [(), line(Span(f" {other.name}: {other.total:,}", "strong")), line(f" {other.formula}")]
        lines += [line(Span(f" {part}", "dim")) for part in wrap(other.reason, cells - 2)]
    return tuple(lines)


def model_table(counts: "Sequence[LayerCount]", framework: str, remarks: Sequence[str], cells: int) -> Lines:
    """The layers of a model with their parameters, as its framework counts them, and what there is to know of it."""
    total = sum(count.parameters for count in counts)
    number = len(f"{total:,}")
    names = max(0, cells - number - 3)
    rows = [_layer(count.name, f"{count.parameters:,}".rjust(number), names, "") for count in counts]
    whole = _layer(f"Σ {framework}".rstrip(), f"{total:,}", names, "strong")
    told = [line(Span(f" {part}", "warning")) for remark in remarks for part in wrap(remark, cells - 2)]
    return (*rows, whole, *([()] if told else []), *told)


def _layer(name: str, count: str, cells: int, role: str) -> Line:
    return line(Span(" "), *fit(line(Span(name, role or "dim")), cells), Span(f" {count}", role))


def tally_line(tally: Tally, model: int = 0) -> Line:
    """The tally in one line, with the parameters of the model that the layer is part of, if it is of one."""
    sums = " + ".join(
        f"{MATRIX_SYMBOLS[name]} {total:,}" for name, total in zip(tally.matrices, tally.matrix_sums, strict=True)
    )
    others = ", ".join(f"{other.name} {other.total:,}" for other in tally.conventions[1:])
    whole = f" of the model's {model:,}" if model else ""
    return line(
        Span(" parameters  ", "dim"),
        f"{sums} = ",
        Span(f"{tally.total:,}", "strong"),
        Span(f"{whole}   {others}", "dim"),
    )


def _table(tally: Tally, heads: list[str], separator: str = ",") -> Lines:
    sums = (*tally.matrix_sums, tally.total)
    columns = [max(len(head), len(f"{total:{separator}}")) for head, total in zip([*heads, "Σ"], sums, strict=True)]
    gap = 2 if len(heads[0]) > 1 else 1
    rows = zip(tally.gates, tally.counts, tally.gate_sums, strict=True)
    return (
        _row(" ", [*heads, "Σ"], columns, gap, "dim"),
        *(
            _row(gate, [f"{count:{separator}}" for count in (*counts, total)], columns, gap, gate)
            for gate, counts, total in rows
        ),
        _row("Σ", [f"{total:{separator}}" for total in sums], columns, gap, "strong"),
    )


def _row(label: str, cells: list[str], columns: list[int], gap: int, role: str) -> Line:
    text = "".join(" " * gap + cell.rjust(column) for cell, column in zip(cells, columns, strict=True))
    return line(Span(f" {label}", role), Span(text, role if role in ("dim", "strong") else ""))
