"""What the tests of the time lens share: what it shows, and what it has to show."""

import re

import numpy as np
from tests.tui.stage import reading, rows

from unrolled import LSTM, LSTMTrace
from unrolled.arrays import Array
from unrolled_tui.app import UnrolledApp
from unrolled_tui.session import Session

NAMES = ["h", "c", "i", "f", "g", "o", "z_i", "z_f", "z_g", "z_o"]
TITLES = [
    "hidden state h",
    "cell state c",
    "input gate i",
    "forget gate f",
    "candidate g",
    "output gate o",
    *(f"pre-activation z_{gate}" for gate in "ifgo"),
]
GLYPHS = "▬▬≡≡==-- ░░▒▒▓▓██"
"""From -8 to 8: two levels for each character."""


def whole(session: Session) -> LSTMTrace:
    """The whole run, computed without any of what is tested."""
    trace = session.layer.trace(session.sequence.values)
    assert isinstance(trace, LSTMTrace)
    return trace


def shades(values: Array, scale: float) -> str:
    """How values are shown."""
    return "".join(GLYPHS[8 + round(value / scale * 8)] for value in values.tolist())


def strength(glyph: str) -> int:
    """How strong a shade is, with its sign."""
    return "▬≡=- ░▒▓█".index(glyph) - 4


def of(trace: LSTMTrace, name: str) -> Array:
    values: Array = trace.z[:, "ifgo".index(name[2:])] if name.startswith("z_") else getattr(trace, name)
    return values


def lens_rows(app: UnrolledApp) -> list[str]:
    """What is inside the frame of the lens."""
    return [row.split("│")[1] for row in rows(app) if row.startswith("│")]


def cells(app: UnrolledApp) -> dict[int, str]:
    """The rows of the map, as text, by unit."""
    found = [re.match(r"[ ▸] *(\d+) (.*)", row) for row in lens_rows(app)[: axis(app) + units_on_show(app)]]
    return {int(match[1]) - 1: match[2] for match in found if match}


def axis(app: UnrolledApp) -> int:
    """The place of the first row of the map."""
    (place,) = [place for place, row in enumerate(lens_rows(app)) if "▼" in row]
    return place + 1


def units_on_show(app: UnrolledApp) -> int:
    below = lens_rows(app)[axis(app) :]
    return next((place for place, row in enumerate(below) if not re.match(r"[ ▸] *\d+ ", row)), len(below))


def title(app: UnrolledApp) -> str:
    return next(row for row in rows(app) if row.startswith("╭")).split("─╮")[0].strip("╭╮─ ")


def note(app: UnrolledApp) -> str:
    return next(row for row in rows(app) if row.startswith("╰")).split("─╯")[0].strip("╰╯─ ")


def marked(app: UnrolledApp) -> int:
    """The cell of the marked column, counted from the first one."""
    return lens_rows(app)[axis(app) - 1].index("▼") - 7


def saturating() -> Session:
    """Eight units, some of whose gates open and close, over fifty timesteps."""
    random = np.random.default_rng(3)
    layer = LSTM(random.normal(0, 2, (2, 32)), random.normal(0, 1, (8, 32)), random.normal(0, 1, 32))
    session = reading(random.normal(0, 1, (50, 2)).tolist())
    return Session.open(layer, session.sequence, "by hand")
