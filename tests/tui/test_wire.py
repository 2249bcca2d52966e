"""What a step costs on the wire: the bytes of a fixed scenario, as they are and as `ssh -C` sends them."""

import zlib
from pathlib import Path
from statistics import median

import pytest
from tests.tui.terminal import UNROLLED, Terminal

STEPS = 12
WAVE = "".join(f"{value}\n" for value in (0.1, 0.7, 1.2, 0.9, -0.2, -1.1, -1.3, -0.4) * 3)


@pytest.mark.parametrize(
    ("units", "size", "most", "most_compressed"),
    [(3, (80, 24), 4600, 300), (3, (120, 40), 6500, 500), (16, (120, 40), 21_000, 900)],
)
def test_a_step_sends_few_bytes(
    units: int, size: tuple[int, int], most: int, most_compressed: int, tmp_path: Path
) -> None:
    (tmp_path / "wave.txt").write_text(WAVE)
    raw, compressed = [], []
    stream = zlib.compressobj(6)
    with Terminal([UNROLLED, "--units", str(units), "--input", str(tmp_path / "wave.txt")], *size) as terminal:
        terminal.see("▶ unit 1", "quit")
        terminal.settle()
        stream.compress(bytes(terminal.sent))
        stream.flush(zlib.Z_SYNC_FLUSH)
        for t in range(2, STEPS + 2):
            before = len(terminal.sent)
            terminal.press("right")
            terminal.see(f"t {t:>2}/24")
            terminal.settle()
            frame = bytes(terminal.sent[before:])
            raw.append(len(frame))
            compressed.append(len(stream.compress(frame) + stream.flush(zlib.Z_SYNC_FLUSH)))
    assert 0 < median(raw) <= most
    assert 0 < median(compressed) <= most_compressed
