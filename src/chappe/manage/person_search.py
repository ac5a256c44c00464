"""Find everything that the database has of one person, reading the large tables range by range."""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Protocol, TypeVar, get_args

from chappe.store import privacy
from chappe.store.privacy import ByAccount, Scanned, Whom
from chappe.store.sqlite import Tx

T = TypeVar("T")
# How much of the whole is done, from 0 to 1.
Progress = Callable[[float], None]

# Ids of one statement: some ten milliseconds.
RANGE: Final = 100_000


class Reader(Protocol):
    """Runs queries that may take long, beside the loop."""

    def read(self, query: Callable[[Tx], T]) -> Awaitable[T]: ...


@dataclass(slots=True)
class Found:
    """The person's rows. Shape: `contacts` by list; `by_account` are numbers of rows that are not looked up by id."""

    contacts: dict[int, list[int]] = field(default_factory=dict)
    rows: dict[Scanned, list[int]] = field(default_factory=dict)
    by_account: dict[ByAccount, int] = field(default_factory=dict)

    def counts(self) -> dict[str, int]:
        """How much of what there is, in the words of who asks."""
        return {
            "contacts": sum(map(len, self.contacts.values())),
            "messages": len(self.rows["message"]),
            "replies": len(self.rows["reply"]),
            "webhook events": len(self.rows["event"]),
            "look-ups": len(self.rows["lookup"]),
            "receipts without a message": len(self.rows["unmatched_receipt"]),
            "opt-outs": self.by_account["blacklist"],
            "NPAI entries": self.by_account["npai"],
            "notes of what was sent or answered lately": self.by_account["recent_send"]
            + self.by_account["contact_answer"],
        }


async def search(reader: Reader, whom: Whom, progress: Progress) -> Found:
    """Look everywhere. Cost: a tenth of a microsecond for each message and contact of the installation."""
    found = Found()
    lists = await reader.read(lambda tx: privacy.lists(tx, whom.account))
    spans = {table: await reader.read(partial(privacy.span, table=table)) for table in get_args(Scanned)}
    total = sum(size for _, size in lists) + sum(last - first + 1 for first, last in spans.values())
    done = 0
    for list_id, size in lists:
        if ids := await reader.read(partial(privacy.contacts, list_id=list_id, person=whom.person)):
            found.contacts[list_id] = ids
        done += size
        progress(done / total if total else 1.0)
    for table, span in spans.items():
        found.rows[table] = []
        for first, last in _ranges(*span):
            look = partial(privacy.find, table=table, whom=whom, first=first, last=last)
            found.rows[table] += await reader.read(look)
            done += last - first + 1
            progress(done / total)
    for kind in get_args(ByAccount):
        found.by_account[kind] = await reader.read(partial(privacy.count, kind=kind, whom=whom))
    return found


async def search_messages(reader: Reader, whom: Whom, spans: Iterable[tuple[int, int]]) -> list[int]:
    """The person's messages in some spans of ids."""
    found: list[int] = []
    for span in spans:
        for first, last in _ranges(*span):
            look = partial(privacy.find, table="message", whom=whom, first=first, last=last)
            found += await reader.read(look)
    return found


def _ranges(first: int, last: int) -> Iterator[tuple[int, int]]:
    for low in range(first, last + 1, RANGE):
        yield low, min(low + RANGE - 1, last)
