"""Frames: a border with a title above and a note below, around lines."""

from unrolled_tui.renderables.spans import Line, Lines, Span, fit, line, width


def framed(body: Lines, cells: int, title: Line, note: Line = (), role: str = "frame") -> Lines:
    """`body` in a frame `cells` cells wide, with `title` in its upper edge and `note` in its lower one."""
    inner = cells - 2
    middle = tuple(_between_sides(fit(spans, inner), role) for spans in body)
    return (_edge("╭", "╮", title, inner, role), *middle, _edge("╰", "╯", note, inner, role))


def _between_sides(spans: Line, role: str) -> Line:
    """The left side takes the role of what begins the line: one style change less to send with each line."""
    first, *rest = spans
    if first.role and not first.action:
        return (Span(f"│{first.text}", first.role), *rest, Span("│", role))
    return (Span("│", first.role or role), *spans, Span("│", role))


def _edge(left: str, right: str, label: Line, inner: int, role: str) -> Line:
    if not label:
        return line(Span(left + "─" * inner + right, role))
    label = fit(label, min(width(label), inner - 3))
    gap = "─" if label[-1].text.endswith("─") else " "
    rest = inner - 3 - width(label)
    return line(Span(left + "─ ", role), *label, Span(gap + "─" * rest + right, role))
