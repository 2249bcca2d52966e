"""Where a session is, as a line of text: whoever leaves the presenter's screen goes on from there."""

import json
from typing import Any

from unrolled import UnrolledError
from unrolled_tui.session import MEMORY, Session

_NAMES = ("lens", "front", "row", "layer", "t", "phase", "unit", "gate", "cut")


def place_of(session: Session) -> str:
    """Where a session is: what `go_to_place` takes. It is shorter than 500 bytes."""
    tour = session.tour
    numbers = (
        session.lens,
        session.front,
        0 if tour is None else tour.row,
        0 if tour is None else tour.place,
        session.t,
        session.phase_index,
        session.chosen_unit,
        session.gate_index,
        int(session.cut),
    )
    return json.dumps(dict(zip(_NAMES, numbers, strict=True)))


def go_to_place(session: Session, place: str) -> None:
    """Brings a session to the place of another one of the same model. It stays where it is if there is no such place.

    A timestep far on is not computed here: the screen goes there, and shows the way.
    """
    numbers = _numbers(place)
    if numbers is None:
        return
    lens, front, row, layer, t, phase, unit, gate, cut = numbers
    tour = session.tour
    before = (0, 0) if tour is None else (tour.row, tour.place)
    if lens > MEMORY or front >= len(session.both) or cut > 1 or not _turn(session, row, layer):
        return
    units = max(each.layer.units for each in session.both)
    anatomy = session.layer.anatomy
    if t >= session.length or phase >= len(anatomy.phases) or unit >= units or gate >= len(anatomy.gates):
        _turn(session, *before)
        return
    session.show_lens(lens)
    session.select(unit)
    session.select_gate(gate)
    session.front = front
    session.go_to(t)
    for each in session.both:
        each.phase_index = min(phase, len(each.layer.anatomy.phases) - 1)
    if cut != session.cut:
        session.toggle_cut()


def _numbers(place: str) -> list[int] | None:
    """The numbers of a place, in the order of their names; None if it is none."""
    try:
        said: Any = json.loads(place)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict) or {*said} != {*_NAMES}:
        return None
    numbers = [said[name] for name in _NAMES]
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
