"""Numbers in a fixed number of cells, so that they stay in their places."""

from math import isfinite


def fixed(value: float, cells: int = 7, decimals: int = 3) -> str:
    """`value` right-aligned in `cells` cells, with a digit less where it would not fit.

    What is too large or too small for that is shown with an exponent (`1.2e9`, `2.1e-9`), never as a zero it is not;
    `nan` and `inf` as such.
    """
    if not isfinite(value):
        return f"{value}".rjust(cells)
    value += 0.0  # -0.0 is 0.0
    if value == 0 or abs(value) >= 0.5 * 10**-decimals:
        for places in range(decimals, 0, -1):
            text = f"{value:.{places}f}"
            if len(text) <= cells:
                return text.rjust(cells)
    return _with_exponent(value, cells).rjust(cells)


def short(value: float, decimals: int = 3) -> str:
    """`value` in as many cells as it needs, as it stands inside a formula."""
    return fixed(value, 9, decimals).strip()


def _with_exponent(value: float, cells: int) -> str:
    for places in (1, 0):
        mantissa, exponent = f"{value:.{places}e}".split("e")
        text = f"{mantissa}e{int(exponent)}"
        if len(text) <= cells:
            break
    return text
