"""A network reading one sequence: every recurrent layer and direction as a run, and what the read-out makes of it."""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from unrolled.arrays import Array, State
from unrolled.chain import Chain
from unrolled.errors import OptionError, TimestepError
from unrolled.network_layers import Dense, Recurrent
from unrolled.passage import Passage, merged
from unrolled.progress import Progress
from unrolled.streams import Stream, stretches
from unrolled.stretch import Stretch

When: TypeAlias = Literal["each", "so far", "whole"]


@dataclass(frozen=True, eq=False, slots=True)
class Readout:
    """The layers behind the last recurrent one.

    Attributes:
        layers: The Dense layers, in their order.
        when: "each" where the model predicts at every timestep. Where it predicts once, "so far" if what it would say
            of the timesteps read by then is what it says of a sequence that ends there, and "whole" if that takes the
            whole sequence, as a direction begins at the other end of it.
        backwards: Whether the timesteps read by then are those from the last one back.
    """

    layers: tuple[Dense, ...]
    when: When
    backwards: bool

    @property
    def activation(self) -> str:
        """The activation of the last of them: softmax makes probabilities."""
        return self.layers[-1].activation

    def __call__(self, outputs: Array) -> Array:
        """The prediction from the last recurrent layer's output (…, features)."""
        for layer in self.layers:
            outputs = layer(outputs)
        return outputs


class Reading:
    """A network, or a stretch of one, as it reads one sequence. Nothing is computed until it is asked for.

    Args:
        stretch: The layers.
        values: The sequence, (T, features), or token ids (T,) where an Embedding stands first.
        initial_states: The state before the first timestep for directions by name, zeros for those not named.
        length: How many timesteps the sequence has, if the rest is padding.
        row: Which sequence of a batch it is, from 0.

    Raises:
        ShapeError: If the sequence or a state does not fit, or the file has none for that row.
        SequenceFileError: If a token id is not in the vocabulary.
        OptionError: If there is no such direction, or the length is none.

    Attributes:
        stretch: The layers.
        timesteps: How many timesteps the sequence has, T.
        passages: Each direction of each recurrent layer, in the order in which they run.
        readout: The layers behind the last recurrent one, if that is what the model predicts with.
    """

    def __init__(
        self,
        stretch: Stretch,
        values: npt.ArrayLike,
        initial_states: Mapping[str, State] | None = None,
        length: int | None = None,
        row: int = 0,
    ) -> None:
        self.stretch = stretch
        self._chain = Chain(stretch, values, initial_states or {}, length, row)
        self.timesteps = self._chain.stream.timesteps
        self.passages = tuple(self._chain.passages)
        self.readout = self._make_readout()

    def __len__(self) -> int:
        """The number of timesteps, T."""
        return self.timesteps

    def passage(self, name: str) -> Passage:
        """The direction called `name`: a layer's name, or one with `/forward` or `/backward` behind it.

        Raises:
            OptionError: If there is none.
        """
        for passage in self.passages:
            if passage.name == name:
                return passage
        raise OptionError(f"layer: expected one of {', '.join(one.name for one in self.passages)}, got {name}")

    @property
    def final_states(self) -> dict[str, State]:
        """The state of each direction when it has gone through the whole sequence."""
        return {passage.name: passage.final_state for passage in self.passages}

    def explore(self, t: int | None = None) -> Iterator[Progress]:
        """Goes on until every layer can be seen at timestep `t` at once, or has read everything if it is None.

        One layer after the other, and for another thread too. Whoever stops asking cancels.

        Raises:
            TimestepError: If `t` is not in the sequence.
            ShapeError: If too much would have to be kept.
        """
        for passage in reversed(self.passages):  # the last one takes those before it along
            yield from passage.explore(passage.end if t is None else t)

    def prediction(self, t: int) -> Array | None:
        """What the model says at timestep `t`: see `Readout.when`. None where it says nothing.

        Raises:
            TimestepError: If `t` is not in the sequence.
        """
        if not 0 <= t < self.timesteps:
            raise TimestepError(f"timestep: expected 0 to {self.timesteps - 1}, got {t}")
        if self.readout is None or (self.readout.when == "whole" and t < self.timesteps - 1):
            return None
        recurrent = self.stretch.recurrent[-1]
        if self.readout.when == "each":
            return self.readout(self._chain.outputs[recurrent.name].take(np.array([t]))).reshape(-1)
        return self.readout(self._last_output(recurrent, t if self.readout.when == "so far" else None))

    def output(self, name: str) -> Array | tuple[Array, ...]:
        """The whole output of the recurrent layer `name` as the framework gives it.

        (T, features), with `return_sequences`, else (features,). A layer that goes backwards and does not flip back
        gives it in the order in which it computed it. A pair, if the layer's two directions are not merged.

        Raises:
            OptionError: If there is no such layer.
        """
        recurrent = next((layer for layer in self.stretch.recurrent if layer.name == name), None)
        if recurrent is None:
            known = ", ".join(layer.name for layer in self.stretch.recurrent)
            raise OptionError(f"layer: expected one of {known}, got {name}")
        if recurrent.return_sequences:
            whole = take_all(self._chain.outputs[name])
            whole = whole[::-1] if name in self._chain.reversed else whole
        else:
            whole = self._last_output(recurrent)
        if recurrent.outputs is not None:
            return whole
        units = recurrent.forward.outputs
        return whole[..., :units], whole[..., units:]

    def _last_output(self, recurrent: Recurrent, t: int | None = None) -> Array:
        """The last h of each direction, or what it is when they have come to `t`; zeros where nothing was read."""
        parts = []
        end = self.timesteps - 1 if recurrent.at_last_timestep and t is None else t
        for direction in recurrent.directions:
            passage = self.passage(direction.name)
            row = passage.row(passage.end if end is None else end)
            zeros = np.zeros(passage.layer.outputs, passage.layer.dtype)
            parts.append(zeros if row is None else passage.run[row].h)
        return merged(recurrent, parts)

    def _make_readout(self) -> Readout | None:
        layers, last = self.stretch.layers, self.stretch.recurrent[-1]
        behind = tuple(layer for layer in layers[layers.index(last) + 1 :] if isinstance(layer, Dense))
        if not behind or self.stretch.before is not None:
            return None
        ways = {passage.backwards for passage in self.passages}
        when: When = "each" if last.return_sequences else ("whole" if len(ways) == 2 else "so far")
        return Readout(behind, when, ways == {True})


def take_all(stream: Stream) -> Array:
    """The whole output of a stream."""
    deque(chain(stream.prepare(), stream.unwind()), 0)
    return np.concatenate([stream.take(times) for times in stretches(stream.timesteps)])
