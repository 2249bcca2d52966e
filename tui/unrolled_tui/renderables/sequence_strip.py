"""The sequence as a strip of timesteps, with the one on show marked. It turns pages instead of sliding."""

from collections.abc import Container, Sequence
from dataclasses import dataclass

from unrolled_tui.renderables.numbers import fixed
from unrolled_tui.renderables.spans import Lines, Span, cells_of, line

LABEL = " sequence  "
SPACE = "␣"
"""How a space is shown that is a token."""


@dataclass(frozen=True, slots=True)
class StripPage:
    """The page of the strip that holds a timestep.

    Attributes:
        first: Its first timestep, from 0.
        count: How many timesteps it shows.
        cell: How many cells each has, with the gap to the next.
    """

    first: int
    count: int
    cell: int


def page_of(t: int, length: int, content: int, cells: int, most: int = 0) -> StripPage:
    """The page that holds timestep `t`, where a timestep needs `content` cells for what it holds.

    The timesteps have numbers up to `most`, or to `length` if that is more.
    """
    cell = len(f"x{max(length, most):,}") + 1 + content + 2
    room = max(1, (cells - len(LABEL)) // cell)
    first = t - t % room
    return StripPage(first, min(room, length - first), cell)


def sequence_strip(
    page: StripPage, contents: Sequence[str], t: int, marked: Container[int] = (), numbers: Sequence[int] = ()
) -> Lines:
    """Two lines: what each timestep of the page reads, and a rule under it, heavy at timestep `t`.

    The rule under a timestep that is `marked` begins with a sign. `numbers`, from 0, are where in the sequence the
    timesteps are, if they are read in another order.
    """
    above: list[Span | str] = [Span(LABEL, "dim")]
    below: list[Span | str] = [" " * len(LABEL)]
    for offset, content in enumerate(contents):
        index = page.first + offset
        go = f"screen.go_to({index})"
        name = f"x{(numbers[offset] if numbers else index) + 1}"
        above += [
            Span(f"{name} ", "dim", go),
            Span(content + " " * (page.cell - len(name) - 1 - cells_of(content)), "", go),
        ]
        rule = "━" if index == t else "─" if index < t else "┄"
        sign, rest = ("◆", page.cell - 3) if index in marked else ("", page.cell - 2)
        below += [Span(sign, "mark"), Span(rule * rest + "  ", "mark" if index == t else "faint")]
    return (line(*above), line(*below))


def timestep_text(values: Sequence[float], token: str, cells: int) -> str:
    """What a timestep reads, in few cells: its token if it has one, or its first numbers."""
    if token:
        return token.replace(" ", SPACE)
    shown = [fixed(value, 5, 2).strip() for value in values[:3]]
    text = " ".join(shown)
    return text if len(values) <= 3 and len(text) <= cells else f"{text[: cells - 2]} …"[:cells]
