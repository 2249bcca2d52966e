"""From what the command line asks for to a layer and a sequence."""

from dataclasses import dataclass, replace
from typing import Any

import unrolled
from unrolled import LSTM, InputSequence, RecurrentLayer, SequenceFileError, ShapeError
from unrolled.sequences import counting, one_hot
from unrolled_tui.commands.request import DTYPE, FRESH_EXAMPLES, LENS_NAMES, SEED, UNITS, Request
from unrolled_tui.marks import Notebook, read_marks
from unrolled_tui.session import Session


@dataclass(frozen=True, eq=False, slots=True)
class Subject:
    """What a command is about.

    Attributes:
        layer: The layer.
        sequence: What it reads.
        origin: Where its weights are from.
        beside: A second layer that reads the same, and where its weights are from.
    """

    layer: RecurrentLayer[Any]
    sequence: InputSequence
    origin: str
    beside: tuple[RecurrentLayer[Any], str] | None = None

    def session(self, request: Request) -> Session:
        """A session that begins where `request` says.

        Raises:
            UnrolledError: If there is no such timestep, or the file of marks does not fit.
        """
        session = Session.open(self.layer, self.sequence, self.origin, request.at)
        if self.beside is not None:
            layer, origin = self.beside
            session.versus = Session.open(layer, self.sequence, origin, request.at)
        session.show_lens(LENS_NAMES.index(request.lens))
        session.notebook = _notebook(request, session)
        return session


def _notebook(request: Request, session: Session) -> Notebook:
    """The bookmarks and notes of a file that is asked for, or none yet, and where they would be kept."""
    if request.marks is not None:
        units = [each.layer.units for each in session.both]
        return Notebook.held_in(request.marks, read_marks(request.marks, session.length, units))
    return Notebook() if request.model is None else Notebook(path=f"{request.model}.unrolled.json")


def subject(request: Request) -> Subject:
    """The layer and the sequence that are asked for.

    Raises:
        UnrolledError: If a file cannot be read, or they do not fit each other.
    """
    if request.example is not None:
        if request.example not in FRESH_EXAMPLES:
            return _trained(request.example)
        request = FRESH_EXAMPLES[request.example]
    first = _first(request)
    return replace(first, beside=_beside(request, first))


def _trained(name: str) -> Subject:
    from unrolled_tui.examples import trained  # noqa: PLC0415  # most command lines ask for none

    example = trained(name)
    return Subject(example.layer, example.sequence, f"example {name}")


def _beside(request: Request, first: Subject) -> tuple[RecurrentLayer[Any], str] | None:
    if request.versus is not None:
        model = unrolled.load(request.versus)
        layer = model.layers[0].layer
        if layer.features != first.layer.features:
            raise ShapeError(
                f"{model.name}: expected as many features as the layer of {first.origin} has, "
                f"{first.layer.features:,}, to read the same sequence, got {layer.features:,}"
            )
        return layer, model.name
    if request.versus_cut:
        return first.layer.without_connections(), f"{first.origin}, wires cut"
    if request.versus_units is None and request.versus_seed is None:
        return None
    units = request.units if request.versus_units is None else request.versus_units
    seed = request.seed if request.versus_seed is None else request.versus_seed
    other = replace(request, units=units, seed=seed)
    return fresh_layer(other, first.layer.features), fresh_origin(other)


def _first(request: Request) -> Subject:
    if request.model is not None:
        model = unrolled.load(request.model)
        layer = model.layers[0].layer
        sequence = _sequence(request, layer.features, str(layer.dtype))
        return Subject(layer, replace(sequence, remarks=model.remarks + sequence.remarks), model.name)
    sequence = _sequence(request, request.features, request.dtype or DTYPE)
    return Subject(fresh_layer(request, sequence.values.shape[-1]), sequence, fresh_origin(request))


def fresh_layer(request: Request, features: int) -> LSTM:
    """A fresh layer as asked for, which reads `features` features."""
    units = UNITS if request.units is None else request.units
    seed = SEED if request.seed is None else request.seed
    return LSTM.initialize(units, features, seed, request.dtype or DTYPE)


def fresh_origin(request: Request) -> str:
    """Where a fresh layer's weights are from."""
    return f"seed {SEED if request.seed is None else request.seed}"


def _sequence(request: Request, features: int | None, dtype: str) -> InputSequence:
    if request.input is not None:
        return unrolled.read_sequence(request.input, features, dtype)
    if request.text is None:
        return counting(1 if features is None else features, dtype)
    sequence = one_hot(request.text, dtype)
    distinct = sequence.values.shape[-1]
    if features not in (None, distinct):
        raise SequenceFileError(
            f"--text: expected {features:,} distinct characters, one for each feature of the layer, got {distinct:,}"
        )
    return sequence
