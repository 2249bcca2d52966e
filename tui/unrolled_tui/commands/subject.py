"""From what the command line asks for to a network and a sequence."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import unrolled
from unrolled import InputSequence, OptionError, RecurrentLayer, SequenceFileError, ShapeError
from unrolled.text import printable
from unrolled_tui.commands.request import CELL, DTYPE, FRESH_EXAMPLES, LENS_NAMES, SEED, UNITS, Request
from unrolled_tui.commands.sequence import classes_of, sequence_for, sequence_of
from unrolled_tui.marks import Notebook, read_marks
from unrolled_tui.session import Session

if TYPE_CHECKING:  # a fresh layer opens without what models need
    from unrolled import Model
    from unrolled.network import Network


@dataclass(frozen=True, eq=False, slots=True)
class Subject:
    """What a command is about.

    Attributes:
        layer: The recurrent layer that is looked at first.
        sequence: What the model reads: one sequence, or a batch.
        origin: Where its weights are from.
        beside: A second layer that reads the same, and where its weights are from.
        model: The network that the layer is part of, if it comes from a model.
        framework: What wrote the model, if that is known.
        remarks: What is unusual about the model, one sentence each.
        name: What the layer is called in its model, with its direction if it has two.
        reader: The layer that reads the sequence, if not the first one.
        batch_size: How many sequences a batch of a stateful model has.
        classes: What the outputs of the model are called, if that is known.
        badge: What the model was verified against, if it was, in many words and in few.
    """

    layer: RecurrentLayer[Any]
    sequence: InputSequence
    origin: str
    beside: tuple[RecurrentLayer[Any], str] | None = None
    model: "Network | None" = None
    framework: str = ""
    remarks: tuple[str, ...] = ()
    name: str | None = None
    reader: str | None = None
    batch_size: int | None = None
    classes: tuple[str, ...] = ()
    badge: tuple[str, ...] = ()

    @property
    def network(self) -> "Network":
        """The model, or the layer as one."""
        from unrolled.network import Network, Recurrent  # noqa: PLC0415  # a fresh layer opens without

        return self.model or Network((Recurrent("layer", self.layer),))

    def session(self, request: Request) -> Session:
        """A session that begins where `request` says.

        Raises:
            UnrolledError: If there is no such timestep or sequence, or the file of marks does not fit.
        """
        session = self._session(request)
        if self.beside is not None:
            layer, origin = self.beside
            session.versus = Session.open(layer, self.sequence, origin, request.at)
            session.origin = " ".join([self.origin, *(words[0] for words in self.badge[:1])])  # the sign alone
        session.badge = self.badge
        session.show_lens(LENS_NAMES.index(request.lens))
        session.notebook = _notebook(request, session)
        return session

    def _session(self, request: Request) -> Session:
        if self.beside is not None or (self.model is None and self.sequence.rows is None):
            return Session.open(self.layer, replace(self.sequence, remarks=self._told), self.origin, request.at)
        from unrolled_tui.tour import Tour  # noqa: PLC0415  # a fresh layer opens without

        sequence = replace(self.sequence, remarks=self._told)
        tour = Tour(self.network, sequence, self.reader, self.batch_size, self.classes, self.framework)
        if not request.row <= len(tour):
            raise OptionError(f"--row: expected 1 to {len(tour):,}, got {request.row:,}")
        for _ in tour.open(request.row - 1):
            pass
        tour.place = 0 if self.name is None else tour.names.index(self.name)
        return Session.of(tour, self.origin, request.at)

    @property
    def _told(self) -> tuple[str, ...]:
        return self.remarks + self.sequence.remarks


def _notebook(request: Request, session: Session) -> Notebook:
    """The bookmarks and notes of a file that is asked for, or none yet, and where they would be kept."""
    if request.marks is not None:
        return Notebook.held_in(request.marks, read_marks(request.marks, session.model_length, session.units_of_layers))
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
    first = _of_model(request) if request.model is not None else _fresh(request)
    return replace(first, beside=_beside(request, first))


def _trained(name: str) -> Subject:
    from unrolled.network import Dense, Network, Recurrent  # noqa: PLC0415  # most command lines ask for none
    from unrolled_tui.examples import trained  # noqa: PLC0415

    example = trained(name)
    readout = Dense("readout", example.readout_kernel, example.readout_bias, "softmax")
    network = Network((Recurrent("lstm", example.layer), readout))
    return Subject(
        example.layer, example.sequence, f"example {name}", model=network, name="lstm", classes=example.classes
    )


def _beside(request: Request, first: Subject) -> tuple[RecurrentLayer[Any], str] | None:
    if request.versus is not None:
        model = _load(request.versus, request)
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


def _of_model(request: Request) -> Subject:
    """What a model file holds, and what it reads."""
    model = _load(request.model or "", request)
    directions = {
        direction.name: (layer, direction) for layer in model.network.recurrent for direction in layer.directions
    }
    name = _direction(request.layer, tuple(directions))
    recurrent, direction = directions[name]
    reader = None if request.layer is None else recurrent.name
    stretch = model.network.stretch(reader)
    if request.layer is None:
        recurrent = stretch.recurrent[0]
        direction = recurrent.directions[0]
    try:
        sequence = sequence_of(request, stretch, direction.layer.dtype)
    except SequenceFileError as error:
        why = model.doubt(error) if stretch.after is None else model.network.remarks[0]
        if not why:
            raise
        raise SequenceFileError(f"{error}; {why}") from error
    if sequence.values.ndim == 3 and not model.batch_first:
        order = "the input is read as (T, batch, …), as the model has it"
        sequence = replace(sequence, values=sequence.values.swapaxes(0, 1), remarks=(*sequence.remarks, order))
    badge, told = _verified(model, request)
    return Subject(
        layer=direction.layer,
        sequence=sequence,
        origin=model.name,
        model=model.network,
        framework=model.framework,
        remarks=told + model.remarks + model.network.remarks,
        name=direction.name,
        reader=reader,
        batch_size=request.batch_size or model.batch_size,
        classes=classes_of(request, stretch),
        badge=badge,
    )


def _load(path: str, request: Request) -> "Model":
    from unrolled_tui.commands.watchdog import load_in_time  # noqa: PLC0415  # a fresh layer opens without

    return load_in_time(path, unrolled.Choices(**dict(request.choices)))


def _verified(model: "Model", request: Request) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Whether the model agrees with the framework's numbers: a badge in many words and in few, and a sentence."""
    if request.verify is None:
        return (), ()
    from unrolled.verify import verify_file  # noqa: PLC0415  # few ask for it

    report = verify_file(model, request.verify)
    if report.agrees:
        return (f"✓ verified: {report.against}", f"✓ {report.against}"), (f"✓ {report.badge}",)
    return (f"× parts from {report.against}", f"× {report.against}"), (f"× {report.badge}",)


def _direction(wanted: str | None, names: tuple[str, ...]) -> str:
    """The direction that is called so, or the first of the layer that is."""
    if wanted is None:
        return names[0]
    for name in names:
        if wanted in (name, name.rpartition("/")[0]):
            return name
    raise OptionError(f"--layer: expected one of {', '.join(names)}, got {printable(wanted, 60)}")


def _fresh(request: Request) -> Subject:
    sequence = sequence_for(request, request.features, request.dtype or DTYPE)
    return Subject(fresh_layer(request, sequence.values.shape[-1]), sequence, fresh_origin(request))


_FRESH = {"lstm": "LSTM", "gru": "GRU", "simple_rnn": "SimpleRNN"}


def fresh_layer(request: Request, features: int) -> RecurrentLayer[Any]:
    """A fresh layer as asked for, which reads `features` features."""
    units = UNITS if request.units is None else request.units
    seed = SEED if request.seed is None else request.seed
    cell = getattr(unrolled, _FRESH[request.cell or CELL])
    layer: RecurrentLayer[Any] = cell.initialize(units, features, seed, request.dtype or DTYPE)
    return layer


def fresh_origin(request: Request) -> str:
    """Where a fresh layer's weights are from."""
    return f"seed {SEED if request.seed is None else request.seed}"
