"""Passwords: hashed slowly, a few at a time, and remembered when they were right."""

import asyncio
import hmac
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from secrets import token_bytes
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from chappe.domain.errors import Unavailable

# A hash takes a tenth of a second and 64 MiB: few at a time, and no endless queue behind them.
HASHING_THREADS = 2
MAX_WAITING = 64
MAX_REMEMBERED = 10_000

T = TypeVar("T")


class Passwords:
    """What hashes and compares.

    A password that was right is remembered, as a keyed digest beside the hash it matched, so that a changed password
    ends at once.
    """

    def __init__(self) -> None:
        self._hasher = PasswordHasher()
        self._threads = ThreadPoolExecutor(HASHING_THREADS, thread_name_prefix="password")
        self._turns = asyncio.Semaphore(HASHING_THREADS)
        self._waiting = 0
        self._key = token_bytes(32)
        self._remembered: dict[bytes, str] = {}
        self._nobody: str | None = None

    async def hash(self, password: str) -> str:
        """Cost: a tenth of a second. Raises: Unavailable when too many wait."""
        return await self._in_thread(self._hasher.hash, password)

    async def is_right(
        self, password_hash: str | None, password: str, *, at_its_turn: Callable[[], None] | None = None
    ) -> bool:
        """Compare a password with a hash; with None for nobody's, after the same time.

        Shape:  `at_its_turn` is called when others have been compared, and may raise.
        Raises: Unavailable when too many wait.
        """
        expected = password_hash or await self._hash_of_nobody()
        is_right = await self._in_thread(self._verify, expected, password, at_its_turn=at_its_turn)
        return is_right and password_hash is not None

    def digest(self, name: str, password: str) -> bytes:
        """What a name with a password is remembered by."""
        return hmac.digest(self._key, f"{name}\0{password}".encode("utf-8", "surrogatepass"), sha256)

    def remembers(self, digest: bytes, password_hash: str) -> bool:
        """Whether the password was right before, and is still the same."""
        return self._remembered.get(digest) == password_hash

    def remember(self, digest: bytes, password_hash: str) -> None:
        """The password was right."""
        if len(self._remembered) >= MAX_REMEMBERED:
            self._remembered.clear()
        self._remembered[digest] = password_hash

    def close(self) -> None:
        """End the hashing threads."""
        self._threads.shutdown(wait=True)

    def _verify(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _hash_of_nobody(self) -> str:
        """A hash that an unknown user's password is compared with, for the time that it takes."""
        if self._nobody is None:
            self._nobody = await self._in_thread(self._hasher.hash, token_bytes(16).hex())
        return self._nobody

    async def _in_thread(
        self, work: Callable[..., T], *values: str, at_its_turn: Callable[[], None] | None = None
    ) -> T:
        if self._waiting >= MAX_WAITING:
            raise Unavailable("too many passwords are being checked")
        self._waiting += 1
        try:
            await self._turns.acquire()
            try:
                if at_its_turn is not None:
                    at_its_turn()
                running = asyncio.get_running_loop().run_in_executor(self._threads, work, *values)
            except BaseException:
                self._turns.release()
                raise
            # Who asked may go; a thread cannot be stopped, and keeps its turn.
            running.add_done_callback(lambda _: self._turns.release())
            return await asyncio.shield(running)
        finally:
            self._waiting -= 1
