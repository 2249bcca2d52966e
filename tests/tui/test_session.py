"""The session, by value: where we are, what is known, and what keys do to it."""

from math import inf, nan, tanh

import numpy as np
import pytest
from tests.tui.stage import example, halves, long, reading

from unrolled import LSTM, InputSequence, Run, ShapeError, TimestepError
from unrolled.sequences import one_hot
from unrolled_tui.scales import round_up
from unrolled_tui.session import SPEEDS, Session


def test_after_a_long_way_there_is_nothing_left_to_compute(monkeypatch: pytest.MonkeyPatch) -> None:
    session = long(20_000)
    session.versus = long(20_000, units=5)
    expected = [each.layer.trace(each.sequence.values).h[19_990].tobytes() for each in session.both]
    for _ in session.explore(19_990):
        assert session.t == 0
    session.go_to(19_990)
    monkeypatch.setattr(Run, "_advance", None)
    assert [each.step.h.tobytes() for each in session.both] == expected
    assert [len(each.history("h", slice(0, 1), 60)[0]) for each in session.both] == [60, 60]


def test_a_session_opens_with_a_whole_timestep() -> None:
    session = example(at=3)
    assert (session.t, session.length, session.phase.name, session.unit) == (2, 4, "show", 0)
    assert session.tally_shown
    assert not session.playing
    assert session.step.t == 2


def test_phases_go_on_into_the_next_timestep() -> None:
    session = example()
    seen = []
    for _ in range(12):
        session.next_phase()
        seen.append((session.t, session.phase.name))
    names = ("read", "project", "gate", "write", "show")
    assert seen == [(t, name) for t in (1, 2, 3) for name in names][:12]


def test_phases_end_with_the_sequence() -> None:
    session = example(at=4)
    session.next_phase()
    assert (session.t, session.phase.name) == (3, "show")


def test_phases_go_back_into_the_timestep_before() -> None:
    session = example(at=2)
    seen = []
    for _ in range(11):
        session.previous_phase()
        seen.append((session.t, session.phase.name))
    back = ("show", "write", "gate", "project", "read")
    assert seen == [*[(1, name) for name in back[1:]], *[(0, name) for name in back], (0, "read"), (0, "read")]


def test_phases_there_and_back_are_the_same() -> None:
    session = example()
    for _ in range(8):
        session.next_phase()
    for _ in range(8):
        session.previous_phase()
    assert (session.t, session.phase.name) == (0, "show")


def test_what_is_known_grows_with_the_phases() -> None:
    session = example()
    sums = ("z_i", "z_f", "z_g", "z_o")
    names = ("x", "h_previous", "c_previous", *sums, "i", "f", "g", "o", "c", "tanh_c", "h")
    known = []
    for index in range(5):
        session.phase_index = index
        known.append([name for name in names if session.known(name)])
    assert known == [list(names[:count]) for count in (3, 7, 11, 13, 14)]


@pytest.mark.parametrize(("asked", "t"), [(-5, 0), (0, 0), (2, 2), (3, 3), (4, 3), (10**9, 3)])
def test_going_to_a_timestep_goes_to_the_nearest_that_there_is(asked: int, t: int) -> None:
    session = example()
    session.phase_index = 1
    session.go_to(asked)
    assert (session.t, session.phase.name) == (t, "show")


def test_selecting_goes_around() -> None:
    session = example(units=3)
    units = []
    for asked in (1, 2, 3, -1):
        session.select(asked)
        units.append(session.unit)
    assert units == [1, 2, 0, 2]


def test_speeds_end_at_the_slowest_and_the_fastest() -> None:
    session = example()
    assert session.speed == 1
    session.change_speed(99)
    assert session.speed == SPEEDS[-1]
    session.change_speed(-99)
    assert session.speed == SPEEDS[0]


def test_values_are_those_of_the_units_asked_for() -> None:
    session = halves(units=3)
    session.go_to(1)
    assert session.values("c", slice(0, 2)) == [0.75, 0.75]
    assert session.values("f", slice(2, 3)) == [0.5]


def test_the_history_ends_now() -> None:
    session = halves(length=9)
    session.go_to(3)
    assert session.history("c", slice(0, 2), 3) == [[0.75, 0.875, 0.9375]] * 2
    assert session.history("c", slice(0, 1), 100) == [[0.5, 0.75, 0.875, 0.9375]]


def test_the_history_has_no_value_that_is_not_computed() -> None:
    session = halves()
    session.go_to(2)
    session.phase_index = 3  # write: c is known, h is not
    assert session.history("c", slice(0, 1), 9) == [[0.5, 0.75, 0.875]]
    assert session.history("h", slice(0, 1), 9) == [[pytest.approx(tanh(0.5) / 2), pytest.approx(tanh(0.75) / 2)]]
    session.go_to(0)
    session.phase_index = 0
    assert session.history("c", slice(0, 2), 9) == [[], []]


def test_the_history_crosses_the_parts_of_a_run() -> None:
    session = long(5000)
    session.go_to(4096)
    history = session.history("c", slice(0, 1), 3000)[0]
    each = [float(step.c[0]) for step in session.layer.unroll(session.sequence.values[:4097])]
    assert history == pytest.approx(each[-3000:])


def test_scales_are_bounds_or_round_numbers() -> None:
    session = halves()
    assert [session.view.scale(name) for name in ("i", "g", "h", "c")] == [1, 1, 1, 1]
    assert session.bar_ends("i") == (0, 1)
    assert session.bar_ends("g") == (-1, 1)
    assert session.bar_ends("c") == (-1, 1)


def test_the_scale_of_a_cell_state_holds_its_first_values() -> None:
    layer = LSTM(np.zeros((1, 4)), np.zeros((1, 4)), np.array([400.0, 400.0, 400.0, 0.0]))  # counts: c_t = t + 1
    session = Session.open(layer, InputSequence(np.ones((1000, 1)), "ones"), "by hand")
    assert session.view.scale("c") == 100
    session.go_to(999)
    assert session.values("c", slice(0, 1)) == [1000]
    assert session.view.scale("c") == 100


def test_the_scale_ignores_what_is_not_finite() -> None:
    assert reading([[nan], [1.0]]).view.scale("c") == 1
    assert reading([[inf], [1.0]]).view.scale("c") in (1, 2)


def test_an_activation_without_bounds_gets_a_scale_of_its_own() -> None:
    layer = LSTM(np.zeros((1, 4)), np.zeros((1, 4)), np.array([0.0, 0.0, -30.0, 0.0]), activation="linear")
    session = Session.open(layer, InputSequence(np.ones((1, 1)), "ones"), "by hand")
    assert session.bar_ends("g") == (-50, 50)
    relu = LSTM(np.zeros((1, 4)), np.zeros((1, 4)), np.array([0.0, 0.0, 30.0, 0.0]), activation="relu")
    session = Session.open(relu, InputSequence(np.ones((1, 1)), "ones"), "by hand")
    assert session.bar_ends("g") == (0, 50)


@pytest.mark.parametrize(
    ("value", "up"),
    [(0, 1), (0.3, 1), (1, 1), (1.01, 2), (2, 2), (2.1, 5), (5.1, 10), (10, 10), (10.5, 20), (99, 100), (1e12, 1e12)],
)
def test_rounding_up(value: float, up: float) -> None:
    assert round_up(value) == up


def test_the_numbers_of_the_selected_unit() -> None:
    session = halves()
    session.go_to(1)
    session.select(1)
    numbers = session.numbers()
    assert numbers == pytest.approx(
        {
            "h_previous": tanh(0.5) / 2,
            "c_previous": 0.5,
            "z_i": 0,
            "z_f": 0,
            "z_g": 400,
            "z_o": 0,
            "i": 0.5,
            "f": 0.5,
            "g": 1,
            "o": 0.5,
            "c": 0.75,
            "tanh_c": tanh(0.75),
            "h": tanh(0.75) / 2,
        }
    )
    for phase in session.layer.anatomy.phases:
        assert phase.numbers.format_map(numbers)


def test_going_back_and_forth_gives_the_same_bits() -> None:
    session = long(3000)
    seen = []
    for t in (0, 2999, 0, 2999):
        session.go_to(t)
        seen.append(session.step.pre_activations.tobytes() + session.step.h.tobytes())
    assert seen[0] == seen[2] != seen[1] == seen[3]


def test_tokens_have_the_room_of_the_longest() -> None:
    layer = LSTM.initialize(2, 3, seed=0)
    assert Session.open(layer, one_hot("a\tb"), "").view.widest_label == 2
    assert example().view.widest_label == 0


def test_the_first_remark_is_told() -> None:
    assert reading([[1.0]], remarks=("first",)).remark == "first"
    assert reading([[1.0]], remarks=("first", "second")).remark == "2 remarks: ?"
    assert reading([[1.0]]).remark == ""


@pytest.mark.parametrize("at", [0, -1, 5])
def test_a_timestep_that_there_is_not(at: int) -> None:
    with pytest.raises(TimestepError, match=f"timestep: expected 1 to 4, got {at}"):
        example(at=at)


def test_a_batch_cannot_be_stepped_through() -> None:
    batch = InputSequence(np.zeros((2, 4, 1)), "batch.npy")
    with pytest.raises(ShapeError, match=r"batch\.npy: expected \(T, features\) .* got shape \(2, 4, 1\).*xs\[0\]"):
        Session.open(LSTM.initialize(1, 1, seed=0), batch, "")


def test_features_that_the_layer_does_not_have() -> None:
    with pytest.raises(ShapeError, match="2"):
        Session.open(LSTM.initialize(1, 1, seed=0), InputSequence(np.zeros((4, 2)), "two"), "")
