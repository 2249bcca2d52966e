"""An OpenSSH server of its own for a test, and its clients: both are the real programs, on loopback."""

import grp
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from time import monotonic, sleep

from tests.tui.terminal import Terminal

SSHD = shutil.which("sshd", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/local/sbin")
_CLIENTS = ("ssh", "ssh-keygen", "sftp")


def _lacking() -> str:
    programs = [*(name for name in _CLIENTS if shutil.which(name) is None), *([] if SSHD else ["sshd"])]
    if programs:
        return f"OpenSSH is not installed: {', '.join(programs)}"
    if os.getuid() != 0:
        for descriptor in (ends := os.openpty()):
            group = os.fstat(descriptor).st_gid
        for descriptor in ends:
            os.close(descriptor)
        if group not in (each.gr_gid for each in grp.getgrall() if each.gr_name == "tty"):
            return "sshd wants terminals to be of the group tty, and only root could change them here"
    return ""


LACKING = _lacking()
"""Why there can be no server, if there can be none."""

USER = pwd.getpwuid(os.getuid()).pw_name
_ROOTS_FOLDER = Path("/run/sshd")
"""Where sshd locks itself in, if root starts it. A service makes it at boot, and there may be none."""

_CONFIG = """
ListenAddress 127.0.0.1:{port}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/authorized_keys
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin yes
Subsystem sftp internal-sftp
"""


class Sshd:
    """A server that lets in one key, ended when the `with` block is left.

    Args:
        folder: Where its keys and its configuration are.
        options: What stands before the key in authorized_keys.
        lines: More lines of its configuration.
    """

    def __init__(self, folder: Path, options: str = "", lines: Sequence[str] = ()) -> None:
        self.folder = folder
        for name in ("host_key", "key", "other_key"):
            command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(folder / name)]
            subprocess.run(command, check=True, timeout=30)
        public = (folder / "key.pub").read_text()
        (folder / "authorized_keys").write_text(f"{options} {public}".lstrip())
        if os.getuid() == 0 and not _ROOTS_FOLDER.exists() and sys.platform == "linux":
            _ROOTS_FOLDER.mkdir(0o755)
        self._lines = lines
        self._start()

    def _start(self) -> None:
        """Starts it on a free port; on another one if somebody takes that first."""
        end = monotonic() + 30
        while monotonic() < end:
            with socket.create_server(("127.0.0.1", 0)) as free:
                self.port: int = free.getsockname()[1]
            config, log = self.folder / "sshd_config", self.folder / "log"
            text = _CONFIG.format(port=self.port, folder=self.folder)
            config.write_text("\n".join([text.strip(), *self._lines, ""]))
            with log.open("w") as errors:
                self._process = subprocess.Popen([str(SSHD), "-D", "-e", "-f", str(config)], stderr=errors)
            while self._process.poll() is None and monotonic() < end:
                if "Server listening" in log.read_text():
                    host = (self.folder / "host_key.pub").read_text()
                    (self.folder / "known_hosts").write_text(f"[127.0.0.1]:{self.port} {host}")
                    return
                sleep(0.01)
        self.close()
        raise AssertionError(f"sshd does not start: {(self.folder / 'log').read_text()}")

    def __enter__(self) -> "Sshd":
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Ends the server. Its sessions end with their clients."""
        self.close()

    def close(self) -> None:
        """Ends the server."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(10)

    def options(self, key: str = "key") -> list[str]:
        """What every client is told, so that nothing of this machine's own settings and keys counts."""
        chosen = {
            "Port": self.port,
            "IdentityFile": self.folder / key,
            "IdentitiesOnly": "yes",
            "IdentityAgent": "none",
            "UserKnownHostsFile": self.folder / "known_hosts",
            "GlobalKnownHostsFile": "none",
            "StrictHostKeyChecking": "yes",
            "PreferredAuthentications": "publickey",
            "ConnectTimeout": 10,
            "LogLevel": "INFO",
        }
        return ["-F", "none", *(word for name, value in chosen.items() for word in ("-o", f"{name}={value}"))]

    def terminal(self, *arguments: str, columns: int = 120, lines: int = 40) -> Terminal:
        """`ssh` in a terminal: the arguments before and behind the host, which is called `host` there."""
        words = [f"{USER}@127.0.0.1" if word == "host" else word for word in arguments]
        return Terminal([str(shutil.which("ssh")), *self.options(), *words], columns, lines)

    def run(
        self, program: str, *arguments: str, key: str = "key", typed: str = ""
    ) -> "subprocess.CompletedProcess[str]":
        """A client without a terminal, until it ends."""
        words = [f"{USER}@127.0.0.1" if word == "host" else word for word in arguments]
        command = [program, *self.options(key), *words]
        return subprocess.run(command, input=typed, capture_output=True, text=True, timeout=30, check=False)
