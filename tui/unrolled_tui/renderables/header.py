"""The first line of the screen: what is on show, and where we are in it."""

from collections.abc import Sequence

from unrolled_tui.renderables.spans import Line, Span, fit, line


def subject(facts: Sequence[str], cells: int, badge: Sequence[str] = ()) -> Line:
    """What is on show: `unrolled   LSTM · 3 units · 1 feature · seed 7 · ✓ verified: numbers.npz`.

    Where that is too long it goes without the name, and then without the last facts, but with a badge, in as many words
    as there is room for. Beside two facts even the fewest may be cut.
    """
    kept, shortest = [fact for fact in facts if fact], badge[-1:]
    while len(" · ".join([*kept, *shortest])) + 1 > cells and len(kept) > 1 + len(shortest):
        del kept[-1]
    known = [" · ".join(kept)]
    fitting = [words for words in badge if len(" · ".join([*known, words])) + 1 <= cells]
    whole = " · ".join([*known, *(fitting or shortest)[:1]])
    if badge and len(whole) + 1 > cells:
        whole = f"{whole[: max(0, cells - 2)]}…"
    name = Span(" unrolled   " if len(whole) + 12 <= cells else " ", "title")
    return fit(line(name, Span(whole, "dim")), cells)


def pane_title(cell: str, units: int, origin: str, less: str) -> Line:
    """One of two layers: `LSTM(3) · seed 7`; or, with the origin of the first, the first less the second."""
    if less:
        return line(Span(f" {less} − {origin}", "strong"), Span("   first less second", "dim"))
    return line(Span(f" {cell}({units:,})", "strong"), Span(f" · {origin}", "dim"))


def position(t: int, length: int, phase: int, phases: int, name: str, playing: str) -> Line:
    """Where we are, in fixed places: `t 2/4   phase 4/5 write     paused`."""
    total = f"{length:,}"
    return line(
        Span("t ", "dim"),
        Span(f"{t:,}".rjust(len(total)), "mark"),
        Span(f"/{total}  phase ", "dim"),
        f"{phase}/{phases} {name:<7}",
        Span(f" {playing:<9}", "dim"),
    )


def counted(count: int, noun: str) -> str:
    """A number with its noun: `1 unit`, `1,024 units`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
