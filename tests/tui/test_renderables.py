"""The drawings, by value: no app, no terminal."""

from math import inf, nan

import numpy as np
import pytest

import unrolled
from unrolled import LSTM, tally
from unrolled.sequences import counting
from unrolled_tui.renderables.bar import bar
from unrolled_tui.renderables.caption import filled, phase_caption
from unrolled_tui.renderables.frame import framed
from unrolled_tui.renderables.header import counted, position, subject
from unrolled_tui.renderables.help_table import help_table
from unrolled_tui.renderables.numbers import fixed, short
from unrolled_tui.renderables.sequence_strip import page_of, sequence_strip, timestep_text
from unrolled_tui.renderables.spans import Line, Span, fit, line, same_end, text_of, width
from unrolled_tui.renderables.sparkline import chart, sparkline
from unrolled_tui.renderables.tally_table import tally_line, tally_table
from unrolled_tui.renderables.unit_panel import PanelRow, PanelView, unit_panel
from unrolled_tui.session import Session

ANATOMY = unrolled.LSTM.initialize(1, 1, seed=7).anatomy

# Numbers.


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "  0.000"),
        (-0.0, "  0.000"),
        (0.6584, "  0.658"),
        (-0.4119, " -0.412"),
        (123.4564, "123.456"),
        (-123.4564, "-123.46"),
        (99999.94, "99999.9"),
        (123456.7, " 1.2e5"),
        (-1.5e9, "-1.5e9"),
        (1.2e100, "1.2e100"),
        (-1.2e100, "-1e100"),
        (2.06e-9, "2.1e-9"),
        (-4.9e-4, "-4.9e-4"),
        (5e-4, "  0.001"),
        (5e-324, "5e-324"),
        (nan, "    nan"),
        (inf, "    inf"),
        (-inf, "   -inf"),
    ],
)
def test_a_number_keeps_its_cells(value: float, text: str) -> None:
    assert fixed(value) == text.rjust(7)


def test_a_number_that_is_not_zero_never_looks_like_zero() -> None:
    for exponent in range(-300, 1):
        assert float(fixed(10.0**exponent)) != 0


def test_a_number_in_a_formula_takes_the_cells_that_it_needs() -> None:
    assert [short(value) for value in (0.5, -0.25, 12345.6789, nan)] == ["0.500", "-0.250", "12345.679", "nan"]


# Bars.


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "        "),
        (1 / 64, "▏       "),
        (0.25, "██      "),
        (0.5625, "████▌   "),
        (1.0, "████████"),
        (1.0001, "███████»"),
        (inf, "███████»"),
        (-0.1, "«       "),
        (nan, "        "),
    ],
)
def test_a_bar_from_zero_grows_from_the_left_by_eighths(value: float, text: str) -> None:
    assert bar(value, 0, 1, 8) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "    │    "),
        (0.5, "    │██  "),
        (-0.5, "  ██│    "),
        (0.03125, "    │▏   "),
        (-0.125, "   ▐│    "),
        (1.0, "    │████"),
        (-1.0, "████│    "),
        (1.5, "    │███»"),
        (-1.5, "«███│    "),
        (inf, "    │███»"),
        (-inf, "«███│    "),
        (nan, "    │    "),
    ],
)
def test_a_signed_bar_grows_from_the_middle(value: float, text: str) -> None:
    assert bar(value, -1, 1, 9) == text


def test_a_bar_has_its_cells_whatever_its_value() -> None:
    values = (nan, inf, -inf, 0.0, -0.0, 1e300, -1e300, 5e-324, *(share / 40 for share in range(-60, 61)))
    drawn = {len(bar(value, low, 2, cells)) - cells for value in values for low in (0, -2) for cells in range(3, 30)}
    assert drawn == {0}


def test_a_larger_value_never_has_a_shorter_bar() -> None:
    lengths = [sum(" ▏▎▍▌▋▊▉█".index(cell) for cell in bar(share / 100, 0, 1, 10)) for share in range(101)]
    assert lengths == sorted(lengths)
    assert (lengths[0], lengths[-1]) == (0, 80)


# Values over time.


def test_a_sparkline_has_a_character_for_each_value() -> None:
    assert sparkline([-1, -0.5, 0, 0.5, 1], -1, 1) == "▁▃▅▇█"
    assert sparkline([-9, 9, nan, inf], -1, 1) == "▁█××"
    assert sparkline([], -1, 1) == ""
    assert sparkline([0, 3], 0, 0) == "▁█"


def test_a_chart_stands_on_its_zero_line_and_hangs_from_it() -> None:
    assert chart([1, 0.5, -0.5, -1, nan], 1, 4) == [
        "█    ",
        "██  ×",
        "  ██ ",
        "   █ ",
    ]


def test_a_chart_shows_a_value_that_is_nearly_zero() -> None:
    assert chart([1e-9, -1e-9, 0.0], 1, 2) == ["▁ ▁", " ▀ "]


def test_a_chart_holds_what_is_off_its_scale() -> None:
    assert chart([99, -99], 1, 2) == ["█ ", " █"]


def test_columns_of_a_chart_have_a_gap_when_they_are_wide() -> None:
    assert chart([1, -1], 1, 2, column=4) == ["███     ", "    ███ "]
    assert chart([1, -1], 1, 2, column=2) == ["██  ", "  ██"]


def test_a_chart_of_nothing_has_its_rows() -> None:
    assert chart([], 1, 3) == ["", "", ""]


# Spans.


def test_neighbours_in_one_role_are_one_span() -> None:
    assert line("a", "b", Span("c", "dim"), Span("", "f"), Span("d", "dim"), Span("e", "dim", "go")) == (
        Span("ab"),
        Span("cd", "dim"),
        Span("e", "dim", "go"),
    )


def test_a_line_is_cut_or_filled_to_its_cells() -> None:
    spans = line(Span("abc", "dim"), "def")
    assert fit(spans, 8) == (Span("abc", "dim"), Span("def  "))
    assert fit(spans, 6) is spans
    assert fit(spans, 4) == (Span("abc", "dim"), Span("d"))
    assert fit(spans, 3) == (Span("abc", "dim"),)
    assert fit(spans, 0) == ()
    assert fit((), 2) == (Span("  "),)
    assert [width(fit(spans, cells)) for cells in range(9)] == list(range(9))


def test_lines_have_whole_spans_in_common_at_their_ends() -> None:
    old = line(Span("ab", "i"), Span("cd", "dim"), Span("efg"))
    assert same_end(old, line(Span("xy", "i"), Span("cd", "dim"), Span("efg"))) == 5
    assert same_end(old, line(Span("ab", "i"), Span("cd", "f"), Span("efg"))) == 3
    assert same_end(old, line(Span("ab", "i"), Span("cd", "dim"), Span("xfg"))) == 0
    assert same_end(old, old) == 7
    assert same_end((), old) == 0


def test_lines_are_told_as_text() -> None:
    assert text_of((line("a", Span("b", "f")), (), line("c"))) == "ab\n\nc"


# Frames.


def test_a_frame_has_a_title_above_and_a_note_below() -> None:
    assert text_of(framed((line("abc"), ()), 12, line("title"), line("note"))).splitlines() == [
        "╭─ title ──╮",
        "│abc       │",
        "│          │",
        "╰─ note ───╯",
    ]


def test_a_frame_cuts_what_is_too_long() -> None:
    framing = framed((line("abcdefghijkl"),), 10, line("a long title"))
    assert text_of(framing).splitlines() == ["╭─ a lon ╮", "│abcdefgh│", "╰────────╯"]


def test_a_frame_has_its_width_whatever_is_in_it() -> None:
    for cells in range(8, 40):
        drawn = framed((line("a" * 20), (), line("b")), cells, line("t" * 12), line(Span("n" * 30, "dim")))
        assert {width(spans) for spans in drawn} == {cells}


# The strip of timesteps.


def test_the_strip_turns_pages() -> None:
    # A timestep takes x, its number, a gap, six cells and a gap of two: 11 of the 69 cells beside the label.
    assert [(page_of(t, 8, 6, 80).first, page_of(t, 8, 6, 80).count) for t in range(8)] == [(0, 6)] * 6 + [(6, 2)] * 2


def test_every_timestep_is_on_the_page_that_holds_it() -> None:
    for cells in (20, 60, 80, 200):
        for t in range(1000):
            page = page_of(t, 1000, 18, cells)
            assert page.first <= t < page.first + page.count <= 1000


def test_a_page_of_the_strip_has_a_timestep_even_where_there_is_no_room() -> None:
    assert page_of(3, 1_000_000, 18, 12).count == 1


def test_the_strip_marks_what_is_past_now_and_to_come() -> None:
    page = page_of(1, 3, 4, 80)
    drawn = sequence_strip(page, ["1.00", "2.00", "3.00"], 1)
    assert text_of(drawn).splitlines() == [
        " sequence  x1 1.00  x2 2.00  x3 3.00  ",
        "           ───────  ━━━━━━━  ┄┄┄┄┄┄┄  ",
    ]
    assert [span.action for span in drawn[0][1:]] == [f"screen.go_to({t})" for t in (0, 0, 1, 1, 2, 2)]


def test_the_strip_names_timesteps_as_everybody_counts_them() -> None:
    page = page_of(6, 8, 4, 60)
    drawn = text_of(sequence_strip(page, ["a"] * page.count, 6)[:1])
    assert drawn.split() == ["sequence", "x6", "a", "x7", "a", "x8", "a"]


@pytest.mark.parametrize(
    ("values", "token", "cells", "text"),
    [
        ([1.0], "", 6, "1.00"),
        ([-0.5, 2.25], "", 12, "-0.50 2.25"),
        ([1.0, 2.0, 3.0, 4.0], "", 18, "1.00 2.00 3.00 …"),
        ([1.0, 2.0], "", 8, "1.00 2 …"),
        ([nan], "", 6, "nan"),
        ([1e9], "", 6, "1.0e9"),
        ([0.0, 1.0], "a", 1, "a"),
    ],
)
def test_a_timestep_is_told_in_few_cells(values: list[float], token: str, cells: int, text: str) -> None:
    assert timestep_text(values, token, cells) == text


# Captions.


def test_a_caption_has_the_formula_and_one_units_numbers() -> None:
    write = ANATOMY.phases[3]
    numbers = {"f": 0.912, "c_previous": 1.617, "i": 0.658, "g": -0.412, "c": 1.204}
    assert text_of(phase_caption(write, 1, numbers)).splitlines() == [
        " write   c_t = f ⊙ c_(t-1) + i ⊙ g",
        " unit 1  0.912·1.617 + 0.658·(-0.412) = 1.204",
    ]


def test_a_caption_ends_with_what_is_unusual() -> None:
    drawn = phase_caption(ANATOMY.phases[0], 12, {"c_previous": nan}, "NaN in the input")
    assert text_of(drawn).splitlines()[0].endswith("   NaN in the input")
    assert text_of(drawn).splitlines()[1] == " unit 12 c_(t-1) = nan"
    assert drawn[0][-1].role == "warning"


@pytest.mark.parametrize("unit", [1, 10, 100, 1000])
def test_a_caption_keeps_a_gap_after_the_unit(unit: int) -> None:
    told = text_of(phase_caption(ANATOMY.phases[0], unit, {"c_previous": 0.0})[1:])
    assert told == f" unit {unit:,}".ljust(8) + " c_(t-1) = 0.000"


def test_only_a_negative_factor_is_put_in_brackets() -> None:
    assert filled("{a}·{b} + {a} = {b}", {"a": -1.0, "b": -2.0}) == "-1.000·(-2.000) + -1.000 = -2.000"
    assert filled("{a}·{b}", {"a": 1.0, "b": 2.0}) == "1.000·2.000"


def test_every_phase_tells_numbers_that_a_session_has() -> None:
    layers = (
        unrolled.LSTM.initialize(1, 1, seed=7),
        unrolled.LSTM(np.ones((1, 4)), np.ones((1, 4)), peepholes=np.ones((3, 1))),
        unrolled.LSTM(np.ones((1, 4)), np.ones((1, 4)), coupled=True, clip=1.0),
        unrolled.LSTM(np.ones((1, 4)), np.ones((2, 4)), projection=np.ones((1, 2))),
        unrolled.GRU.initialize(1, 1, seed=7),
        unrolled.GRU(np.ones((1, 3)), np.ones((1, 3)), reset_after=False),
        unrolled.SimpleRNN.initialize(1, 1, seed=7),
    )
    for layer in layers:
        session = Session.open(layer, counting(1), "ones")
        for phase in layer.anatomy.phases:
            assert phase_caption(phase, 1, session.numbers())


# The header.


def test_the_header_gives_up_the_name_before_the_subject() -> None:
    facts = ["LSTM", "3 units", "", "seed 7"]
    assert text_of([subject(facts, 40)]).rstrip() == " unrolled   LSTM · 3 units · seed 7"
    assert text_of([subject(facts, 30)]).rstrip() == " LSTM · 3 units · seed 7"
    assert text_of([subject(facts, 16)]).rstrip() == " LSTM · 3 units"
    assert text_of([subject(facts, 12)]).rstrip() == " LSTM"


def test_the_header_gives_up_facts_before_what_the_model_was_verified_against() -> None:
    facts, badge = ["LSTM", "3 units", "2 features", "m.keras"], ("✓ verified: numbers.npz", "✓ numbers.npz")
    assert text_of([subject(facts, 70, badge)]).rstrip().endswith("m.keras · ✓ verified: numbers.npz")
    assert text_of([subject(facts, 45, badge)]).rstrip() == " LSTM · 3 units · 2 features · ✓ numbers.npz"
    assert text_of([subject(facts, 40, badge)]).rstrip() == " LSTM · 3 units · ✓ numbers.npz"
    assert text_of([subject(facts, 26, badge)]).rstrip() == " LSTM · 3 units · ✓ numbe…"
    assert text_of([subject(facts, 8, badge)]).rstrip() == " LSTM ·…"


def test_the_position_is_as_wide_at_every_timestep_and_phase() -> None:
    told = text_of([position(2, 1200, 4, 5, "write", "paused")])
    assert told == "t     2/1,200  phase 4/5 write   paused   "
    widths = {
        width(position(t, 1200, index + 1, 5, phase.name, state))
        for t in (1, 1200)
        for index, phase in enumerate(ANATOMY.phases)
        for state in ("", "paused", "▶ 0.5/s", "▶ 30/s", "100 % esc")
    }
    assert widths == {len(told)}


def test_one_is_told_in_the_singular() -> None:
    assert [counted(count, "unit") for count in (0, 1, 2, 1024)] == ["0 units", "1 unit", "2 units", "1,024 units"]


# The tally.


def test_the_tally_is_a_table_of_gates_and_matrices() -> None:
    drawn = text_of(tally_table(tally(LSTM.initialize(3, 2, seed=0)), 37)).splitlines()
    assert [drawn_line.split() for drawn_line in drawn[:6]] == [
        ["W", "2×3", "U", "3×3", "b", "3", "Σ"],
        ["i", "6", "9", "3", "18"],
        ["f", "6", "9", "3", "18"],
        ["g", "6", "9", "3", "18"],
        ["o", "6", "9", "3", "18"],
        ["Σ", "24", "36", "12", "72"],
    ]
    assert drawn[7:12] == [
        " 4·units·(features + units + 1)",
        " = 4·3·(2 + 3 + 1) = 72",
        "",
        " PyTorch, ONNX: 84",
        " 4·units·(features + units + 2)",
    ]


def test_the_columns_of_the_tally_are_in_line() -> None:
    drawn = text_of(tally_table(tally(LSTM.initialize(3, 2, seed=0)), 37)).splitlines()[:6]
    assert {len(drawn_line) for drawn_line in drawn} == {len(drawn[0])}


@pytest.mark.parametrize(("units", "features"), [(1, 1), (3, 1), (16, 2), (100, 100), (256, 4096), (1024, 4096)])
def test_the_tally_fits_in_its_cells(units: int, features: int) -> None:
    layer = LSTM.__new__(LSTM)  # only shapes are counted, so a large layer needs no numbers
    for name, shape in (
        ("kernel", (features, 4 * units)),
        ("recurrent_kernel", (units, 4 * units)),
        ("bias", (4 * units,)),
    ):
        object.__setattr__(layer, name, unrolled.arrays.read_only(_zeros(shape)))
    for spans in tally_table(tally(layer), 37):
        assert width(spans) <= 37, text_of([spans])


def test_the_shapes_of_a_large_layer_go_below_the_table() -> None:
    drawn = text_of(tally_table(tally(LSTM.initialize(256, 300, seed=0)), 37)).splitlines()
    assert drawn[0].split() == ["W", "U", "b", "Σ"]
    assert drawn[6] == " W 300×256, U 256×256, b 256"


def test_a_layer_without_bias_is_counted_without() -> None:
    layer = LSTM.initialize(3, 1, seed=0)
    drawn = text_of(tally_table(tally(LSTM(layer.kernel, layer.recurrent_kernel)), 37))
    assert "= 4·3·(1 + 3) = 48" in drawn
    assert " Keras: 60" in drawn
    assert " PyTorch, ONNX: 72" in drawn


def test_the_tally_in_one_line() -> None:
    drawn = text_of([tally_line(tally(LSTM.initialize(3, 1, seed=0)))])
    assert drawn == " parameters  W 12 + U 36 + b 12 = 60   PyTorch, ONNX 72"


def _zeros(shape: tuple[int, ...]) -> unrolled.arrays.Array:
    return np.lib.stride_tricks.as_strided(np.zeros(1), shape, (0,) * len(shape))


# The panel of a unit.


def _view(*rows: PanelRow, selected: bool = False, history: tuple[float, ...] = (0.5,)) -> PanelView:
    return PanelView(
        unit=1, of=0, selected=selected, rows=rows, history=(("c", 1.0, history), ("h", 1.0, history)), timesteps=4
    )


def test_a_compact_panel() -> None:
    view = _view(
        PanelRow("i", 0.5, None, 0, 1),
        PanelRow("f", None, 0.25, 0, 1),
        PanelRow("g", -1.0, None, -1, 1),
        PanelRow("o", None, None, 0, 1),
        history=(-1.0, 0.0, 1.0),
    )
    assert text_of(unit_panel(view, 26, 8)).splitlines() == [
        "╭─ unit 1 ───────────────╮",
        "│ i ▕█████▌     ▏  0.500 │",
        "│ f            z   0.250 │",
        "│ g ▕█████│     ▏ -1.000 │",
        "│ o                    · │",
        "╰─ c ▁▅█ ─── h ▁▅█ ──────╯",
    ]


def test_the_selected_panel_is_marked_by_a_character_too() -> None:
    top: Line = unit_panel(_view(selected=True), 26, 8)[0]
    assert text_of([top]).startswith("╭─ ▶ unit 1 ─")
    assert {span.role for span in top} == {"frame on", "title"}


def test_a_panel_names_how_many_there_are_where_not_all_are_on_show() -> None:
    view = PanelView(1000, 1024, False, (), (("c", 1.0, ()), ("h", 1.0, ())), 4)
    assert text_of(unit_panel(view, 30, 8)[:1]) == "╭─ unit 1,000 of 1,024 ──────╮"


@pytest.mark.parametrize("height", range(8, 19))
@pytest.mark.parametrize("cells", [26, 38, 52])
def test_a_panel_fills_its_place_exactly(cells: int, height: int) -> None:
    gates = [PanelRow(name, 0.5, None, 0, 1) for name in "ifgoch"]
    for history in ((), (0.1, -0.2, nan, 99.0)):
        drawn = unit_panel(_view(*gates, history=history), cells, height)
        assert {width(spans) for spans in drawn} == {cells}
        assert len(drawn) == (8 if height < 12 else height)


# The help.


def test_the_help_has_a_line_for_each_key_and_the_notation() -> None:
    keys, lenses = [("→  n", "One timestep on"), ("q", "Quit")], [("units", "Every gate of every unit. " * 4)]
    drawn = text_of(help_table(keys, lenses)).splitlines()
    assert drawn[:3] == [" →  n  One timestep on", " q     Quit", ""]
    assert drawn[3].startswith(" units     Every gate")
    assert drawn[4].startswith(" " * 11 + "gate of every unit.")
    notation = [each.split() for each in drawn[-10:]]
    assert notation[0] == ["here", "Keras", "PyTorch", "ONNX", "Olah"]
    assert notation[3] == ["candidate", "g", "c", "g", "c", "C~"]
    assert max(map(len, drawn)) < 80
