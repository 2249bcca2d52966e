"""Model files. Each format has a file of its own here, and is recognised by what is in it, not by its name."""

import io
import os
from pathlib import Path
from typing import Protocol

from unrolled.errors import ModelFileError
from unrolled.files import UnreadableError, kind_of, naming, opened
from unrolled.formats import npz
from unrolled.formats.model import Model, NamedLayer
from unrolled.text import printable

__all__ = ["Model", "NamedLayer", "load"]


class Format(Protocol):
    """What the file of a format here has."""

    def recognises(self, beginning: bytes) -> bool:
        """Whether a file that begins so may be one of these."""

    def read(self, file: io.BufferedReader, name: str) -> Model:
        """The model in `file`, which is called `name`."""


_FORMATS: tuple[Format, ...] = (npz,)


def load(path: str | os.PathLike[str]) -> Model:
    """The recurrent layers in a model file, ready to walk.

    Raises:
        ModelFileError: If the file cannot be read, or is no model of a kind that is known. The message says why.
    """
    where = os.fspath(path)
    with naming(where, ModelFileError), opened(where) as file:
        beginning = file.read(256)
        file.seek(0)
        for form in _FORMATS:
            if form.recognises(beginning):
                return form.read(file, printable(Path(where).name, 60))
        raise UnreadableError(f"expected a model in a .npz archive, got {kind_of(beginning)}")
