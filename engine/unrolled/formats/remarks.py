"""What is unusual about the weights of a model, one sentence each."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from unrolled.arrays import Array
from unrolled.finite import not_finite
from unrolled.network import Dense, Embedding, Network, NetworkLayer, Recurrent


def about_numbers(name: str, network: Network) -> Iterator[str]:
    """Where weights are NaN or infinite; `name` is the file's."""
    for layer in network.layers:
        for where, array in _weights(layer):
            found = not_finite(array)
            if found:
                yield f"{name}: {where}: {found.told(str(list(found.first)))}"


def about_types(name: str, types: Mapping[str, np.dtype[Any]]) -> Iterator[str]:
    """Which weights are stored in fewer bits than they are stepped in, by what they are called."""
    for where, dtype in types.items():
        if dtype == np.float16:
            yield f"{name}: {where} is stored as float16, stepped in float32"


def _weights(layer: NetworkLayer) -> Iterator[tuple[str, Array]]:
    match layer:
        case Embedding():
            yield f"{layer.name}: embeddings", layer.table
        case Dense():
            yield f"{layer.name}: kernel", layer.kernel
            if layer.bias is not None:
                yield f"{layer.name}: bias", layer.bias
        case Recurrent():
            for direction in layer.directions:
                for name, array in direction.layer.weights.items():
                    yield f"{direction.name}: {name}", array
