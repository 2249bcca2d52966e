"""Keras files of every age: `.keras` archives and folders, `.weights.h5`, and `.h5` with a configuration or without.

Nothing of Keras is needed or imported, and nothing that a file names is run. Sources: `keras/src/saving/saving_lib.py`
and `keras/src/legacy/saving/legacy_h5_format.py` of Keras 3, `keras/saving/legacy/hdf5_format.py` of Keras 2.
"""

import io
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from unrolled.archives import archive, unpacking
from unrolled.choices import Choices
from unrolled.errors import ShapeError
from unrolled.files import UnreadableError, kind_of, opened, size_of
from unrolled.formats.asking import OPTIONS, Asking
from unrolled.formats.hdf5 import MAGIC, Tree, hdf5
from unrolled.formats.keras_config import Described, LayerConfig, batch_size_of, describe, is_known_model, layers_of
from unrolled.formats.keras_layers import Source, network_layers
from unrolled.formats.keras_untold import Untold, configured, named_layers, ordered, path_layers
from unrolled.formats.keras_version import KerasVersion, read_version
from unrolled.formats.keras_weights import NamedWeights, PathWeights, Weights
from unrolled.formats.model import Model
from unrolled.formats.remarks import about_numbers, about_types
from unrolled.formats.strict_json import MOST_BYTES, parse_object
from unrolled.network import Network, NetworkLayer, Recurrent
from unrolled.text import printable

CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
_AT_ONCE = 1 << 20
_LEGACY_ROOT = "model_weights"


@dataclass(frozen=True, slots=True)
class _Told:
    """What there is beside the weights.

    Attributes:
        model: The configuration, if there is one.
        version: The version of Keras, if it is there.
    """

    model: Described | None
    version: KerasVersion | None


def recognises(beginning: bytes, members: Sequence[str]) -> bool:
    """Whether a file that begins so may be one of these; `members` are the names in it if it is an archive."""
    return beginning.startswith(MAGIC) or CONFIG in members or WEIGHTS in members


def recognises_folder(path: Path) -> bool:
    """Whether a folder is what Keras saves with `zipped=False`, as on the Hugging Face Hub."""
    return (path / CONFIG).is_file() and (path / METADATA).exists()


def read(file: io.BufferedReader, name: str, choices: Choices) -> Model:
    """The model in `file`.

    Raises:
        UnreadableError: If it is none, is damaged, or has a layer in it that is not of Keras.
        ShapeError: If shapes disagree.
        OptionError: If there is no such activation, or no such layer.
    """
    beginning = file.read(len(MAGIC))
    file.seek(0)
    asking = Asking(choices)
    if beginning == MAGIC:
        with hdf5(file, size_of(file)) as tree:
            return _read_hdf5(tree, name, asking)
    with archive(file) as opened_archive:
        told = _told(lambda member, most: _member(opened_archive, member, most))
        raw = _member(opened_archive, WEIGHTS, None)
    if raw is None:
        raise UnreadableError(f"expected {WEIGHTS} in the archive, got none")
    return _read_parts(io.BytesIO(raw), len(raw), told, name, asking)


def read_folder(path: Path, name: str, choices: Choices) -> Model:
    """The model in a folder.

    Raises:
        UnreadableError: If it is none, is damaged, or has a layer in it that is not of Keras.
        ShapeError: If shapes disagree.
        OptionError: If there is no such activation, or no such layer.
        OSError: If a file of it cannot be opened.
    """
    told = _told(lambda member, most: _file(path / member, most))
    if not (path / WEIGHTS).exists():
        raise UnreadableError(f"expected {WEIGHTS} in the folder, got none")
    with opened(str(path / WEIGHTS)) as file:
        return _read_parts(file, size_of(file), told, name, Asking(choices))


def _told(part: Callable[[str, int], bytes | None]) -> _Told:
    """What the two JSON files of a `.keras` archive or folder say."""
    config, metadata = part(CONFIG, MOST_BYTES), part(METADATA, MOST_BYTES)
    if config is None:
        raise UnreadableError(f"expected {CONFIG} beside {WEIGHTS}, got none")
    model = describe(parse_object(config, CONFIG), CONFIG)
    version = None if metadata is None else parse_object(metadata, METADATA).get("keras_version")
    return _Told(model, read_version(version if isinstance(version, str) else None))


def _member(opened_archive: zipfile.ZipFile, name: str, most: int | None) -> bytes | None:
    if name not in opened_archive.namelist():
        return None
    if most is not None and opened_archive.getinfo(name).file_size > most:
        raise UnreadableError(f"{name}: expected at most {most >> 20} MiB, got more")
    pieces = []
    with unpacking(), opened_archive.open(name) as stream:
        while piece := stream.read(_AT_ONCE):
            pieces.append(piece)
    return b"".join(pieces)


def _file(path: Path, most: int) -> bytes | None:
    if not path.exists():
        return None
    with opened(str(path)) as file:
        return file.read(most + 1)


def _read_parts(file: io.BufferedIOBase, size: int, told: _Told, name: str, asking: Asking) -> Model:
    """The model whose weights are in `file`, beside what is told of it."""
    beginning = file.read(len(MAGIC))
    file.seek(0)
    if beginning != MAGIC:
        raise UnreadableError(f"{WEIGHTS}: expected an HDF5 file, got {kind_of(beginning)}")
    version = told.version or KerasVersion(asking.ask("keras_version", 3))
    with hdf5(file, size) as tree:
        weights = PathWeights(tree)
        if told.model is not None and is_known_model(told.model):
            return _model(layers_of(told.model), weights, tree, version, name, asking)
        return _untold_model(path_layers(tree), weights, tree, version, name, asking, is_listed=False)


def _read_hdf5(tree: Tree, name: str, asking: Asking) -> Model:
    """The model in an HDF5 file by itself."""
    root = f"{_LEGACY_ROOT}/" if tree.is_group(_LEGACY_ROOT) else ""
    version = read_version(tree.text("", "keras_version") or tree.text(root.rstrip("/"), "keras_version"))
    config = tree.text("", "model_config")
    if config is not None:
        version = version or KerasVersion(asking.ask("keras_version", 2))
        model = describe(parse_object(config.encode("utf-8", "surrogatepass"), "model_config"), "model_config")
        if not is_known_model(model):
            raise UnreadableError(f"expected a model of layers, got one of type {model.told}")
        return _model(layers_of(model), NamedWeights(tree, root), tree, version, name, asking)
    if tree.texts(root.rstrip("/"), "layer_names") is not None:
        weights = NamedWeights(tree, root)
        named = named_layers(weights, tree, root)
        is_keras_1 = any(layer.is_recurrent and len(layer.shapes) >= 9 for layer in named)
        version = version or KerasVersion(asking.ask("keras_version", 1 if is_keras_1 else 2))
        return _untold_model(named, weights, tree, version, name, asking, is_listed=True)
    layers = path_layers(tree)
    if not layers:
        raise UnreadableError("expected the weights of a Keras model, got an HDF5 file without any")
    has_names = tree.text("vars", "name") is not None  # which Keras 3 writes, and Keras 2 does not
    version = KerasVersion(asking.ask("keras_version", 3 if has_names else 2), 3)
    return _untold_model(layers, PathWeights(tree), tree, version, name, asking, is_listed=False)


def _untold_model(
    layers: list[Untold],
    weights: Weights,
    tree: Tree,
    version: KerasVersion,
    name: str,
    asking: Asking,
    *,
    is_listed: bool,
) -> Model:
    """The model of a file that holds weights alone."""
    configs = tuple(configured(ordered(layers, asking, is_listed), version, asking))
    asking.remark(
        "whether a layer goes backwards, is stateful or stands behind a Masking layer is not in the file: taken no"
    )
    return _model(configs, weights, tree, version, name, asking)


def _model(
    layers: Sequence[LayerConfig], weights: Weights, tree: Tree, version: KerasVersion, name: str, asking: Asking
) -> Model:
    source = Source(weights, version, asking)
    network = _network(tuple(network_layers(layers, source)), asking)
    is_stateful = any(layer.stateful for layer in network.recurrent)
    batch_size = batch_size_of(layers) if is_stateful else None
    if is_stateful and batch_size is None:
        asking.remark(
            "the batch size of its stateful layers is not in the file: taken all sequences as one batch; "
            "--batch-size says otherwise"
        )
    remarks = [
        *(f"{name}: {remark}" for remark in asking.finished()),
        *about_types(name, {where: array.dtype for where, array in source.seen.items()}),
        *(f"{name}: {printable(path, 60)} is stored as bfloat16, stepped in float32" for path in tree.bfloat16),
        *about_numbers(name, network),
    ]
    return Model(name, network, tuple(remarks), "Keras", batch_size=batch_size)


def _network(layers: tuple[NetworkLayer, ...], asking: Asking) -> Network:
    """The network of these layers. Where they do not fit, an answer that was taken may be why, and is named."""
    try:
        return Network(layers)
    except ShapeError as problem:
        options = [OPTIONS[question].name for question in ("merge", "layer_order") if question in asking.asked]
        if not options or not any(isinstance(layer, Recurrent) for layer in layers):
            raise
        raise ShapeError(f"{problem}; {' or '.join(options)} may help") from problem
