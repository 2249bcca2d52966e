"""The help: every key with what it does, and who calls what by which letter."""

from collections.abc import Sequence
from textwrap import wrap

from unrolled_tui.renderables.spans import Line, Lines, Span, line

_WIDTH = 68

NOTATION = (
    ("", "here", "Keras", "PyTorch", "ONNX", "Olah"),
    ("input gate", "i", "i", "i", "i", "i"),
    ("forget gate", "f", "f", "f", "f", "f"),
    ("candidate", "g", "c", "g", "c", "C~"),
    ("output gate", "o", "o", "o", "o", "o"),
    ("order of the blocks", "i f g o", "i f c o", "i f g o", "i o f c", ""),
    ("GRU: update gate", "z", "z", "z", "z", ""),
    ("GRU: reset gate", "r", "r", "r", "r", ""),
    ("GRU: candidate", "n", "h", "n", "h", ""),
    ("order of the blocks", "z r n", "z r h", "r z n", "z r h", ""),
)


def help_table(
    keys: Sequence[tuple[str, str]], lenses: Sequence[tuple[str, str]], remarks: Sequence[str] = ()
) -> Lines:
    """What there is to know of the model and its input, the keys, what each lens is for, and the notation."""
    longest = max(len(key) for key, _ in keys)
    told = [wrap(remark, _WIDTH - 1) for remark in remarks]
    lines: list[Line] = [line(Span(f" {part}", "warning")) for parts in told for part in parts]
    lines += [()] * bool(lines)
    lines += [line(Span(f" {key:<{longest}}  ", "key"), text) for key, text in keys]
    for title, answers in lenses:
        first, *more = wrap(answers, _WIDTH - 11)
        lines += [(), line(Span(f" {title:<9} ", "strong"), first), *(line(" " * 11 + part) for part in more)]
    return (*lines, (), *(_notation(row) for row in NOTATION))


def _notation(row: tuple[str, ...]) -> Line:
    role = "dim" if not row[0] else ""
    cells = "".join(f"{cell:<9}" for cell in row[1:])
    return line(Span(f" {row[0]:<21}", "dim"), Span(cells, role))
