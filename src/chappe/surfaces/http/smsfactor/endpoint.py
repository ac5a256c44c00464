"""From a request's bytes to its answer's: the way that every call of the wire API goes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import structlog
from starlette.types import Receive, Scope, Send

from chappe.domain.accounts import Account
from chappe.domain.errors import NotAuthenticated, Refusal, Unavailable
from chappe.surfaces.http.access_log import Facts, facts_of
from chappe.surfaces.http.smsfactor.answers import File, Syntax, failure, success
from chappe.surfaces.http.smsfactor.call import Call
from chappe.surfaces.http.smsfactor.credentials import (
    Bearer,
    Credentials,
    in_document,
    in_headers,
    in_query,
)
from chappe.surfaces.http.smsfactor.documents import RequestDocument
from chappe.surfaces.http.smsfactor.limits import RequestLimits
from chappe.surfaces.http.smsfactor.negotiation import Content, answer_syntax, content_of
from chappe.surfaces.http.smsfactor.query import query_of
from chappe.surfaces.http.smsfactor.routes import Match, match
from chappe.surfaces.http.smsfactor.statuses import Status, status_of
from chappe.surfaces.http.smsfactor.upload import Gone, Upload
from chappe.surfaces.http.use_cases import UseCases

_log = structlog.get_logger("chappe.http")

_CONTENT_TYPE: Final[dict[Syntax, str]] = {
    "json": "application/json; charset=utf-8",
    "xml": "application/xml; charset=utf-8",
}
# A known client sends a body with these too, and means nothing by it.
_WITHOUT_BODY: Final = frozenset({"GET", "DELETE"})


@dataclass(frozen=True, slots=True)
class _Incoming:
    """A request to a known route, before it is known who calls."""

    found: Match
    scope: Scope
    headers: Mapping[bytes, bytes]
    upload: Upload
    syntax: Syntax
    facts: Facts


class SmsFactorApi:
    """The wire API as an ASGI application.

    Whatever becomes of a call to a known route, its HTTP status is 200: the vendor's clients read a body only
    then.
    """

    def __init__(self, use_cases: UseCases, limits: RequestLimits) -> None:
        self._use_cases = use_cases
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        facts = facts_of(scope)
        headers = dict(scope["headers"])
        upload = Upload(headers, receive, self._limits.max_body_bytes)
        found = match(scope["method"], scope["path"])
        syntax = answer_syntax(headers.get(b"accept", b""))
        if found is not None and found.route.speaks_only_xml:
            syntax = "xml"
        try:
            if found is None:
                answer = _failed(facts, -5, "Unknown route", syntax)
            else:
                facts.route = found.route.path
                answer = await self._answer(_Incoming(found, scope, headers, upload, syntax, facts))
            await upload.finish()
        except Gone:
            return
        await _respond(send, 404 if found is None else 200, answer)

    async def _answer(self, incoming: _Incoming) -> File:
        facts, syntax = incoming.facts, incoming.syntax
        try:
            call = await self._call(incoming)
            facts.account = call.account.id
            answer = await incoming.found.route.handler(call)
            if isinstance(answer, File):
                facts.status = 1
                return answer
            facts.status = answer.status
            return _document(success(answer, syntax), syntax)
        except Refusal as refusal:
            return _failed(facts, status_of(refusal), str(refusal), syntax)
        except Unavailable as unavailable:
            _log.warning("unavailable", reason=str(unavailable), route=facts.route)
            return _failed(facts, -99, "the service is not available, try again later", syntax)
        except Gone:
            raise
        except Exception:
            _log.exception("bug", route=facts.route)
            return _failed(facts, -99, "internal error", syntax)

    async def _call(self, incoming: _Incoming) -> Call:
        """Find out who calls, before his body is read wherever that is possible, and what he wants."""
        scope, headers, found = incoming.scope, incoming.headers, incoming.found
        query = query_of(scope["query_string"])
        credentials = in_headers(headers) or in_query(query, may_log_in=found.route.may_log_in)
        client_ip = scope["client"][0] if scope.get("client") else None
        if found.route.method in _WITHOUT_BODY:
            account = await self._account(credentials, client_ip)
            document = self._document(Content(incoming.syntax, b""))
        elif credentials:
            account = await self._account(credentials, client_ip)
            document = await self._read(incoming)
        else:
            document = await self._read(incoming)
            account = await self._account(in_document(document), client_ip)
        return Call(
            use_cases=self._use_cases,
            limits=self._limits,
            account=account,
            method=found.route.method,
            path=found.route.path,
            place=found.place,
            headers=headers,
            query=query,
            document=document,
        )

    async def _read(self, incoming: _Incoming) -> RequestDocument:
        body = await incoming.upload.read()
        content_type = incoming.headers.get(b"content-type", b"")
        return self._document(content_of(body, content_type, incoming.syntax))

    def _document(self, content: Content) -> RequestDocument:
        return RequestDocument(content, max_recipients=self._limits.max_recipients)

    async def _account(self, credentials: Credentials | None, client_ip: str | None) -> Account:
        if credentials is None:
            raise NotAuthenticated("no token and no user name was given")
        if isinstance(credentials, Bearer):
            return self._use_cases.tokens.authenticate(credentials.token, client_ip)
        return await self._use_cases.accounts.authenticate(credentials.username, credentials.password)


def _failed(facts: Facts, status: Status, details: str, syntax: Syntax) -> File:
    facts.status = status
    return _document(failure(status, details, syntax), syntax)


def _document(body: bytes, syntax: Syntax) -> File:
    return File(body, _CONTENT_TYPE[syntax])


async def _respond(send: Send, http_status: int, answer: File) -> None:
    headers = [
        (b"content-type", answer.media_type.encode()),
        (b"content-length", str(len(answer.content)).encode()),
        (b"cache-control", b"no-cache, private"),
        (b"x-content-type-options", b"nosniff"),
    ]
    if answer.name:
        headers.append((b"content-disposition", f'attachment; filename="{answer.name}"'.encode()))
    await send({"type": "http.response.start", "status": http_status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.content})
