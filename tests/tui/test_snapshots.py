"""The screens, as pictures: each state at the sizes that terminals have. `--snapshot-update` takes them anew."""

from collections.abc import Callable
from math import inf, nan
from typing import Any

import pytest
from tests.formats.keras_models import FOLDER
from tests.tui.stage import LARGE, SMALL, WIDE, example, long, reading, spelled
from textual.pilot import Pilot
from textual.widgets import Input

from unrolled_tui.app import UnrolledApp
from unrolled_tui.commands.request import Request
from unrolled_tui.commands.subject import subject
from unrolled_tui.session import Session

Compare = Callable[..., bool]

REMARK = "data.csv: 2 values that are not finite, the first at timestep 2, feature 1: nan"


def at_phase(name: str) -> Session:
    """The example at the third timestep, at one of its phases."""
    session = example(at=3)
    session.phase_index = [phase.name for phase in session.layer.anatomy.phases].index(name)
    return session


def text_input() -> Session:
    """A layer that reads characters, some of them wide and one that is shown as its escape."""
    session = spelled("hello, 日本\x1b")
    session.go_to(8)
    session.select(2)
    return session


def asked(request: Request) -> Session:
    """The session that a command line asks for."""
    return subject(request).session(request)


def model(name: str, at: int = 1, batch_size: int | None = None) -> Session:
    """A small model file that reads what its library read, if that is not for the library alone."""
    path = FOLDER / name
    x = FOLDER / f"{name.partition('.')[0]}.expected.npz"
    batched = batch_size is not None or "both_ways" in name
    return asked(Request(model=str(path), input=str(x) if batched else None, at=at, batch_size=batch_size))


def page_of_units() -> Session:
    """The 30th of 512 units."""
    session = example(units=512, at=2)
    session.select(29)
    return session


FIND = ("slash", *("f", "left_square_bracket", "2", "right_square_bracket", "less_than_sign", "full_stop", "1"))
"""Asks for the moment when the forget gate of unit 2 closes."""

CASES: dict[str, tuple[Callable[[], Session], tuple[int, int], tuple[str, ...]]] = {
    "start_80x24": (example, SMALL, ()),
    "third_timestep_120x40": (lambda: example(at=3), WIDE, ()),
    "read_80x24": (lambda: at_phase("read"), SMALL, ()),
    "project_80x24": (lambda: at_phase("project"), SMALL, ()),
    "gate_120x40": (lambda: at_phase("gate"), WIDE, ()),
    "write_80x24": (lambda: at_phase("write"), SMALL, ()),
    "one_unit_120x40": (lambda: example(units=1, at=4), WIDE, ()),
    "units_16_200x60": (lambda: example(units=16, at=4), LARGE, ()),
    "units_512_page_3_120x40": (page_of_units, WIDE, ()),
    "three_features_80x24": (lambda: example(units=2, features=3), SMALL, ()),
    "two_features_60x16": (lambda: example(units=3, features=2), (60, 16), ()),
    "text_120x40": (text_input, WIDE, ()),
    "not_finite_80x24": (lambda: reading([[1.0], [nan], [inf]], remarks=(REMARK,)), SMALL, ("right",)),
    "help_80x24": (example, SMALL, ("question_mark",)),
    "no_tally_120x40": (lambda: example(at=2), WIDE, ("p",)),
    "no_tally_80x24": (lambda: example(at=2), SMALL, ("p",)),
    "too_small_50x12": (example, (50, 12), ()),
    "ledger_80x24": (lambda: example(at=3), SMALL, ("enter",)),
    "ledger_120x40": (lambda: example(at=3), WIDE, ("2", "right_square_bracket", "tab")),
    "ledger_by_size_80x24": (lambda: example(units=8, at=3), SMALL, ("2", "s")),
    "ledger_by_size_120x40": (lambda: example(at=3), WIDE, ("2", "s")),
    "ledger_project_80x24": (lambda: at_phase("project"), SMALL, ("2",)),
    "ledger_read_120x40": (lambda: at_phase("read"), WIDE, ("2",)),
    "ledger_512_120x40": (lambda: example(units=512, features=512, at=2), WIDE, ("2", "pagedown")),
    "wiring_80x24": (lambda: example(at=3), SMALL, ("3",)),
    "wiring_120x40": (lambda: example(at=3), WIDE, ("3", "down", "down", "tab")),
    "wiring_signals_80x24": (lambda: example(at=3), SMALL, ("3", "s")),
    "wiring_cut_80x24": (lambda: example(at=3), SMALL, ("x",)),
    "wiring_cut_120x40": (lambda: example(at=3), WIDE, ("x",)),
    "wiring_32_units_80x24": (lambda: example(units=32, at=2), SMALL, ("3", "tab")),
    "wiring_32_units_120x40": (lambda: example(units=32, at=2), WIDE, ("3", "tab")),
    "wiring_not_finite_80x24": (lambda: reading([[1.0, 2.0], [inf, nan]]), SMALL, ("3", "s", "right")),
    "versus_120x40": (lambda: asked(Request(example="units")), WIDE, ("right",)),
    "versus_80x24": (lambda: asked(Request(example="units")), SMALL, ("right",)),
    "versus_other_80x24": (lambda: asked(Request(example="units")), SMALL, ("right", "w")),
    "versus_ledger_120x40": (lambda: asked(Request(example="units")), WIDE, ("right", "2")),
    "versus_wiring_120x40": (lambda: asked(Request(example="units")), WIDE, ("right", "3")),
    "time_brackets_80x24": (lambda: asked(Request(example="brackets", at=20)), SMALL, ("4",)),
    "time_brackets_120x40": (lambda: asked(Request(example="brackets", at=20)), WIDE, ("4", "right_square_bracket")),
    "time_numbers_80x24": (lambda: example(at=2), SMALL, ("4",)),
    "time_census_80x24": (
        lambda: asked(Request(example="first", at=9)),
        SMALL,
        ("4", *["right_square_bracket"] * 2, "v"),
    ),
    "time_running_text_80x24": (lambda: asked(Request(example="brackets", at=20)), SMALL, ("4", "v", "v")),
    "time_zoomed_out_120x40": (lambda: long(5000, units=40), WIDE, ("4", *["z"] * 4, "s")),
    "versus_time_120x40": (lambda: asked(Request(example="units")), WIDE, ("right", "4")),
    "memory_brackets_80x24": (lambda: asked(Request(example="brackets", at=20)), SMALL, ("5",)),
    "memory_by_size_120x40": (lambda: asked(Request(example="brackets", at=20)), WIDE, ("5", "s")),
    "memory_triangle_120x40": (lambda: asked(Request(example="first", at=20)), WIDE, ("5", "v")),
    "memory_before_the_write_80x24": (lambda: at_phase("gate"), SMALL, ("5",)),
    "find_80x24": (lambda: asked(Request(example="brackets")), SMALL, (*FIND, "enter")),
    "bookmarks_80x24": (lambda: example(at=2), SMALL, ("m", "right", "right", "m", "M")),
    "model_stack_120x40": (lambda: model("keras3/lstm_stack.keras", at=2), WIDE, ("l",)),
    "model_tokens_80x24": (lambda: model("keras3/tokens.keras", at=3), SMALL, ()),
    "model_backward_120x40": (lambda: model("keras3/masked_both_ways.keras"), WIDE, ("l", "right")),
    "model_stateful_80x24": (lambda: model("keras3/stateful.keras", batch_size=1), SMALL, ("r",)),
    "model_untold_120x40": (lambda: model("keras2/oldstyle_weights.legacyweights.h5"), WIDE, ()),
    "model_gru_80x24": (lambda: model("keras2/gru_after1.h5", at=2), SMALL, ()),
    "model_simple_rnn_80x24": (lambda: model("keras3/simple_rnn.keras", at=2), SMALL, ("3",)),
    "model_convolved_120x40": (lambda: model("keras3/convolved.keras"), WIDE, ()),
    "model_pytorch_120x40": (lambda: model("torch/bilstm2.pt"), WIDE, ("4",)),
    "model_onnx_80x24": (lambda: model("onnx/lstm_peephole.onnx"), SMALL, ("2",)),
    "gru_memory_80x24": (lambda: asked(Request(cell="gru", at=3)), SMALL, ("5",)),
    "simple_rnn_memory_80x24": (lambda: asked(Request(cell="simple_rnn", at=3)), SMALL, ("5",)),
    "gru_time_80x24": (lambda: asked(Request(cell="gru", at=3)), SMALL, ("4", "right_square_bracket")),
    "gru_120x40": (lambda: asked(Request(cell="gru", at=3)), WIDE, ()),
    "gru_propose_80x24": (lambda: asked(Request(cell="gru", at=3)), SMALL, ("comma",)),
    "gru_ledger_120x40": (lambda: asked(Request(cell="gru", at=3)), WIDE, ("2", "left_square_bracket")),
    "gru_wiring_120x40": (lambda: asked(Request(cell="gru", at=3)), WIDE, ("3", "left_square_bracket", "s")),
    "simple_rnn_120x40": (lambda: asked(Request(cell="simple_rnn", at=3)), WIDE, ()),
    "simple_rnn_wiring_80x24": (lambda: asked(Request(cell="simple_rnn", at=3)), SMALL, ("3",)),
    "difference_120x40": (lambda: asked(Request(versus_seed=8)), WIDE, ("right", "d")),
    "difference_80x24": (lambda: asked(Request(versus_cut=True)), SMALL, ("right", "d")),
}


@pytest.mark.parametrize("case", CASES)
def test_screen(case: str, snap_compare: Compare) -> None:
    session, size, press = CASES[case]

    async def arrive(pilot: Pilot[Any]) -> None:
        await pilot.press(*press)
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()

    assert snap_compare(UnrolledApp(session()), terminal_size=size, run_before=arrive)


def test_go_to_an_impossible_timestep(snap_compare: Compare) -> None:
    async def answer(pilot: Pilot[Any]) -> None:
        await pilot.press("g", "9", "enter")
        pilot.app.screen.query_one(Input).cursor_blink = False

    assert snap_compare(UnrolledApp(example()), terminal_size=SMALL, run_before=answer)


def test_a_condition_that_is_none(snap_compare: Compare) -> None:
    async def answer(pilot: Pilot[Any]) -> None:
        await pilot.press("slash", "f", "left_square_bracket", "9", "right_square_bracket", "enter")
        pilot.app.screen.query_one(Input).cursor_blink = False

    assert snap_compare(UnrolledApp(example()), terminal_size=SMALL, run_before=answer)


@pytest.mark.parametrize("lens", ["4", "5"])
def test_no_color_over_time(lens: str, snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = UnrolledApp(asked(Request(example="brackets", at=20)))
    assert snap_compare(app, terminal_size=SMALL, press=(lens,))


def test_light_theme(snap_compare: Compare) -> None:
    app = UnrolledApp(example(at=3))
    app.theme = "textual-light"
    assert snap_compare(app, terminal_size=WIDE)


def test_no_color(snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(UnrolledApp(example(at=3)), terminal_size=SMALL)


def test_16_colors(snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-16color")
    monkeypatch.delenv("COLORTERM")
    assert snap_compare(UnrolledApp(example(at=3)), terminal_size=SMALL)


def test_ascii(snap_compare: Compare) -> None:
    assert snap_compare(UnrolledApp(example(at=3), ascii_only=True), terminal_size=SMALL)
