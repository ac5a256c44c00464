"""POST and GET /token, GET and DELETE /token/:id, POST /token/account/:id."""

from typing import Literal, NamedTuple

import msgspec

from chappe.domain.errors import BadData
from chappe.domain.tokens import MAX_NAME_CHARACTERS, MAX_TTL_S, Token
from chappe.surfaces.http.smsfactor.answers import Answer
from chappe.surfaces.http.smsfactor.call import Call
from chappe.surfaces.http.smsfactor.fields import (
    Scalar,
    date_text,
    optional_date_text,
    optional_int,
    required_text,
    text_of,
)


class _Token(msgspec.Struct):
    name: Scalar = None
    ttl: Scalar = None
    allowed_ips: list[Scalar] | Scalar = None


class TokenDocument(msgspec.Struct):
    token: _Token | None = None


class _Wish(NamedTuple):
    name: str
    ttl_s: int | None
    allowed_ips: list[str]


class Issued(Answer, frozen=True):
    """A new token, the only time its text is shown."""

    token: str
    token_id: str
    allowed_ips: tuple[str, ...] | None


class IssuedForChild(Answer, frozen=True):
    """A new token of a sub-account."""

    token: str
    token_id: str


class TokenFields(msgspec.Struct, frozen=True):
    """A token as it is listed. Source: the contract's tokens."""

    name: str
    api_token_id: int
    created_at: str
    expired_at: str | None
    ttl: int | None
    is_active: Literal["0", "1"]
    allowed_ips: tuple[str, ...] | None


class All(Answer, frozen=True):
    """Every token of the account, the newest first."""

    tokens: list[TokenFields]


class One(Answer, frozen=True):
    """One token."""

    token: TokenFields


class Deleted(Answer, frozen=True):
    """The token that has ended."""

    deleted_token: int


async def create(call: Call) -> Issued:
    """Create a token."""
    wish = _wish(call)
    issued = await call.use_cases.tokens.create(call.account, wish.name, wish.ttl_s, wish.allowed_ips)
    return Issued(token=issued.token, token_id=str(issued.token_id), allowed_ips=_ips(issued.allowed_ips))


async def create_for_child(call: Call) -> IssuedForChild:
    """Create a token for a sub-account."""
    wish = _wish(call)
    child = call.id_of("sub-account")
    issued = await call.use_cases.tokens.create_for(call.account, child, wish.name, wish.ttl_s, wish.allowed_ips)
    return IssuedForChild(token=issued.token, token_id=str(issued.token_id))


async def all_of_account(call: Call) -> All:
    """List the tokens."""
    found = call.use_cases.tokens.list(call.account)
    return All(tokens=[_fields(token) for token in found])


async def one(call: Call) -> One:
    """Read one token."""
    return One(token=_fields(call.use_cases.tokens.get(call.account, call.id_of("token"))))


async def delete(call: Call) -> Deleted:
    """Delete a token; it ends at once."""
    token_id = call.id_of("token")
    await call.use_cases.tokens.delete(call.account, token_id)
    return Deleted(deleted_token=token_id)


def _wish(call: Call) -> _Wish:
    token = call.document.read(TokenDocument).token
    if token is None:
        raise BadData("is missing", field="token")
    # A restriction that names nothing is a mistake of the caller's, and must not become no restriction.
    given = token.allowed_ips
    ips = given if isinstance(given, list) else [] if given is None else [given]
    if any(not text_of(ip).strip() for ip in ips):
        raise BadData("has an empty entry", field="token.allowed_ips")
    return _Wish(
        name=required_text(token.name, "token.name", max_characters=MAX_NAME_CHARACTERS),
        ttl_s=optional_int(token.ttl, "token.ttl", low=1, high=MAX_TTL_S),
        allowed_ips=[text_of(ip).strip() for ip in ips],
    )


def _fields(token: Token) -> TokenFields:
    return TokenFields(
        name=token.name,
        api_token_id=token.id,
        created_at=date_text(token.created_at),
        expired_at=optional_date_text(token.expires_at),
        ttl=token.ttl_s,
        is_active="1" if token.is_active else "0",
        allowed_ips=_ips(token.allowed_ips),
    )


def _ips(allowed_ips: tuple[str, ...]) -> tuple[str, ...] | None:
    return allowed_ips or None
