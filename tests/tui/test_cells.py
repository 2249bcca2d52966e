"""Every lens for every cell and option, by the numbers of the engine."""

import pytest
from tests.engine.layers import Layer, random_gru, random_lstm
from tests.tui.stage import SMALL, WIDE, stepper, text, widths

from unrolled import GRU, LSTM, SimpleRNN, ledger
from unrolled.sequences import counting
from unrolled_tui.app import UnrolledApp
from unrolled_tui.palette import PALETTES
from unrolled_tui.renderables.ledger_table import number
from unrolled_tui.renderables.numbers import fixed
from unrolled_tui.session import Session

LAYERS: dict[str, Layer] = {
    "GRU": GRU.initialize(3, 1, seed=7),
    "GRU, reset first": random_gru(3, 1, reset_after=False),
    "clipped GRU": random_gru(3, 1, clip=0.5),
    "SimpleRNN": SimpleRNN.initialize(3, 1, seed=7),
    "peepholes": random_lstm(3, 1, peepholes=True),
    "coupled": random_lstm(3, 1, coupled=True),
    "projection": random_lstm(3, 1, outputs=2),
    "projection as wide as the units": random_lstm(3, 1, outputs=3),
}
layers_by_name = pytest.mark.parametrize("name", LAYERS)


def opened(layer: Layer, at: int = 2) -> Session:
    return Session.open(layer, counting(1), "by hand", at)


@layers_by_name
@pytest.mark.parametrize("size", [SMALL, WIDE])
async def test_every_lens_shows_the_numbers(name: str, size: tuple[int, int]) -> None:
    layer = LAYERS[name]
    app = UnrolledApp(opened(layer))
    async with app.run_test(size=size) as pilot:
        step = stepper(app).session.step
        for quantity in layer.anatomy.quantities:
            assert f" {quantity.name} ▕" in text(app)
            assert fixed(float(getattr(step, quantity.name)[0]), 7) in text(app)
        for gate in layer.anatomy.gates:
            await pilot.press("2")
            told = ledger(layer, step, gate.name, 0)
            assert f"{gate.title} {gate.name} of unit 1" in text(app)
            assert f"z_{gate.name} = {number(told.z).strip()}" in text(app)
            if size == WIDE:
                assert all(told.weight_name(term) in text(app) for term in range(len(told)))
            await pilot.press("3")
            assert f"{gate.title} {gate.name}  weights" in text(app)
            await pilot.press("s")
            assert "weight × what flows now" in text(app)
            await pilot.press("s", "right_square_bracket", "1")
        assert widths(app) == {size[0]}


@layers_by_name
async def test_phases_forward_and_back(name: str) -> None:
    layer = LAYERS[name]
    app = UnrolledApp(opened(layer, at=1))
    async with app.run_test(size=WIDE) as pilot:
        for lens in "123":
            await pilot.press(lens, "home")
            for phase in layer.anatomy.phases:
                await pilot.press("full_stop")
                assert f" {phase.name:<8}{phase.formula}"[:118].rstrip() in text(app)
                assert f"t 2/4  phase {layer.anatomy.phases.index(phase) + 1}/{len(layer.anatomy.phases)}" in text(app)
            for _ in layer.anatomy.phases:
                await pilot.press("comma")
            assert "t 1/4" in text(app)


@layers_by_name
async def test_cutting_the_wires(name: str) -> None:
    layer = LAYERS[name]
    app = UnrolledApp(opened(layer))
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("3", "x")
        await pilot.pause()
        if layer.separable:
            assert "x restores the wires" in text(app)
            await app.workers.wait_for_complete()
            await pilot.pause()
            assert "cut = 3 separate layers of one unit" in text(app)
        else:
            assert "a projection mixes the units in h: they cannot be cut apart" in text(app)
            assert not stepper(app).session.cut


def test_a_simple_layer_beside_one_with_more_phases() -> None:
    session = opened(LAYERS["GRU"])
    session.versus = opened(LAYERS["SimpleRNN"])
    for _ in range(12):
        session.next_phase()
        assert session.versus.phase.name
        assert session.versus.t == session.t
    for _ in range(12):
        session.previous_phase()


def test_every_gate_and_state_has_a_hue() -> None:
    for layer in LAYERS.values():
        for look in PALETTES.values():
            assert {quantity.name for quantity in layer.anatomy.quantities} <= set(look)
    assert isinstance(LAYERS["projection"], LSTM)


def test_layers_with_other_parts_have_no_difference_to_show() -> None:
    session = opened(random_lstm(3, 1))
    for other, alike in ((LAYERS["projection"], False), (LAYERS["coupled"], False), (random_lstm(3, 1, seed=5), True)):
        session.versus = opened(other)
        assert session.alike is alike
