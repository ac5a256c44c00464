"""POST and GET /token, GET and DELETE /token/:id, POST /token/account/:id."""

from typing import NamedTuple

import msgspec

from chappe.domain.errors import BadData
from chappe.domain.tokens import MAX_NAME_CHARACTERS, MAX_TTL_S, Token
from chappe.surfaces.http.smsfactor.answers import Answer, Fields
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


class _TokenDocument(msgspec.Struct):
    token: _Token | None = None


class _Wish(NamedTuple):
    name: str
    ttl_s: int | None
    allowed_ips: list[str]


async def create(call: Call) -> Answer:
    wish = _wish(call)
    issued = await call.use_cases.tokens.create(call.account, wish.name, wish.ttl_s, wish.allowed_ips)
    return Answer({"token": issued.token, "token_id": str(issued.token_id), "allowed_ips": _ips(issued.allowed_ips)})


async def create_for_child(call: Call) -> Answer:
    wish = _wish(call)
    child = call.id_of("sub-account")
    issued = await call.use_cases.tokens.create_for(call.account, child, wish.name, wish.ttl_s, wish.allowed_ips)
    return Answer({"token": issued.token, "token_id": str(issued.token_id)})


async def all_of_account(call: Call) -> Answer:
    found = call.use_cases.tokens.list(call.account)
    return Answer({"tokens": [_fields(token) for token in found]})


async def one(call: Call) -> Answer:
    return Answer({"token": _fields(call.use_cases.tokens.get(call.account, call.id_of("token")))})


async def delete(call: Call) -> Answer:
    token_id = call.id_of("token")
    await call.use_cases.tokens.delete(call.account, token_id)
    return Answer({"deleted_token": token_id})


def _wish(call: Call) -> _Wish:
    token = call.document.read(_TokenDocument).token
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


def _fields(token: Token) -> Fields:
    return {
        "name": token.name,
        "api_token_id": token.id,
        "created_at": date_text(token.created_at),
        "expired_at": optional_date_text(token.expires_at),
        "ttl": token.ttl_s,
        "is_active": "1" if token.is_active else "0",
        "allowed_ips": _ips(token.allowed_ips),
    }


def _ips(allowed_ips: tuple[str, ...]) -> tuple[str, ...] | None:
    return allowed_ips or None
