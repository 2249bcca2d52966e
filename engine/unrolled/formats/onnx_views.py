"""Following a layer's output through operators that only move its axes about, as far as that is certain.

Every function gives None for what it cannot prove to keep the meaning: then the array is not followed any further.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np

from unrolled.files import UnreadableError
from unrolled.formats.onnx_fold import Operands, integers, slices, split_sizes
from unrolled.formats.onnx_node import Node
from unrolled.formats.onnx_values import At, Atom, Axis, Extent, Piece, RecurrentStage, View, axis_of, size_of_axis
from unrolled.npy import AnyArray

_FAR = 1 << 30
"""What exporters write for "to the end" is this or more."""


def move(node: Node, view: View, operands: Operands) -> tuple[View, ...] | None:
    """What a node gives whose first input is a view and whose others are constants; None if that is not certain."""
    try:
        return MOVES[node.op](node, view, operands)
    except (UnreadableError, ValueError, IndexError, TypeError):
        return None


def concatenated(node: Node, views: Sequence[View]) -> View | None:
    """Directions side by side: along their own axis, or as features."""
    first, rank = views[0], len(views[0].axes)
    axis = node.integer("axis", 1)
    if not -rank <= axis < rank or any(not view.pieces or len(view.axes) != rank for view in views):
        return None
    axis %= rank
    direction = Atom("directions", sum(len(view.pieces) for view in views))
    along_units = [view.axes[axis] == view.features for view in views]
    along_directions = [view.axes[axis] == axis_of(view.direction) for view in views]
    others, at = {(*view.axes[:axis], *view.axes[axis + 1 :], view.unit) for view in views}, _common(views)
    if len(others) > 1 or at is None or any(view.time != first.time or view.batch != first.batch for view in views):
        return None
    if all(along_units):
        joined = axis_of(direction, first.unit)
    elif all(along_directions):
        joined = axis_of(direction)
    else:
        return None
    pieces = tuple(piece for view in views for piece in view.pieces)
    axes = (*first.axes[:axis], joined, *first.axes[axis + 1 :])
    return replace(first, axes=axes, pieces=pieces, direction=direction, at=at)


def _common(views: Sequence[View]) -> At | None:
    """Which timesteps all of them hold: the last one is the end of directions that go forward."""
    held = {view.at for view in views}
    if len(held) == 1:
        return held.pop()
    ends = {way for view in views if view.at == "end" for way in _ways(view.pieces)}
    if held == {"end", "last"} and ends == {False}:
        return "last"
    return "first" if held == {"end", "first"} and ends == {True} else None


def _same(_node: Node, view: View, _operands: Operands) -> tuple[View, ...]:
    return (view,)


def _dropout(node: Node, view: View, operands: Operands) -> tuple[View, ...] | None:
    """Nothing, unless it says that it is in training."""
    mode = operands[2] if len(operands) > 2 else None
    trains = mode is not None and bool(mode.any())
    return None if trains or (node.opset < 7 and not node.integer("is_test", 0)) else (view,)


def _cast(node: Node, view: View, _operands: Operands) -> tuple[View, ...] | None:
    """To other floating point numbers, which only rounds; of token ids, to whole numbers too."""
    to = node.integer("to", 0)
    return (view,) if to in (1, 10, 11, 16) or (not view.pieces and to in (6, 7)) else None


def _transpose(node: Node, view: View, _operands: Operands) -> tuple[View, ...] | None:
    rank = len(view.axes)
    order = node.integers("perm") or list(range(rank))[::-1]
    if sorted(order) != list(range(rank)):
        return None
    return (replace(view, axes=tuple(view.axes[place] for place in order)),)


def _unsqueeze(node: Node, view: View, operands: Operands) -> tuple[View, ...]:
    places = integers(node, operands, 1, "axes") or []
    rank = len(view.axes) + len(places)
    new = {_place(place, rank) for place in places}
    rest = iter(view.axes)
    return (replace(view, axes=tuple(() if place in new else next(rest) for place in range(rank))),)


def _squeeze(node: Node, view: View, operands: Operands) -> tuple[View, ...] | None:
    rank = len(view.axes)
    places = integers(node, operands, 1, "axes")
    if places is None:
        if any(size_of_axis(axis) is None for axis in view.axes):
            return None  # what is of size 1 depends on the input
        gone = {place for place, axis in enumerate(view.axes) if axis == ()}
    else:
        gone = {_place(place, rank) for place in places}
    if any(view.axes[place] != () for place in gone):
        return None
    return (replace(view, axes=tuple(axis for place, axis in enumerate(view.axes) if place not in gone)),)


def _place(place: int, rank: int) -> int:
    if not -rank <= place < rank:
        raise ValueError(place)
    return place % rank


def _reshape(node: Node, view: View, operands: Operands) -> tuple[View, ...] | None:
    wanted = _wanted_shape(node, operands, view)
    if wanted is None or sum(size == -1 for size in wanted) > 1:
        return None
    axes = _match([atom for axis in view.axes for atom in axis], wanted)
    return None if axes is None else (replace(view, axes=axes),)


def _flatten(node: Node, view: View, _operands: Operands) -> tuple[View, ...]:
    at = node.integer("axis", 1)
    at = at if at == len(view.axes) else _place(at, len(view.axes))
    first, rest = (tuple(atom for axis in part for atom in axis) for part in (view.axes[:at], view.axes[at:]))
    return (replace(view, axes=(first, rest)),)


def _wanted_shape(node: Node, operands: Operands, view: View) -> list[int | Axis] | None:
    """The shape that a Reshape makes: a size, an axis of which only the atoms are known, or -1."""
    told = operands[1] if len(operands) > 1 else None
    found: AnyArray | None = np.array(node.integers("shape")) if "shape" in node else told
    if found is None or found.ndim != 1 or len(found) > 8:
        return None
    keeps = not node.integer("allowzero", 0)
    wanted: list[int | Axis] = []
    for place, size in enumerate(found):
        if isinstance(size, Extent):
            if size.more:
                return None
            wanted.append(size.axis)
        elif size == 0 and keeps:
            wanted.append(view.axes[place])
        else:
            wanted.append(int(size))
    return wanted


def _match(atoms: list[Atom], wanted: list[int | Axis]) -> tuple[Axis, ...] | None:
    """The atoms in groups, without moving any, such that each group is of the size that is wanted.

    Where one size is -1 and all others are known to be right, that one is right too.
    """
    if not wanted:
        return None if atoms else ()
    size = wanted[0]
    for count in range(len(atoms) + 1):
        group = tuple(atoms[:count])
        if size in (-1, group, size_of_axis(group)):
            rest = _match(atoms[count:], wanted[1:])
            if rest is not None:
                return (group, *rest)
    return None


def _gather(node: Node, view: View, operands: Operands) -> tuple[View, ...] | None:
    places = operands[1] if len(operands) > 1 else None
    if places is None or places.dtype.kind not in "iuO" or places.size != 1 or places.ndim > 1:
        return None
    axis = _place(node.integer("axis", 0), len(view.axes))
    place = _from_end(places.reshape(())[()], view.axes[axis])
    taken = None if place is None else _one(view, axis, place)
    if taken is None or places.ndim == 1:
        return None if taken is None else (taken,)
    return (replace(taken, axes=(*taken.axes[:axis], *taken.axes[axis + 1 :])),)


def _from_end(place: object, axis: Axis) -> int | None:
    """A place of an axis as a number, below 0 where it is so far from the end; None if nobody knows it."""
    if isinstance(place, Extent):
        return place.more if place.axis == axis and place.more < 0 else None
    return int(str(place))


def _one(view: View, axis: int, place: int) -> View | None:
    """One place of an axis, which stays with size 1."""
    found = view.axes[axis]
    if found == ():
        return view if place in (0, -1) else None
    if view.pieces and found == axis_of(view.direction):
        count = len(view.pieces)
        return _pieces(view, axis, slice(place, place + 1 or None)) if -count <= place < count else None
    if view.pieces and found == view.time and view.at == "all":
        at = _timestep(view, place)
        return None if at is None else replace(view, axes=(*view.axes[:axis], (), *view.axes[axis + 1 :]), at=at)
    return None


def _timestep(view: View, place: int) -> At | None:
    """Which timestep a place is; None if it is somewhere between, or past the end of some samples."""
    ways, size = _ways(view.pieces), size_of_axis(view.time or ())
    at: At
    if place == -1 or (size is not None and place == size - 1):
        at, ends_there = "last", {False}
    elif place == 0 or (size is not None and place == -size):
        at, ends_there = "first", {True}
    else:
        return None
    if ways == ends_there:
        return "end"
    return at if ways == {True, False} else None


def _ways(pieces: Iterable[Piece]) -> set[bool | None]:
    """Whether directions begin at the end; None for one whose output past some timestep is no output."""
    ways: set[bool | None] = set()
    for piece in pieces:
        stage = piece.stage
        if not isinstance(stage, RecurrentStage):
            ways |= _ways(stage.reads.pieces)
        else:
            lengths = stage.layer.lengths
            ways.add(None if lengths is not None else stage.layer.directions[piece.direction].backwards)
    return ways


def _pieces(view: View, axis: int, taken: slice) -> View | None:
    pieces = view.pieces[taken]
    direction = Atom("directions", len(pieces))
    if not pieces:
        return None
    axes = (*view.axes[:axis], axis_of(direction), *view.axes[axis + 1 :])
    return _settled(replace(view, axes=axes, pieces=pieces, direction=direction))


def _settled(view: View) -> View:
    """The same, as the last timestep is the end of directions that go forward, and the first of those that do not."""
    is_end = (view.at, _ways(view.pieces)) in (("last", {False}), ("first", {True}))
    return replace(view, at="end") if is_end else view


def _slice(node: Node, view: View, operands: Operands) -> tuple[View, ...] | None:
    result: View | None = view
    for axis, taken in slices(node, operands, len(view.axes)).items():
        if result is None:
            return None
        result = _part(result, axis, taken)
    return None if result is None else (result,)


def _part(view: View, axis: int, taken: slice) -> View | None:
    """A part of an axis."""
    found, size = view.axes[axis], size_of_axis(view.axes[axis])
    if taken.step == 1 and taken.start == 0 and taken.stop >= (_FAR if size is None else size):
        return view
    if taken.step != 1:
        return None
    if view.pieces and found == axis_of(view.direction):
        return _pieces(view, axis, taken)
    if view.pieces and found == view.features:
        return _columns(view, axis, taken)
    is_one = taken.stop == taken.start + 1 or (taken.start == -1 and taken.stop >= _FAR)
    return _one(view, axis, taken.start) if is_one else None


def _columns(view: View, axis: int, taken: slice) -> View | None:
    """Whole directions out of those that lie side by side as features."""
    units = view.unit.size or 1
    start, stop, _ = taken.indices(units * len(view.pieces))
    if start % units or stop % units:
        return None
    part = _pieces(view, axis, slice(start // units, stop // units))
    if part is None:
        return None
    return replace(part, axes=(*part.axes[:axis], part.features, *part.axes[axis + 1 :]))


def _split(node: Node, view: View, operands: Operands) -> tuple[View, ...] | None:
    """The directions one by one: along their own axis, or where they lie side by side as features."""
    axis = _place(node.integer("axis", 0), len(view.axes))
    count, found = len(view.pieces), view.axes[axis]
    if found not in (axis_of(view.direction), view.features) or count < 2:
        return None
    each = (size_of_axis(found) or 0) // count
    if split_sizes(node, operands, each * count) != [each] * count:
        return None
    alone = Atom("directions", 1)
    part = axis_of(view.unit) if found == view.features else ()
    axes = (*view.axes[:axis], part, *view.axes[axis + 1 :])
    return tuple(_settled(replace(view, axes=axes, pieces=(piece,), direction=alone)) for piece in view.pieces)


MOVES: dict[str, Callable[[Node, View, Operands], tuple[View, ...] | None]] = {
    "Identity": _same,
    "Dropout": _dropout,
    "Cast": _cast,
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
    "Squeeze": _squeeze,
    "Reshape": _reshape,
    "Flatten": _flatten,
    "Gather": _gather,
    "Slice": _slice,
    "Split": _split,
}
"""What only moves axes about, by operator."""
