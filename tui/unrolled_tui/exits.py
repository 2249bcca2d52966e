"""How a command ends: the one sentence about what is wrong, and what a signal does."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from unrolled.text import printable

FAILED = 1


def fail(error: object) -> int:
    """Tells standard error what is wrong, in one printable line, and returns the exit code for it."""
    print(f"unrolled: {printable(str(error), 1000)}", file=sys.stderr)
    return FAILED


def tell(text: str) -> None:
    """Tells standard error what is unusual, in one printable line."""
    print(f"unrolled: {printable(text, 1000)}", file=sys.stderr)


@contextmanager
def signals_clean_up() -> Iterator[None]:
    """Inside, a request to end is an exception, so that what is half-written is taken away."""
    names = [name for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {name: signal.signal(getattr(signal, name), _leave) for name in names}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler)


def _leave(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)
