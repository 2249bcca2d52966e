"""The lens of the memory: what is in a unit's state, and which timestep wrote it."""

from collections.abc import Sequence
from textwrap import wrap

from unrolled.anatomy import Account
from unrolled.memory import MemoryTriangle, half_life, memory, memory_triangle
from unrolled_tui.lenses.lens import LinesLens
from unrolled_tui.renderables.frame import framed
from unrolled_tui.renderables.memory_table import (
    ORDERS,
    MemoryView,
    life_line,
    lives_that_fit,
    memory_lines,
    memory_sum,
    most_scrolled,
    ordered,
    padded,
    start_lines,
    window,
)
from unrolled_tui.renderables.memory_triangle import AROUND, Page, TriangleView, lists_of, triangle_lines, triangle_page
from unrolled_tui.renderables.numbers import short
from unrolled_tui.renderables.sequence_strip import timestep_text
from unrolled_tui.renderables.spans import Line, Lines, Span, line
from unrolled_tui.session import Session
from unrolled_tui.tables import Cell, Table

PAST = 256
"""So many timesteps are told apart; what was there before them is one number, so that the account stays exact."""

_AROUND = 6
"""Lines beside those of the writes: the frame, the columns' names, what was before, the sum, the half-lives."""

_ROOMY = 6
"""From so many lines for the writes on, one is a rule above the sum."""

_COLUMNS = ("written at t", "token", "written", "kept", "left", "running total")

_MOST_READ = 12
"""The most cells for what a timestep reads."""


class MemoryLens(LinesLens):
    """How much of the selected unit's state each timestep wrote, and how much of that is left; or all as a triangle."""

    def draw(self, session: Session) -> None:
        """Draws the account of the selected unit's state, or why there is none."""
        width, height = self.area
        account = session.layer.anatomy.account
        if account is None:
            name = line(Span(f"memory of unit {session.unit + 1:,}", "strong"))
            self.view.show(framed(_reasons(session, width - 2), width, name))
            return
        draw = _triangle if session.triangle else _bars
        title, body, note = draw(session, account, width - 2, height)
        gap: Lines = ((),) * (height - 3 - len(body))
        self.view.show(framed((*body, *gap, _lives(session, account, width - 2)), width, title, note))

    def move(self, session: Session, rows: int) -> None:
        """Scrolls through the writes; in the triangle it selects the unit before or after."""
        if session.triangle:
            super().move(session, rows)
            return
        order = ORDERS[session.order_index]
        top = session.top + (rows if order == "by size" else -rows)
        session.top = max(0, min(top, most_scrolled(min(_written(session), PAST), self.page_rows(session), order)))

    def reorder(self, session: Session) -> None:
        """Orders the writes by what is left of them, or by time. A triangle has one order."""
        if not session.triangle:
            session.take_order((session.order_index + 1) % len(ORDERS))

    def change_view(self, session: Session) -> None:
        """Shows the triangle instead of the bars, or the reverse."""
        triangle = not session.triangle
        for each in session.both:
            each.triangle = triangle

    def table(self, session: Session) -> Table:
        """All that is told apart of the account, in its order; or the page of the triangle that is on show."""
        written, account = _written(session), session.layer.anatomy.account
        if session.triangle and account is not None:
            return _triangle_table(session, account, _page(session, self.area.width - 2, self.area.height))
        if account is None or not written:
            return Table(_COLUMNS, ())
        told = memory(session.run, written - 1, session.unit, max(0, written - PAST))
        order = ordered(told, ORDERS[session.order_index])
        left = told.left[order]
        texts = [""] * len(told) if not session.sequence.labels else list(session.sequence.labels[told.first :])
        totals = (told.before + left.cumsum()).tolist()
        numbers = zip(told.written[order].tolist(), told.kept[order].tolist(), left.tolist(), totals, strict=True)
        rows = [(told.first + k + 1, texts[k], *row) for k, row in zip(order.tolist(), numbers, strict=True)]
        return Table(_COLUMNS, [(f"before t {told.first + 1}", "", "", "", told.before, told.before), *rows])

    def page_rows(self, session: Session) -> int:
        """The writes that fit; in the triangle one unit."""
        return 1 if session.triangle else _rows(self.area.height)[0]


def _rows(height: int) -> tuple[int, int]:
    """How many writes fit, and how many rules."""
    rows = max(2, height - _AROUND)
    return (rows - 1, 1) if rows >= _ROOMY else (rows, 0)


def _written(session: Session) -> int:
    """How many timesteps have written into the state by this phase."""
    account = session.layer.anatomy.account
    return session.t + (account is not None and session.known(account.state))


def _bars(session: Session, account: Account, cells: int, height: int) -> tuple[Line, Lines, Line]:
    """The title and the table of the writes."""
    written, unit, (rows, rules) = _written(session), session.unit, _rows(height)
    if not written:
        start = float(getattr(session.step, account.previous)[unit])
        body, total, value = start_lines(account, start), start, start
    else:
        told = memory(session.run, written - 1, unit, max(0, written - PAST))
        order = ORDERS[session.order_index]
        shown = window(len(told), rows, session.top, order)
        timesteps = (told.first + ordered(told, order)[shown.start : shown.stop]).tolist()
        reads = _reads(session, timesteps, _MOST_READ)
        body = memory_lines(MemoryView(told, account, order, shown, reads, session.length), cells)
        total, value = float(told.totals[-1]), told.value
    fill: Lines = ((),) * (rows + 2 - len(body))
    keep = float(getattr(session.step, account.keep)[unit]) if session.known(account.keep) else None
    sums = (*(line(Span("─" * cells, "faint")),) * rules, memory_sum(account, written, total, value, keep))
    return _title(session, account, ORDERS[session.order_index]), (*body, *fill, *sums), ()


def _triangle(session: Session, account: Account, cells: int, height: int) -> tuple[Line, Lines, Line]:
    """The title, the triangle, and what its shades mean."""
    page = _page(session, cells, height)
    reads = _reads(session, range(page.first, page.first + page.count), _content(session))
    view = TriangleView(_told(session, page), account.state, page, reads, session.t - page.first)
    shades = "" if page.numbers else f"░▒▓█ to {short(view.largest)}, -=≡▬ to {short(-view.largest)}"
    return _title(session, account, "written at, read at"), triangle_lines(view), line(Span(shades, "dim"))


def _page(session: Session, cells: int, height: int) -> Page:
    """The timesteps of the triangle."""
    return triangle_page(session.t, session.length, _content(session), max(1, height - 3 - AROUND), cells)


def _told(session: Session, page: Page) -> MemoryTriangle | None:
    """The triangle from the first timestep of a page to the last one that is written, if any of it is."""
    written = _written(session)
    return memory_triangle(session.run, page.first, written - 1, session.unit) if written > page.first else None


def _triangle_table(session: Session, account: Account, page: Page) -> Table:
    """The triangle as numbers: what is read before it is written is empty, and so is what is not computed yet."""
    told, labels = _told(session, page), session.sequence.labels
    before, left, values = lists_of(told)
    timesteps = range(page.first, page.first + page.count)
    later = [""] * (page.count - len(values))
    rows: list[tuple[Cell, ...]] = [(f"before t {page.first + 1}", "", *before, *later)]
    for place, t in enumerate(timesteps):
        cells = [*[""] * place, *left[place][place:], *later] if place < len(left) else [""] * page.count
        rows.append((t + 1, labels[t] if labels else "", *cells))
    rows.append((f"{account.state}_t", "", *values, *later))
    return Table(("written at t", "token", *(f"read at t {t + 1}" for t in timesteps)), rows)


def _title(session: Session, account: Account, how: str) -> Line:
    """Whose state it is and when; in the phases before it is written it is the state of the timestep before."""
    (state,) = (state for state in session.layer.anatomy.states if state.name == account.state)
    written = _written(session)
    late = f", before t {session.t + 1:,} is written" if written == session.t else ""
    what = f"{state.title} {state.name} of unit {session.unit + 1:,} at t {written:,}"
    return line(Span(what, account.state), Span(f"{late}  {how}", "dim"))


def _lives(session: Session, account: Account, cells: int) -> Line:
    """The half-lives of the units on the page that holds the selected one."""
    count = lives_that_fit(account, session.layer.units, cells)
    first = session.unit - session.unit % count
    units = range(first, min(first + count, session.layer.units))
    gates = getattr(session.step, account.keep)[units.start : units.stop]
    lives: list[float | None] = half_life(gates).tolist() if session.known(account.keep) else [None] * len(units)
    return life_line(account, units, session.unit, lives)


def _content(session: Session) -> int:
    """The cells that hold what a timestep reads."""
    return min(session.view.widest_label or 6 * session.sequence.values.shape[-1], _MOST_READ)


def _reads(session: Session, timesteps: Sequence[int], cells: int) -> list[str]:
    """What some timesteps read, all in as many cells."""
    cells = min(cells, _content(session))
    labels = session.sequence.labels
    texts = [timestep_text(session.sequence.values[t].tolist(), labels[t] if labels else "", cells) for t in timesteps]
    return [padded(text, cells) for text in texts]


def _reasons(session: Session, cells: int) -> Lines:
    """Why a cell has no account."""
    cell = session.layer.anatomy.cell
    told = (
        f"{cell} has no cell state: no gate says how much of h_(t-1) stays.",
        "",
        "Each timestep makes h_t anew, out of x_t and of all of h_(t-1), which goes through the recurrent kernel U and "
        "the activation. What earlier timesteps wrote is mixed in there, and cannot be told apart again: there is no "
        "sum of shares, and no half-life.",
        "",
        "The ledger, key 2, shows what each x and each h_(t-1) adds at this timestep.",
    )
    return tuple(line(f" {part}") for text in told for part in wrap(text, cells - 2) or [""])
