"""Who is let in, and what the log tells of it."""

import hmac
import os
import unicodedata
from datetime import datetime
from pathlib import Path
from time import monotonic

import asyncssh
import pytest

from unrolled_tui.serve import access
from unrolled_tui.serve.access import Access, keys_in, made_up_password, password_in, usable_password
from unrolled_tui.serve.errors import ServeError
from unrolled_tui.serve.log import LAST_SECONDS, MOST_WAITING, Log, Printer, harmless


def test_somebody_is_let_in_but_not_everybody_by_mistake() -> None:
    for wrong in (("", "", False), ("", "x", True), ("x", "", True)):
        with pytest.raises(ServeError, match="expected keys, a password, or both"):
            Access(*wrong)


def test_only_the_password_is_the_password() -> None:
    known = Access("", "Zürich-7")
    assert known.admits_password("Zürich-7")
    assert known.admits_password(unicodedata.normalize("NFD", "Zürich-7"))  # as macOS types it
    assert not any(map(known.admits_password, ("", "Zürich-8", "zürich-7", "Zürich-77", "Zürich-", "\ud800")))


@pytest.mark.parametrize("without", [Access(keys="a key"), Access(anonymous=True)])
def test_where_there_is_no_password_none_is_right(without: Access) -> None:
    assert not without.admits_password("")
    assert not without.admits_password("a key")


def test_passwords_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hmac, "compare_digest", lambda one, other: (one, other) == (b"y", b"x"))
    assert Access("", "x").admits_password("y")


def test_made_up_passwords_can_be_said_and_differ() -> None:
    made = {made_up_password() for _ in range(200)}
    assert len(made) == 200
    for password in made:
        words = password.split("-")
        assert [len(word) for word in words] == [4, 4, 4]
        assert all(letter in "aeiou" for word in words for letter in word[1::2])


@pytest.mark.parametrize("text", ["bafu\n", "bafu\r\nanother line\n", "bafu"])
def test_a_password_is_the_first_line_of_a_file(tmp_path: Path, text: str) -> None:
    assert password_in(secret(tmp_path / "file", text.encode())) == "bafu"


def test_blanks_belong_to_a_password(tmp_path: Path) -> None:
    assert password_in(secret(tmp_path / "file", b" one two \n")) == " one two "


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "expected a password in the first line, got an empty one"),
        (b"\nbafu\n", "expected a password in the first line, got an empty one"),
        (b"ba\x07fu\n", "expected a password of printable characters"),
        (b"\xff\xfe\n", "expected the password as text, got bytes that are no UTF-8"),
        (b"x" * (access.LONGEST + 1), "expected the password, got more than 1 MiB"),
    ],
    ids=["empty", "empty line", "control character", "no text", "long"],
)
def test_a_file_without_a_password(tmp_path: Path, data: bytes, sentence: str) -> None:
    path = secret(tmp_path / "file", data)
    with pytest.raises(ServeError, match=f"{path}: {sentence}"):
        password_in(path)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620])
def test_a_password_that_others_can_read_is_none(tmp_path: Path, mode: int) -> None:
    path = secret(tmp_path / "file", b"bafu\n")
    path.chmod(mode)
    with pytest.raises(ServeError, match=f"{path}: others can read it: chmod 600 {path}"):
        password_in(path)


def test_a_password_may_come_through_a_pipe(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.write(writer, b"bafu\n")
    os.close(writer)
    try:
        assert password_in(Path(f"/dev/fd/{reader}")) == "bafu"
    finally:
        os.close(reader)
    with pytest.raises(ServeError, match="the password cannot be read: Is a directory"):
        password_in(tmp_path)


def test_keys_may_be_read_by_others(tmp_path: Path) -> None:
    path = secret(tmp_path / "keys", b"ssh-ed25519 AAAA anna\n")
    path.chmod(0o644)
    assert keys_in(path) == "ssh-ed25519 AAAA anna\n"
    with pytest.raises(ServeError, match="nowhere: public keys cannot be read: No such file or directory"):
        keys_in(tmp_path / "nowhere")
    with pytest.raises(ServeError, match="expected public keys, got an empty file"):
        keys_in(secret(tmp_path / "empty", b"\n"))
    private = asyncssh.generate_private_key("ssh-ed25519").export_private_key()
    with pytest.raises(ServeError, match=r"good: expected public keys, got a private one: .* in .*good.pub$"):
        keys_in(secret(tmp_path / "good", private))


def test_a_typed_password() -> None:
    assert usable_password("bafu", "class password") == "bafu"
    with pytest.raises(ServeError, match="class password: expected a password of printable characters"):
        usable_password("\x1b[A", "class password")


def secret(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    path.chmod(0o600)
    return path


def test_the_log_has_the_time_and_no_control_characters() -> None:
    lines: list[str] = []
    log = Log(lines.append, lambda: datetime(2026, 1, 2, 14, 2, 11))
    log.tell("in anna from 10.0.0.3, 12 here")
    log.tell("in \x1b]0;x\x07\u202e\u0085 from 10.0.0.3")
    log.tell("x" * 1000)
    assert lines[0] == "14:02:11 in anna from 10.0.0.3, 12 here"
    assert lines[1] == "14:02:11 in ?]0;x??? from 10.0.0.3"
    assert lines[2] == f"14:02:11 {'x' * 200}…"
    assert harmless("Zoë", 2) == "Zo…"


def test_lines_are_printed_in_their_order(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with path.open("w", encoding="ascii") as file:
        printer = Printer(file)
        for number in range(100):
            printer.write(f"{number}…")
        printer.close()
    assert path.read_text() == "".join(f"{number}\\u2026\n" for number in range(100))


def test_where_nobody_reads_nothing_waits_and_nothing_piles_up() -> None:
    reader, writer = os.pipe()
    with os.fdopen(writer, "w") as stream:
        printer = Printer(stream)
        began = monotonic()
        for _ in range(3 * MOST_WAITING):
            printer.write("x" * 100)  # more than a pipe and the lines that may wait have room for
        assert monotonic() - began < LAST_SECONDS
        printer.close()
        assert monotonic() - began < 3 * LAST_SECONDS
        read = 0
        while read < MOST_WAITING * 101:
            read += len(os.read(reader, 1 << 16))
        printer.close()
    while more := os.read(reader, 1 << 16):
        read += len(more)
    os.close(reader)
    assert read < 2 * MOST_WAITING * 101
