"""The layers of a network as records: what stands around recurrent layers, and in which directions those read.

The names and the meaning of the options are Keras's: https://keras.io/api/layers/.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from unrolled.activations import activation_named
from unrolled.arrays import Array, State, frozen
from unrolled.checks import weight
from unrolled.errors import OptionError, ShapeError
from unrolled.layer import RecurrentLayer

Merge: TypeAlias = Literal["concat", "sum", "ave", "mul"]
MERGES: tuple[Merge, ...] = ("concat", "sum", "ave", "mul")


@dataclass(frozen=True, eq=False, slots=True)
class Embedding:
    """Token ids in, a row of the table for each.

    Attributes:
        name: Its name, printable.
        table: A row for each token, shape (vocabulary, features).
        mask_zero: Whether the token 0 is padding, which the layers after it pass over.

    Raises:
        ShapeError: If the table has another shape.
    """

    name: str
    table: Array
    mask_zero: bool = False

    def __post_init__(self) -> None:
        """Checks the table once."""
        object.__setattr__(self, "table", frozen(weight(f"{self.name}: table", self.table, 2)))
        if not self.table.size:
            raise ShapeError(f"{self.name}: table: expected (vocabulary, features), got shape {self.table.shape}")

    @property
    def parameters(self) -> int:
        """The number of parameters."""
        return self.table.size


@dataclass(frozen=True, eq=False, slots=True)
class Masking:
    """Timesteps whose features are all `value` are padding, which the layers after it pass over.

    Attributes:
        name: Its name, printable.
        value: The number that marks them.
    """

    name: str
    value: float = 0.0

    parameters = 0


@dataclass(frozen=True, eq=False, slots=True)
class Dense:
    """activation(x·W + b) at each timestep by itself, as Dense and TimeDistributed(Dense) compute it.

    Attributes:
        name: Its name, printable.
        kernel: W, shape (features, units).
        bias: b, shape (units,), or None.
        activation: Its name: one of `OF_ALL_UNITS`, or of `ACTIVATIONS`.

    Raises:
        ShapeError: If the shapes disagree.
        OptionError: If there is no such activation.
    """

    name: str
    kernel: Array
    bias: Array | None = None
    activation: str = "linear"

    def __post_init__(self) -> None:
        """Checks everything once."""
        kernel = weight(f"{self.name}: kernel", self.kernel, 2)
        if not kernel.size:
            raise ShapeError(f"{self.name}: kernel: expected (features, units), got shape {kernel.shape}")
        object.__setattr__(self, "kernel", frozen(kernel))
        if self.bias is not None:
            bias = weight(f"{self.name}: bias", self.bias, 1)
            if bias.shape != kernel.shape[1:]:
                raise ShapeError(f"{self.name}: bias: expected shape {kernel.shape[1:]}, got {bias.shape}")
            object.__setattr__(self, "bias", frozen(bias))
        if self.activation not in OF_ALL_UNITS:
            activation_named(self.activation, f"{self.name}: activation")

    def __call__(self, x: Array) -> Array:
        """The layer's output, shape (…, units), for `x` of shape (…, features)."""
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            z: Array = x @ self.kernel
            if self.bias is not None:
                z += self.bias
            return (OF_ALL_UNITS.get(self.activation) or activation_named(self.activation))(z)

    @property
    def parameters(self) -> int:
        """The number of parameters."""
        return self.kernel.size + (0 if self.bias is None else self.bias.size)


def softmax(z: Array) -> Array:
    """exp(z) over its sum, along the last axis; the largest z is taken off first, so that nothing overflows."""
    powers = np.exp(z - z.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def log_softmax(z: Array) -> Array:
    """The logarithm of the softmax, also where that is too small a number."""
    below = z - z.max(axis=-1, keepdims=True)
    return np.asarray(below - np.log(np.exp(below).sum(axis=-1, keepdims=True)))


OF_ALL_UNITS: dict[str, Callable[[Array], Array]] = {"softmax": softmax, "log_softmax": log_softmax}
"""The activations of a Dense layer whose every output depends on all its units."""


@dataclass(frozen=True, eq=False, slots=True)
class Unchanged:
    """A layer whose output is its input once training is over: dropout, an input layer, activity regularisation.

    Attributes:
        name: Its name, printable.
        kind: What the framework calls it, printable.
    """

    name: str
    kind: str

    parameters = 0


@dataclass(frozen=True, eq=False, slots=True)
class Foreign:
    """A layer that is not computed here, such as Conv1D or attention: what stands after it is fed by the user.

    Attributes:
        name: Its name, printable.
        kind: What the framework calls it, printable.
        parameters: The number of parameters, as far as the file says.
        why: Why it is not computed, as a clause, where that is not its kind.
    """

    name: str
    kind: str
    parameters: int = 0
    why: str = ""


@dataclass(frozen=True, eq=False, slots=True)
class Direction:
    """One of the ways in which a recurrent layer reads its input.

    Attributes:
        name: The layer's name, with `/forward` or `/backward` behind it if it has both.
        layer: The weights.
        backwards: Whether it begins at the end of its input.
        initial_state: The state before the first timestep, where the file has one that is not zero: arrays (units,),
            or (batch, units) where each sequence of a batch has its own.
        biases: See `Recurrent`.
    """

    name: str
    layer: RecurrentLayer[Any]
    backwards: bool
    initial_state: State | None = None
    biases: Array | None = None

    def start(self, row: int) -> State | None:
        """The state before the first timestep of sequence `row` of a batch."""
        states = self.initial_state
        return None if states is None else tuple(each if each.ndim == 1 else each[row] for each in states)


@dataclass(frozen=True, eq=False, slots=True)
class Recurrent:
    """A recurrent layer as part of a network, reading in one direction or in both.

    Attributes:
        name: Its name, printable.
        forward: The layer; of a bidirectional one, the one that begins at the beginning.
        backward: The one that begins at the end, of a bidirectional layer.
        merge: How the outputs of both become one; None gives them side by side, as two outputs.
        go_backwards: Whether the only direction begins at the end.
        flips_back: Whether the output of `go_backwards` is put back in the order of the input, as ONNX does with
            `direction="reverse"`. Keras leaves it in the order in which it was computed.
        return_sequences: Whether it gives its output at every timestep, or the last one only.
        at_last_timestep: Whether that one is the output at the last timestep of its input, where a direction that
            begins there has read that timestep only, and not the last output of each direction.
        stateful: Whether sequence i of a batch starts from the state in which sequence i of the batch before ended.
        return_state: Whether it gives its last states too.
        zero_output_for_mask: Whether the output is zero at masked timesteps, as in Keras's Bidirectional with
            `return_sequences`, instead of what it was before.
        parameters: The number of parameters as the framework counts them, None where it is what the arrays hold.
        initial_states: The state before the first timestep of each direction, where the file has one that is not zero:
            see `Direction`.
        lengths: How many timesteps it reads, where the file says so, as with ONNX's `sequence_lens`: a backward
            direction begins at the last of them, and the output past it is zero. One number for every sequence, or
            one for each sequence of a batch.
        biases: For each direction the two biases that the file has, one beside W and one beside U, shape
            (2, gates·units), where the layer has their sum.

    Raises:
        ShapeError: If the two directions do not fit each other.
        OptionError: If there is no such merge, or `go_backwards` is given to a bidirectional layer.
    """

    name: str
    forward: RecurrentLayer[Any]
    backward: RecurrentLayer[Any] | None = None
    merge: Merge | None = None
    go_backwards: bool = False
    flips_back: bool = False
    return_sequences: bool = True
    at_last_timestep: bool = False
    stateful: bool = False
    return_state: bool = False
    zero_output_for_mask: bool = False
    parameters: int | None = None
    initial_states: tuple[State, ...] | None = None
    lengths: tuple[int, ...] | None = None
    biases: tuple[Array, ...] | None = None

    def __post_init__(self) -> None:
        """Checks that the two directions fit."""
        if self.backward is None:
            return
        ours, theirs = (self.forward.features, self.forward.outputs), (self.backward.features, self.backward.outputs)
        if ours[0] != theirs[0] or (self.merge in MERGES[1:] and ours[1] != theirs[1]):
            raise ShapeError(
                f"{self.name}: expected both directions to have the same features and units, got {ours[0]:,} and "
                f"{theirs[0]:,} features, {ours[1]:,} and {theirs[1]:,} units"
            )
        if self.merge is not None and self.merge not in MERGES:
            raise OptionError(f"{self.name}: merge: expected one of {', '.join(MERGES)} or None, got {self.merge!r}")
        if self.go_backwards:
            raise OptionError(f"{self.name}: go_backwards: expected a layer of one direction, got one of both")

    @property
    def directions(self) -> tuple[Direction, ...]:
        """The directions in which it reads: one, or forward and backward."""
        states, biases = self.initial_states or (None, None), self.biases or (None, None)
        if self.backward is None:
            return (Direction(self.name, self.forward, self.go_backwards, states[0], biases[0]),)
        return (
            Direction(f"{self.name}/forward", self.forward, False, states[0], biases[0]),
            Direction(f"{self.name}/backward", self.backward, True, states[1], biases[1]),
        )

    @property
    def batch_size(self) -> int | None:
        """How many sequences a batch has, where the file has a state or a length for each; None if any number."""
        states = (array for state in self.initial_states or () for array in state)
        counts = {len(array) for array in states if array.ndim > 1} | {len(self.lengths or ())}
        return max(counts) if max(counts) > 1 else None

    def length(self, row: int) -> int | None:
        """How many timesteps it reads of sequence `row` of a batch, where the file says so."""
        lengths = self.lengths
        return None if lengths is None else lengths[row if len(lengths) > 1 else 0]

    @property
    def outputs(self) -> int | None:
        """The number of features of its output; None if it has two outputs."""
        if self.backward is None:
            return self.forward.outputs
        if self.merge is None:
            return None
        return self.forward.outputs + self.backward.outputs * (self.merge == "concat")


NetworkLayer: TypeAlias = Embedding | Masking | Dense | Unchanged | Foreign | Recurrent
