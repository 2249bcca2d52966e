"""The lens of the wiring: which unit reads which, and what happens when the wires are cut."""

import numpy as np

from unrolled.wiring import count_wires
from unrolled_tui.layer_view import EARLY
from unrolled_tui.lenses.lens import LinesLens
from unrolled_tui.renderables.cut_table import CutView, cut_lines
from unrolled_tui.renderables.frame import framed
from unrolled_tui.renderables.spans import Lines, Span, line
from unrolled_tui.renderables.wiring_table import HEAT_CELL, LABEL, NUMBER_CELL, Wires, wire_legend, wire_lines
from unrolled_tui.session import Session
from unrolled_tui.tables import Cell, Table, shortest_of
from unrolled_tui.wires import sender_count, sender_name


class WiringLens(LinesLens):
    """The weights of one gate as a matrix, and the count of the wires; or the experiment without them."""

    def draw(self, session: Session) -> None:
        """Draws the window of the matrix that holds the selected wire."""
        width, height = self.area
        inner = width - 2
        layer, gate = session.layer, session.gate
        legend = wire_legend(count_wires(layer), len(layer.anatomy.gates), layer.units, layer.features, layer.outputs)
        if session.cut:
            legend = (legend[-1], *cut_lines(self._cut_view(session, self._cut_units(session)), inner))
        rows = height - 4 - len(legend)
        wires = self._wires(session, inner, max(1, rows))
        matrix = wire_lines(wires)
        filler: Lines = ((),) * (height - 2 - len(legend) - len(matrix))
        what = "weight × what flows now" if session.signals else "weights"
        title = line(Span(f"{gate.title} {gate.name}", gate.name), Span(f"  {what}", "dim"))
        cuts = "x restores the wires" if session.cut else "x cuts the wires" if layer.separable else ""
        note = line(Span(cuts, "dim")) if cuts else ()
        if len(wires.receivers) < layer.units:
            first, last = wires.receivers[0] + 1, wires.receivers[-1] + 1
            note = line(*note, Span(f" ── to units {first:,} to {last:,} of {layer.units:,}", "dim"))
        self.view.show(framed((*matrix, *filler, *legend), width, title, note))

    def move(self, session: Session, rows: int) -> None:
        """Selects the sender before or after."""
        session.select_sender(session.sender + rows)

    def reorder(self, session: Session) -> None:
        """Shows what flows instead of the weights, or the reverse."""
        session.toggle_signals()

    def table(self, session: Session) -> Table:
        """The whole matrix, a row for each sender; a wire that is cut is empty."""
        layer, gate = session.layer, session.gate.name
        senders = sender_count(layer, gate)
        rows: list[list[Cell]] = []
        values = shortest_of(session.wires(slice(0, senders), slice(0, layer.units)), layer.dtype)
        for place, row in enumerate(values):
            own = place - layer.features
            cut = session.cut and 0 <= own < layer.units
            cells = [value if not cut or unit == own else "" for unit, value in enumerate(row)]
            rows.append([sender_name(layer, gate, place), *cells])
        return Table(("from", *(f"{gate}{unit}" for unit in range(1, layer.units + 1))), rows)

    def page_rows(self, _session: Session) -> int:
        """The senders that fit."""
        return max(1, self.area.height - 7)

    def _wires(self, session: Session, inner: int, rows: int) -> Wires:
        layer, gate = session.layer, session.gate.name
        units = layer.units
        numbers = LABEL + units * NUMBER_CELL <= inner
        columns = max(1, (inner - LABEL) // (NUMBER_CELL if numbers else HEAT_CELL))
        first_row = session.sender - session.sender % rows
        first = session.unit - session.unit % columns
        receivers = slice(first, min(first + columns, units))
        window = session.wires(slice(first_row, first_row + rows), receivers)
        return Wires(
            gate=gate,
            senders=tuple(sender_name(layer, gate, place) for place in range(first_row, first_row + len(window))),
            receivers=tuple(range(receivers.start, receivers.stop)),
            first_sender=first_row,
            values=window.tolist(),
            largest=session.largest_wire(),
            unit=session.unit,
            sender=session.sender,
            cut=session.cut,
            numbers=numbers,
        )

    def _cut_units(self, session: Session) -> range:
        """The units of the page of the cut's table that holds the selected one."""
        count = max(1, min(session.layer.units, self.area.height // 4))
        first = session.unit - session.unit % count
        return range(first, min(first + count, session.layer.units))

    def _cut_view(self, session: Session, units: range) -> CutView:
        step, cut = session.step, session.view.cut_run[session.t]
        places = slice(units.start, units.stop)
        states = [state.name for state in reversed(session.layer.anatomy.states)]
        past = [np.abs(session.view.cut_difference(name)[: session.t + 1, places]).T.tolist() for name in states]
        return CutView(
            units=tuple(units),
            selected=session.unit,
            of=session.layer.units,
            states=tuple(states),
            whole=tuple(tuple(getattr(step, name)[places].tolist()) for name in states),
            cut=tuple(tuple(getattr(cut, name)[places].tolist()) for name in states),
            past=tuple(tuple(row) for row in past[0]),
            first=session.view.first_cut_difference,
            early=min(EARLY, session.length),
            check=session.view.cut_check,
        )
