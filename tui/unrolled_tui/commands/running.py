"""Runs a click command so that it returns an exit code, and says what is wrong in printable characters only."""

import sys
from collections.abc import Sequence

import click


def run_command(command: click.Command, arguments: Sequence[str], name: str) -> int:
    """Runs `command`, which the user calls `name`, and returns its exit code.

    Raises:
        KeyboardInterrupt: If the user interrupts it.
        BrokenPipeError: If nobody reads what it writes.
    """
    try:
        with command.make_context(name, list(arguments)) as context:
            command.invoke(context)
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except click.ClickException as error:
        _show(error, name)
        return error.exit_code
    return 0


def _show(error: click.ClickException, name: str) -> None:
    from unrolled.text import printable  # noqa: PLC0415

    context = getattr(error, "ctx", None)
    if context is not None:
        print(context.get_usage(), file=sys.stderr)
        print(f"Try '{name} --help' for help.", file=sys.stderr)
    print(f"Error: {printable(error.format_message(), 1000)}", file=sys.stderr)
