"""Sequences in batches: of a stateful network, sequence i goes on where sequence i of the batch before ended."""

from collections.abc import Collection, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from unrolled.arrays import State
from unrolled.errors import OptionError, ShapeError
from unrolled.network import Network
from unrolled.network_reading import Reading
from unrolled.progress import Progress


class Batches:
    """Samples in batches, as a stateful network reads them one batch after the other.

    Sample n is row `n % batch_size` of batch `n // batch_size`. Each of its stateful layers starts from the state in
    which sample `n - batch_size` ended, and every other layer from what the file has for that row, or zeros. See
    `stateful` in https://keras.io/api/layers/recurrent_layers/lstm/.

    Args:
        network: The network.
        samples: The sequences, (samples, T, features), or token ids (samples, T).
        batch_size: How many samples a batch has.
        resets: The batches, from 0, before which the states are set to zeros again.
        layer: A layer of the stretch that reads the samples, if not the first one.

    Raises:
        ShapeError: If there is no sample, or the file has states or lengths for batches of another size.
        OptionError: If a batch would hold none.
    """

    def __init__(
        self,
        network: Network,
        samples: npt.NDArray[Any],
        batch_size: int,
        resets: Collection[int] = (),
        layer: str | None = None,
    ) -> None:
        if batch_size < 1:
            raise OptionError(f"batch_size: expected 1 or more, got {batch_size}")
        if samples.ndim < 2 or not len(samples):
            raise ShapeError(f"input: expected (samples, T, …) with one sample or more, got shape {samples.shape}")
        self.batch_size = batch_size
        self._network, self._samples, self._layer = network, samples, layer
        self._resets = frozenset(resets)
        stretch = network.stretch(layer)
        stretch.check_batch(min(batch_size, len(samples)))
        stateful = [recurrent for recurrent in stretch.recurrent if recurrent.stateful]
        self._names = tuple(direction.name for recurrent in stateful for direction in recurrent.directions)
        self._ended: dict[int, dict[str, State]] = {}  # by sample, the states in which its stateful layers ended

    def __len__(self) -> int:
        """How many samples there are."""
        return len(self._samples)

    def read(self, sample: int) -> Reading:
        """The network reading sample `sample`, from 0. First it goes through those before it in the same row.

        Raises:
            OptionError: If there is no such sample.
            ShapeError: If it does not fit the network.
        """
        for _ in self.explore(sample):
            pass
        return self._reading(sample)

    def explore(self, sample: int) -> Iterator[Progress]:
        """Goes through the samples before `sample` in its row, as far as they are not known; yields how many are done.

        Whoever stops asking cancels.

        Raises:
            OptionError: If there is no such sample.
            ShapeError: If one of them does not fit the network.
        """
        if not 0 <= sample < len(self):
            raise OptionError(f"sample: expected 0 to {len(self) - 1}, got {sample}")
        before = self._before(sample)
        for done, earlier in enumerate(before, 1):
            reading = self._reading(earlier)
            for _ in reading.explore():
                yield Progress(done - 1, len(before))
            self._ended[earlier] = {name: reading.passage(name).final_state for name in self._names}
            yield Progress(done, len(before))

    def _before(self, sample: int) -> list[int]:
        """The samples whose ends are not known yet and lead to `sample`, in their order."""
        if not self._names:
            return []
        found = []
        while sample // self.batch_size not in self._resets and sample >= self.batch_size:
            sample -= self.batch_size
            if sample in self._ended:
                break
            found.append(sample)
        return found[::-1]

    def _reading(self, sample: int) -> Reading:
        fresh = sample // self.batch_size in self._resets
        states = {} if fresh else self._ended.get(sample - self.batch_size, {})
        values, row = np.asarray(self._samples[sample]), sample % self.batch_size
        return self._network.read(values, initial_states=states, layer=self._layer, row=row)
