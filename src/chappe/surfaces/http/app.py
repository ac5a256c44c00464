"""The HTTP surface as one application: the wire API, its description, short links, carriers' news, health, metrics."""

from collections.abc import Awaitable, Callable, Sequence

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from chappe.carriers.http.access import PREFIX
from chappe.surfaces.http.access_log import AccessLog
from chappe.surfaces.http.carrier_callbacks import CallbackAnswers, CarrierCallbacks
from chappe.surfaces.http.links import ShortLinks, is_link
from chappe.surfaces.http.reference.pages import DESCRIPTION, FOLDER, build_reference
from chappe.surfaces.http.smsfactor.endpoint import SmsFactorApi
from chappe.surfaces.http.smsfactor.limits import RequestLimits
from chappe.surfaces.http.use_cases import UseCases

_OF_HEALTH = ("/health/", "/metrics")

Problems = Callable[[], Awaitable[Sequence[str]]]
"""Finds out what keeps this process from doing its work; nothing when it is ready."""


def build(
    use_cases: UseCases,
    *,
    problems: Problems,
    metrics: CollectorRegistry,
    limits: RequestLimits | None = None,
    public_url: str = "",
) -> ASGIApp:
    """The application that the server runs."""

    async def live(_: Request) -> Response:
        return _json({"status": "live"})

    async def ready(_: Request) -> Response:
        found = list(await problems())
        status = "not ready" if found else "ready"
        return _json({"status": status, "problems": found}, http_status=503 if found else 200)

    async def exposition(_: Request) -> Response:
        return Response(generate_latest(metrics), media_type=CONTENT_TYPE_LATEST)

    health = Starlette(
        routes=[Route("/health/live", live), Route("/health/ready", ready), Route("/metrics", exposition)]
    )
    links = ShortLinks(use_cases.links, use_cases.clicks)
    limits = limits or RequestLimits()
    reference = build_reference(limits, public_url)
    answers = CallbackAnswers()
    metrics.register(answers)
    callbacks = CarrierCallbacks(use_cases.callbacks, public_url, answers)
    wire = SmsFactorApi(use_cases, limits)
    return AccessLog(_Split(health, reference, wire, links, callbacks, use_cases.links.host))


class _Split:
    """The wire API gets its requests directly: the framework's layers would cost a fifth of a single send."""

    def __init__(
        self,
        health: ASGIApp,
        reference: ASGIApp,
        wire: ASGIApp,
        links: ASGIApp,
        callbacks: ASGIApp,
        links_host: str | None,
    ) -> None:
        self._health = health
        self._reference = reference
        self._wire = wire
        self._links = links
        self._callbacks = callbacks
        self._links_host = None if links_host is None else links_host.encode("ascii")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if self._links_host and _host(scope) == self._links_host:
            chosen = self._links
        elif path in (FOLDER, DESCRIPTION) or path.startswith(FOLDER + "/"):
            chosen = self._reference
        elif path.startswith(PREFIX):
            chosen = self._callbacks
        elif is_link(scope["method"], path):
            chosen = self._links
        else:
            chosen = self._health if path.startswith(_OF_HEALTH) else self._wire
        await chosen(scope, receive, send)


def _host(scope: Scope) -> bytes:
    """The name that a request was sent to, without the port."""
    host: bytes = next((value for name, value in scope["headers"] if name == b"host"), b"")
    return host.partition(b":")[0].lower()


def _json(fields: dict[str, object], *, http_status: int = 200) -> Response:
    return Response(msgspec.json.encode(fields), status_code=http_status, media_type="application/json")
