"""What came back on an account's messages, as it may read it: replies, opt-outs, numbers that nobody has."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal, TypeVar

from chappe.domain.accounts import Account
from chappe.domain.errors import NotFound
from chappe.domain.infos import split_infos
from chappe.domain.personalize import Infos
from chappe.domain.replies import number_of
from chappe.manage.pages import Page
from chappe.store import audit, campaigns, exclusions, replies, reply_pages
from chappe.store.audit import Entry
from chappe.store.clock import now_ms
from chappe.store.replies import ReplyState
from chappe.store.reply_pages import ReplyRow, UnassignedRow
from chappe.store.sqlite import Store, Tx

Sort = Literal["id", "date", "text"]
# Numbers listed in one unit of work.
CHUNK: Final = 2000
T = TypeVar("T")
_STATES: Final = {
    ReplyState.STORED: "its owner is looked for",
    ReplyState.DELIVERED: "given to its owner",
    ReplyState.NOBODYS: "nobody's",
    ReplyState.REPEAT: "a repeat",
    ReplyState.FAULTY: "kept after a fault of ours",
}


@dataclass(frozen=True, slots=True)
class ReplyFilter:
    """Which replies to list. Units: milliseconds UTC, both ends included."""

    from_at: int
    to_at: int
    start: int = 0
    length: int = 100
    sort: Sort = "date"
    is_descending: bool = True


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply, or an opt-out. Units: milliseconds UTC. Shape: `campaign_id` is None when it answers nothing."""

    id: int
    campaign_id: int | None
    number: int
    text: str
    infos: Infos
    at: int


@dataclass(frozen=True, slots=True)
class Unassigned:
    """Somebody whose number a carrier says nobody has. Units: milliseconds UTC."""

    number: int
    infos: Infos
    at: int


@dataclass(frozen=True, slots=True)
class AnyReply:
    """A reply as the operator sees it.

    Shape: `source` has its last four digits covered; `state` in words; `missing` counts the parts that never came.
    Units: milliseconds UTC.
    """

    id: int
    received_at: int
    carrier: str | None
    source: str
    destination: str
    text: str
    state: str
    kind: str | None
    account: str | None
    campaign_id: int | None
    missing: int


class Replies:
    """What came back, by period and by campaign."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def find(self, account: Account, wanted: ReplyFilter) -> Page[Reply]:
        """A page of the account's replies of a period, opt-outs among them."""

        def query(tx: Tx) -> tuple[list[ReplyRow], int]:
            period = (wanted.from_at, wanted.to_at)
            return reply_pages.page(
                tx, account.id, period, wanted.sort, wanted.is_descending, wanted.start, wanted.length
            )

        rows, total = await self._store.read(query)
        return Page([_reply(row) for row in rows], total, total)

    async def newest(self, account: Account | None, limit: int, *, is_unmatched: bool) -> list[AnyReply]:
        """The last replies, the newest first, for the operator: of one account, or only those that are nobody's."""
        rows = await self._store.read(
            lambda tx: reply_pages.newest(tx, account.id if account else None, is_unmatched, limit)
        )
        return [_any(row) for row in rows]

    async def assign(self, reply: int, account: Account, actor: str) -> None:
        """Give an account a reply that is nobody's, with all that follows from it: events, lists, the blacklist.

        Raises: NotFound when there is none that is nobody's.
        """

        def unit(tx: Tx) -> None:
            if not replies.assign(tx, reply, account.id):
                raise NotFound(f"there is no reply {reply} that is nobody's", field="id")
            audit.add(tx, Entry(now_ms(), actor, "reply.assign", account.id, f"reply {reply}"))

        await self._store.write(unit)

    async def of_campaign(self, account: Account, ticket: int, start: int, length: int) -> Page[Reply]:
        """What came back on a campaign, opt-outs among it. Raises: NotFound."""
        rows, total = await self._of_campaign(
            account, ticket, lambda tx: reply_pages.of_campaign(tx, account.id, ticket, start, length)
        )
        return Page([_reply(row) for row in rows], total, total)

    async def stops(self, account: Account, ticket: int, start: int, length: int) -> Page[Reply]:
        """Who answered a campaign with an opt-out, each once. Raises: NotFound."""
        rows, total = await self._of_campaign(
            account, ticket, lambda tx: reply_pages.stops_of_campaign(tx, account.id, ticket, start, length)
        )
        return Page([_reply(row) for row in rows], total, total)

    async def unassigned(self, account: Account, ticket: int, start: int, length: int) -> Page[Unassigned]:
        """A campaign's numbers that nobody has. Raises: NotFound."""
        rows, total = await self._of_campaign(
            account, ticket, lambda tx: reply_pages.unassigned_of_campaign(tx, account.id, ticket, start, length)
        )
        return Page([_unassigned(row) for row in rows], total, total)

    async def blacklist_unassigned(self, account: Account, ticket: int) -> int:
        """Put a campaign's numbers that nobody has on the blacklist; how many they are. Raises: NotFound.

        Done twice it changes nothing and tells the same number.
        """
        count = after = 0
        while messages := await self._of_campaign(
            account,
            ticket,
            partial(reply_pages.unassigned_after, account=account.id, campaign=ticket, after=after, n=CHUNK),
        ):
            await self._store.write(
                partial(exclusions.add_recipients, kind="blacklist", messages=messages, at=now_ms())
            )
            count += len(messages)
            after = messages[-1]
            await asyncio.sleep(0)  # let the others write
        return count

    async def _of_campaign(self, account: Account, ticket: int, query: Callable[[Tx], T]) -> T:
        def checked(tx: Tx) -> T:
            if campaigns.span(tx, account.id, ticket) is None:
                raise NotFound(f"there is no campaign {ticket}", field="id")
            return query(tx)

        return await self._store.read(checked)


def _reply(row: ReplyRow) -> Reply:
    number = number_of(row.source) or 0  # a reply with an owner came from a number
    return Reply(row.id, row.campaign_id, number, row.text, split_infos(row.infos), row.received_at)


def _any(row: reply_pages.AnyReply) -> AnyReply:
    return AnyReply(
        id=row.id,
        received_at=row.received_at,
        carrier=row.carrier,
        source=f"{row.source[:-4]}****",
        destination=row.destination,
        text=row.text,
        state=_STATES[ReplyState(row.state)],
        kind=row.kind,
        account=row.account,
        campaign_id=row.campaign_id,
        missing=row.missing or 0,
    )


def _unassigned(row: UnassignedRow) -> Unassigned:
    return Unassigned(row.number, split_infos(row.infos), row.at)
