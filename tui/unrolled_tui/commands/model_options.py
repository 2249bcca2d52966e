"""The options that say about a model file what it does not say itself."""

from collections.abc import Callable
from typing import Any, TypeAlias

import click

Callback: TypeAlias = Callable[..., None]

_MERGES = ("concat", "sum", "ave", "mul")


def _names(_context: click.Context, _option: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    return None if value is None else tuple(name.strip() for name in value.split(","))


_OPTIONS = (
    click.option(
        "--activation",
        metavar="NAME",
        help="The activation of the candidate and the state, such as tanh; the nonlinearity of a PyTorch RNN.",
    ),
    click.option("--recurrent-activation", metavar="NAME", help="The activation of the gates, such as sigmoid."),
    click.option(
        "--dense-activation",
        metavar="NAME",
        help="The activation of the Dense layers, such as softmax; what is applied behind a PyTorch Linear.",
    ),
    click.option(
        "--reset-after/--no-reset-after",
        default=None,
        help="Whether a GRU without a bias resets after the recurrent kernel.",
    ),
    click.option(
        "--batch-first/--no-batch-first",
        default=None,
        help="Whether a PyTorch module reads (batch, T, features).",
    ),
    click.option("--merge", type=click.Choice(_MERGES), help="How a bidirectional layer joins its two outputs."),
    click.option(
        "--return-sequences/--no-return-sequences",
        default=None,
        help="Whether the last recurrent layer gives its output at every timestep.",
    ),
    click.option("--mask-zero/--no-mask-zero", default=None, help="Whether token 0 is padding."),
    click.option("--keras-version", type=click.IntRange(1, 3), metavar="N", help="The Keras that wrote the file."),
    click.option(
        "--layer-order",
        callback=_names,
        metavar="A,B,…",
        help="The layers in the order in which they run; PyTorch: the modules.",
    ),
    click.option(
        "--opset", type=click.IntRange(1), metavar="N", help="The opset as which an ONNX file of a newer one is read."
    ),
)

CHOICE_NAMES = (
    "activation",
    "recurrent_activation",
    "dense_activation",
    "reset_after",
    "batch_first",
    "merge",
    "return_sequences",
    "mask_zero",
    "keras_version",
    "layer_order",
    "opset",
)
"""What the options are called, and the fields of `unrolled.Choices`, whose NumPy a mere --help should not import."""


def model_options(callback: Callback) -> Callback:
    """The options for what some model files do not say. What a file says itself, they do not overrule."""
    for option in reversed(_OPTIONS):
        callback = option(callback)
    return callback


def take_choices(options: dict[str, Any]) -> tuple[tuple[str, Any], ...]:
    """What is given of them among the options of a command line, which are taken out of it."""
    taken = {name: options.pop(name) for name in CHOICE_NAMES if name in options}
    return tuple((name, value) for name, value in taken.items() if value is not None)


def check_choices(choices: tuple[tuple[str, Any], ...], has_model: bool) -> None:
    """Checks that there is a model file for what is said about one.

    Raises:
        UsageError: If there is none.
    """
    if choices and not has_model:
        option = choices[0][0].replace("_", "-")
        raise click.UsageError(f"--{option} goes with MODEL: a fresh layer has nothing to ask for.")
