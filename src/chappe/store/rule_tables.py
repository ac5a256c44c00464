"""The tables of rules, and of what limits and people who run the installation need to remember.

Units: as in `schema.py`.
"""

from sqlalchemy import Column, Index, SmallInteger, Table, Text, text

from chappe.store.tables import Id, column, metadata

# What the installation, or one of its accounts, has other than the rulebook and the settings.
rule = Table(
    "rule",
    metadata,
    Column("account_id", Id, primary_key=True, autoincrement=False),  # 0: every account
    Column("country", Text, primary_key=True),  # alpha-2; empty: every country
    Column("name", Text, primary_key=True),
    column("value", Text),
    column("note", Text),
    column("set_at"),
    sqlite_with_rowid=False,
)

# What people did who run the installation.
audit = Table(
    "audit",
    metadata,
    Column("id", Id, primary_key=True),
    column("at"),
    column("actor", Text),
    column("action", Text),
    column("account_id", nullable=True),
    column("subject", Text),
    column("detail", Text),
    column("note", Text),
)

# Names that an account wants to send under, for countries that ask for a registration.
sender = Table(
    "sender",
    metadata,
    Column("id", Id, primary_key=True),
    column("account_id"),
    column("text", Text),
    column("country", Text),  # alpha-2; empty: every country
    column("state", SmallInteger),  # 0 asked, 1 approved, 2 refused
    column("purpose", Text),  # what the customer says for it
    column("note", Text),  # what was answered
    column("created_at"),
    column("decided_at", nullable=True),
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
    column("amount"),
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
    column("digest"),  # of the text, 63 bits
    column("at"),
    Index("recent_send_by_age", "at"),
    sqlite_with_rowid=False,
)

# Who was told lately whom an account's messages are from.
contact_answer = Table(
    "contact_answer",
    metadata,
    Column("account_id", Id, primary_key=True, autoincrement=False),
    Column("number", Id, primary_key=True, autoincrement=False),
    column("at"),
    column("message_id"),
    Index("contact_answer_by_age", "at"),
    sqlite_with_rowid=False,
)
