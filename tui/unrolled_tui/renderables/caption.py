"""What happened in this phase, as a formula and with the selected unit's numbers."""

from collections.abc import Mapping
from string import Formatter

from unrolled import Tally
from unrolled.anatomy import Phase
from unrolled.compare import Parting
from unrolled_tui.renderables.numbers import short
from unrolled_tui.renderables.spans import Lines, Span, line


def phase_caption(phase: Phase, unit: int, numbers: Mapping[str, float], remark: str = "") -> Lines:
    """Two lines: the phase with its formula, and the same for one unit.

    Args:
        phase: The phase.
        unit: The unit's number, from 1.
        numbers: The unit's numbers, by the names that `phase.numbers` has in braces.
        remark: Something else to know, at the end of the first line.
    """
    return (
        line(Span(f" {phase.name:<8}", "mark"), phase.formula, Span(f"   {remark}" if remark else "", "warning")),
        line(
            Span(f" unit {unit:,} ".ljust(9), "dim"),
            filled(phase.numbers, numbers),
        ),
    )


def versus_caption(one: Tally, other: Tally, length: int) -> Lines:
    """Two lines: what differs between two layers, and where their numbers of parameters come from."""
    facts = (
        ("units", f"{one.units:,} | {other.units:,}"),
        ("parameters", f"{one.total:,} | {other.total:,}"),
        ("output", f"({length:,}, {one.units:,}) | ({length:,}, {other.units:,})"),
    )
    parts = [part for name, value in facts for part in (Span(f" {name} ", "dim"), f"{value}  ")]
    formula = one.formula if one.formula == other.formula else f"{one.formula} | {other.formula}"
    return (line(*parts), line(Span(f" {formula}:  ", "dim"), f"{one.numbers} | {other.numbers}"))


def parting_caption(compared: int, length: int, parting: Parting | None, tolerance: float) -> Lines:
    """Two lines: how far two layers were compared, and where they part."""
    above = line(Span(" difference ", "mark"), f"first less second, {compared:,} of {length:,} timesteps compared")
    if parting is None:
        return (above, line(f" no gate or state differs by more than {tolerance:g}"))
    where = f"at t {parting.t + 1:,}, in {parting.name} of unit {parting.unit + 1:,}: {short(parting.difference)}"
    return (above, line(f" the first difference of more than {tolerance:g} is ", Span(where, "strong")))


def with_told(lines: Lines, word: str, text: str) -> Lines:
    """A caption whose first line says what has happened instead."""
    return (line(Span(f" {word:<7} ", "mark"), Span(text, "strong")), *lines[1:])


def with_note(lines: Lines, note: str) -> Lines:
    """A caption that ends with the note on the selected unit."""
    return (*lines[:-1], line(*lines[-1], Span("   note: ", "dim"), Span(note, "warning")))


def filled(template: str, numbers: Mapping[str, float], decimals: int = 3) -> str:
    """`template` with the numbers in the place of their names; a negative factor is put in brackets."""
    parts: list[str] = []
    for before, name, _, _ in Formatter().parse(template):
        parts.append(before)
        if name:
            number = short(numbers[name], decimals)
            parts.append(f"({number})" if number.startswith("-") and before.endswith("·") else number)
    return "".join(parts)
