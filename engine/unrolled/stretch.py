"""Stretches: the parts of a network that can be computed, from one layer that cannot to the next."""

from dataclasses import dataclass

from unrolled.errors import ShapeError
from unrolled.network_layers import Dense, Embedding, Foreign, Masking, NetworkLayer, Recurrent, Unchanged


@dataclass(frozen=True, eq=False, slots=True)
class Stretch:
    """Layers that follow each other with nothing foreign between, a recurrent one among them.

    Attributes:
        layers: The layers, in their order.
        after: The layer before them, whose output cannot be computed or is two: the stretch is fed by the user's own
            array for its first layer. None where the model's own input is read.
        before: The layer behind them that is not computed here, if there is one.
    """

    layers: tuple[NetworkLayer, ...]
    after: NetworkLayer | None = None
    before: Foreign | None = None

    @property
    def recurrent(self) -> tuple[Recurrent, ...]:
        """The recurrent layers among them."""
        return tuple(layer for layer in self.layers if isinstance(layer, Recurrent))

    @property
    def embedding(self) -> Embedding | None:
        """The layer that token ids go into, if it begins with one."""
        return next((layer for layer in self.layers if isinstance(layer, Embedding)), None)

    @property
    def batch_size(self) -> int | None:
        """How many sequences a batch has, where the file has a state or a length for each; None if any number."""
        return next((size for layer in self.recurrent if (size := layer.batch_size) is not None), None)

    def check_batch(self, sequences: int) -> None:
        """Checks that a batch has as many sequences as the file has states or lengths for.

        Raises:
            ShapeError: If it has not. A sequence by itself has those of the first one.
        """
        size = self.batch_size
        if size is not None and sequences not in (1, size):
            raise ShapeError(
                f"input: expected a batch of {size:,} sequences, as the file has an initial state or a length for "
                f"each, got {sequences:,}"
            )

    def check_row(self, row: int) -> None:
        """Checks that the file has states and lengths for sequence `row` of a batch, from 0.

        Raises:
            ShapeError: If it has not.
        """
        size = self.batch_size
        if row < 0 or (size is not None and row >= size):
            raise ShapeError(f"row: expected 0 to {(size or 1) - 1}, as the file says of a batch, got {row}")

    @property
    def features(self) -> int:
        """How many features each timestep of its input has; 1 where it reads token ids."""
        return next(_features(layer) for layer in self.layers if isinstance(layer, Embedding | Dense | Recurrent))


def check(stretch: Stretch) -> None:
    """Checks that each layer can read the output of the one before.

    Raises:
        ShapeError: If one cannot.
    """
    before: Embedding | Dense | Recurrent | None = None  # the last layer that made the features what they are
    ended: Recurrent | None = None  # a layer that gives its last output only
    sizes = sorted({size for layer in stretch.recurrent if (size := layer.batch_size) is not None})
    if len(sizes) > 1:
        raise ShapeError(f"expected states and lengths for one size of batch, got {sizes[0]:,} and {sizes[1]:,}")
    for layer in stretch.layers:
        if isinstance(layer, Embedding) and layer is not _first(stretch):
            raise ShapeError(f"{layer.name}: expected an Embedding to stand first, got it behind another layer")
        if isinstance(layer, Unchanged | Masking | Foreign):
            continue
        if before is not None:
            given, wanted = _outputs(before), _features(layer)
            if given != wanted:
                raise ShapeError(f"{layer.name}: expected to read {before.name}, {_count(given)}, got {_count(wanted)}")
        if isinstance(layer, Recurrent):
            if ended is not None:
                raise ShapeError(f"{layer.name}: expected a sequence to read, got the last output only of {ended.name}")
            ended = None if layer.return_sequences else layer
        before = layer


def _first(stretch: Stretch) -> NetworkLayer:
    return next(layer for layer in stretch.layers if not isinstance(layer, Unchanged))


def _features(layer: Embedding | Dense | Recurrent) -> int:
    match layer:
        case Embedding():
            return 1
        case Dense():
            return len(layer.kernel)
        case Recurrent():
            return layer.forward.features


def _outputs(layer: Embedding | Dense | Recurrent) -> int | None:
    match layer:
        case Embedding():
            return int(layer.table.shape[1])
        case Dense():
            return int(layer.kernel.shape[1])
        case Recurrent():
            return layer.outputs


def _count(features: int | None) -> str:
    return "1 feature" if features == 1 else f"{features:,} features"
