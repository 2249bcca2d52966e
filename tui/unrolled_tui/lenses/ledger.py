"""The lens of the ledger: every product that makes one gate of one unit."""

from unrolled.ledger import GROUPS, ledger
from unrolled_tui.lenses.lens import LinesLens
from unrolled_tui.renderables.caption import filled
from unrolled_tui.renderables.frame import framed
from unrolled_tui.renderables.ledger_table import (
    ORDERS,
    LedgerRows,
    ledger_columns,
    ledger_lines,
    ledger_rows,
    ledger_sum,
)
from unrolled_tui.renderables.spans import Line, Lines, Span, fit, line
from unrolled_tui.renderables.spans import width as line_width
from unrolled_tui.session import Session
from unrolled_tui.tables import Table

_BELOW = 4
"""Lines below the terms: the sum, a rule, and the two states."""


class LedgerLens(LinesLens):
    """The terms of one gate of one unit, their sum, and what becomes of it."""

    def draw(self, session: Session) -> None:
        """Draws as many terms as fit, from the session's top row on."""
        width, height = self.area
        gate = session.gate
        table = self._rows(session)
        count = max(1, height - 3 - _BELOW)
        top = min(session.top, max(0, len(table) - count))
        terms = ledger_lines(table, top, count, width - 2) if session.known(f"z_{gate.name}") else ()
        gap: Lines = ((),) * (count - len(terms))
        body = (ledger_columns(table.ledger, width - 2), *terms, *gap, *_below(session, table, width - 2))
        order = ORDERS[session.order_index]
        title = line(Span(f"{gate.title} {gate.name} of unit {session.unit + 1}", gate.name), Span(f"  {order}", "dim"))
        more = len(table) - top - len(terms)
        note = line(Span(f"rows {top + 1} to {top + len(terms)} of {len(table)}", "dim")) if more or top else ()
        self.view.show(framed(body, width, title, note))

    def move(self, session: Session, rows: int) -> None:
        """Scrolls."""
        count = self.page_rows(session)
        session.top = max(0, min(session.top + rows, len(self._rows(session)) - count))

    def reorder(self, session: Session) -> None:
        """Takes the next order of the terms."""
        session.take_order((session.order_index + 1) % len(ORDERS))

    def table(self, session: Session) -> Table:
        """The terms in their order, with the sum of all down to each; none before z is computed."""
        table = self._rows(session)
        account = table.ledger
        rows = [
            (
                GROUPS[account.groups[term]],
                account.weight_name(term),
                float(account.weights[term]),
                account.signal_name(term),
                float(account.signals[term]),
                float(account.products[term]),
                running,
            )
            for term, running in zip(table.rows.tolist(), table.running.tolist(), strict=True)
            if term >= 0 and session.known(f"z_{session.gate.name}")
        ]
        return Table(("from", "weight", "its value", "signal", "its value now", "product", "running total"), rows)

    def page_rows(self, _session: Session) -> int:
        """The terms that fit."""
        return max(1, self.area.height - 3 - _BELOW)

    def _rows(self, session: Session) -> LedgerRows:
        account = ledger(session.layer, session.step, session.gate.name, session.unit)
        return ledger_rows(account, ORDERS[session.order_index])


def _below(session: Session, table: LedgerRows, cells: int) -> Lines:
    """The sum with its activation, and the states that follow from the gates; what is not computed is a dot."""
    gate = session.gate.name
    layer, known = session.layer, session.known
    z = "z" if layer.clip is None else f"clip(z, -{layer.clip:g}, {layer.clip:g})"
    activation = f"{layer.activation_of(gate)}({z})"
    total = ledger_sum(table.ledger, activation, known(f"z_{gate}"), known(gate), cells)
    return (
        line(Span("─" * cells, "faint")),
        total,
        *(_state(session, phase_index, cells) for phase_index in session.view.state_phases),
    )


def _state(session: Session, phase_index: int, cells: int) -> Line:
    phase = session.layer.anatomy.phases[phase_index]
    if phase_index > session.phase_index:
        return fit(line(Span(f" {phase.formula} = ", "dim"), "·"), cells)
    numbers = filled(phase.numbers, session.numbers(), 4)
    whole = line(Span(f" {phase.formula} = ", "dim"), numbers)
    short = line(Span(f" {phase.formula.partition(' = ')[0]} = ", "dim"), numbers)
    return fit(whole if line_width(whole) <= cells else short, cells)
