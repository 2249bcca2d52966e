"""What a framework computed of the small models, under the names that `unrolled verify` reads."""

from typing import Any

import numpy as np

from unrolled.formats.model import Model

Arrays = dict[str, np.ndarray[Any, Any]]


def named(model: Model, expected: Arrays) -> Arrays:
    """What the framework computed, with its states under the names of a trace."""
    arrays: Arrays = {name: expected[name] for name in ("x", "y") if name in expected}
    directions = {each.name for layer in model.network.recurrent for each in layer.directions}
    for key, array in expected.items():
        letter, _, where = key.partition(".")
        if letter in ("h", "c") and where in directions:
            arrays[f"{where}/{letter}"] = array
        elif letter in ("h", "c") and where[:1].isdigit():
            number, _, way = where.partition(".")
            arrays[f"{model.network.recurrent[int(number)].directions[way == 'bwd'].name}/{letter}"] = array
    return arrays


def outputs(model: Model, expected: Arrays) -> Arrays:
    """What it reads and gives, and nothing of what is inside."""
    return {name: array for name, array in named(model, expected).items() if name in ("x", "y")}
