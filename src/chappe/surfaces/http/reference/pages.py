"""GET /docs and GET /openapi.json: made once, when somebody asks first, and kept."""

import gzip
from functools import cached_property
from importlib import resources
from typing import Final, NamedTuple

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from chappe.surfaces.http.reference.view import render
from chappe.surfaces.http.smsfactor.limits import RequestLimits
from chappe.surfaces.http.smsfactor.openapi import describe
from chappe.surfaces.http.smsfactor.openapi_schemas import Json
from chappe.surfaces.http.smsfactor.routes import ROUTES

FOLDER: Final = "/docs"
DESCRIPTION: Final = "/openapi.json"
_POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = {
    "cache-control": "max-age=60",
    "content-security-policy": _POLICY,
    "referrer-policy": "no-referrer",
    "vary": "accept-encoding",
    "x-content-type-options": "nosniff",
}
_ASSETS: Final = {
    "style.css": "text/css; charset=utf-8",
    "script.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}


class _Page(NamedTuple):
    """Bytes, and the same packed."""

    content: bytes
    packed: bytes
    media_type: str


class _Pages:
    """The description and what is made from it."""

    def __init__(self, limits: RequestLimits, public_url: str) -> None:
        self._limits = limits
        self._public_url = public_url

    @cached_property
    def _description(self) -> Json:
        return describe(ROUTES, self._limits, self._public_url)

    @cached_property
    def openapi(self) -> _Page:
        return _page(msgspec.json.encode(self._description), "application/json")

    @cached_property
    def docs(self) -> _Page:
        return _page(render(self._description, self._limits).encode(), "text/html; charset=utf-8")

    @cached_property
    def assets(self) -> dict[str, _Page]:
        folder = resources.files(__package__)
        return {name: _page(folder.joinpath(name).read_bytes(), kind) for name, kind in _ASSETS.items()}


def build_reference(limits: RequestLimits, public_url: str) -> Starlette:
    """The pages as an application; nobody needs an account to read them."""
    pages = _Pages(limits, public_url)

    # Not `async`: they run in a thread, so that making the page holds no send up.

    def openapi(request: Request) -> Response:
        return _answer(request, pages.openapi)

    def docs(request: Request) -> Response:
        return _answer(request, pages.docs)

    def asset(request: Request) -> Response:
        found = pages.assets.get(request.path_params["name"])
        return _answer(request, found) if found else Response("not found", 404)

    return Starlette(
        routes=[Route(DESCRIPTION, openapi), Route(FOLDER, docs), Route(FOLDER + "/{name}", asset)],
    )


def _page(content: bytes, media_type: str) -> _Page:
    return _Page(content, gzip.compress(content, mtime=0), media_type)


def _answer(request: Request, page: _Page) -> Response:
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers = {**_HEADERS, "content-encoding": "gzip", "content-type": page.media_type}
        return Response(page.packed, headers=headers)
    return Response(page.content, headers={**_HEADERS, "content-type": page.media_type})
