"""Ends the reader of a model file that runs past its time."""

import _thread
import faulthandler
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NoReturn

import unrolled
from unrolled import Choices, Model, ModelFileError
from unrolled.text import printable
from unrolled_tui.exits import FAILED, fail

SECONDS = 60.0
"""A file of 1 GiB is read in a tenth of that."""

_AGAIN = 1.0
"""If something in between takes the interruption for an error of its own, the next one comes so many seconds later."""

_GRACE = 10.0
"""So long a reader has to end once its time is over. Then the process ends: a call into C cannot be interrupted."""

_STANDARD_ERROR = 2


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

    Python code is interrupted, on every system. A single call into C is not: if it has not come back soon after, the
    process ends with the same sentence and the exit code of a failure; nothing is on the screen yet while a file is
    read. A call that does not even let other threads run is ended a little later, by Python's `faulthandler`, which
    waits without Python and tells in which line that was.

    Raises:
        ModelFileError: If the time is over.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # nothing interrupts another thread
        return
    sentence = f"{printable(os.fspath(path))}: took more than {seconds:g} s to read, and was given up"
    guard = _Guard(seconds, sentence)
    try:
        try:
            guard.begin()
            yield
        finally:
            guard.end()
    except _OutOfTimeError:
        guard.end()  # again: it may have come while the guard was ending
        raise ModelFileError(sentence) from None


class _Guard:
    """A thread that interrupts the main one, as if the user did, and ends the process where that does not help."""

    def __init__(self, seconds: float, sentence: str) -> None:
        self._seconds = seconds
        self._sentence = sentence
        self._done = threading.Event()
        self._is_over = False
        self._before = signal.getsignal(signal.SIGINT)
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def begin(self) -> None:
        signal.signal(signal.SIGINT, self._interrupted)
        faulthandler.dump_traceback_later(self._seconds + 2 * _GRACE, file=_STANDARD_ERROR, exit=True)
        self._thread.start()

    def end(self) -> None:
        self._done.set()
        faulthandler.cancel_dump_traceback_later()
        if self._thread.is_alive():
            self._thread.join()
        signal.signal(signal.SIGINT, self._before)

    def _watch(self) -> None:
        wait, last = self._seconds, time.monotonic() + self._seconds + _GRACE
        while not self._done.wait(wait):
            if time.monotonic() >= last:
                _leave(self._sentence)
            self._is_over, wait = True, _AGAIN
            _thread.interrupt_main()

    def _interrupted(self, number: int, frame: FrameType | None) -> None:
        if self._is_over:
            raise _OutOfTimeError
        if callable(self._before):
            self._before(number, frame)


def _leave(sentence: str) -> NoReturn:
    """Ends the process at once: the main thread, which ends it otherwise, is stuck."""
    with suppress(Exception):  # a stream may be closed
        sys.stdout.flush()  # what was said of files before this one
        fail(sentence)
        sys.stderr.flush()
    os._exit(FAILED)
