"""The HTTP surface as one application: the wire API, health and metrics."""

from collections.abc import Awaitable, Callable, Sequence

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from chappe.surfaces.http.access_log import AccessLog
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
    return AccessLog(_Split(health, SmsFactorApi(use_cases, limits or RequestLimits())))


class _Split:
    """The wire API gets its requests directly: the framework's layers would cost a fifth of a single send."""

    def __init__(self, health: ASGIApp, wire: ASGIApp) -> None:
        self._health = health
        self._wire = wire

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        chosen = self._health if scope["path"].startswith(_OF_HEALTH) else self._wire
        await chosen(scope, receive, send)


def _json(fields: dict[str, object], *, http_status: int = 200) -> Response:
    return Response(msgspec.json.encode(fields), status_code=http_status, media_type="application/json")
