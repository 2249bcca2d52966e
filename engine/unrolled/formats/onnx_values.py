"""What is known of the values of an ONNX graph: constants, and arrays that hold a layer's output in some order of axes.

An axis is a tuple of atoms: one, or several that a Reshape laid side by side. What is of size 1 is no atom, so that
axes which a Squeeze or a Reshape may drop or add leave no trace.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Literal, TypeAlias

import numpy as np

from unrolled.arrays import Array
from unrolled.network import Recurrent
from unrolled.npy import AnyArray


@dataclass(frozen=True, slots=True)
class Atom:
    """A thing that an axis counts: timesteps, samples, directions, units.

    Attributes:
        name: What it is; two atoms of one name and size are the same.
        size: How many there are, or None if that depends on the input.
    """

    name: str
    size: int | None


Axis: TypeAlias = tuple[Atom, ...]
At: TypeAlias = Literal["all", "end", "last", "first"]


def axis_of(*atoms: Atom) -> Axis:
    """The axis of these atoms, without those of size 1."""
    return tuple(atom for atom in atoms if atom.size != 1)


def size_of_axis(axis: Axis) -> int | None:
    """Its size, or None if that depends on the input."""
    sizes = [atom.size for atom in axis if atom.size is not None]
    return prod(sizes) if len(sizes) == len(axis) else None


@dataclass(frozen=True, slots=True)
class Extent:
    """A size in a shape, of which only the atoms are known.

    Attributes:
        axis: The axis that is so long.
        more: By how much it is longer than that.
    """

    axis: Axis
    more: int = 0

    def __mul__(self, other: object) -> "Extent":
        """The size of both axes side by side."""
        if isinstance(other, Extent) and not (self.more or other.more):
            return Extent(self.axis + other.axis)
        return self if isinstance(other, int) and other == 1 else NotImplemented

    __rmul__ = __mul__

    def __add__(self, other: object) -> "Extent":
        """A size that is longer by a number."""
        return Extent(self.axis, self.more + other) if isinstance(other, int) else NotImplemented

    __radd__ = __add__

    def __sub__(self, other: object) -> "Extent":
        """A size that is shorter by a number."""
        return self + -other if isinstance(other, int) else NotImplemented


def sizes(axes: tuple[Axis, ...]) -> AnyArray:
    """A shape as an array: of numbers where all are known, else of numbers and extents."""
    known = [size_of_axis(axis) for axis in axes]
    array = np.empty(len(axes), object)
    array[:] = [Extent(axis) if size is None else size for axis, size in zip(axes, known, strict=True)]
    return tidied(array)


def tidied(array: AnyArray) -> AnyArray:
    """An array of objects as one of whole numbers, if that is all there is in it."""
    if array.dtype == object and all(isinstance(value, int) for value in array.flat):
        return array.astype(np.int64)
    return array


class Constant:
    """An array that does not depend on the input. It is computed when it is asked for.

    Args:
        make: What computes it.
        depth: How many operators that takes.
        spread: Whether it stands for one that is as many times as large as there are samples, all alike.
    """

    def __init__(self, make: Callable[[], AnyArray], depth: int = 0, spread: bool = False) -> None:
        self._make = make
        self.depth = depth
        self.spread = spread

    @cached_property
    def array(self) -> AnyArray:
        """The array.

        Raises:
            UnreadableError: If it cannot be computed.
        """
        return self._make()


@dataclass(frozen=True, eq=False, slots=True)
class RecurrentStage:
    """A recurrent node.

    Attributes:
        name: Its name.
        layer: The layer.
        reads: Its input.
        by_sample: Whether the samples come before the timesteps in it.
    """

    name: str
    layer: Recurrent
    reads: "View | Opaque"
    by_sample: bool = False

    @property
    def width(self) -> int:
        """How many directions it has."""
        return len(self.layer.directions)


@dataclass(frozen=True, eq=False, slots=True)
class DenseStage:
    """A matrix product with what follows it.

    Attributes:
        name: The name of the product's node.
        reads: Its input.
        kernel: Shape (features, units).
        bias: Shape (units,).
        activation: Its name.
        is_closed: Whether an activation is on it already.
    """

    name: str
    reads: "View"
    kernel: Array
    bias: Array | None = None
    activation: str = "linear"
    is_closed: bool = False

    width = 1


@dataclass(frozen=True, eq=False, slots=True)
class EmbeddingStage:
    """A Gather of rows of a table.

    Attributes:
        name: The node's name.
        reads: The token ids.
        table: Shape (vocabulary, features).
    """

    name: str
    reads: "View"
    table: Array

    width = 1


Stage: TypeAlias = RecurrentStage | DenseStage | EmbeddingStage


@dataclass(frozen=True, slots=True)
class Piece:
    """One direction of what a stage gives.

    Attributes:
        stage: The stage.
        direction: The direction, from 0.
    """

    stage: Stage
    direction: int


@dataclass(frozen=True, eq=False, slots=True)
class View:
    """An array that holds the graph's input, or what stages give, in some order of axes.

    Attributes:
        axes: Its axes.
        pieces: What is side by side along `direction`; nothing in the graph's input.
        direction: The atom that counts the pieces.
        unit: The atom that counts the units of each piece.
        time: The axis of the timesteps, where that is known.
        batch: The axis of the samples, where that is known.
        at: Which timesteps it holds: all of them, the one that each direction reads at its end, or the last or the
            first one of the sequence, where that is not the end of every direction.
    """

    axes: tuple[Axis, ...]
    pieces: tuple[Piece, ...] = ()
    direction: Atom = Atom("directions", 1)
    unit: Atom = Atom("units", 1)
    time: Axis | None = None
    batch: Axis | None = None
    at: At = "all"

    @property
    def features(self) -> Axis:
        """The axis that its pieces make together."""
        return axis_of(self.direction, self.unit)

    @property
    def stage(self) -> Stage | None:
        """The stage whose whole output it is, direction by direction."""
        if not self.pieces:
            return None
        stage = self.pieces[0].stage
        whole = [(stage, direction) for direction in range(stage.width)]
        return stage if [(piece.stage, piece.direction) for piece in self.pieces] == whole else None


@dataclass(frozen=True, eq=False, slots=True)
class Opaque:
    """An array that cannot be followed.

    Attributes:
        name: The name of the node that it comes from, printable.
        kind: That node's operator, printable.
        reads: What that node read that could be followed.
    """

    name: str
    kind: str
    reads: "View | None" = None


Value: TypeAlias = Constant | View | Opaque
