"""Models on the screen: their layers, directions, sequences and predictions, with the numbers of Keras."""

from pathlib import Path

import numpy as np
import pytest
from tests.formats.keras_models import FOLDER
from tests.tui.stage import SMALL, WIDE, rows, text, until

from unrolled import SequenceFileError, ShapeError
from unrolled_tui.app import UnrolledApp
from unrolled_tui.commands.request import Request
from unrolled_tui.commands.subject import subject
from unrolled_tui.session import Session


def opened(folder: Path, name: str, **options: object) -> tuple[Session, dict[str, np.ndarray]]:
    """A model file reading what Keras read, and what Keras computed."""
    with np.load(FOLDER / f"{name.rpartition('.')[0]}.expected.npz") as file:
        expected = {key: file[key] for key in file.files}
    np.save(folder / "x.npy", expected["x"])
    request = Request(model=str(FOLDER / name), input=str(folder / "x.npy"), **options)  # type: ignore[arg-type]  # a test names the fields
    return subject(request).session(request), expected


def shown(session: Session) -> dict[int, np.ndarray]:
    """h of the layer on show at each timestep of the model's sequence that it reads."""
    found = {}
    for t in range(session.length):
        session.go_to(t)
        found[session.timestep] = session.step.h.copy()
    return found


@pytest.mark.parametrize("name", ["keras3/lstm_stack.keras", "keras3/both_ways.keras", "keras3/masked_both_ways.keras"])
def test_every_layer_and_direction_shows_keras_own_numbers(name: str, tmp_path: Path) -> None:
    session, expected = opened(tmp_path, name)
    assert session.tour is not None
    for row in range(len(expected["x"])):
        assert list(session.tour.open(row)) == []
        for place, layer in enumerate(session.tour.names):
            session.tour.place = place
            session.show_layer()
            key = f"h.{layer}" if f"h.{layer}" in expected else f"h.{place}.fwd"
            for timestep, h in shown(session).items():
                assert h == pytest.approx(expected[key][row, timestep], abs=1e-6)


async def test_moving_between_layers_keeps_the_timestep(tmp_path: Path) -> None:
    session, _ = opened(tmp_path, "keras3/both_ways.keras", at=3)
    app = UnrolledApp(session)
    async with app.run_test(size=WIDE) as pilot:
        assert "▸bidirectional →" in text(app)
        assert (session.t, session.timestep) == (2, 2)
        await pilot.press("l")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert "▸bidirectional ←" in text(app)
        assert f"from the end: t 1 is x{session.length}" in text(app)
        assert session.timestep == 2
        assert session.t == session.length - 3
        x_numbers = [word for word in rows(app)[1].split() if word.startswith("x")]
        assert x_numbers == [f"x{session.length - k}" for k in range(len(x_numbers))]
        await pilot.press("right")
        assert session.timestep == 1
        await pilot.press("L")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert session.timestep == 1 == session.t


async def test_the_prediction_is_the_models_own(tmp_path: Path) -> None:
    session, expected = opened(tmp_path, "keras2/emb_lstm_dense.h5")
    app = UnrolledApp(session)
    async with app.run_test(size=SMALL) as pilot:
        assert "if the sequence ended here" in text(app)
        await pilot.press("end")
        line = next(row for row in rows(app) if row.startswith(" prediction"))
        assert "if the sequence" not in line
        numbers = sorted(float(word) for word in line.split() if word.startswith("0."))
        assert numbers == pytest.approx(sorted(expected["y"][0].tolist()), abs=5.1e-4)


async def test_another_sequence_of_the_batch(tmp_path: Path) -> None:
    session, expected = opened(tmp_path, "keras3/lstm_stack.keras", row=2)
    app = UnrolledApp(session)
    count = len(expected["x"])
    async with app.run_test(size=WIDE) as pilot:
        assert f"sequence 2/{count}" in text(app)
        await pilot.press("R")
        await until(lambda: f"sequence 1/{count}" in text(app))
        assert session.step.h == pytest.approx(expected["h.0.fwd"][0, 0], abs=1e-6)
        await pilot.press("R")
        await pilot.pause()
        assert f"sequence 1/{count}" in text(app)


async def test_a_stateful_batch_goes_on_until_its_states_are_reset(tmp_path: Path) -> None:
    model = FOLDER / "keras3/stateful.keras"
    with np.load(FOLDER / "keras3/stateful.expected.npz") as file:
        expected = {key: file[key] for key in file.files}
    samples = len(expected["x"])
    np.save(tmp_path / "x.npy", np.concatenate([expected["x"]] * 2))  # two batches of the same
    session_of = Request(model=str(model), input=str(tmp_path / "x.npy"), batch_size=samples)
    session = subject(session_of).session(session_of)
    first = shown(session)
    app = UnrolledApp(session)
    async with app.run_test(size=WIDE) as pilot:
        assert "batch 1/" in text(app)
        for _ in range(samples):
            await pilot.press("r")
            await app.workers.wait_for_complete()
            await pilot.pause()
        assert "batch 2/2, states go on" in text(app)
        before = session.view.run[0].h_previous
        assert before == pytest.approx(first[max(first)], abs=1e-7)
        again = [h for _, h in sorted(shown(session).items())]
        assert again == pytest.approx(expected["y of the same again"][0], abs=1e-6)
        await pilot.press("c")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert "states from zero" in text(app)
        assert not session.view.run[0].h_previous.any()


@pytest.mark.parametrize(("change", "sign", "said"), [(0.0, "✓", "✓ verified against"), (0.5, "×", "× parts from")])
async def test_a_badge_says_what_the_model_was_verified_against(
    change: float, sign: str, said: str, tmp_path: Path
) -> None:
    with np.load(FOLDER / "keras3/tokens.expected.npz") as file:
        np.savez(tmp_path / "numbers.npz", x=file["x"], y=file["y"] + np.float32(change))
    request = Request(model=str(FOLDER / "keras3/tokens.keras"), verify=str(tmp_path / "numbers.npz"))
    app = UnrolledApp(subject(request).session(request))
    async with app.run_test(size=WIDE) as pilot:
        await pilot.pause()
        assert f"tokens.keras · {sign} " in rows(app)[0]
        assert said in text(app)


@pytest.mark.parametrize(
    ("size", "agrees", "differs"),
    [
        ((80, 24), "✓ numbers.npz", "× numbers.npz"),
        ((120, 40), "✓ verified: numbers.npz", "× parts from numbers.npz"),
    ],
)
async def test_a_badge_is_in_words_on_every_screen(
    size: tuple[int, int], agrees: str, differs: str, tmp_path: Path
) -> None:
    with np.load(FOLDER / "keras3/lstm3.expected.npz") as file:
        x, y = file["x"], file["y"]
    for change, said in ((0, agrees), (1, differs)):
        np.savez(tmp_path / "numbers.npz", x=x, y=y + np.float32(change))
        request = Request(model=str(FOLDER / "keras3/lstm3.keras"), verify=str(tmp_path / "numbers.npz"))
        app = UnrolledApp(subject(request).session(request))
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            name = "lstm3.keras · " if size == (120, 40) else ""
            assert f"LSTM · 3 units · 3 features · {name}{said}  " in rows(app)[0]


def test_a_sequence_that_is_all_padding_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((1, 4), np.int64))
    request = Request(model=str(FOLDER / "keras3/tokens.keras"), input=str(tmp_path / "x.npy"))
    with pytest.raises(ShapeError, match="expected a timestep to read, got 4, which are all masked"):
        subject(request).session(request)


async def test_a_sequence_of_padding_alone_leaves_the_one_on_show(tmp_path: Path) -> None:
    x = np.array([[1, 2, 3], [0, 0, 0]])
    np.save(tmp_path / "x.npy", x)
    request = Request(model=str(FOLDER / "keras3/tokens.keras"), input=str(tmp_path / "x.npy"))
    session = subject(request).session(request)
    app = UnrolledApp(session)
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("r")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert "sequence 1/2" in text(app)
        assert "3, which are all masked" in text(app)
        assert [each.split()[0] for each in rows(app)[1].split("x")[1:]] == ["1", "2", "3"]


async def test_what_is_masked_is_counted(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array([[1, 0, 3, 2]]))
    request = Request(model=str(FOLDER / "keras3/tokens.keras"), input=str(tmp_path / "x.npy"))
    app = UnrolledApp(subject(request).session(request))
    async with app.run_test(size=WIDE) as pilot:
        await pilot.pause()
        assert "1 masked" in text(app)
        assert [word for word in rows(app)[1].split() if word.startswith("x")] == ["x1", "x3", "x4"]


def test_behind_a_layer_that_is_not_computed_an_input_that_does_not_fit_is_told_why(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((5, 3)))
    request = Request(model=str(FOLDER / "keras3/convolved.keras"), input=str(tmp_path / "x.npy"))
    with pytest.raises(SequenceFileError, match=r"got 3.*conv1d \(Conv1D\) is not computed"):
        subject(request)


def test_the_batch_size_is_that_of_the_file(tmp_path: Path) -> None:
    with np.load(FOLDER / "keras3/stateful.expected.npz") as file:
        np.save(tmp_path / "x.npy", np.concatenate([file["x"]] * 2))
    request = Request(model=str(FOLDER / "keras3/stateful.keras"), input=str(tmp_path / "x.npy"))
    tour = subject(request).session(request).tour
    assert tour is not None
    assert (len(tour), tour.batches) == (4, 2)
