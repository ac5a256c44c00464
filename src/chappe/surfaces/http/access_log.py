"""One line in the log for every request, with nothing in it that a customer sent."""

import re
import time
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

_log = structlog.get_logger("chappe.http")

_KEY = "chappe.facts"
# What an unknown path may show: the words of a route, neither numbers nor texts.
_MAX_SEGMENTS = 6
_WORD = re.compile(r"[a-z_-]{0,20}")


@dataclass(slots=True)
class Facts:
    """What a surface tells the log about its request.

    Shape: `route` is the path as the route table has it; `status` is the one inside the answer.
    """

    route: str | None = None
    account: int | None = None
    status: int | None = None


def facts_of(scope: Scope) -> Facts:
    """The facts of a request, to be filled in by the surface that answers it."""
    found: Facts = scope[_KEY]
    return found


class AccessLog:
    """Writes the line when the answer has been given."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        facts = scope[_KEY] = Facts()
        http_status = 0

        async def watch(message: MutableMapping[str, Any]) -> None:
            nonlocal http_status
            if message["type"] == "http.response.start":
                http_status = message["status"]
            await send(message)

        start = time.perf_counter()
        try:
            await self._app(scope, receive, watch)
        finally:
            _log.info(
                "request",
                method=scope["method"],
                path=facts.route or masked(scope["path"]),
                http=http_status,
                status=facts.status,
                account=facts.account,
                ms=round((time.perf_counter() - start) * 1000, 1),
            )


def masked(path: str) -> str:
    """A path with only those segments that can be words of a route."""
    segments = path.split("/")[:_MAX_SEGMENTS]
    return "/".join(segment if _WORD.fullmatch(segment) else "?" for segment in segments)
