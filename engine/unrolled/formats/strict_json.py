"""JSON that comes from anywhere: of sane size, in objects whose keys are not repeated."""

import json
import re
from collections import Counter
from typing import Any, NoReturn

from unrolled.files import UnreadableError
from unrolled.text import printable

MOST_BYTES = 16 << 20
MOST_DEPTH = 100
MOST_VALUES = 300_000
_MOST_DIGITS = 30
_TOKENS = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[\[\]{},]', re.DOTALL)
_OPENING, _CLOSING = b"[{", b"]}"


def parse_object(raw: bytes, where: str) -> dict[str, Any]:
    """The JSON object in `raw`, which messages call `where`.

    Raises:
        UnreadableError: If it is no JSON, no object, too large or nested too deeply, has a key twice, or a number that
            is none.
    """
    found = parse(raw, where)
    if not isinstance(found, dict):
        raise UnreadableError(f"{where}: expected a JSON object, got {kind_of_value(found)}")
    return found


def parse(raw: bytes, where: str) -> Any:
    """Whatever JSON is in `raw`, which messages call `where`.

    Raises:
        UnreadableError: If it is no JSON, too large or nested too deeply, has a key twice, or a number that is none.
    """
    _check_size(raw, where)
    try:
        return json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=_without_repeats,
            parse_constant=_no_number,
            parse_int=_short_integer,
        )
    except UnicodeDecodeError as problem:
        raise UnreadableError(f"{where}: expected JSON in UTF-8, got a byte that is not") from problem
    except UnreadableError as problem:
        raise UnreadableError(f"{where}: {problem}") from problem
    except (ValueError, RecursionError) as problem:
        raise UnreadableError(f"{where}: the JSON is damaged or cut short: {printable(str(problem), 80)}") from problem


def _check_size(raw: bytes, where: str) -> None:
    if len(raw) > MOST_BYTES:
        raise UnreadableError(
            f"{where}: expected at most {MOST_BYTES >> 20} MiB of JSON, got {len(raw) / 2**20:,.1f} MiB"
        )
    depth = values = 0
    for token in _TOKENS.finditer(raw):
        sign = raw[token.start()]
        depth += (sign in _OPENING) - (sign in _CLOSING)
        values += sign not in _CLOSING
        if depth > MOST_DEPTH:
            raise UnreadableError(f"{where}: expected JSON nested at most {MOST_DEPTH} deep, got deeper")
        if values > MOST_VALUES:
            raise UnreadableError(f"{where}: expected JSON of at most {MOST_VALUES:,} values, got more")


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = next(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
        raise UnreadableError(f"the key {printable(twice)} is there twice")
    return found


def _no_number(text: str) -> NoReturn:
    raise UnreadableError(f"expected numbers, got {text}")


def _short_integer(text: str) -> int:
    if len(text) > _MOST_DIGITS:
        raise UnreadableError(f"expected numbers of at most {_MOST_DIGITS} digits, got {len(text):,}")
    return int(text)


def kind_of_value(found: object) -> str:
    """What a JSON value is, in words."""
    kinds = {
        "list": "a list",
        "dict": "an object",
        "str": "a text",
        "int": "a number",
        "float": "a number",
        "bool": "true or false",
        "NoneType": "null",
    }
    return kinds.get(type(found).__name__, "something else")
