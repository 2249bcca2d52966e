"""What the tests of the screen share: sessions to show, and what an app shows of them."""

import asyncio
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from rich.cells import cell_len

from unrolled import LSTM, InputSequence
from unrolled.sequences import counting, one_hot
from unrolled_tui.app import UnrolledApp
from unrolled_tui.screens.stepper import StepperScreen
from unrolled_tui.session import Session

SMALL, WIDE, LARGE = (80, 24), (120, 40), (200, 60)
"""Sizes of a terminal."""


def example(units: int = 3, features: int = 1, at: int = 1) -> Session:
    """The built-in example, with as many units and features."""
    return Session.open(LSTM.initialize(units, features, seed=7), counting(features), "seed 7", at)


def reading(values: Sequence[Sequence[float]], units: int = 3, remarks: tuple[str, ...] = ()) -> Session:
    """A session over numbers of its own."""
    sequence = InputSequence(np.array(values, dtype=float), "numbers", remarks=remarks)
    return Session.open(LSTM.initialize(units, len(values[0]), seed=7), sequence, "seed 7")


def spelled(characters: str) -> Session:
    """A session over the characters of a text."""
    sequence = one_hot(characters)
    return Session.open(LSTM.initialize(3, sequence.values.shape[1], seed=7), sequence, "seed 7")


def long(length: int, units: int = 3) -> Session:
    """A session over a long sequence."""
    sequence = InputSequence(np.sin(np.arange(length))[:, None], "a wave")
    return Session.open(LSTM.initialize(units, 1, seed=7), sequence, "seed 7")


def halves(length: int = 4, units: int = 2) -> Session:
    """A layer without weights whose numbers are known: i = f = o = 1/2 and g = 1, so c is 1/2, 3/4, 7/8, …"""
    bias = np.repeat([0.0, 0.0, 400.0, 0.0], units)
    layer = LSTM(np.zeros((1, 4 * units)), np.zeros((units, 4 * units)), bias)
    return Session.open(layer, InputSequence(np.ones((length, 1)), "ones"), "by hand")


def rows(app: UnrolledApp) -> list[str]:
    """The lines of the screen on show, as text."""
    return [strip.text for strip in app.screen._compositor.render_strips(app.size)]


def text(app: UnrolledApp) -> str:
    """The screen on show, as text."""
    return "\n".join(rows(app))


def stepper(app: UnrolledApp) -> StepperScreen:
    """The stepper's screen, whatever is on top of it."""
    screen = app.screen_stack[0]
    assert isinstance(screen, StepperScreen)
    return screen


def widths(app: UnrolledApp) -> set[int]:
    """The cells of the lines of the screen on show, as a terminal counts them."""
    return {cell_len(row) for row in rows(app)}


async def until(holds: Callable[[], bool], turns: int = 30_000) -> None:
    """Lets the app work until something holds."""
    for _ in range(turns):
        if holds():
            return
        await asyncio.sleep(0.001)
    raise AssertionError("it does not come to hold")


class FakeTimer:
    """A timer that fires when it is told to."""

    def __init__(self, interval: float, callback: Callable[[], None]) -> None:
        self.interval, self.callback, self.stopped = interval, callback, False

    def stop(self) -> None:
        """Never fires again."""
        self.stopped = True


class Clock:
    """Stands in for the timers of a running stepper: time passes when a test says so."""

    def __init__(self, app: UnrolledApp, monkeypatch: pytest.MonkeyPatch) -> None:
        self.timers: list[FakeTimer] = []
        monkeypatch.setattr(stepper(app), "set_interval", self._set_interval)

    def _set_interval(self, interval: float, callback: Callable[[], None]) -> FakeTimer:
        self.timers.append(FakeTimer(interval, callback))
        return self.timers[-1]

    @property
    def running(self) -> list[FakeTimer]:
        """The timers that have not been stopped."""
        return [timer for timer in self.timers if not timer.stopped]

    def tick(self) -> None:
        """Lets every running timer fire once."""
        for timer in self.running:
            timer.callback()
