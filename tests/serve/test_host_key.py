"""The host key: made once, for nobody else to read."""

import os
import shutil
import stat
import subprocess
from pathlib import Path

import asyncssh
import pytest

from unrolled_tui.serve.errors import ServeError
from unrolled_tui.serve.ssh.host_key import host_key, usual_path


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def open_umask() -> object:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("open_umask")
def test_it_is_made_once_for_nobody_else_to_read(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "folder" / "key"
    made = host_key(path)
    assert made.algorithm == b"ssh-ed25519"
    assert (mode(path), mode(path.parent)) == (0o600, 0o700)
    assert [*path.parent.iterdir()] == [path]
    written = path.read_bytes()
    assert host_key(path).get_fingerprint() == made.get_fingerprint()
    assert path.read_bytes() == written


def test_another_server_may_make_it_at_the_same_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "key"
    theirs = asyncssh.generate_private_key("ssh-ed25519")
    link = os.link

    def later(source: str, target: Path) -> None:
        path.write_bytes(theirs.export_private_key())
        path.chmod(0o600)
        link(source, target)

    monkeypatch.setattr(os, "link", later)
    assert host_key(path).get_fingerprint() == theirs.get_fingerprint()
    assert [*tmp_path.iterdir()] == [path]


@pytest.mark.parametrize("kind", ["ed25519", "rsa", "ecdsa"])
def test_it_may_be_one_of_openssh(tmp_path: Path, kind: str) -> None:
    if shutil.which("ssh-keygen") is None:
        pytest.skip("OpenSSH's ssh-keygen is not installed")
    path = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", path], check=True)
    told = subprocess.check_output(["ssh-keygen", "-l", "-f", path], text=True)
    assert host_key(path).get_fingerprint() == told.split()[1]


@pytest.mark.parametrize("bits", [0o640, 0o604, 0o660, 0o644])
def test_one_that_others_can_read_is_refused(tmp_path: Path, bits: int) -> None:
    path = tmp_path / "key"
    host_key(path)
    path.chmod(bits)
    with pytest.raises(ServeError, match=f"{path}: others can read it: chmod 600 {path}"):
        host_key(path)


def test_what_is_no_private_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key"
    key = host_key(path)
    for data in (b"", b"no key\n", key.export_public_key(), path.read_bytes()[:100], bytes(1 << 17)):
        path.write_bytes(data)
        with pytest.raises(ServeError, match=f"{path}: expected a private key"):
            host_key(path)
    path.write_bytes(asyncssh.generate_private_key("ecdsa-sha2-nistp256").export_private_key("pkcs8-pem", "secret"))
    with pytest.raises(ServeError, match=f"{path}: expected a (private key|host key without a passphrase)"):
        host_key(path)


def test_where_there_is_no_place_for_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ServeError, match=r"the host key cannot be (made|read): Not a directory"):
        host_key(tmp_path / "file" / "key")
    with pytest.raises(ServeError, match="the host key cannot be read: Is a directory"):
        host_key(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(ServeError, match="the host key cannot be read: No such file or directory"):
        host_key(tmp_path / "link")


def test_it_has_a_place_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    path = usual_path("unrolled")
    assert path.is_relative_to(tmp_path)
    assert path.parent.name == "unrolled"
