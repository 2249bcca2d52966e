"""Checks that every cell makes of its weights and sizes, once, when it is made."""

import numpy as np
import numpy.typing as npt

from unrolled.arrays import Array
from unrolled.errors import OptionError, ShapeError

MOST_UNITS = 65_536
MOST_WEIGHT_BYTES = 1 << 30


def weight(name: str, values: npt.ArrayLike, axes: int | None) -> Array:
    """A copy of `values` as float32 or float64, in C order; of any number of axes if `axes` is None.

    Raises:
        ShapeError: If it holds no real numbers, or has another number of axes.
    """
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise ShapeError(f"{name}: expected an array of {axes} axes, got {error}") from error
    if array.dtype.kind not in "fiub":
        raise ShapeError(f"{name}: expected real numbers, got {array.dtype}")
    if axes is not None and array.ndim != axes:
        raise ShapeError(f"{name}: expected {axes} axes, got shape {array.shape}")
    kind = {"f2": np.float32, "f4": np.float32}.get(array.dtype.str[1:], np.float64)
    return np.array(array, kind, order="C")


def check_blocks(gates: int, arrays: dict[str, Array], bias_rows: int = 1) -> None:
    """Checks that a kernel, a recurrent kernel and a bias have the same blocks, one for each gate.

    With a `projection` among the arrays, the recurrent kernel has a row for each of its columns.

    Raises:
        ShapeError: If the shapes disagree. The message names both.
    """
    kernel, recurrent_kernel, bias = arrays["kernel"], arrays["recurrent_kernel"], arrays.get("bias")
    shape = recurrent_kernel.shape
    units, rows = (shape[0], "units") if "projection" not in arrays else (len(arrays["projection"]), "P")
    columns = gates * units
    if shape[1] != columns or not columns or not shape[0]:
        blocks = f"{gates}·units" if gates > 1 else "units"
        beside = f" beside a projection of shape {arrays['projection'].shape}" if rows == "P" else ""
        raise ShapeError(f"recurrent_kernel: expected shape ({rows}, {blocks}){beside}, got {shape}")
    if kernel.shape[1] != columns or not len(kernel):
        raise ShapeError(
            f"kernel: expected shape (features, {columns}) beside a recurrent_kernel of shape {shape}, "
            f"got {kernel.shape}"
        )
    expected = (columns,) if bias_rows == 1 else (bias_rows, columns)
    if bias is not None and bias.shape != expected:
        raise ShapeError(
            f"bias: expected shape {expected} beside a recurrent_kernel of shape {shape}, got {bias.shape}"
        )


def check_fresh(units: int, features: int, gates: int, seed: int | None) -> None:
    """Checks what a fresh layer is made with.

    Raises:
        OptionError: If there would be no unit or no feature, or too many of them to hold, or the seed is negative.
    """
    if seed is not None and seed < 0:
        raise OptionError(f"seed: expected 0 or more, got {seed}")
    for name, value in (("units", units), ("features", features)):
        if not 1 <= value <= MOST_UNITS:
            raise OptionError(f"{name}: expected a number from 1 to {MOST_UNITS:,}, got {value:,}")
    size = gates * units * (features + units + 1) * 8
    if size > MOST_WEIGHT_BYTES:
        raise OptionError(
            f"units: expected weights of at most 1 GiB, got {size / 2**30:,.1f} GiB for {units:,} units and "
            f"{features:,} features"
        )
