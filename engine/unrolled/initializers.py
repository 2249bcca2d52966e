"""Keras's default initial weights: https://keras.io/api/layers/initializers/."""

import numpy as np

from unrolled.arrays import Array


def glorot_uniform(generator: np.random.Generator, rows: int, columns: int) -> Array:
    """Uniform in ±sqrt(6/(rows + columns)), shape (rows, columns) (Glorot and Bengio, 2010)."""
    limit = np.sqrt(6 / (rows + columns))
    return generator.uniform(-limit, limit, (rows, columns))


def orthogonal(generator: np.random.Generator, rows: int, columns: int) -> Array:
    """A matrix of shape (rows, columns), rows ≤ columns, whose rows are orthonormal (Saxe et al., 2014)."""
    q, r = np.linalg.qr(generator.standard_normal((columns, rows)))
    return np.asarray((q * np.sign(np.diag(r))).T)
