"""The tables, for every engine.

Units: `*_at` are milliseconds since 1970 UTC; `*_mc` are thousandths of a credit; numbers are E.164 as integers.

Two tables carry the traffic and are kept narrow: `message` is only appended to and updated by primary key (the
messages of a campaign have consecutive ids, so a campaign's or an account's messages are ranges of the primary
key and no secondary index is written per message), and `dispatch` holds what is still to be handed to a carrier.
"""

from sqlalchemy import Boolean, Column, Index, Integer, LargeBinary, SmallInteger, Table, Text, text

# The tables of other files are known to `metadata` once these are loaded.
from chappe.store import bind_tables, carrier_tables, rule_tables
from chappe.store.tables import Id, added, column, metadata

__all__ = ["bind_tables", "carrier_tables", "metadata", "rule_tables"]

meta = Table("meta", metadata, Column("key", Text, primary_key=True), column("value", Text))

id_block = Table("id_block", metadata, Column("kind", Text, primary_key=True), column("next"))

lease = Table(
    "lease",
    metadata,
    Column("name", Text, primary_key=True),
    column("owner", Text),
    column("epoch"),
    column("until_at"),
)

account = Table(
    "account",
    metadata,
    Column("id", Id, primary_key=True),
    column("parent_id", nullable=True),
    column("wallet_id"),  # its own id, or its parent's when it draws on the parent's credits
    column("email", Text, unique=True),
    column("password_hash", Text),
    column("country", Text),
    column("sender", Text, nullable=True),
    column("is_active", Boolean),
    column("created_at"),
    added("firstname", Text),
    added("lastname", Text),
    added("company", Text),
    added("type", Text),  # company, association, administration or private
    added("phone", Text),
    added("address1", Text),
    added("address2", Text),
    added("zip", Text),
    added("city", Text),
    added("description", Text),
    added("lang", Text, default="'EN'"),
    added("time_zone", Text, default="'Europe/Paris'"),
    added("failed_logins", Integer, default="0"),  # wrong passwords since the last right one
    added("locked_at"),  # null: open
    added("is_sandbox", Boolean, default="FALSE"),  # its messages go to nobody: their numbers say what becomes of them
    Index("account_by_parent", "parent_id", "id"),
)

token = Table(
    "token",
    metadata,
    Column("id", Id, primary_key=True),
    column("account_id"),
    column("name", Text),
    column("digest", Text, unique=True),  # SHA-256 of the token's text, which is stored nowhere
    column("ttl_s", nullable=True),
    column("allowed_ips", Text, nullable=True),  # JSON array
    column("created_at"),
    column("expires_at", nullable=True),
    Index("token_by_account", "account_id"),
)

wallet = Table(
    "wallet",
    metadata,
    Column("id", Id, primary_key=True),
    column("available_mc"),
    column("reserved_mc"),
    column("postpaid_limit_mc"),
)

ledger = Table(
    "ledger",
    metadata,
    Column("id", Id, primary_key=True),
    column("wallet_id"),
    column("account_id"),
    column("kind", Text),  # topup, reserve, capture, release, transfer, adjust
    column("amount_mc"),
    column("campaign_id", nullable=True),
    column("at"),
    column("note", Text, nullable=True),
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
    column("account_id"),
    column("wallet_id"),
    column("kind", Text),  # alert or marketing
    column("sender", Text, nullable=True),
    column("text", Text),
    column("created_at"),
    column("send_at"),
    column("expires_at"),  # what no carrier took by then is not sent any more
    column("state", SmallInteger),
    column("first_message_id"),
    column("last_message_id"),
    column("cost_mc"),
    column("total"),
    column("sent"),
    column("blacklisted"),
    column("duplicated"),
    column("npai"),
    column("invalid"),
    column("not_allowed"),
    column("flood"),
    column("country_limit"),
    # rollups, kept in the transaction of each change
    column("open"),  # messages that are not final yet
    column("delivered"),
    column("failed"),
    column("expired"),
    column("network_error"),
    column("cancelled"),
    added("lists", Text),  # JSON array of the ids of the lists it was sent to; null when sent to numbers
    added("queued_to"),  # messages after this id are not in the queue yet; null: all are
    added("stops", default="0"),  # opt-outs that answered it
    added("sms"),  # parts of all its messages; null: as many as it cost credits
    added("unassigned", default="0"),  # of the failed ones: the carrier says that nobody has the number
    added("messages_deleted_at"),  # their time was over; the counters stay
    added("held_because", Text),  # JSON: why a person was asked, and what matched; null: nobody was
    added("decided_at"),  # when that person said yes or no
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
    column("campaign_id"),
    column("account_id"),
    column("number"),
    column("country", Text),
    column("client_ref", Text, nullable=True),
    column("text", Text, nullable=True),  # only when it differs from the campaign's
    column("encoding", SmallInteger),
    column("parts", SmallInteger),
    column("price_mc"),
    column("state", SmallInteger),
    column("dlr", SmallInteger),
    column("carrier_id", nullable=True),
    column("carrier_refs", Text, nullable=True),  # one per part, separated by spaces, `-` where none came yet
    column("submitted_at", nullable=True),
    column("done_at", nullable=True),
    added("infos", Text),  # info1 to info4 of the recipient, joined by U+001F; null when there are none
    added("list_id"),
    added("sender", Text),  # only when it differs from the campaign's; empty: the carrier's own number
)

dispatch = Table(
    "dispatch",
    metadata,
    Column("message_id", Id, primary_key=True),
    column("lane_id"),
    column("priority", SmallInteger),
    column("turn"),  # order within a priority, fair between accounts
    column("state", SmallInteger),
    column("attempts", SmallInteger),
    column("epoch"),
    column("ready_at"),  # scheduled: when it becomes ready; unknown: when the policy decides
    column("expires_at"),
    column("in_doubt", Boolean),  # sent again though an earlier try was never answered: it may have left
    added("tried", Text),  # lanes that could not bring it on, separated by spaces; null: none
    added("resends", SmallInteger, default="0"),  # how often it was sent again by the policy for unknown outcomes
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
    # Few, and found among however many held messages.
    Index(
        "dispatch_alerts",
        "lane_id",
        "ready_at",
        sqlite_where=text("state = 3 AND priority < 2"),
        postgresql_where=text("state = 3 AND priority < 2"),
    ),
)

fair_turn = Table(
    "fair_turn",
    metadata,
    Column("lane_id", Id, primary_key=True, autoincrement=False),
    Column("priority", SmallInteger, primary_key=True, autoincrement=False),
    Column("account_id", Id, primary_key=True, autoincrement=False),
    column("turn"),
    sqlite_with_rowid=False,
)

part = Table(
    "part",
    metadata,
    Column("carrier_id", Id, primary_key=True, autoincrement=False),
    Column("ref_key", Text, primary_key=True),  # the carrier's message id, normalised for look-up
    Column("message_id", Id, primary_key=True, autoincrement=False),
    Column("seq", SmallInteger, primary_key=True, autoincrement=False),
    column("dlr", SmallInteger),
    sqlite_with_rowid=False,
)

reply = Table(
    "reply",
    metadata,
    Column("id", Id, primary_key=True),
    column("carrier_id"),
    column("source", Text),
    column("destination", Text),
    column("text", Text),
    column("received_at"),
    # whose it is, found after it was stored: the account that last wrote to this number
    added("state", SmallInteger, default="0"),  # 0 stored, 1 delivered to an account, 2 nobody's, 3 a repeat
    added("kind", Text),  # reply or stop
    # of a long text that came in parts: what its parts have in common, and the place of this one (null: put together)
    added("part_of", Text),
    added("part", SmallInteger),
    added("joined", Text),  # places and prints of the parts that it was put together from; null: it came whole
    added("missing", SmallInteger),  # how many parts never came
    added("ref", Text),  # the carrier's id of it
    added("doubt_since"),  # without one: it may repeat what came between these two
    added("doubt_until"),
    added("account_id"),
    added("campaign_id"),
    added("message_id"),
    Index("reply_stored", "id", sqlite_where=text("state = 0"), postgresql_where=text("state = 0")),
    Index("reply_by_source", "source", "received_at"),
    Index("reply_by_account", "account_id", "received_at"),
    Index("reply_by_campaign", "campaign_id", "message_id"),
)

trace = Table(
    "trace",
    metadata,
    Column("id", Id, primary_key=True),
    column("message_id"),
    column("at"),
    column("step", Text),
    column("detail", Text),
    Index("trace_by_message", "message_id", "id"),
)

webhook = Table(
    "webhook",
    metadata,
    Column("id", Id, primary_key=True),
    column("account_id"),
    column("type", Text),
    column("url", Text),
    column("signature", Text, nullable=True),
    column("is_live", Boolean),
    column("last_http_code", nullable=True),
    column("created_at"),
    Index("webhook_by_account", "account_id", "type"),
)

event = Table(
    "event",
    metadata,
    Column("id", Id, primary_key=True),
    column("webhook_id"),
    column("message_id", nullable=True),
    column("payload", Text),
    column("created_at"),
    column("attempts", SmallInteger),
    column("state", SmallInteger),  # 0 due, 1 done, 2 given up
    column("next_at"),
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
    column("at"),
    column("http_code", nullable=True),
    column("error", Text, nullable=True),
    column("duration_ms"),
    sqlite_with_rowid=False,
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("account_id", Id, primary_key=True, autoincrement=False),
    Column("key", Text, primary_key=True),
    column("digest", LargeBinary),  # of the request
    column("answer", LargeBinary),  # JSON of the use case's result
    column("created_at"),
    Index("idempotency_by_age", "created_at"),
    sqlite_with_rowid=False,
)

contact_list = Table(
    "contact_list",
    metadata,
    Column("id", Id, primary_key=True),  # decimal and within 32 bits, as a known client reads it
    column("account_id"),
    column("name", Text),
    column("created_at"),
    column("used_at"),  # last changed, or last sent to
    column("contacts"),  # how many there are
    Index("contact_list_by_account", "account_id", "id"),
)

contact = Table(
    "contact",
    metadata,
    Column("list_id", Id, primary_key=True, autoincrement=False),
    Column("id", Id, primary_key=True, autoincrement=False),
    column("number"),
    # the number and info1 to info4 joined by U+001F, empty ones at the end left off: one text to search
    column("entry", Text),
    sqlite_with_rowid=False,
)

exclusion = Table(
    "exclusion",
    metadata,
    Column("account_id", Id, primary_key=True, autoincrement=False),
    Column("kind", Text, primary_key=True),  # blacklist or npai
    Column("number", Id, primary_key=True, autoincrement=False),
    column("infos", Text, nullable=True),  # info1 to info4 joined by U+001F
    column("campaign_id", nullable=True),  # whose recipient said STOP, or did not exist
    column("created_at"),
    sqlite_with_rowid=False,
)

retention = Table(
    "retention",
    metadata,
    Column("account_id", Id, primary_key=True, autoincrement=False),
    # as the contract writes them: a number and d or m; null: the default
    column("message", Text, nullable=True),
    column("reply", Text, nullable=True),
    column("list", Text, nullable=True),
    column("campaign", Text, nullable=True),
    column("survey", Text, nullable=True),
    column("lookup", Text, nullable=True),
)

balance_alert = Table(
    "balance_alert",
    metadata,
    Column("account_id", Id, primary_key=True, autoincrement=False),
    column("trigger_mc"),
    column("by_email", Boolean),
    column("by_sms", Boolean),
    column("email", Text),
    column("phone_number", Text),
    column("is_armed", Boolean),  # the balance was above the trigger since the last alert
    column("alerted_at", nullable=True),
)

mail = Table(
    "mail",
    metadata,
    Column("id", Id, primary_key=True),
    column("account_id", nullable=True),
    column("recipient", Text),
    column("subject", Text),
    column("body", Text),
    column("created_at"),
    column("attempts", SmallInteger),
    column("state", SmallInteger),  # 0 due, 1 sent, 2 given up
    column("next_at"),
    column("error", Text, nullable=True),
    Index("mail_due", "next_at", sqlite_where=text("state = 0"), postgresql_where=text("state = 0")),
)

invoice = Table(
    "invoice",
    metadata,
    Column("id", Id, primary_key=True),
    column("account_id"),
    column("name", Text),  # the number printed on it: without gaps, per year
    column("created_at"),
    column("description", Text),
    column("quantity"),  # credits
    column("unit_price", Text),  # decimal
    column("net_cents"),
    column("vat_percent", Text),  # decimal
    column("vat_cents"),
    column("total_cents"),
    column("currency", Text),
    column("payment_type", Text),
    column("status", Text),  # paid or due
    column("paid_at", nullable=True),
    column("issuer", Text),  # as they were on that day, and the language of the customer
    column("customer", Text),
    column("lang", Text),
    Index("invoice_by_account", "account_id", "id"),
    Index("invoice_by_name", "name", unique=True),
)

lookup = Table(
    "lookup",
    metadata,
    Column("id", Id, primary_key=True),
    column("account_id"),
    column("wallet_id"),
    column("carrier_id"),
    column("number"),
    column("price_mc"),
    column("state", SmallInteger),  # 0 asked, 1 answered, 2 failed
    column("asked_at"),
    column("result", Text, nullable=True),  # JSON
    Index("lookup_by_account", "account_id", "asked_at"),
    Index("lookup_asked", "asked_at", sqlite_where=text("state = 0"), postgresql_where=text("state = 0")),
)

link = Table(
    "link",
    metadata,
    Column("campaign_id", Id, primary_key=True, autoincrement=False),
    Column("position", SmallInteger, primary_key=True, autoincrement=False),
    column("account_id"),
    # the messages that carry it: a click finds it by its message's id, also when the message has been deleted
    column("first_message_id"),
    column("last_message_id"),
    column("url", Text),
    column("clicks"),
    Index("link_by_message", "first_message_id", "position"),
    sqlite_with_rowid=False,
)

click = Table(
    "click",
    metadata,
    Column("id", Id, primary_key=True),
    column("account_id"),
    column("campaign_id"),
    column("message_id"),
    column("position", SmallInteger),
    column("at"),
    column("brand", Text),
    column("model", Text),
    column("os", Text),
    Index("click_by_message", "message_id", "position"),
)
