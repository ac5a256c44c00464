"""API tokens: issue, list, delete, and tell whose a token is."""

import time
from dataclasses import dataclass
from hashlib import sha256

from chappe.domain.accounts import Account
from chappe.domain.errors import BadData, NotAuthenticated, NotFound
from chappe.domain.tokens import (
    MAX_NAME_CHARACTERS,
    MAX_TTL_S,
    IssuedToken,
    Networks,
    Token,
    may_come_from,
    networks,
)
from chappe.store import accounts, tokens
from chappe.store.clock import now_ms
from chappe.store.ids import Ids
from chappe.store.sqlite import Store, Tx

# How long another process may go on accepting a token that was deleted here.
CACHE_S = 1.0
MAX_CACHED = 10_000

_HEADER = {"typ": "JWT", "alg": "HS256"}
_MS = 1000


@dataclass(frozen=True, slots=True)
class _Known:
    """A token that was looked up a moment ago."""

    account: Account
    allowed: Networks
    expires_at: int | None
    until: float


class Tokens:
    """The tokens of all accounts.

    A token is looked up by its digest, so that a deleted one ends at once; its signature is for whoever wants
    to check it without asking, and is not needed here.
    """

    def __init__(self, store: Store, ids: Ids) -> None:
        self._store = store
        self._ids = ids
        self._known: dict[str, _Known] = {}
        self._last_issued_at = 0.0

    async def create(
        self, account: Account, name: str, ttl_s: int | None = None, allowed_ips: list[str] | None = None
    ) -> IssuedToken:
        """Issue a token. Raises: BadData."""
        return await self._issue(account.id, name, ttl_s, tuple(allowed_ips or ()))

    async def create_for(
        self,
        parent: Account,
        child_id: int,
        name: str,
        ttl_s: int | None = None,
        allowed_ips: list[str] | None = None,
    ) -> IssuedToken:
        """Issue a token for a sub-account. Raises: NotFound when it is none of the parent's; BadData."""
        if self._store.glance(lambda tx: accounts.child(tx, parent.id, child_id)) is None:
            raise NotFound(f"there is no sub-account {child_id}", field="id")
        return await self._issue(child_id, name, ttl_s, tuple(allowed_ips or ()))

    def list(self, account: Account) -> list[Token]:
        """The account's tokens, the newest first."""
        return self._store.glance(lambda tx: tokens.all_of(tx, account.id, now_ms()))

    def get(self, account: Account, token_id: int) -> Token:
        """One token. Raises: NotFound."""
        found = self._store.glance(lambda tx: tokens.one(tx, account.id, token_id, now_ms()))
        if found is None:
            raise NotFound(f"there is no token {token_id}", field="id")
        return found

    async def delete(self, account: Account, token_id: int) -> None:
        """End a token: in this process at once, in others within a second. Raises: NotFound."""
        if not await self._store.write(lambda tx: tokens.delete(tx, account.id, token_id)):
            raise NotFound(f"there is no token {token_id}", field="id")
        self._known.clear()

    def authenticate(self, token: str, client_ip: str | None) -> Account:
        """Whose the token is.

        Raises: NotAuthenticated when it is unknown, deleted, expired, or used from an address it is not for.
        """
        now = time.monotonic()
        known = self._known.get(token)
        if known is None or now >= known.until:
            known = self._look_up(token, now)
        if known.expires_at is not None and now_ms() >= known.expires_at:
            raise NotAuthenticated("the token has expired")
        if not may_come_from(known.allowed, client_ip):
            raise NotAuthenticated("the token may not be used from this address")
        return known.account

    def _look_up(self, token: str, now: float) -> _Known:
        digest = _digest(token)
        holder = self._store.glance(lambda tx: tokens.holder(tx, digest))
        if holder is None:
            self._known.pop(token, None)
            raise NotAuthenticated("the token is not valid")
        known = _Known(holder.account, networks(holder.allowed_ips), holder.expires_at, now + CACHE_S)
        if len(self._known) >= MAX_CACHED:
            self._known.clear()
        self._known[token] = known
        return known

    async def _issue(self, account: int, name: str, ttl_s: int | None, allowed_ips: tuple[str, ...]) -> IssuedToken:
        if not 0 < len(name) <= MAX_NAME_CHARACTERS:
            raise BadData(f"must have 1 to {MAX_NAME_CHARACTERS} characters", field="name")
        if ttl_s is not None and not 0 < ttl_s <= MAX_TTL_S:
            raise BadData(f"must be from 1 to {MAX_TTL_S} seconds", field="ttl")
        networks(allowed_ips)
        issued_at = self._issue_time()
        created_at = int(issued_at * _MS)
        expires_at = None if ttl_s is None else created_at + ttl_s * _MS

        def unit(tx: Tx) -> IssuedToken:
            text = _encode(tokens.secret(tx), account, issued_at, expires_at)
            token_id = self._ids.take(tx, "token")
            token = Token(token_id, name, ttl_s, allowed_ips, created_at, expires_at, is_active=True)
            tokens.insert(tx, account, token, _digest(text))
            return IssuedToken(token_id, text, allowed_ips)

        return await self._store.write(unit)

    def _issue_time(self) -> float:
        """Now, in seconds; never twice the same, because the time is all that tells two tokens apart."""
        self._last_issued_at = max(time.time(), self._last_issued_at + 1e-6)
        return self._last_issued_at


def _encode(secret: bytes, account: int, issued_at: float, expires_at: int | None) -> str:
    """The token's text.

    Source: the contract's tokens, a JWT with the account as a text and a time in microseconds.
    """
    claims: dict[str, str | int | float] = {"sub": str(account), "iat": round(issued_at, 6)}
    if expires_at is not None:
        claims["exp"] = expires_at // _MS
    # Loading it takes longer than most commands take in all, and only a new token needs it.
    from joserfc import jwt
    from joserfc.jwk import OctKey

    return jwt.encode(_HEADER, claims, OctKey.import_key(secret))


def _digest(token: str) -> str:
    return sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
