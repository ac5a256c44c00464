"""The addresses that vendors post receipts and replies to: `/carrier/NAME/SECRET/receipt` and `.../reply`."""

import re
from collections import Counter
from collections.abc import Iterable
from typing import Final

import structlog
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.types import Receive, Scope, Send

from chappe.carriers.http.access import PREFIX
from chappe.carriers.http.vendor import GiveBack, NotGenuine, Posted
from chappe.domain.errors import BadData, NotFound, Unavailable
from chappe.pipeline.callbacks import Callbacks
from chappe.store.clock import now_ms
from chappe.surfaces.http.access_log import facts_of
from chappe.surfaces.http.smsfactor.upload import Gone, Upload

_log = structlog.get_logger("chappe.callbacks")

ROUTE: Final = "/carrier/:name/:secret/:what"
MAX_BODY_BYTES: Final = 1024 * 1024
_PATH: Final = re.compile(re.escape(PREFIX) + r"([A-Za-z0-9._-]{1,64})/([A-Za-z0-9_-]{1,128})(?:/(receipt|reply))?/?")
_METHODS: Final = ("GET", "POST")
# The carrier of metrics when what was posted is to none that there is: anybody may post.
UNKNOWN: Final = "unknown"


class CallbackAnswers(Collector):
    """What vendors were answered, as a metric."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, int]] = Counter()

    def count(self, carrier: str, status: int) -> None:
        self._counts[carrier, status] += 1

    def describe(self) -> Iterable[Metric]:
        return []

    def collect(self) -> Iterable[Metric]:
        answers = CounterMetricFamily(
            "chappe_carrier_callbacks", "What vendors posted, by the answer they got.", labels=["carrier", "answer"]
        )
        for (carrier, status), count in sorted(self._counts.items()):
            answers.add_metric([carrier, str(status)], count)
        yield answers


class CarrierCallbacks:
    """The vendors' way in as an ASGI application. The vendor is answered once its news is committed."""

    def __init__(self, callbacks: Callbacks, public_url: str, answers: CallbackAnswers) -> None:
        self._callbacks = callbacks
        self._public_url = public_url.rstrip("/")
        self._answers = answers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        facts_of(scope).route = ROUTE  # before all else: the path has a secret
        upload = Upload(dict(scope["headers"]), receive, MAX_BODY_BYTES)
        try:
            carrier, answer = await self._answer(scope, upload)
            self._answers.count(carrier, answer.status)
            await upload.finish()
        except Gone:
            return
        await _respond(send, answer)

    async def _answer(self, scope: Scope, upload: Upload) -> tuple[str, GiveBack]:
        """The carrier that is meant, if there is one, and the answer."""
        path = _PATH.fullmatch(scope["path"])
        if path is None:
            return UNKNOWN, GiveBack(404)
        if scope["method"] not in _METHODS:
            return UNKNOWN, GiveBack(405)
        name, secret, what = path.groups("")
        try:
            if not self._callbacks.is_right(name, secret):
                return name if self._callbacks.is_carrier(name) else UNKNOWN, GiveBack(404)
        except Unavailable:
            return UNKNOWN, GiveBack(503)
        return name, await self._take(scope, upload, name, secret, what)

    async def _take(self, scope: Scope, upload: Upload, name: str, secret: str, what: str) -> GiveBack:
        try:
            body = await upload.read()
        except BadData:
            return GiveBack(413)
        try:
            posted = self._posted(scope, what, body)
            return (await self._callbacks.take(name, secret, posted)).give_back
        except NotFound:
            return GiveBack(404)
        except NotGenuine as refused:
            _log.warning("not genuine", carrier=name, reason=str(refused))
            return GiveBack(403)
        except ValueError as error:
            _log.warning("cannot be read", carrier=name, reason=str(error))
            return GiveBack(400)
        except Unavailable as unavailable:
            _log.warning("unavailable", reason=str(unavailable))
            return GiveBack(503)
        except Gone:
            raise
        except Exception:
            _log.exception("bug", carrier=name)
            return GiveBack(500)

    def _posted(self, scope: Scope, what: str, body: bytes) -> Posted:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        base = self._public_url or f"{scope['scheme']}://{headers.get('host', '')}"
        query = scope["query_string"].decode("latin-1")
        url = f"{base}{scope['path']}{'?' if query else ''}{query}"
        client = scope.get("client")
        return Posted(what, scope["method"], url, headers, body, now_ms() / 1000, client[0] if client else "")


async def _respond(send: Send, answer: GiveBack) -> None:
    headers = [
        (b"content-type", answer.media_type.encode("latin-1")),
        (b"content-length", str(len(answer.body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ]
    if answer.status == 204:
        headers = headers[2:]
    if answer.status == 503:
        headers.append((b"retry-after", b"5"))
    if answer.status == 405:
        headers.append((b"allow", b"GET, POST"))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if answer.status == 204 else answer.body})
