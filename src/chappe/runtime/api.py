"""The process that answers customers."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
import uvicorn

from chappe.runtime.bootstrap import opened
from chappe.runtime.health import Health
from chappe.runtime.process import stopping
from chappe.runtime.settings import Settings
from chappe.surfaces.http.app import build
from chappe.surfaces.http.smsfactor.limits import RequestLimits

_log = structlog.get_logger("chappe.process")
GRACE_S = 10


class _Server(uvicorn.Server):
    """A server that leaves the signals to us."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def run(settings: Settings) -> None:
    """Serve the HTTP API until told to stop; requests in progress are finished."""
    async with opened(settings) as chappe:
        health = Health(chappe.store, chappe.carriers)
        limits = RequestLimits(
            max_body_bytes=settings.max_body_bytes,
            max_recipients=settings.max_recipients,
            open_registration=settings.open_registration,
        )
        app = build(
            chappe.use_cases,
            problems=health.problems,
            metrics=health.registry,
            limits=limits,
            public_url=settings.public_url,
        )
        server = _Server(
            uvicorn.Config(
                app,
                host=settings.host,
                port=settings.port,
                http="httptools",
                ws="none",
                lifespan="off",
                access_log=False,
                log_config=None,
                server_header=False,
                proxy_headers=bool(settings.trusted_proxies),
                forwarded_allow_ips=settings.trusted_proxies,
                timeout_graceful_shutdown=GRACE_S,
            )
        )

        def stop() -> None:
            server.should_exit = True

        metrics = asyncio.create_task(health.run())
        with stopping(stop):
            _log.info("api starts", host=settings.host, port=settings.port)
            await server.serve()
        metrics.cancel()
    _log.info("api stopped")
