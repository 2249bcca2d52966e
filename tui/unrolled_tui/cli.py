"""The command `unrolled`: finds the command that is asked for, imports no more than it needs, and ends well.

Bare `unrolled` opens the stepper and pays for nothing else. Exit codes: 0 done, 1 one sentence on standard error, 2
wrong usage, 130 interrupted, 141 nobody reads what is written.
"""

import gc
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def main() -> None:
    """Runs the command line that this process was started with."""
    gc.disable()  # what the imports make stays: the stepper collects again after its first frame
    for variable in _THREADS:
        os.environ.setdefault(variable, "1")  # a second thread helps no timestep of fewer than 512 units
    code = run(sys.argv[1:])
    _let_go_of_output()
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """Runs one command line, and returns its exit code."""
    try:
        code = _dispatch(arguments)
        if sys.stdout is not None:
            sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 141
    except Exception as error:
        sentence = _sentence(error)
        if sentence is None:
            raise
        from unrolled_tui.exits import fail  # noqa: PLC0415

        return fail(sentence)
    return code


def _dispatch(arguments: Sequence[str]) -> int:
    from unrolled_tui.commands import COMMANDS  # noqa: PLC0415

    if not arguments:
        from unrolled_tui.commands.request import Request  # noqa: PLC0415
        from unrolled_tui.commands.stepper import step_through  # noqa: PLC0415

        return step_through(Request())
    from unrolled_tui.commands.running import run_command  # noqa: PLC0415

    if arguments[0] in COMMANDS:
        command: Any = import_module(f"unrolled_tui.commands.{arguments[0]}").command
        return run_command(command, arguments[1:], f"unrolled {arguments[0]}")
    from unrolled_tui.commands.main import command as stepper  # noqa: PLC0415

    return run_command(stepper, arguments, "unrolled")


def _sentence(error: Exception) -> str | None:
    """What to say of an error that is no fault of the program, or None for one that has to be seen in full."""
    errors = sys.modules.get("unrolled.errors")  # it is there already if this is one of its errors
    if errors is not None and isinstance(error, errors.UnrolledError):
        return str(error)
    if isinstance(error, OSError):
        return f"cannot be written: {error.strerror or error}"
    return "this needs more memory than there is" if isinstance(error, MemoryError) else None


def _let_go_of_output() -> None:
    """Flushes standard output, and drops what nobody reads before Python says so at its end."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
