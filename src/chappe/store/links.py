"""Short links and their clicks as rows, and the secret that the codes are made with."""

from collections.abc import Iterable, Sequence
from secrets import token_bytes
from typing import NamedTuple

import msgspec

from chappe.domain.clicks import Click, Device, Recipient
from chappe.domain.privacy import ERASED
from chappe.store.sqlite import Tx
from chappe.store.statement import Statement

_KEEP_SECRET = Statement("INSERT INTO meta (key, value) VALUES ('link_secret', :secret)")
_SECRET = Statement("SELECT value FROM meta WHERE key = 'link_secret'")
_INSERT = Statement(
    "INSERT INTO link (campaign_id, position, account_id, first_message_id, last_message_id, url, clicks)"
    " VALUES (:campaign, :position, :account, :first, :last, :url, 0)"
)
# The messages of campaigns are spans of ids that do not overlap: the nearest that begins before it is the message's.
_TARGET = Statement(
    "SELECT campaign_id, account_id, url FROM link WHERE first_message_id ="
    " (SELECT max(first_message_id) FROM link WHERE first_message_id <= :message)"
    " AND position = :position AND last_message_id >= :message AND url <> ''"
)
_RECIPIENTS = Statement(
    "SELECT id, client_ref, infos FROM message WHERE id IN (SELECT value FROM json_each(:messages))"
    f" AND number <> {ERASED}"
)
_COUNTS = Statement(
    "SELECT message_id, position, COUNT(*) FROM click"
    " WHERE message_id IN (SELECT value FROM json_each(:messages)) GROUP BY message_id, position"
)
_CLICK = Statement(
    "INSERT INTO click (account_id, campaign_id, message_id, position, at, brand, model, os)"
    " VALUES (:account, :campaign, :message, :position, :at, :brand, :model, :os)"
)
_COUNT = Statement("UPDATE link SET clicks = clicks + :clicks WHERE campaign_id = :campaign AND position = :position")

_SECRET_BYTES = 32


class Target(NamedTuple):
    """Where a link leads, and whose it is."""

    campaign_id: int
    account_id: int
    url: str


def secret(tx: Tx) -> bytes | None:
    """The secret that this installation makes its codes with; None as long as it has made none."""
    row = tx.row(_SECRET)
    return bytes.fromhex(row[0]) if row else None


def make_secret(tx: Tx) -> bytes:
    """The same, made at the first call. To be called within a write, which no other can overtake."""
    if known := secret(tx):
        return known
    made = token_bytes(_SECRET_BYTES)
    tx.run(_KEEP_SECRET, secret=made.hex())
    return made


def insert(tx: Tx, account: int, campaign: int, span: tuple[int, int], urls: Sequence[str]) -> None:
    """Where the links of a campaign's messages lead; `span` are the first and the last message's id."""
    tx.many(_INSERT, [(campaign, position, account, *span, url) for position, url in enumerate(urls)])


def target(tx: Tx, message: int, position: int) -> Target | None:
    row = tx.row(_TARGET, message=message, position=position)
    return Target._make(row) if row else None


def recipients(tx: Tx, messages: Iterable[int]) -> dict[int, Recipient]:
    """Who was sent the links, by message; those who were erased, or whose messages were deleted, are missing."""
    found = tx.rows(_RECIPIENTS, messages=_array(messages))
    return {id_: Recipient(client_ref, infos) for id_, client_ref, infos in found}


def counts(tx: Tx, messages: Iterable[int]) -> dict[tuple[int, int], int]:
    """The clicks there are, by message and position."""
    return {(message, position): n for message, position, n in tx.rows(_COUNTS, messages=_array(messages))}


def add_clicks(tx: Tx, clicks: Sequence[Click], devices: Sequence[Device]) -> None:
    """Keep each click of its recipient's."""
    tx.many(
        _CLICK,
        [
            (click.account_id, click.campaign_id, click.message_id, click.position, click.at, *device)
            for click, device in zip(clicks, devices, strict=True)
        ],
    )


def count_clicks(tx: Tx, clicks: dict[tuple[int, int], int]) -> None:
    """Add to the sums of links. Shape: by campaign and position."""
    tx.many(_COUNT, [(n, campaign, position) for (campaign, position), n in clicks.items()])


def _array(ids: Iterable[int]) -> str:
    return msgspec.json.encode(sorted(set(ids))).decode()
