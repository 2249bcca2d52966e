"""Who comes in on a connection, and what is open to them: one session, and nothing else."""

import asyncio
from typing import cast

import asyncssh

from unrolled_tui.serve.log import harmless
from unrolled_tui.serve.ssh.connection import Connection
from unrolled_tui.serve.ssh.front import MOST_STRANGERS, Front
from unrolled_tui.serve.ssh.session import Session

TRIES = 3
"""Wrong passwords on one connection."""

PAUSE = 1.0
"""Seconds before the answer to a wrong password."""

NO_COMPRESSION = "it cannot compress: start the server with --no-compression to let it in"

PATIENCE = 30.0
"""Seconds that a connection may be logged in without a session."""


class Login(asyncssh.SSHServer):
    """Lets somebody in, to one session at a time, and to nothing else: what is not here, asyncssh refuses.

    Args:
        front: What all connections share.
    """

    def __init__(self, front: Front) -> None:
        self._front = front
        self._connection: Connection
        self._address = self._user = ""
        self._is_in = self._has_strange_key = False
        self._wrong = 0
        self._session: Session | None = None
        self._waiting: asyncio.TimerHandle | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        """Takes a connection, unless too many are logging in."""
        self._connection = cast("Connection", conn)
        self._address = conn.get_extra_info("peername", ("an unknown address",))[0].removeprefix("::ffff:")
        self._front.connections.add(self._connection)
        self._front.strangers += 1
        front = self._front
        if front.strangers > MOST_STRANGERS:
            self._refuse("too many are logging in")
        elif len(front.connections) > front.limits.sessions + MOST_STRANGERS:
            self._refuse("there are too many connections")
        else:
            return
        conn.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection has ended."""
        if self._waiting is not None:
            self._waiting.cancel()
        self._front.connections.discard(self._connection)
        if self._is_in:
            return
        self._front.strangers -= 1
        if isinstance(exc, asyncssh.KeyExchangeFailed):
            self._refuse(NO_COMPRESSION if "compression" in exc.reason else exc.reason)
        elif self._has_strange_key and not self._wrong:
            self._refuse("none of its keys is known here")

    # Who it is.

    def begin_auth(self, username: str) -> bool:
        """Takes the name, which may be any, and says whether more is asked for."""
        self._user = harmless(username, 32)
        if not self._front.access.keys:  # one with a key gets in, whatever others of the same address have tried
            self._check_attempts()
        return not self._front.access.anonymous

    def auth_completed(self) -> None:
        """Waits for a session."""
        self._is_in = True
        self._front.strangers -= 1
        self.wait_for_session()

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:  # noqa: ARG002  # see below
        """Refuses a key, which is in no file of keys or asyncssh would not ask."""
        self._has_strange_key = True
        return False

    def password_auth_supported(self) -> bool:
        """Whether there is a password."""
        return bool(self._front.access.password)

    async def validate_password(self, username: str, password: str) -> bool:  # noqa: ARG002  # there are no accounts
        """Compares the password. A wrong one is counted at once and answered late."""
        self._check_attempts()
        if self._front.access.admits_password(password):
            return True
        self._wrong += 1
        self._front.attempts.fail(self._address)
        self._refuse("wrong password")
        await asyncio.sleep(PAUSE)
        if self._wrong >= TRIES:
            raise asyncssh.DisconnectError(asyncssh.DISC_NO_MORE_AUTH_METHODS_AVAILABLE, f"{TRIES} wrong passwords")
        return False

    def _check_attempts(self) -> None:
        if not self._front.attempts.may_try(self._address):
            self._refuse("too many failures from this address")
            sentence = "too many failures from this address: wait a minute"
            raise asyncssh.DisconnectError(asyncssh.DISC_BY_APPLICATION, sentence)

    def _refuse(self, why: str) -> None:
        who = f"{self._user} from {self._address}" if self._user else self._address
        self._front.log(f"refused {who}: {why}")

    # What it gets.

    def session_requested(self) -> Session | bool:
        """Gives a session, or none, if one runs on this connection."""
        if self._session is not None and not self._session.is_over:
            return False
        user = self._user or "nobody"
        self._session = Session(
            self._front, self._connection, user, self._address, self._begin_session, self._end_session
        )
        return self._session

    def wait_for_session(self) -> None:
        """Ends the connection if nothing is asked of it for long. A channel that is only opened asks nothing."""
        if self._waiting is None:
            self._waiting = asyncio.get_running_loop().call_later(PATIENCE, self._connection.close)

    def _begin_session(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _end_session(self, session: Session) -> None:
        if session is self._session:
            self._session = None
            self.wait_for_session()
