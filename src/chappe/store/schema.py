"""The tables, for every engine.

Units: `*_at` are milliseconds since 1970 UTC; `*_mc` are thousandths of a credit; numbers are E.164 as integers.

Two tables carry the traffic and are kept narrow: `message` is only appended to and updated by primary key (the
messages of a campaign have consecutive ids, so a campaign's or an account's messages are ranges of the primary
key and no secondary index is written per message), and `dispatch` holds what is still to be handed to a carrier.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    text,
)

metadata = MetaData()

# SQLite makes a column its row id only when the type is exactly INTEGER.
Id = BigInteger().with_variant(Integer, "sqlite")


def _column(name: str, type_: object = BigInteger, **options: object) -> Column[object]:
    options.setdefault("nullable", False)
    return Column(name, type_, **options)  # type: ignore[arg-type]


def _added(name: str, type_: object = BigInteger, *, default: str | None = None) -> Column[object]:
    """A column that came after the first release: old code writes rows without it."""
    return _column(name, type_, nullable=default is None, server_default=None if default is None else text(default))


meta = Table("meta", metadata, Column("key", Text, primary_key=True), _column("value", Text))

id_block = Table("id_block", metadata, Column("kind", Text, primary_key=True), _column("next"))

lease = Table(
    "lease",
    metadata,
    Column("name", Text, primary_key=True),
    _column("owner", Text),
    _column("epoch"),
    _column("until_at"),
)

account = Table(
    "account",
    metadata,
    Column("id", Id, primary_key=True),
    _column("parent_id", nullable=True),
    _column("wallet_id"),  # its own id, or its parent's when it draws on the parent's credits
    _column("email", Text, unique=True),
    _column("password_hash", Text),
    _column("country", Text),
    _column("sender", Text, nullable=True),
    _column("is_active", Boolean),
    _column("created_at"),
    _added("firstname", Text),
    _added("lastname", Text),
    _added("company", Text),
    _added("type", Text),  # company, association, administration or private
    _added("phone", Text),
    _added("address1", Text),
    _added("address2", Text),
    _added("zip", Text),
    _added("city", Text),
    _added("description", Text),
    _added("lang", Text, default="'EN'"),
    _added("time_zone", Text, default="'Europe/Paris'"),
    _added("failed_logins", Integer, default="0"),  # wrong passwords since the last right one
    _added("locked_at"),  # null: open
    Index("account_by_parent", "parent_id", "id"),
)

token = Table(
    "token",
    metadata,
    Column("id", Id, primary_key=True),
    _column("account_id"),
    _column("name", Text),
    _column("digest", Text, unique=True),  # SHA-256 of the token's text, which is stored nowhere
    _column("ttl_s", nullable=True),
    _column("allowed_ips", Text, nullable=True),  # JSON array
    _column("created_at"),
    _column("expires_at", nullable=True),
    Index("token_by_account", "account_id"),
)

wallet = Table(
    "wallet",
    metadata,
    Column("id", Id, primary_key=True),
    _column("available_mc"),
    _column("reserved_mc"),
    _column("postpaid_limit_mc"),
)

ledger = Table(
    "ledger",
    metadata,
    Column("id", Id, primary_key=True),
    _column("wallet_id"),
    _column("account_id"),
    _column("kind", Text),  # topup, reserve, capture, release, transfer, adjust
    _column("amount_mc"),
    _column("campaign_id", nullable=True),
    _column("at"),
    _column("note", Text, nullable=True),
    Index("ledger_by_wallet", "wallet_id", "id"),
    # what an account has spent in a month
    Index(
        "ledger_captures",
        "account_id",
        "at",
        "amount_mc",
        sqlite_where=text("kind = 'capture'"),
        postgresql_where=text("kind = 'capture'"),
    ),
)

campaign = Table(
    "campaign",
    metadata,
    Column("id", Id, primary_key=True),  # the ticket: fits 32 bits, as a known client reads it
    _column("account_id"),
    _column("wallet_id"),
    _column("kind", Text),  # alert or marketing
    _column("sender", Text, nullable=True),
    _column("text", Text),
    _column("created_at"),
    _column("send_at"),
    _column("expires_at"),  # what no carrier took by then is not sent any more
    _column("state", SmallInteger),
    _column("first_message_id"),
    _column("last_message_id"),
    _column("cost_mc"),
    _column("total"),
    _column("sent"),
    _column("blacklisted"),
    _column("duplicated"),
    _column("npai"),
    _column("invalid"),
    _column("not_allowed"),
    _column("flood"),
    _column("country_limit"),
    # rollups, kept in the transaction of each change
    _column("open"),  # messages that are not final yet
    _column("delivered"),
    _column("failed"),
    _column("expired"),
    _column("network_error"),
    _column("cancelled"),
    _added("lists", Text),  # JSON array of the ids of the lists it was sent to; null when sent to numbers
    _added("queued_to"),  # messages after this id are not in the queue yet; null: all are
    _added("stops", default="0"),  # opt-outs that answered it
    _added("sms"),  # parts of all its messages; null: as many as it cost credits
    _added("unassigned", default="0"),  # of the failed ones: the carrier says that nobody has the number
    _added("messages_deleted_at"),  # their time was over; the counters stay
    _added("held_because", Text),  # JSON: why a person was asked, and what matched; null: nobody was
    _added("decided_at"),  # when that person said yes or no
    Index("campaign_by_account", "account_id", "send_at"),
    Index("campaign_open", "expires_at", sqlite_where=text("open > 0"), postgresql_where=text("open > 0")),
    # those with a delay: their messages left long after their ids were taken
    Index(
        "campaign_delayed",
        "send_at",
        sqlite_where=text("send_at > created_at"),
        postgresql_where=text("send_at > created_at"),
    ),
    # those that are being written or queued, in a process that may die over it
    Index(
        "campaign_unqueued",
        "id",
        sqlite_where=text("queued_to IS NOT NULL"),
        postgresql_where=text("queued_to IS NOT NULL"),
    ),
    # those that wait for a person
    Index("campaign_moderation", "id", sqlite_where=text("state = 3"), postgresql_where=text("state = 3")),
)

message = Table(
    "message",
    metadata,
    Column("id", Id, primary_key=True),
    _column("campaign_id"),
    _column("account_id"),
    _column("number"),
    _column("country", Text),
    _column("client_ref", Text, nullable=True),
    _column("text", Text, nullable=True),  # only when it differs from the campaign's
    _column("encoding", SmallInteger),
    _column("parts", SmallInteger),
    _column("price_mc"),
    _column("state", SmallInteger),
    _column("dlr", SmallInteger),
    _column("carrier_id", nullable=True),
    _column("carrier_refs", Text, nullable=True),  # one per part, separated by spaces, `-` where none came yet
    _column("submitted_at", nullable=True),
    _column("done_at", nullable=True),
    _added("infos", Text),  # info1 to info4 of the recipient, joined by U+001F; null when there are none
    _added("list_id"),
    _added("sender", Text),  # only when it differs from the campaign's; empty: the carrier's own number
)

dispatch = Table(
    "dispatch",
    metadata,
    Column("message_id", Id, primary_key=True),
    _column("lane_id"),
    _column("priority", SmallInteger),
    _column("turn"),  # order within a priority, fair between accounts
    _column("state", SmallInteger),
    _column("attempts", SmallInteger),
    _column("epoch"),
    _column("ready_at"),  # scheduled: when it becomes ready; unknown: when the policy decides
    _column("expires_at"),
    _column("in_doubt", Boolean),  # sent again though an earlier try was never answered: it may have left
    Index(
        "dispatch_ready",
        "lane_id",
        "priority",
        "turn",
        sqlite_where=text("state = 0"),
        postgresql_where=text("state = 0"),
    ),
    Index(
        "dispatch_later",
        "lane_id",
        "state",
        "ready_at",
        sqlite_where=text("state > 0"),
        postgresql_where=text("state > 0"),
    ),
)

fair_turn = Table(
    "fair_turn",
    metadata,
    Column("lane_id", Id, primary_key=True, autoincrement=False),
    Column("priority", SmallInteger, primary_key=True, autoincrement=False),
    Column("account_id", Id, primary_key=True, autoincrement=False),
    _column("turn"),
    sqlite_with_rowid=False,
)

part = Table(
    "part",
    metadata,
    Column("carrier_id", Id, primary_key=True, autoincrement=False),
    Column("ref_key", Text, primary_key=True),  # the carrier's message id, normalised for look-up
    Column("message_id", Id, primary_key=True, autoincrement=False),
    Column("seq", SmallInteger, primary_key=True, autoincrement=False),
    _column("dlr", SmallInteger),
    sqlite_with_rowid=False,
)

unmatched_receipt = Table(
    "unmatched_receipt",
    metadata,
    Column("id", Id, primary_key=True),
    _column("carrier_id"),
    _column("ref", Text),
    _column("number", nullable=True),
    _column("dlr", SmallInteger),
    _column("is_final", Boolean),
    _column("detail", Text),
    _column("received_at"),
    Index("unmatched_receipt_by_carrier", "carrier_id", "id"),
)

receipt_rule = Table(
    "receipt_rule",
    metadata,
    Column("carrier_id", Id, primary_key=True, autoincrement=False),
    Column("rule", Text, primary_key=True),  # how this carrier's receipts name the messages
    _column("hits"),
    sqlite_with_rowid=False,
)

reply = Table(
    "reply",
    metadata,
    Column("id", Id, primary_key=True),
    _column("carrier_id"),
    _column("source", Text),
    _column("destination", Text),
    _column("text", Text),
    _column("received_at"),
    # whose it is, found after it was stored: the account that last wrote to this number
    _added("state", SmallInteger, default="0"),  # 0 stored, 1 delivered to an account, 2 nobody's, 3 a repeat
    _added("kind", Text),  # reply or stop
    # of a long text that came in parts: what its parts have in common, and the place of this one (null: put together)
    _added("part_of", Text),
    _added("part", SmallInteger),
    _added("account_id"),
    _added("campaign_id"),
    _added("message_id"),
    Index("reply_stored", "id", sqlite_where=text("state = 0"), postgresql_where=text("state = 0")),
    Index("reply_by_account", "account_id", "received_at"),
    Index("reply_by_campaign", "campaign_id", "message_id"),
)

trace = Table(
    "trace",
    metadata,
    Column("id", Id, primary_key=True),
    _column("message_id"),
    _column("at"),
    _column("step", Text),
    _column("detail", Text),
    Index("trace_by_message", "message_id", "id"),
)

carrier = Table(
    "carrier",
    metadata,
    Column("id", Id, primary_key=True),
    _column("name", Text),
    _column("host", Text),
    _column("port"),
    _column("system_id", Text),
    _column("password", Text),
    _column("tls", Boolean),
    _column("binds"),
    _column("window"),
    _column("rate"),  # submits per second, 0 for no limit
    _column("options", Text),  # JSON of SmppOptions: addressing, long messages, policy for unknown outcomes
    _column("created_at"),
    _column("removed_at", nullable=True),
    Index(
        "carrier_by_name",
        "name",
        unique=True,
        sqlite_where=text("removed_at IS NULL"),
        postgresql_where=text("removed_at IS NULL"),
    ),
)

bind_state = Table(
    "bind_state",
    metadata,
    Column("carrier_id", Id, primary_key=True, autoincrement=False),
    Column("bind", SmallInteger, primary_key=True, autoincrement=False),
    _column("state", Text),
    _column("detail", Text),
    _column("in_flight"),
    _column("submitted"),
    _column("since_at"),
    _column("seen_at"),
)

route = Table(
    "route",
    metadata,
    Column("id", Id, primary_key=True),
    _column("carrier_id", Id),
    _column("country", Text, nullable=True),  # null: every country that has no route of its own
    _column("created_at"),
)

webhook = Table(
    "webhook",
    metadata,
    Column("id", Id, primary_key=True),
    _column("account_id"),
    _column("type", Text),
    _column("url", Text),
    _column("signature", Text, nullable=True),
    _column("is_live", Boolean),
    _column("last_http_code", nullable=True),
    _column("created_at"),
    Index("webhook_by_account", "account_id", "type"),
)

event = Table(
    "event",
    metadata,
    Column("id", Id, primary_key=True),
    _column("webhook_id"),
    _column("message_id", nullable=True),
    _column("payload", Text),
    _column("created_at"),
    _column("attempts", SmallInteger),
    _column("state", SmallInteger),  # 0 due, 1 done, 2 given up
    _column("next_at"),
    # by webhook first: one that is slow, paused or away keeps its events without standing in others' way
    Index(
        "event_due",
        "webhook_id",
        "next_at",
        sqlite_where=text("state = 0"),
        postgresql_where=text("state = 0"),
    ),
    Index("event_by_message", "message_id"),
)

attempt = Table(
    "attempt",
    metadata,
    Column("event_id", Id, primary_key=True, autoincrement=False),
    Column("number", SmallInteger, primary_key=True, autoincrement=False),
    _column("at"),
    _column("http_code", nullable=True),
    _column("error", Text, nullable=True),
    _column("duration_ms"),
    sqlite_with_rowid=False,
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("account_id", Id, primary_key=True, autoincrement=False),
    Column("key", Text, primary_key=True),
    _column("digest", LargeBinary),  # of the request
    _column("answer", LargeBinary),  # JSON of the use case's result
    _column("created_at"),
    Index("idempotency_by_age", "created_at"),
    sqlite_with_rowid=False,
)

contact_list = Table(
    "contact_list",
    metadata,
    Column("id", Id, primary_key=True),  # decimal and within 32 bits, as a known client reads it
    _column("account_id"),
    _column("name", Text),
    _column("created_at"),
    _column("used_at"),  # last changed, or last sent to
    _column("contacts"),  # how many there are
    Index("contact_list_by_account", "account_id", "id"),
)

contact = Table(
    "contact",
    metadata,
    Column("list_id", Id, primary_key=True, autoincrement=False),
    Column("id", Id, primary_key=True, autoincrement=False),
    _column("number"),
    # the number and info1 to info4 joined by U+001F, empty ones at the end left off: one text to search
    _column("entry", Text),
    sqlite_with_rowid=False,
)

exclusion = Table(
    "exclusion",
    metadata,
    Column("account_id", Id, primary_key=True, autoincrement=False),
    Column("kind", Text, primary_key=True),  # blacklist or npai
    Column("number", Id, primary_key=True, autoincrement=False),
    _column("infos", Text, nullable=True),  # info1 to info4 joined by U+001F
    _column("campaign_id", nullable=True),  # whose recipient said STOP, or did not exist
    _column("created_at"),
    sqlite_with_rowid=False,
)

retention = Table(
    "retention",
    metadata,
    Column("account_id", Id, primary_key=True, autoincrement=False),
    # as the contract writes them: a number and d or m; null: the default
    _column("message", Text, nullable=True),
    _column("reply", Text, nullable=True),
    _column("list", Text, nullable=True),
    _column("campaign", Text, nullable=True),
    _column("survey", Text, nullable=True),
    _column("lookup", Text, nullable=True),
)

balance_alert = Table(
    "balance_alert",
    metadata,
    Column("account_id", Id, primary_key=True, autoincrement=False),
    _column("trigger_mc"),
    _column("by_email", Boolean),
    _column("by_sms", Boolean),
    _column("email", Text),
    _column("phone_number", Text),
    _column("is_armed", Boolean),  # the balance was above the trigger since the last alert
    _column("alerted_at", nullable=True),
)

mail = Table(
    "mail",
    metadata,
    Column("id", Id, primary_key=True),
    _column("account_id", nullable=True),
    _column("recipient", Text),
    _column("subject", Text),
    _column("body", Text),
    _column("created_at"),
    _column("attempts", SmallInteger),
    _column("state", SmallInteger),  # 0 due, 1 sent, 2 given up
    _column("next_at"),
    _column("error", Text, nullable=True),
    Index("mail_due", "next_at", sqlite_where=text("state = 0"), postgresql_where=text("state = 0")),
)

invoice = Table(
    "invoice",
    metadata,
    Column("id", Id, primary_key=True),
    _column("account_id"),
    _column("name", Text),  # the number printed on it: without gaps, per year
    _column("created_at"),
    _column("description", Text),
    _column("quantity"),  # credits
    _column("unit_price", Text),  # decimal
    _column("net_cents"),
    _column("vat_percent", Text),  # decimal
    _column("vat_cents"),
    _column("total_cents"),
    _column("currency", Text),
    _column("payment_type", Text),
    _column("status", Text),  # paid or due
    _column("paid_at", nullable=True),
    _column("issuer", Text),  # as they were on that day, and the language of the customer
    _column("customer", Text),
    _column("lang", Text),
    Index("invoice_by_account", "account_id", "id"),
    Index("invoice_by_name", "name", unique=True),
)

lookup = Table(
    "lookup",
    metadata,
    Column("id", Id, primary_key=True),
    _column("account_id"),
    _column("wallet_id"),
    _column("carrier_id"),
    _column("number"),
    _column("price_mc"),
    _column("state", SmallInteger),  # 0 asked, 1 answered, 2 failed
    _column("asked_at"),
    _column("result", Text, nullable=True),  # JSON
    Index("lookup_by_account", "account_id", "asked_at"),
    Index("lookup_asked", "asked_at", sqlite_where=text("state = 0"), postgresql_where=text("state = 0")),
)

link = Table(
    "link",
    metadata,
    Column("campaign_id", Id, primary_key=True, autoincrement=False),
    Column("position", SmallInteger, primary_key=True, autoincrement=False),
    _column("account_id"),
    # the messages that carry it: a click finds it by its message's id, also when the message has been deleted
    _column("first_message_id"),
    _column("last_message_id"),
    _column("url", Text),
    _column("clicks"),
    Index("link_by_message", "first_message_id", "position"),
    sqlite_with_rowid=False,
)

click = Table(
    "click",
    metadata,
    Column("id", Id, primary_key=True),
    _column("account_id"),
    _column("campaign_id"),
    _column("message_id"),
    _column("position", SmallInteger),
    _column("at"),
    _column("brand", Text),
    _column("model", Text),
    _column("os", Text),
    Index("click_by_message", "message_id", "position"),
)

# What the installation, or one of its accounts, has other than the rulebook and the settings.
rule = Table(
    "rule",
    metadata,
    Column("account_id", Id, primary_key=True, autoincrement=False),  # 0: every account
    Column("country", Text, primary_key=True),  # alpha-2; empty: every country
    Column("name", Text, primary_key=True),
    _column("value", Text),
    _column("note", Text),
    _column("set_at"),
    sqlite_with_rowid=False,
)

# What people did who run the installation.
audit = Table(
    "audit",
    metadata,
    Column("id", Id, primary_key=True),
    _column("at"),
    _column("actor", Text),
    _column("action", Text),
    _column("account_id", nullable=True),
    _column("subject", Text),
    _column("detail", Text),
    _column("note", Text),
)

# Names that an account wants to send under, for countries that ask for a registration.
sender = Table(
    "sender",
    metadata,
    Column("id", Id, primary_key=True),
    _column("account_id"),
    _column("text", Text),
    _column("country", Text),  # alpha-2; empty: every country
    _column("state", SmallInteger),  # 0 asked, 1 approved, 2 refused
    _column("purpose", Text),  # what the customer says for it
    _column("note", Text),  # what was answered
    _column("created_at"),
    _column("decided_at", nullable=True),
    Index("sender_by_account", "account_id", "text", "country", unique=True),
    Index("sender_asked", "id", sqlite_where=text("state = 0"), postgresql_where=text("state = 0")),
)

# How much an account has sent in a period, where a limit asks for it.
usage = Table(
    "usage",
    metadata,
    Column("account_id", Id, primary_key=True, autoincrement=False),
    Column("measure", Text, primary_key=True),  # messages, or credits (thousandths), or messages to a country
    Column("period", Text, primary_key=True),  # the minute, day or month, as 2026-11-24
    _column("amount"),
    Index("usage_by_period", "period"),
    sqlite_with_rowid=False,
)

# Whom an account has written to lately and what, where a limit asks for it.
recent_send = Table(
    "recent_send",
    metadata,
    Column("account_id", Id, primary_key=True, autoincrement=False),
    Column("number", Id, primary_key=True, autoincrement=False),
    Column("message_id", Id, primary_key=True, autoincrement=False),
    _column("digest"),  # of the text, 63 bits
    _column("at"),
    Index("recent_send_by_age", "at"),
    sqlite_with_rowid=False,
)

# Who was told lately whom an account's messages are from.
contact_answer = Table(
    "contact_answer",
    metadata,
    Column("account_id", Id, primary_key=True, autoincrement=False),
    Column("number", Id, primary_key=True, autoincrement=False),
    _column("at"),
    sqlite_with_rowid=False,
)
