"""A migrated database in memory, and the moves that tests of the core make on it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from chappe.domain.accounts import Account
from chappe.domain.lifecycle import Dlr, State
from chappe.domain.outcomes import NO_REF, Outcome, ReceiptIn
from chappe.domain.plans import Limits
from chappe.domain.requests import SubmitRequest
from chappe.domain.retry import Refused
from chappe.domain.submission import plan
from chappe.domain.unknown import RESEND, UnknownPolicies, Unknowns
from chappe.pipeline.record import Lane, Recorded, Recorder
from chappe.store import accounts, campaigns, carriers, leases, messages, queue, submissions, wallets
from chappe.store.campaigns import CampaignRow
from chappe.store.carriers import CarrierRow
from chappe.store.ids import Ids
from chappe.store.messages import MessageDetail
from chappe.store.migrations import script
from chappe.store.queue import Claimed
from chappe.store.sqlite import Database, Row
from chappe.store.statement import Statement
from chappe.store.wallets import Wallet
from chappe.store.webhooks import insert_webhook
from tests.routings import routes_to
from tests.rulebooks import HOURS, rules_of

TO = "33612345678"
NUMBER = int(TO)
SENT = (State.SENT, Dlr.SENT)
DELIVERED = (State.DELIVERED, Dlr.DELIVERED)
NOW = 1_937_000_000_000  # 2031-05-20 01:33:20 in Paris
MINUTE = 60_000
DAY = 24 * 3600 * 1000
SHOP = Account(1, 1, None, "shop@example.org", "FR", None)
BRANCH = Account(2, 1, 1, "branch@example.org", "FR", None)
STRANGER = Account(3, 3, None, "stranger@example.org", "FR", None)
CREDITS = 1000
CARRIER = 5
LIMITS = Limits()
REFUSED = Refused("permanent", 5, "ESME_RINVDSTADR")
TOO_FAST = Refused("throttle", 11, "ESME_RTHROTTLED")
QUEUE_FULL = Refused("queue_full", 11, "ESME_RMSGQFUL")
NOT_NOW = Refused("temporary", 11, "ESME_RSYSERR")
LONG_TEXT = "abcdefghij" * 40  # three parts

RESENDING = Unknowns(UnknownPolicies(RESEND, RESEND), receipt_wait_s=3600)

MOVE_INTO_THE_PAST = [
    Statement(
        "UPDATE campaign SET created_at = created_at - :ms, send_at = send_at - :ms, expires_at = expires_at - :ms"
    ),
    Statement("UPDATE dispatch SET ready_at = ready_at - :ms, expires_at = expires_at - :ms"),
    Statement("UPDATE open_question SET ask_at = ask_at - :ms"),
    Statement("UPDATE trace SET at = at - :ms"),
]


@cache
def ddl() -> str:
    """The statements that make an empty database. Cost: a quarter of a second, once."""
    return script(None, "sqlite")


def database(path: Path = Path(":memory:")) -> Database:
    """A migrated database with three accounts: one with credits, its sub-account that shares them, a stranger."""
    made = Database(path)
    list(made.connection.execute(ddl()))
    with_credits = [(account, CREDITS) for account in (SHOP, BRANCH, STRANGER)]
    for account, given in with_credits:
        made.write(lambda tx, account=account: accounts.insert(tx, account, "no hash", NOW))  # type: ignore[misc]
        if not account.draws_on_parent:
            top_up(made, account, given)
    return made


def top_up(db: Database, account: Account, given: int) -> int | None:
    kind = "topup" if given > 0 else "adjust"
    return db.write(lambda tx: wallets.add(tx, account.wallet_id, account.id, kind, given * 1000, NOW, None))  # type: ignore[arg-type]


def add_carrier(db: Database, carrier: int = CARRIER, name: str = "carrier") -> None:
    row = CarrierRow(carrier, name, "127.0.0.1", 2775, "chappe", "secret", False, 1, 100, 0, "{}")
    db.write(lambda tx: carriers.insert(tx, row, NOW))


def numbers(count: int, first: int = 33_612_000_000) -> list[str]:
    return [str(first + i) for i in range(count)]


def accepted(message: Claimed, *refs: str) -> Outcome:
    """The carrier took every part."""
    own = list(refs) or [f"r{message.message_id}.{seq}" for seq in range(message.parts)]
    return Outcome(message.message_id, own, "accepted", message.attempts, message.expires_at)


def refused(message: Claimed, why: Refused, *refs: str) -> Outcome:
    return Outcome(message.message_id, _refs(message, refs), why, message.attempts, message.expires_at)


def lost(message: Claimed, *refs: str) -> Outcome:
    """Some part was written and never answered."""
    return Outcome(message.message_id, _refs(message, refs), "unknown", message.attempts, message.expires_at)


def kept(message: Claimed, *refs: str) -> Outcome:
    """What was not taken was never written."""
    return Outcome(message.message_id, _refs(message, refs), "unsent", message.attempts, message.expires_at)


def _refs(message: Claimed, refs: Sequence[str]) -> list[str]:
    known = message.refs.split(" ") if message.refs else [NO_REF] * message.parts
    return list(refs) or known


def delivered(ref: str, number: int | None = None) -> ReceiptIn:
    return ReceiptIn(ref, number, 3, True, "DELIVRD err:000")


def failed(ref: str, number: int | None = None, dlr: int = 2) -> ReceiptIn:
    return ReceiptIn(ref, number, dlr, True, "UNDELIV err:001")


def on_its_way(ref: str, number: int | None = None) -> ReceiptIn:
    return ReceiptIn(ref, number, 1, False, "ACCEPTD err:000")


@dataclass(slots=True)
class Core:
    """A database and the lane that hands its messages to a carrier, with the carrier's words as arguments."""

    db: Database = field(default_factory=database)
    ids: Ids = field(default_factory=Ids)
    unknowns: Unknowns = field(default_factory=Unknowns)
    carrier: int = CARRIER
    epoch: int = 0
    now: int = NOW
    recorder: Recorder = field(init=False)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Another process takes the lane over, as the gateway does it."""
        self.epoch = self.db.write(lambda tx: leases.take(tx, f"lane:{self.carrier}", "test", self.now, 10_000))
        self.recorder = Recorder(Lane(self.carrier, self.epoch, self.unknowns), self.ids)
        self.db.write(self.recorder.load)

    def submit(self, *to: str, text: str = "Hello", account: Account = SHOP, **more: object) -> int:
        """Submit a request; the ticket."""
        request = SubmitRequest(text, list(to), **more)  # type: ignore[arg-type]
        planned = plan(request, rules_of(account), routes_to({}, self.carrier), LIMITS, self.now, hours=HOURS)
        return self.db.write(lambda tx: submissions.write(tx, self.ids, account, planned, self.now))[0]

    def claim(self, n: int = 1000) -> list[Claimed]:
        return self.db.write(lambda tx: queue.claim(tx, self.carrier, self.epoch, n))

    def claim_one(self) -> Claimed:
        (message,) = self.claim()
        return message

    def record(self, outcomes: Sequence[Outcome] = (), receipts: Sequence[ReceiptIn] = ()) -> Recorded:
        """Write a batch down, as the lane does it."""
        result = self.db.write(lambda tx: self.recorder.record(tx, outcomes, receipts, self.now))
        self.recorder.recorded(result)
        return result

    def sent(self, *refs: str, **more: object) -> int:
        """Submit one message and have the carrier take it under these ids; the message."""
        self.submit("33612345678", **more)  # type: ignore[arg-type]
        message = self.claim_one()
        self.record([accepted(message, *refs)])
        return message.message_id

    def wake(self) -> int:
        """Make ready what is due now."""
        return self.db.write(lambda tx: queue.wake_due(tx, self.carrier, self.now, 1000))

    def span(self, ticket: int) -> tuple[int, int]:
        found = self.db.read(lambda tx: messages.span_of_ticket(tx, ticket))
        assert found is not None
        return found

    def messages_of(self, ticket: int) -> list[MessageDetail]:
        first, last = self.span(ticket)
        return [self.message(each) for each in range(first, last + 1)]

    def message(self, message: int) -> MessageDetail:
        found = self.db.read(lambda tx: messages.detail(tx, message))
        assert found is not None
        return found

    def status(self, message: int) -> tuple[int, int]:
        """(state, delivery status)."""
        found = self.message(message)
        return found.state, found.dlr

    def campaign(self, ticket: int, account: Account = SHOP) -> CampaignRow:
        found = self.db.read(lambda tx: campaigns.one(tx, account.id, ticket))
        assert found is not None
        return found

    def wallet(self, account: Account = SHOP) -> Wallet:
        return self.db.read(lambda tx: wallets.read(tx, account.wallet_id))

    def rows(self, sql: str, **values: object) -> list[Row]:
        """What a statement of the test's own reads."""
        return self.db.read(lambda tx: tx.rows(Statement(sql), **values))

    def column(self, sql: str, **values: object) -> list[object]:
        return [row[0] for row in self.rows(sql, **values)]

    def quarantined(self) -> list[object]:
        return self.column("SELECT ref FROM unmatched_receipt ORDER BY id")

    def queue_state(self, message: int) -> int | None:
        """Where a message waits, None when it has left the queue."""
        return self.message(message).queue_state

    def listen(self, account: Account = SHOP, webhook: int = 66, kind: str = "DLR") -> None:
        """Register a webhook."""
        self.db.write(
            lambda tx: insert_webhook(
                tx,
                webhook_id=webhook,
                account_id=account.id,
                kind=kind,
                url="https://hooks.example/dlr",
                signature=None,
                created_at=self.now,
            )
        )


def balance(core: Core) -> tuple[int, int]:
    """Credits that may be spent, credits set aside."""
    wallet = core.wallet()
    return wallet.available_mc // 1000, wallet.reserved_mc // 1000


def ledger(core: Core) -> list[tuple[object, ...]]:
    return [
        tuple(row) for row in core.rows("SELECT kind, amount_mc / 1000 FROM ledger WHERE wallet_id = 1 ORDER BY id")
    ]


def events(core: Core) -> list[int]:
    """The statuses that were told, in order."""
    return [json.loads(str(row[0]))["status"] for row in core.rows("SELECT payload FROM event ORDER BY id")]


def counters(core: Core, ticket: int) -> dict[str, int]:
    row = core.campaign(ticket)
    every = {
        name: getattr(row, name) for name in ("open", "delivered", "failed", "expired", "network_error", "cancelled")
    }
    return {name: count for name, count in every.items() if count}
