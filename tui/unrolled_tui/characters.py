"""The characters of the screen where the locale has no UTF-8: one ASCII character for each, so that nothing moves."""

import re

ASCII = str.maketrans(
    {
        **dict.fromkeys("╭╮╰╯┌┐└┘├┤┬┴┼", "+"),
        **dict(zip("─━┄", "-=.", strict=True)),
        **dict.fromkeys("│▏▕", "|"),
        **dict.fromkeys("▎▍▌▐", "="),
        **dict.fromkeys("▋▊▉█", "#"),
        **dict(zip("▁▂▃▄▅▆▇▀", '_.,-=*%"', strict=True)),
        **dict(zip("«»·×⊙−σΣΔ→←↑↓▶▸‖…≥≤✓░▒▓␣●◆▼≡▬", "<>.x*-sSd><^v>>|~><v.:%_*+vE@", strict=True)),
    }
)

_TIMES = re.compile(r"(?<=\S)·(?=\S)")
"""A dot that multiplies; one that separates stands alone."""


def in_ascii(text: str) -> str:
    """`text` in as many cells of ASCII; a question mark for each cell of what has no character here."""
    text = _TIMES.sub("*", text).translate(ASCII)
    return text if text.isascii() else "".join(each if each.isascii() else _question_marks(each) for each in text)


def _question_marks(character: str) -> str:
    from rich.cells import cell_len  # noqa: PLC0415  # the summary prints ASCII too, and needs none of it

    return "?" * cell_len(character)
