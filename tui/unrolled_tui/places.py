"""Where a session is, as a line of text: whoever leaves the presenter's screen goes on from there.

It is where one is in a model and what it reads, and how one looks at the layers on show. How far a list is scrolled,
how the other layers of a model were looked at, the difference of two layers, marks, conditions and play mode are no
part of it.
"""

import json
from typing import TYPE_CHECKING, Any

from unrolled import UnrolledError
from unrolled_tui.session import MEMORY, Session
from unrolled_tui.wires import sender_count

if TYPE_CHECKING:
    from unrolled_tui.over_time import OverTime  # loaded when it is first looked at

_NAMES = ("lens", "front", "row", "layer", "t", "phase", "unit", "gate")
_CHOICES = ("cut", "order", "signals", "triangle")
_OF_EACH = ("sender", "quantity", "view", "zoom", "sort", "like", "from_top")
"""What each of two layers has of its own; the last is 0 for none, or counts from 1."""


def place_of(session: Session) -> str:
    """Where a session is: what `go_to_place` takes. It is shorter than 700 bytes."""
    tour = session.tour
    numbers = [
        session.lens,
        session.front,
        0 if tour is None else tour.row,
        0 if tour is None else tour.place,
        session.t,
        session.phase_index,
        session.chosen_unit,
        session.gate_index,
        session.cut,
        session.order_index,
        session.signals,
        session.triangle,
    ]
    for each in session.both:
        time = each.view.over_time
        top = 0 if time.from_top is None else time.from_top + 1
        numbers += [each.sender, time.place, time.view, time.zoom, time.order, time.like, top]
    return json.dumps(dict(zip(_names(session), map(int, numbers), strict=True)))


def go_to_place(session: Session, place: str) -> None:
    """Brings a session to the place of another one of the same model. It stays where it is if there is no such place.

    A timestep far on is not computed here: the screen goes there, and shows the way.
    """
    numbers = _numbers(session, place)
    if numbers is None:
        return
    lens, front, row, layer, t, phase, unit, gate = numbers[: len(_NAMES)]
    own = len(_NAMES) + len(_CHOICES)
    choices, of_each = numbers[len(_NAMES) : own], numbers[own:]
    tour = session.tour
    before = (0, 0) if tour is None else (tour.row, tour.place)
    if lens > MEMORY or front >= len(session.both) or max(choices) > 1 or not _turn(session, row, layer):
        return
    units = max(each.layer.units for each in session.both)
    anatomy = session.layer.anatomy
    is_there = t < session.length and phase < len(anatomy.phases) and unit < units and gate < len(anatomy.gates)
    looks = _looks(session, gate, of_each) if is_there else None
    if looks is None:
        _turn(session, *before)
        return
    session.show_lens(lens)
    session.select(unit)
    session.select_gate(gate)
    session.front = front
    session.go_to(t)
    for each, (sender, over_time) in zip(session.both, looks, strict=True):
        each.phase_index = min(phase, len(each.layer.anatomy.phases) - 1)
        each.sender, each.view.over_time = sender, over_time
    _choose(session, choices)


def _names(session: Session) -> tuple[str, ...]:
    """The names of the numbers of a place."""
    of_each = (f"{name} {number}" for number in range(1, len(session.both) + 1) for name in _OF_EACH)
    return *_NAMES, *_CHOICES, *of_each


def _numbers(session: Session, place: str) -> list[int] | None:
    """The numbers of a place, in the order of their names; None if it is none."""
    try:
        said: Any = json.loads(place)
    except (ValueError, RecursionError):
        return None
    names = _names(session)
    if not isinstance(said, dict) or {*said} != {*names}:
        return None
    numbers = [said[name] for name in names]
    return numbers if all(type(number) is int and number >= 0 for number in numbers) else None


def _turn(session: Session, row: int, layer: int) -> bool:
    """Turns to a sequence and a layer of the session's model; whether they are there."""
    tour = session.tour
    if tour is None:
        return row == layer == 0
    if row >= len(tour) or layer >= len(tour.names):
        return False
    before = tour.place
    try:
        if row != tour.row:
            for _ in tour.open(row):
                pass
        tour.place = layer
        session.show_layer()
    except UnrolledError:
        tour.place = before
        return False
    return True


def _choose(session: Session, choices: list[int]) -> None:
    cut, order, signals, triangle = choices
    session.take_order(order)
    if cut != session.cut:
        session.toggle_cut()
    if signals != session.signals:
        session.toggle_signals()
    for each in session.both:
        each.triangle = bool(triangle)


def _looks(session: Session, gate: int, numbers: list[int]) -> "list[tuple[int, OverTime]] | None":
    """The sender of each layer on show and how it is looked at over time; None if something of it is not there."""
    from unrolled_tui.over_time import BY_SATURATION, BY_SIMILARITY, TEXT, OverTime  # noqa: PLC0415  # not before that

    looks, many = [], len(_OF_EACH)
    for place, each in enumerate(session.both):
        layer, over_time = each.layer, OverTime(each.run)
        sender, quantity, view, zoom, order, like, top = numbers[place * many : (place + 1) * many]
        gates = layer.anatomy.gates
        if sender >= sender_count(layer, gates[gate % len(gates)].name) or max(like, top - 1) >= layer.units:
            return None
        if quantity >= len(over_time.quantities) or zoom > each.length.bit_length() or order > BY_SIMILARITY:
            return None
        over_time.place, over_time.view, over_time.zoom = quantity, view, zoom
        over_time.order, over_time.like, over_time.from_top = order, like, top - 1 if top else None
        if view > TEXT or (view == TEXT and not session.sequence.labels):
            return None
        if order == BY_SATURATION and not over_time.has_ends:
            return None
        looks.append((sender, over_time))
    return looks
