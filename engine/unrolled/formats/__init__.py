"""Model files. Each format has a file of its own here, and is recognised by what is in it, not by its name."""

import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from unrolled.archives import member_names
from unrolled.choices import NOTHING_CHOSEN, Choices
from unrolled.errors import ModelFileError
from unrolled.files import UnreadableError, kind_of, naming, opened
from unrolled.formats import keras, npz, onnx_file, safetensors_file, torch_files
from unrolled.formats.model import Model, NamedLayer
from unrolled.npy import ZIP_MAGIC
from unrolled.text import printable

__all__ = ["Choices", "Model", "NamedLayer", "load"]


class Format(Protocol):
    """What the file of a format here has."""

    def recognises(self, beginning: bytes, members: Sequence[str], /) -> bool:
        """Whether a file that begins so may be one of these; `members` are the names in it if it is an archive."""

    def read(self, file: io.BufferedReader, name: str, choices: Choices) -> Model:
        """The model in `file`, which is called `name`; `choices` are for what it does not say."""


_FORMATS: tuple[Format, ...] = (keras, npz, safetensors_file, torch_files, onnx_file)


def load(path: str | os.PathLike[str], choices: Choices = NOTHING_CHOSEN) -> Model:
    """The recurrent layers in a model file, or in a folder that Keras saved, ready to walk.

    Args:
        path: The file or folder.
        choices: What the user says about what some files do not say; what is taken is told in the remarks.

    Raises:
        ModelFileError: If the file cannot be read, or is no model of a kind that is known. The message says why.
    """
    where = os.fspath(path)
    with naming(where, ModelFileError):
        name = printable(Path(where).name, 60)
        if "\0" not in where and keras.recognises_folder(Path(where)):
            return keras.read_folder(Path(where), name, choices)
        with opened(where) as file:
            beginning = file.read(256)
            file.seek(0)
            members = member_names(file) if beginning.startswith(ZIP_MAGIC) else ()
            for form in _FORMATS:
                if form.recognises(beginning, members):
                    return form.read(file, name, choices)
            got = "a zip archive without one" if members else kind_of(beginning)
            raise UnreadableError(f"expected a Keras, PyTorch, ONNX or .npz model, got {got}")
