"""Text from files made safe to print.

A layer name or a token can hold escape sequences, right-to-left overrides or NUL. They are shown, never sent: each
character that is not printable becomes its Python escape.
"""


def printable(text: str, limit: int = 200) -> str:
    r"""`text` with every unprintable character escaped, cut to `limit` characters.

    Example:
        >>> printable("lstm\x1b[2J")
        'lstm\\x1b[2J'
    """
    cut = text[:limit]
    shown = "".join(character if character.isprintable() else _escape(character) for character in cut)
    return shown if len(text) <= limit else f"{shown}…"


def _escape(character: str) -> str:
    return character.encode("unicode_escape", "backslashreplace").decode("ascii")
