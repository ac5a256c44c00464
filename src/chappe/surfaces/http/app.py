"""The HTTP surface as one application: the wire API, health and metrics."""

from collections.abc import Awaitable, Callable, Sequence

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from chappe.surfaces.http.access_log import AccessLog
from chappe.surfaces.http.smsfactor.endpoint import SmsFactorApi
from chappe.surfaces.http.smsfactor.limits import RequestLimits
from chappe.surfaces.http.use_cases import UseCases

Problems = Callable[[], Awaitable[Sequence[str]]]
"""Finds out what keeps this process from doing its work; nothing when it is ready."""


def build(
    use_cases: UseCases,
    *,
    problems: Problems,
    metrics: CollectorRegistry,
    limits: RequestLimits | None = None,
) -> Starlette:
    """The application that the server runs."""

    async def live(_: Request) -> Response:
        return _json({"status": "live"})

    async def ready(_: Request) -> Response:
        found = list(await problems())
        status = "not ready" if found else "ready"
        return _json({"status": status, "problems": found}, http_status=503 if found else 200)

    async def exposition(_: Request) -> Response:
        return Response(generate_latest(metrics), media_type=CONTENT_TYPE_LATEST)

    return Starlette(
        routes=[
            Route("/health/live", live),
            Route("/health/ready", ready),
            Route("/metrics", exposition),
            Mount("/", SmsFactorApi(use_cases, limits or RequestLimits())),
        ],
        middleware=[Middleware(AccessLog)],
    )


def _json(fields: dict[str, object], *, http_status: int = 200) -> Response:
    return Response(msgspec.json.encode(fields), status_code=http_status, media_type="application/json")
