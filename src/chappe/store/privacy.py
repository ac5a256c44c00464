"""Where the database has something of one person, and how it is found.

Of the large tables only `click`, `trace` and `event` have an index that helps (by message). The others are read from
end to end, in ranges of ids: an index by number would cost every send (docs/decisions/0007).
"""

from typing import Final, Literal, NamedTuple

from chappe.domain.privacy import Person
from chappe.store.sqlite import Tx
from chappe.store.statement import Statement

# Every table is in one of these two (tests/architecture). What becomes of a person's rows:
COVERED: Final = {
    "bound_delivery": "deleted with its message, or by its number when it answers none",
    "bound_message": "deleted",
    "campaign": "text emptied when it was for nobody else; counters and money stay",
    "click": "deleted",
    "attempt": "deleted with its event",
    "contact": "deleted",
    "contact_answer": "deleted",
    "event": "deleted, also when it is still due",
    "exclusion": "NPAI deleted; a blacklist row keeps number, campaign and date unless opt-outs are forgotten",
    "link": "address emptied when its campaign was for nobody else",
    "lookup": "deleted",
    "message": "number, texts, reference and sender emptied; state, times, price and the carrier's ids stay",
    "recent_send": "deleted",
    "reply": "deleted",
    "trace": "deleted",
    "unmatched_receipt": "deleted",
}
# Of the rows that stay, the columns that say who it was or what he was told.
EMPTIED: Final = {
    "campaign": ("text", "held_because"),
    "exclusion": ("infos",),
    "link": ("url",),
    "message": ("number", "text", "infos", "client_ref", "sender"),
}
# These have nothing of the people that accounts write to.
WITHOUT_PERSONS: Final = {
    "account": "of a customer, not of whom he writes to: `chappe account close` and `update`",
    "audit": "people are named in it by masked numbers only",
    "arrived_receipt": "for the moment until the carrier's gateway records it with its message",
    "balance_alert": "of a customer",
    "bind_session": "of customers",
    "bind_state": "of carriers",
    "bind_user": "of customers",
    "bound_part": "until the other parts of its message have come, or it is given up (smpp_part_wait_s)",
    "bound_ref": "ids of messages",
    "carrier": "of carriers",
    "carrier_cost": "of carriers",
    "carrier_figure": "sums by carrier",
    "contact_list": "a list's name and size",
    "dispatch": "ids of messages",
    "fair_turn": "of accounts",
    "id_block": "of nobody",
    "idempotency": "a digest of a request and the counts that answered it, for a day",
    "invoice": "of a customer, and kept by law",
    "inbound_number": "numbers of the installation",
    "lane_health": "of carriers",
    "lane_pace": "of carriers",
    "lease": "of processes",
    "ledger": "sums by campaign",
    "mail": "to customers about their accounts",
    "meta": "of nobody",
    "open_question": "ids of messages",
    "part": "the ids that carriers gave to messages: a receipt finds an erased message by them",
    "receipt_rule": "of carriers",
    "retention": "of accounts",
    "route": "of carriers",
    "rule": "of accounts",
    "sender": "names that customers send under",
    "token": "of customers",
    "unknown_count": "sums by carrier",
    "usage": "sums by account",
    "wallet": "of accounts",
    "webhook": "of customers",
}

Scanned = Literal["message", "reply", "event", "lookup", "unmatched_receipt"]

_OF_ACCOUNT = "(:account IS NULL OR account_id = :account)"
# As `domain/replies.py` reads numbers. A carrier may report people of its own country without the country's code: of
# such a reply nobody knows whose it is.
_SOURCE = "ltrim(source, '+0')"
_WHERE: Final[dict[Scanned, str]] = {
    "message": f"number = :number AND {_OF_ACCOUNT}",
    "reply": f"({_SOURCE} = :digits OR account_id IS NULL AND {_SOURCE} = :national_digits) AND {_OF_ACCOUNT}",
    # Payloads are JSON texts: a value that is this number has quotes around it, one within a text has not.
    "event": "instr(payload, :quoted) > 0"
    " AND (:account IS NULL OR webhook_id IN (SELECT id FROM webhook WHERE account_id = :account))",
    "lookup": f"number = :number AND {_OF_ACCOUNT}",
    "unmatched_receipt": "number IN (:number, :national) AND :account IS NULL",
}
_SPAN: Final = {
    table: Statement(f"SELECT (SELECT MIN(id) FROM {table}), (SELECT MAX(id) FROM {table})") for table in _WHERE
}
_FIND: Final = {
    table: Statement(f"SELECT id FROM {table} WHERE id BETWEEN :first AND :last AND {where} ORDER BY id")
    for table, where in _WHERE.items()
}
_STORED = Statement(f"SELECT COUNT(*) FROM reply WHERE state = 0 AND {_SOURCE} IN (:digits, :national_digits)")
_BEING_WRITTEN = Statement(
    "SELECT id, first_message_id, last_message_id FROM campaign WHERE queued_to IS NOT NULL AND state = 1"
    f" AND {_OF_ACCOUNT}"
)
_LISTS = Statement(f"SELECT id, contacts FROM contact_list WHERE {_OF_ACCOUNT} ORDER BY id")
_CONTACTS = Statement("SELECT id FROM contact WHERE list_id = :list AND number = :number ORDER BY id")
_ACCOUNTS = "SELECT id FROM account WHERE (:account IS NULL OR id = :account)"
# Tables by account and number, as their keys are.
BY_ACCOUNT: Final = {
    "blacklist": f"exclusion WHERE account_id IN ({_ACCOUNTS}) AND kind = 'blacklist' AND number = :number",
    "npai": f"exclusion WHERE account_id IN ({_ACCOUNTS}) AND kind = 'npai' AND number = :number",
    "recent_send": f"recent_send WHERE account_id IN ({_ACCOUNTS}) AND number = :number",
    "contact_answer": f"contact_answer WHERE account_id IN ({_ACCOUNTS}) AND number = :number",
}
ByAccount = Literal["blacklist", "npai", "recent_send", "contact_answer"]
_COUNT: Final = {kind: Statement(f"SELECT COUNT(*) FROM {where}") for kind, where in BY_ACCOUNT.items()}
_DELETE: Final = {kind: Statement(f"DELETE FROM {where}") for kind, where in BY_ACCOUNT.items()}
_STRIP = Statement(
    f"UPDATE exclusion SET infos = NULL WHERE account_id IN ({_ACCOUNTS})"
    " AND kind = 'blacklist' AND number = :number AND infos IS NOT NULL"
)


class Whom(NamedTuple):
    """Of whom something is looked for. Shape: `account` is None for every account's, and for what is nobody's."""

    person: Person
    account: int | None

    def values(self) -> dict[str, object]:
        number, national = self.person.number, self.person.national
        return {
            "number": number,
            "digits": str(number),
            "quoted": f'"{number}"',
            "national": national,
            "national_digits": None if national is None else str(national),
            "account": self.account,
        }


def span(tx: Tx, table: Scanned) -> tuple[int, int]:
    """The first and the last id; (1, 0) when there are none."""
    first, last = tx.one(_SPAN[table])
    return (1, 0) if first is None else (first, last)


def find(tx: Tx, table: Scanned, whom: Whom, first: int, last: int) -> list[int]:
    """The person's rows in a range of ids. Cost: a tenth of a microsecond a row that is there."""
    return [row[0] for row in tx.rows(_FIND[table], first=first, last=last, **whom.values())]


def count_stored_replies(tx: Tx, person: Person) -> int:
    """The person's replies that nothing was done about yet. Cost: looks at the replies in that state."""
    return int(tx.one(_STORED, **Whom(person, None).values())[0])


def being_written(tx: Tx, account: int | None) -> dict[int, tuple[int, int]]:
    """The campaigns that are not accepted yet, each with the ids its messages may have."""
    return {row[0]: (row[1], row[2]) for row in tx.rows(_BEING_WRITTEN, account=account)}


def lists(tx: Tx, account: int | None) -> list[tuple[int, int]]:
    """(list, how many contacts it has): an account's, or all and those that are being written."""
    return [(row[0], row[1]) for row in tx.rows(_LISTS, account=account)]


def contacts(tx: Tx, list_id: int, person: Person) -> list[int]:
    """The person on a list. Cost: reads the list."""
    return [row[0] for row in tx.rows(_CONTACTS, list=list_id, number=person.number)]


def count(tx: Tx, kind: ByAccount, whom: Whom) -> int:
    """Rows that are kept by account and number."""
    return int(tx.one(_COUNT[kind], **whom.values())[0])


def delete(tx: Tx, kind: ByAccount, whom: Whom) -> int:
    """Delete rows that are kept by account and number; how many it were."""
    return tx.run(_DELETE[kind], **whom.values())


def strip_optouts(tx: Tx, whom: Whom) -> int:
    """Leave of the person on blacklists what an opt-out needs; how many rows had more."""
    return tx.run(_STRIP, **whom.values())
