"""Numbers as text that reads back to the same bits."""

import numpy as np

from unrolled.arrays import Array


def shortest(table: Array) -> list[list[float]]:
    """Rows of plain numbers whose shortest decimal form reads back to the same bits in the dtype of `table`."""
    if table.dtype == np.float64:
        rows: list[list[float]] = table.tolist()
        return rows
    return [[float(str(value)) for value in row] for row in table]
