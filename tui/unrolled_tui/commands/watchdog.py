"""Ends the reader of a model file that runs past its time."""

import _thread
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import unrolled
from unrolled import Choices, Model, ModelFileError
from unrolled.text import printable

SECONDS = 60.0
"""A file of 1 GiB is read in a tenth of that."""

_AGAIN = 1.0
"""If something in between takes the interruption for an error of its own, the next one comes so many seconds later."""


class _OutOfTimeError(BaseException):
    """Not an `Exception`, so that a reader which expects errors of a library lets it through."""


def load_in_time(path: str | os.PathLike[str], choices: Choices, seconds: float = SECONDS) -> Model:
    """What `unrolled.load` gives.

    Raises:
        ModelFileError: If the file cannot be read, or not in so many seconds.
    """
    with ended_after(seconds, path):
        return unrolled.load(path, choices)


@contextmanager
def ended_after(seconds: float, path: str | os.PathLike[str]) -> Iterator[None]:
    """Ends what runs inside, in the main thread, once the time is over.

    It interrupts Python code, on every system; a single call into a library in C is ended when it returns.

    Raises:
        ModelFileError: If the time is over.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # nothing interrupts another thread
        return
    guard = _Guard(seconds)
    try:
        try:
            guard.begin()
            yield
        finally:
            guard.end()
    except _OutOfTimeError:
        guard.end()  # again: it may have come while the guard was ending
        took = f"took more than {seconds:g} s to read, and was given up"
        raise ModelFileError(f"{printable(os.fspath(path))}: {took}") from None


class _Guard:
    """A thread that interrupts the main one, as if the user did."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._done = threading.Event()
        self._is_over = False
        self._before = signal.getsignal(signal.SIGINT)
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def begin(self) -> None:
        signal.signal(signal.SIGINT, self._interrupted)
        self._thread.start()

    def end(self) -> None:
        self._done.set()
        if self._thread.is_alive():
            self._thread.join()
        signal.signal(signal.SIGINT, self._before)

    def _watch(self) -> None:
        wait = self._seconds
        while not self._done.wait(wait):
            self._is_over, wait = True, _AGAIN
            _thread.interrupt_main()

    def _interrupted(self, number: int, frame: FrameType | None) -> None:
        if self._is_over:
            raise _OutOfTimeError
        if callable(self._before):
            self._before(number, frame)
