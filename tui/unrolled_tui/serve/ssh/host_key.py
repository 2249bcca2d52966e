"""The key by which clients know the server again."""

import os
import tempfile
from pathlib import Path

import asyncssh
from platformdirs import user_data_path

from unrolled_tui.serve.access import check_secret
from unrolled_tui.serve.errors import ServeError

_LONGEST = 1 << 16


def usual_path(name: str) -> Path:
    """Where the key of a program of this name is kept, if nobody says otherwise."""
    return user_data_path(name, appauthor=False) / "ssh_host_ed25519_key"


def host_key(path: Path) -> asyncssh.SSHKey:
    """The private key in a file, which is made if it is not there, for nobody else to read.

    Raises:
        ServeError: If it cannot be read or made, others can read it, or it is no private key.
    """
    try:
        return _made(path) if not path.exists() else _read(path)
    except FileExistsError:  # another server has made it meanwhile, or it is a link to nowhere
        return _read(path)
    except OSError as error:
        raise ServeError(f"{path}: the host key cannot be made: {error.strerror or error}") from error


def _made(path: Path) -> asyncssh.SSHKey:
    key = asyncssh.generate_private_key("ssh-ed25519", comment="unrolled serve")
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".ssh_host_") as file:  # O_EXCL, mode 600
        file.write(key.export_private_key())
        file.flush()
        os.link(file.name, path)  # whole or not at all, and never over another
    return key


def _read(path: Path) -> asyncssh.SSHKey:
    try:
        with path.open("rb") as file:
            check_secret(path, os.fstat(file.fileno()).st_mode)
            return asyncssh.import_private_key(file.read(_LONGEST))
    except OSError as error:
        raise ServeError(f"{path}: the host key cannot be read: {error.strerror or error}") from error
    except asyncssh.KeyEncryptionError as error:
        raise ServeError(f"{path}: expected a host key without a passphrase") from error
    except ValueError as error:  # asyncssh's KeyImportError is one
        raise ServeError(f"{path}: expected a private key: {error}") from error
