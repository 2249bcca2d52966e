"""What a lens shows, as a table: columns and rows, for a file."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from unrolled.decimals import shortest
from unrolled_tui.session import Session

Cell: TypeAlias = str | float
"""A cell; nothing in it is an empty text."""


@dataclass(frozen=True, eq=False, slots=True)
class Table:
    """A table.

    Attributes:
        columns: The names of the columns.
        rows: As many cells as there are columns, for each row.
    """

    columns: tuple[str, ...]
    rows: Sequence[Sequence[Cell]]


def as_csv(table: Table) -> bytes:
    """The table as CSV (RFC 4180, with a line feed at the end of each line), in UTF-8."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows(table.rows)
    return text.getvalue().encode()


def shortest_of(values: npt.ArrayLike, dtype: np.dtype[Any]) -> list[list[float]]:
    """Rows of numbers in the shortest form that reads back to the same bits in the dtype of the layer."""
    return shortest(np.asarray(values, dtype))


def units_table(session: Session) -> Table:
    """Every unit's gates and states at the timestep on show; what is not computed yet is empty."""
    units, dtype = session.layer.units, session.layer.dtype
    names = [quantity.name for quantity in session.layer.anatomy.quantities]
    columns: list[list[Cell]] = [
        [*shortest_of([session.values(name, slice(0, units))], dtype)[0]] if session.known(name) else [""] * units
        for name in names
    ]
    return Table(("unit", *names), [(unit, *row) for unit, row in enumerate(zip(*columns, strict=True), 1)])
