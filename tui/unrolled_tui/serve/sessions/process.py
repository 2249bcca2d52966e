"""What a process that was forked has to let go of, so that nothing of the server is in it."""

import os
import resource
import signal
import sys
from collections.abc import Iterable

KEPT = ("LANG", "LC_ALL", "LC_CTYPE", "PATH", "TMPDIR", "TZ")
"""What stays of the environment, beside the number of threads of libraries that compute."""

_kept_alive: list[object] = []


def close_all_but(kept: Iterable[int]) -> None:
    """Closes every descriptor but 0, 1, 2 and those in `kept`."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    first = 3
    for descriptor in sorted(kept):
        os.closerange(first, descriptor)
        first = max(first, descriptor + 1)
    os.closerange(first, most if most != resource.RLIM_INFINITY else 1 << 16)


def renew_streams() -> None:
    """Has Python's standard streams read and write descriptors 0, 1 and 2, in UTF-8, whatever they were before."""
    _kept_alive.extend((sys.stdin, sys.stdout, sys.stderr, sys.__stdin__, sys.__stdout__, sys.__stderr__))
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        stream = open(number, "w" if number else "r", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115  # for the whole life of the process
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def renew_environment() -> None:
    """Leaves of the environment what says where programs are, and nothing of terminals, colours or secrets."""
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update({name: before[name] for name in before if name in KEPT or name.endswith("_NUM_THREADS")})
    os.environ.update(LANG="C.UTF-8", TERM="xterm-256color")


def renew_signals() -> None:
    """Gives every signal its first meaning again, but no signal of a terminal stops the process.

    A file that would become too large is an error, not the end.
    """
    signal.set_wakeup_fd(-1)
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        if signal.getsignal(number) is not None:
            signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
