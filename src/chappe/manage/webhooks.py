"""The webhooks of an account: where its owner wants to be told what happens."""

from dataclasses import dataclass

from chappe.domain.accounts import Account
from chappe.domain.errors import BadData, NotFound
from chappe.domain.webhooks import MAX_WEBHOOKS, webhook_signature, webhook_type, webhook_url
from chappe.store import webhooks as stored
from chappe.store.clock import now_ms
from chappe.store.ids import Ids
from chappe.store.sqlite import Store, Tx


@dataclass(frozen=True, slots=True)
class Webhook:
    """An address that events of one type are posted to.

    Shape: `type` is MO, DLR, STOP, CLICKER or BALANCE_ALERT; `last_http_code` is None until an answer came.
    """

    id: int
    type: str
    url: str
    signature: str | None
    is_live: bool
    last_http_code: int | None


class Webhooks:
    """Register, list, change, pause and delete webhooks.

    An account sees its own only. Several webhooks may have the same type, and each gets every event.
    """

    def __init__(self, store: Store, ids: Ids) -> None:
        self._store = store
        self._ids = ids

    async def create(
        self,
        account: Account,
        *,
        type: str,  # noqa: A002 - the word of the field, as in Webhook
        url: str,
        signature: str | None,
    ) -> Webhook:
        """Register a webhook; it is live at once.

        Raises: BadData, also when the account has as many as it may.
        """
        kind, address, secret = webhook_type(type), webhook_url(url), webhook_signature(signature)
        created_at = now_ms()

        def unit(tx: Tx) -> int:
            if stored.count_webhooks(tx, account.id) >= MAX_WEBHOOKS:
                raise BadData(f"an account may have {MAX_WEBHOOKS} webhooks at most", field="webhook")
            webhook_id = self._ids.take(tx, "webhook")
            stored.insert_webhook(
                tx,
                webhook_id=webhook_id,
                account_id=account.id,
                kind=kind,
                url=address,
                signature=secret,
                created_at=created_at,
            )
            return webhook_id

        return Webhook(await self._store.write(unit), kind, address, secret, True, None)

    def list(self, account: Account) -> list[Webhook]:
        """Every webhook of the account, the oldest first."""
        return [Webhook(*row) for row in self._store.glance(lambda tx: stored.webhooks_of(tx, account.id))]

    async def update(
        self,
        account: Account,
        webhook_id: int,
        *,
        type: str,  # noqa: A002 - the word of the field, as in Webhook
        url: str,
        signature: str | None,
    ) -> Webhook:
        """Replace what a webhook listens to, its address and its secret; its events go to the new address.

        Raises: BadData, NotFound.
        """
        kind, address, secret = webhook_type(type), webhook_url(url), webhook_signature(signature)
        return _found(
            await self._store.write(
                lambda tx: stored.update_webhook(tx, account.id, webhook_id, kind=kind, url=address, signature=secret)
            )
        )

    async def set_live(self, account: Account, webhook_id: int, is_live: bool) -> Webhook:
        """Pause a webhook or let it go on.

        While it is paused no events are made for it; those it already had wait, for a week at most.
        Raises: NotFound.
        """
        return _found(await self._store.write(lambda tx: stored.set_live(tx, account.id, webhook_id, is_live)))

    async def delete(self, account: Account, webhook_id: int) -> None:
        """Delete a webhook; its events that were not delivered are given up.

        Raises: NotFound.
        """
        if not await self._store.write(lambda tx: stored.delete_webhook(tx, account.id, webhook_id)):
            raise _no_such()


def _found(row: stored.WebhookRow | None) -> Webhook:
    if row is None:
        raise _no_such()
    return Webhook(*row)


def _no_such() -> NotFound:
    return NotFound("the account has no such webhook", field="webhook_id")
