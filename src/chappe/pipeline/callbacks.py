"""Take what vendors post about messages: verified, read, and stored before the vendor is answered.

Receipts wait for the gateway that owns the carrier's lane, which alone records them; replies are stored as any.
"""

import hmac
import secrets
from functools import lru_cache
from typing import Final

import structlog

from chappe.carriers.http.access import access_of
from chappe.carriers.http.options import HttpOptions
from chappe.carriers.http.vendor import Callback, Posted
from chappe.carriers.http.vendors import vendor_of
from chappe.carriers.kinds import decode_options
from chappe.domain.errors import NotFound
from chappe.domain.outcomes import ReceiptIn, ReplyIn
from chappe.domain.replies import REPEAT_MS, Doubt
from chappe.store import arrived_receipts, carriers, replies
from chappe.store.carriers import CarrierRow
from chappe.store.clock import now_ms
from chappe.store.sqlite import Store, Tx

_log = structlog.get_logger("chappe.callbacks")

# What an address is compared with when there is no such carrier, so that the answer takes as long.
_NOBODYS: Final = secrets.token_hex(16)


class Callbacks:
    """The vendors' way in."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def is_right(self, name: str, secret: str) -> bool:
        """Whether an address is a carrier's, asked before anything of the request is read. Raises: Unavailable."""
        try:
            self._found(name, secret)
        except NotFound:
            return False
        return True

    def is_carrier(self, name: str) -> bool:
        """Whether there is a carrier over HTTP of that name, whatever its secret is. Raises: Unavailable."""
        row = self._store.glance(lambda tx: carriers.by_name(tx, name))
        return row is not None and row.kind == "http"

    async def take(self, name: str, secret: str, posted: Posted) -> Callback:
        """Store what a vendor posted to the address of a carrier; what it is to be answered.

        Raises: NotFound for an address that is none; NotGenuine; ValueError when it cannot be read; Unavailable.
        """
        row, options = self._found(name, secret)
        vendor = vendor_of(options.vendor, options.template)
        news = vendor.callback(access_of(options, ""), posted)
        receipts = [item for item in news.items if isinstance(item, ReceiptIn)]
        texts = [item for item in news.items if isinstance(item, ReplyIn)]

        def unit(tx: Tx) -> None:
            now = now_ms()
            arrived_receipts.insert(tx, row.id, receipts, now)
            recent = Doubt(now - REPEAT_MS, now)
            judged = [text if text.ref else text._replace(doubt=recent) for text in texts]
            replies.insert(tx, row.id, judged, now)

        if receipts or texts:
            await self._store.write(unit)
        _log.info("taken", carrier=row.name, receipts=len(receipts), replies=len(texts))
        return news

    def _found(self, name: str, secret: str) -> tuple[CarrierRow, HttpOptions]:
        row = self._store.glance(lambda tx: carriers.by_name(tx, name))
        options = _options(row.options) if row is not None and row.kind == "http" else None
        wanted = options.callback_secret if options is not None else ""
        is_right = hmac.compare_digest((wanted or _NOBODYS).encode(), secret.encode())
        if row is None or options is None or not is_right or not wanted:
            raise NotFound("there is no such address")
        return row, options


@lru_cache(maxsize=64)
def _options(text: str) -> HttpOptions | None:
    options = decode_options("http", text)
    return options if isinstance(options, HttpOptions) else None
