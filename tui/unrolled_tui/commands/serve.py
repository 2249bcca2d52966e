"""`unrolled serve`: gives the stepper to all who log in over SSH, or come with a browser."""

from math import isfinite
from pathlib import Path
from typing import Any

import click

from unrolled_tui.commands.model_help import MODEL_FILES
from unrolled_tui.commands.model_options import model_options
from unrolled_tui.commands.options import (
    HELP_NAMES,
    Callback,
    examples,
    fresh_layer_options,
    model_argument,
    request_from_options,
    sequence_options,
    view_options,
)
from unrolled_tui.commands.request import Request
from unrolled_tui.serve.limits import Limits

_USUAL = Limits()
_FILE = click.Path(path_type=Path)


def _server_options(callback: Callback) -> Callback:
    for option in reversed(
        (
            click.option(
                "--host",
                default="127.0.0.1",
                show_default=True,
                help="The address to listen on: 127.0.0.1 is for this machine only, 0.0.0.0 for all who can reach it.",
            ),
            click.option(
                "--port", type=click.IntRange(0, 65535), metavar="N", help="The port.  [default: 2222, 8080 with --web]"
            ),
            click.option("--present", is_flag=True, help="Step in this terminal; those who log in follow."),
            click.option("--web", is_flag=True, help="Serve browsers, instead of SSH."),
            click.option(
                "--public-url", metavar="URL", default="", help="Where browsers reach the server, if behind a proxy."
            ),
            click.option(
                "--authorized-keys",
                type=_FILE,
                metavar="FILE",
                help="Let in those with a key of FILE, in the format of OpenSSH's authorized_keys.",
            ),
            click.option(
                "--password-file",
                type=_FILE,
                metavar="FILE",
                help="Let in those who know the password in the first line of FILE, which only you may read.",
            ),
            click.option("--anonymous", is_flag=True, help="Let in everybody who can reach the server."),
            click.option(
                "--host-key",
                type=_FILE,
                metavar="FILE",
                help="The key by which clients know the server again, made if there is none.  [default: one of yours]",
            ),
            click.option(
                "--compression/--no-compression",
                default=True,
                help="Whether clients have to compress, which takes a tenth of the bytes.",
            ),
            _limit("--sessions", "Sessions at a time."),
            _limit("--per-address", "Sessions at a time from one address, which a class behind one router shares."),
            _limit("--attempts", "Wrong passwords a minute from one address, which then has to wait."),
            click.option(
                "--idle",
                type=click.FloatRange(0.1),
                default=_USUAL.idle / 60,
                metavar="MINUTES",
                callback=_finite,
                help=(
                    "End a session after so long without a key, but not that of one who follows.  "
                    f"[default: {_USUAL.idle / 60:g}]"
                ),
            ),
            _limit("--memory", "Memory of one session beside what all share, in MiB."),
        )
    ):
        callback = option(callback)
    return callback


def _finite(_context: click.Context, _option: click.Parameter, number: float) -> float:
    if not isfinite(number):
        raise click.BadParameter(f"{number} is no length of time.")
    return number


def _limit(name: str, says: str) -> Any:
    usual = getattr(_USUAL, name.removeprefix("--").replace("-", "_"))
    return click.option(name, type=click.IntRange(1), default=usual, show_default=True, metavar="N", help=says)


@click.command(
    context_settings=HELP_NAMES,
    epilog=examples(
        "unrolled serve                           this machine only, with a password made up",
        "unrolled serve --host 0.0.0.0            all who can reach this machine and know the password",
        "unrolled serve model.keras --input x.npy --authorized-keys class.pub",
        "unrolled serve --present --example brackets --password-file password.txt",
        "unrolled serve --web --anonymous         in a browser, on this machine",
    ),
    options_metavar="[OPTIONS]",
    help=(
        "Give the stepper to all who log in: students type ssh, and need nothing installed and no account.\n\n"
        "They get the stepper and nothing else: no shell, no command, no file, no forwarding. Without a file of keys "
        f"or a password you are asked for a password, or one is made up.\n\n{MODEL_FILES}"
    ),
)
@model_argument
@_server_options
@model_options
@fresh_layer_options
@sequence_options
@view_options
@request_from_options
def command(request: Request, **wanted: Any) -> None:
    """Serve the stepper."""
    if wanted["anonymous"] and (wanted["authorized_keys"] or wanted["password_file"]):
        raise click.UsageError("--anonymous lets everybody in: leave out the keys and the password.")
    if wanted["web"]:
        for name in ("present", "authorized_keys", "host_key"):
            if wanted[name]:
                raise click.UsageError(f"--{name.replace('_', '-')} goes with SSH, not with --web.")
        if not wanted["compression"]:
            raise click.UsageError("--no-compression goes with SSH, not with --web.")
    elif wanted["public_url"]:
        raise click.UsageError("--public-url goes with --web.")
    from unrolled_tui.commands.serving import Wanted, serve  # noqa: PLC0415  # a mistake is told without it

    names = ("sessions", "per_address", "attempts", "memory")
    limits = Limits(**{name: wanted.pop(name) for name in names}, idle=60 * wanted.pop("idle"))
    raise click.exceptions.Exit(serve(request, Wanted(limits=limits, **wanted)))
