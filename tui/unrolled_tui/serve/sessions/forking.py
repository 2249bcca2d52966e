"""The nursery's loop: one thread, which waits for orders and for the ends of sessions."""

import faulthandler
import gc
import importlib
import os
import select
import signal
import sys
import traceback
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, NoReturn

from unrolled_tui.serve.errors import ServeError
from unrolled_tui.serve.limits import Limits
from unrolled_tui.serve.part import AppFactory
from unrolled_tui.serve.sessions.child import GRACE
from unrolled_tui.serve.sessions.line import Line, Message
from unrolled_tui.serve.sessions.process import close_all_but, renew_environment, renew_signals, renew_streams
from unrolled_tui.serve.sessions.terminals import term_of, within_reason
from unrolled_tui.serve.stage import LONGEST_PLACE

if TYPE_CHECKING:  # it imports Textual, which reads the environment
    from unrolled_tui.serve.sessions.session import Order

_SENT = (signal.SIGTERM, signal.SIGKILL)
"""The signals that may be asked for."""


def nurse(make_app: AppFactory, limits: Limits, line: Line, log: int) -> NoReturn:
    """Turns the process, just forked, into the nursery, which ends with its line.

    Args:
        make_app: Makes the app of one session.
        limits: What a session may take.
        line: The nursery's end of the line to the front.
        log: The descriptor for what goes wrong.
    """
    code = 1
    try:
        gc.disable()
        gc.freeze()  # what the front left is never collected: its descriptors are others' by then
        _let_go(line, log)
        Nurse(make_app, limits, line).run()
        code = 0
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(code)


def _let_go(line: Line, log: int) -> None:
    """Leaves the front's terminal, streams, descriptors, environment and signals."""
    os.setsid()
    os.dup2(log, 2)
    os.dup2(2, 1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    close_all_but([line.fileno()])
    renew_streams()
    renew_environment()
    renew_signals()
    faulthandler.disable()  # it would write to a descriptor that is another's by now
    if "textual.constants" in sys.modules:  # the front has imported it, with other settings
        importlib.reload(sys.modules["textual.constants"])


class Nurse:
    """Forks sessions as it is told, and tells how they end.

    Args:
        make_app: Makes the app of one session.
        limits: What a session may take.
        line: The line to the front.
    """

    def __init__(self, make_app: AppFactory, limits: Limits, line: Line) -> None:
        self._make_app, self._limits, self._line = make_app, limits, line
        self._sessions: dict[int, int] = {}  # numbers by process
        self._is_cut_off = self._is_ending = False
        self._deadline = inf

    def run(self) -> None:
        """Works until the front hangs up or asks for the end; then ends all sessions."""
        from unrolled_tui.serve.sessions.session import attend, warm  # noqa: PLC0415  # only now is the environment neutral

        try:
            warm(self._make_app)
        except Exception as error:
            self._tell({"is": "unfit", "why": _sentence(error)})
            return
        self._attend = attend
        wake = self._hear_signals()
        self._tell({"is": "ready"})
        while self._sessions or not self._is_ending:
            self._turn(wake)

    def _hear_signals(self) -> int:
        """Has a signal wake the loop, and returns what is to be waited for."""
        wake, other = os.pipe()
        for end in (wake, other):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(other, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, lambda *_: self._end())
        return wake

    def _turn(self, wake: int) -> None:
        lines = [] if self._is_cut_off else [self._line.fileno()]
        wait = None if self._deadline == inf else max(0.0, self._deadline - monotonic())
        ready, _, _ = select.select([wake, *lines], [], [], wait)
        if wake in ready:
            os.read(wake, 4096)
        if not self._is_cut_off and self._line.fileno() in ready:
            self._listen()
        self._reap()
        if monotonic() >= self._deadline:
            self._deadline = inf
            self._send_all(signal.SIGKILL)

    def _end(self) -> None:
        """Asks all sessions to end, and gives them `GRACE`."""
        if not self._is_ending:
            self._is_ending = True
            self._deadline = monotonic() + GRACE
            self._send_all(signal.SIGTERM)

    def _send_all(self, number: signal.Signals) -> None:
        for pid in self._sessions:
            os.kill(pid, number)

    def _reap(self) -> None:
        while self._sessions:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            code = os.waitstatus_to_exitcode(status)
            self._ended(self._sessions.pop(pid), code if code >= 0 else 128 - code)

    # The line.

    def _tell(self, news: Message) -> None:
        try:
            self._line.send(news)
        except OSError:  # the front is gone, which is heard next
            self._is_cut_off = True
            self._end()

    def _ended(self, number: int, code: int, why: str = "") -> None:
        self._tell({"is": "ended", "number": number, "code": code, "why": why})

    def _listen(self) -> None:
        orders = self._line.receive()
        for order, descriptors in orders or ():
            try:
                self._obey(order, descriptors)
            finally:
                for descriptor in descriptors:
                    os.close(descriptor)
        if orders is None:
            self._is_cut_off = True
            self._end()

    def _obey(self, message: Message, descriptors: list[int]) -> None:
        match message:
            case {"do": "fork" | "fork_piped", "number": int(number)}:
                try:
                    self._fork(number, _order_of(message, descriptors))
                except (ServeError, OSError) as error:
                    self._ended(number, 1, _sentence(error))
            case {"do": "signal", "number": int(number), "signal": int(which)} if which in _SENT:
                for pid in (pid for pid, other in self._sessions.items() if other == number):
                    os.kill(pid, which)
            case {"do": "close"}:
                self._end()
            case _:
                raise ServeError(f"line: expected an order, got {message}")

    def _fork(self, number: int, order: "Order") -> None:
        if self._is_ending:
            raise ServeError("the server is ending")
        signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM,))  # until the session has its own way to take it
        pid = os.fork()
        if pid == 0:
            self._become(order)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        self._sessions[pid] = number
        self._tell({"is": "forked", "number": number, "pid": pid})

    def _become(self, order: "Order") -> NoReturn:
        code = 1
        try:
            code = self._attend(self._make_app, order, self._limits)
        finally:
            os._exit(code & 0xFF)


def _order_of(message: Message, descriptors: list[int]) -> "Order":
    """The session that a message asks for.

    Raises:
        ServeError: If it asks for none.
    """
    from unrolled_tui.serve.sessions.session import Order  # noqa: PLC0415  # it is there by now

    match message, descriptors:
        case {"term": str(term), "place": str(place), "may_follow": bool(may_follow)}, [terminal, *line] if (
            len(place.encode()) <= LONGEST_PLACE and len(line) <= 1
        ):
            environment = {"TERM": term_of(term)}
            return Order((terminal,), place, may_follow, line[0] if line else None, environment)
        case {"columns": int(columns), "rows": int(rows)}, [_, _, _]:
            size = {"COLUMNS": str(within_reason(columns)), "ROWS": str(within_reason(rows))}
            return Order(tuple(descriptors), environment={**size, "COLORTERM": "truecolor"})
    raise ServeError("line: expected what a session needs, got less")


def _sentence(error: Exception) -> str:
    """What an error says, and what it is if that is no sentence."""
    text = (str(error) or type(error).__name__)[:1000]
    if type(error).__module__ == "builtins" and not isinstance(error, OSError):
        traceback.print_exception(error)
        sys.stderr.flush()
        return f"{type(error).__name__}: {text}"
    return text
