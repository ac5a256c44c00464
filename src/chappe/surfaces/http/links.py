"""Short links: a GET of a code is sent on to where the link leads."""

from typing import Final

import structlog
from starlette.types import Receive, Scope, Send

from chappe.domain.addresses import ascii_address
from chappe.domain.errors import Unavailable
from chappe.domain.links import ALPHABET, CODE_CHARACTERS
from chappe.pipeline.clicks import Clicks
from chappe.pipeline.links import Links
from chappe.surfaces.http.access_log import facts_of
from chappe.surfaces.http.smsfactor.routes import ROUTES

_log = structlog.get_logger("chappe.links")

ROUTE: Final = "/:code"
# What ends a sentence is often taken for the end of the link.
_AFTER_A_LINK: Final = "/.,;:!?)]}'\"»…"
_SHORTEST: Final = 1 + CODE_CHARACTERS
_LONGEST: Final = _SHORTEST + 3
_CHARACTERS: Final = frozenset(ALPHABET)
# A few of them have the form of a code.
_WORDS: Final = frozenset(route.path.split("/")[1] for route in ROUTES)

_PAGE: Final = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex"><title>{title}</title>
<style>body{{font:1.1rem/1.5 system-ui,sans-serif;max-width:30rem;margin:20vh auto 0;padding:0 1.5rem;color:#222}}
h1{{font-size:1.5rem}}@media(prefers-color-scheme:dark){{body{{background:#161616;color:#ddd}}}}</style></head>
<body><h1>{title}</h1><p>{text}</p></body>
</html>
"""
_UNKNOWN: Final = _PAGE.format(
    title="This link leads nowhere",
    text="It may have ended, or it was not copied whole: compare it with the message it came in.",
).encode()
_AWAY: Final = _PAGE.format(title="Not now", text="This link cannot be opened at the moment. Try again later.").encode()


def is_link(method: str, path: str) -> bool:
    """Whether a request to the API's own host is for a short link: it has the form of a code, and begins no route."""
    if not _SHORTEST <= len(path) <= _LONGEST or method not in ("GET", "HEAD"):
        return False
    code = code_of(path)
    return len(code) == CODE_CHARACTERS and _CHARACTERS.issuperset(code) and code not in _WORDS


def code_of(path: str) -> str:
    """The code in a path, without what a text put after the link."""
    return path.strip("/").rstrip(_AFTER_A_LINK)


class ShortLinks:
    """The short links as an ASGI application: every path is a code."""

    def __init__(self, links: Links, clicks: Clicks) -> None:
        self._links = links
        self._clicks = clicks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        facts_of(scope).route = ROUTE
        method = scope["method"]
        if method not in ("GET", "HEAD"):
            await _respond(send, 405, b"", [(b"allow", b"GET, HEAD")])
            return
        agent = next((value for name, value in scope["headers"] if name == b"user-agent"), b"")
        try:
            click = self._links.follow(code_of(scope["path"]), agent.decode("latin-1"))
        except Unavailable as unavailable:
            _log.warning("unavailable", reason=str(unavailable))
            await _respond(send, 503, _AWAY, [(b"retry-after", b"5")])
            return
        if click is None:
            await _respond(send, 404, _UNKNOWN, [])
            return
        # Answered first and recorded after: nobody who follows a link waits for our books.
        await _respond(send, 302, b"", [(b"location", ascii_address(click.url).encode("ascii"))])
        if method == "GET":
            self._clicks.note(click)


async def _respond(send: Send, http_status: int, body: bytes, more: list[tuple[bytes, bytes]]) -> None:
    headers = [
        *more,
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"referrer-policy", b"no-referrer"),
        (b"x-content-type-options", b"nosniff"),
        (b"x-robots-tag", b"noindex"),
    ]
    await send({"type": "http.response.start", "status": http_status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
