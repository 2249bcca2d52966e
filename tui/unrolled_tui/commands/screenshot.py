"""`unrolled screenshot`: one screen as SVG, without a terminal."""

import re

import click

from unrolled import OptionError
from unrolled.files import check_ending, naming
from unrolled.output import writing
from unrolled.text import printable
from unrolled_tui.commands.model_options import model_options
from unrolled_tui.commands.options import (
    HELP_NAMES,
    examples,
    force_option,
    fresh_layer_options,
    model_argument,
    output_option,
    request_from_options,
    sequence_options,
    view_options,
)
from unrolled_tui.commands.request import Request
from unrolled_tui.commands.subject import subject
from unrolled_tui.exits import signals_clean_up
from unrolled_tui.neutral import neutral_environment

MOST_COLUMNS, MOST_LINES = 1000, 500


@click.command(
    context_settings=HELP_NAMES,
    epilog=examples(
        "unrolled screenshot -o start.svg",
        'unrolled screenshot --units 5 --size 80x24 --press "right,right,tab" -o third.svg',
        "unrolled screenshot model.npz --input data.csv --at 100 -o hundred.svg",
    ),
)
@model_argument
@model_options
@fresh_layer_options
@sequence_options
@view_options
@click.option("--size", default="120x40", metavar="CxL", help="Columns and lines.", show_default=True)
@click.option("--press", default="", metavar="KEYS", help='Keys to press first, as in "right,right,question_mark".')
@output_option("Write here: .svg.")
@force_option
@request_from_options
def command(request: Request, size: str, press: str, output: str, force: bool) -> None:
    """Draw one screen of the stepper as SVG, without a terminal. The same command gives the same file anywhere."""
    with naming(output, OptionError):
        check_ending(output, (".svg",))
    columns_and_lines = parse_size(size)
    session = subject(request).session(request)
    with neutral_environment(), signals_clean_up(), writing(output, force) as file:
        from unrolled_tui.screenshot import screenshot  # noqa: PLC0415

        file.write(screenshot(session, columns_and_lines, parse_keys(press)).encode())
    print(printable(output))


def parse_size(text: str) -> tuple[int, int]:
    """Columns and lines from text such as 120x40.

    Raises:
        OptionError: If it is none, or one that cannot be drawn.
    """
    match = re.fullmatch(r"([0-9]{1,4})[x×]([0-9]{1,4})", text.strip().lower())
    if match:
        columns, lines = int(match[1]), int(match[2])
        if 1 <= columns <= MOST_COLUMNS and 1 <= lines <= MOST_LINES:
            return columns, lines
    raise OptionError(
        f"--size: expected columns and lines up to {MOST_COLUMNS}x{MOST_LINES}, such as 120x40, "
        f"got {printable(text, 40)}"
    )


def parse_keys(text: str) -> list[str]:
    """The names of keys from text such as "right,right,2"."""
    return [key.strip() for key in text.split(",")] if text.strip() else []
