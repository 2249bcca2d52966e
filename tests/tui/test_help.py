"""The help, the key line and the command palette."""

from inspect import isawaitable

import pytest
from tests.tui.stage import SMALL, WIDE, example, rows, text, until

from unrolled_tui.app import UnrolledApp
from unrolled_tui.bindings import STEPPER_BINDINGS, keys_of
from unrolled_tui.screens.help import HelpScreen
from unrolled_tui.service import Service
from unrolled_tui.widgets.key_line import key_name

SERVICES = (Service(), Service(touches_files=False), Service(touches_files=False, may_follow=True))
"""One's own session, and two that are served."""


@pytest.mark.parametrize("service", SERVICES)
async def test_the_help_lists_every_key_that_does_something(service: Service) -> None:
    session = example()
    session.service = service
    app = UnrolledApp(session)
    async with app.run_test(size=(80, 120)) as pilot:
        await pilot.press("question_mark")
        assert isinstance(app.screen, HelpScreen)
        told = [" ".join(row[3:].split()) for row in rows(app)]
        for binding in STEPPER_BINDINGS:
            keys = " ".join(key_name(key) for key in binding.key.split(","))
            listed = any(f"{keys} {binding.tooltip}" in row for row in told)
            assert listed == (binding in keys_of(service)), binding
        assert any("order of the blocks i f g o i f c o i f g o i o f c" in row for row in told)


@pytest.mark.parametrize("key", ["question_mark", "escape", "q", "enter"])
async def test_the_help_closes_and_the_app_goes_on(key: str) -> None:
    app = UnrolledApp(example())
    async with app.run_test(size=SMALL) as pilot:
        before = text(app)
        await pilot.press("question_mark", key)
        assert text(app) == before


async def test_the_help_can_be_read_to_its_end_on_a_small_screen() -> None:
    app = UnrolledApp(example())
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("question_mark")
        assert "order of the blocks" not in text(app)
        await pilot.press("end")
        assert "order of the blocks" in text(app)
        await pilot.press("home")
        assert "One timestep on" in text(app)


def test_one_follows_from_a_served_session_and_writes_from_ones_own() -> None:
    ids = [{key.id for key in keys_of(service)} for service in SERVICES]
    every = {key.id for key in STEPPER_BINDINGS}
    assert ids == [every - {"follow"}, every - {"follow", "export"}, every - {"export"}]


@pytest.mark.parametrize("service", SERVICES)
async def test_the_command_palette_has_our_commands_and_they_work(service: Service) -> None:
    session = example()
    session.service = service
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL):
        commands = {command.title: command for command in app.get_system_commands(app.screen)}
        for binding in STEPPER_BINDINGS:
            there = binding in keys_of(service)
            assert (binding.description.capitalize() in commands) == there
            assert not there or callable(commands[binding.description.capitalize()].callback)
        assert ("Screenshot" in commands) == service.touches_files
        done = commands["Step"].callback()
        if isawaitable(done):
            await done
        await until(lambda: session.t == 1)


def test_every_key_has_one_meaning_and_every_action_is_there() -> None:
    keys = [key for binding in STEPPER_BINDINGS for key in binding.key.split(",")]
    assert len(keys) == len(set(keys))
    ids = [binding.id for binding in STEPPER_BINDINGS]
    assert len(ids) == len(set(ids))
    titles = [binding.description for binding in STEPPER_BINDINGS]
    assert len(titles) == len(set(titles))
    assert all(binding.tooltip[0].isupper() for binding in STEPPER_BINDINGS)


@pytest.mark.parametrize("size", [SMALL, (60, 16), WIDE])
@pytest.mark.parametrize("service", SERVICES)
async def test_the_key_line_keeps_help_and_quit(service: Service, size: tuple[int, int]) -> None:
    session = example()
    session.service = service
    app = UnrolledApp(session)
    async with app.run_test(size=size):
        assert rows(app)[-1].startswith(" → step  ← back")
        last = "  o follow  ? help  q quit" if service.may_follow else "  ? help  q quit"
        assert rows(app)[-1].rstrip().endswith(last)
        assert ("o follow" in rows(app)[-1]) == service.may_follow
