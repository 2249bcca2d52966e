"""Two lines about the model that a layer is part of: its layers, and what it says at this timestep."""

from unrolled.text import printable
from unrolled_tui.renderables.layer_list import LayerName, layer_list
from unrolled_tui.renderables.prediction_line import prediction_line
from unrolled_tui.session import Session
from unrolled_tui.widgets.lines_view import LinesView


class LayerLine(LinesView):
    """The layers of the model, and the sequence of the batch. A click looks at a layer."""

    DEFAULT_CSS = "LayerLine { height: 1; display: none; }"

    def draw(self, session: Session) -> None:
        """Draws where the session's tour is."""
        tour = session.tour
        if tour is None:
            return
        facts = []
        if session.view.backwards:
            facts.append(f"from the end: t 1 is x{session.view.timestep(0) + 1:,}")
        if tour.masked:
            facts.append(f"{tour.masked:,} masked")
        if len(tour) > 1:
            facts.append(f"sequence {tour.row + 1:,}/{len(tour):,}")
        if tour.batches > 1:
            states = "states from zero" if tour.reset else "states go on"
            facts.append(f"batch {tour.batch + 1:,}/{tour.batches:,}, {states}")
        layers = [LayerName(_short(stop.name), stop.place) for stop in tour.stops]
        self.show((layer_list(layers, tour.place, "  ".join(facts), self.cells),))


def _short(name: str) -> str:
    """A layer's name, with an arrow for its direction."""
    return name.replace("/forward", " →").replace("/backward", " ←")


class PredictionLine(LinesView):
    """What the model says at the timestep on show."""

    DEFAULT_CSS = "PredictionLine { height: 1; display: none; }"

    def draw(self, session: Session) -> None:
        """Draws the prediction."""
        said = None if session.tour is None else session.tour.prediction(session.timestep)
        if said is not None:
            names = [printable(name) for name in said.names]
            self.show((prediction_line(said.values, names, said.shares, said.remark, self.cells),))
