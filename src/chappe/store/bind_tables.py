"""The tables of customers who connect over SMPP.

Units: as in `schema.py`.
"""

from sqlalchemy import Boolean, Column, Index, LargeBinary, SmallInteger, Table, Text, text

from chappe.store.tables import Id, added, column, metadata

# Who may bind, and what he may do then.
bind_user = Table(
    "bind_user",
    metadata,
    Column("id", Id, primary_key=True),
    column("account_id"),
    column("system_id", Text),
    column("password_hash", Text),
    column("options", Text),  # JSON: what is not as `domain/bind_users.py` has it
    column("created_at"),
    column("removed_at", nullable=True),
    column("kicked_at", nullable=True),  # binds made before are to be ended
    added("expired", default="0"),  # deliveries that were given up because nobody took them
    Index(
        "bind_user_by_system_id",
        "system_id",
        unique=True,
        sqlite_where=text("removed_at IS NULL"),
        postgresql_where=text("removed_at IS NULL"),
    ),
    Index("bind_user_by_account", "account_id"),
)

# The connections there are, as the process that has them last reported them.
bind_session = Table(
    "bind_session",
    metadata,
    Column("id", Text, primary_key=True),
    column("bind_user_id"),
    column("address", Text),
    column("mode", Text),  # receiver, transmitter or transceiver
    column("version", SmallInteger),
    column("is_tls", Boolean),
    column("in_flight"),  # deliveries that he has not answered
    column("received"),
    column("refused"),
    column("delivered"),
    column("oddities", Text, nullable=True),  # JSON
    column("bound_at"),
    column("seen_at"),
)

# Messages that came over SMPP: whose they are, and the receipts that they want.
bound_message = Table(
    "bound_message",
    metadata,
    Column("message_id", Id, primary_key=True, autoincrement=False),
    column("bind_user_id"),
    column("refs", Text),  # the ids that the customer was told, each with its registered_delivery: 17/1 18/0
    column("registered", SmallInteger),  # all that any of them asked for
    column("source", Text),  # addresses as he wrote them, as TON, NPI and digits separated by spaces
    column("destination", Text),
    column("accepted_at"),
    column("is_replaceable", Boolean),  # it came with replace_if_present
    Index(
        "bound_message_replaceable",
        "bind_user_id",
        "destination",
        sqlite_where=text("is_replaceable"),
        postgresql_where=text("is_replaceable"),
    ),
    sqlite_with_rowid=False,
)

# An id that a customer was told and that is not its message's own: of a part, of one of several recipients.
bound_ref = Table(
    "bound_ref",
    metadata,
    Column("bind_user_id", Id, primary_key=True, autoincrement=False),
    Column("ref", Id, primary_key=True, autoincrement=False),
    Column("message_id", Id, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

# Parts of long messages, until all of them are there.
bound_part = Table(
    "bound_part",
    metadata,
    Column("bind_user_id", Id, primary_key=True, autoincrement=False),
    Column("part_of", Text, primary_key=True),  # source, destination, reference and total
    Column("set_no", SmallInteger, primary_key=True, autoincrement=False),  # references are used again
    Column("part", SmallInteger, primary_key=True, autoincrement=False),
    column("ref"),  # the id that the customer was told
    column("digest", LargeBinary),  # of its words: tells a repeat from another part
    column("body", LargeBinary),  # in the form of domain/bound_submits
    column("received_at"),
    Index("bound_part_by_age", "received_at"),
    Index("bound_part_by_ref", "bind_user_id", "ref"),
    sqlite_with_rowid=False,
)

# Receipts and replies on their way to a customer.
bound_delivery = Table(
    "bound_delivery",
    metadata,
    Column("id", Id, primary_key=True),
    column("bind_user_id"),
    column("message_id", nullable=True),
    column("is_receipt", Boolean),
    column("body", LargeBinary),  # in the form of domain/bound_deliveries
    column("created_at"),
    column("attempts", SmallInteger),
    column("next_at"),  # not before
    Index("bound_delivery_by_user", "bind_user_id", "next_at", "id"),
    Index("bound_delivery_by_message", "message_id"),
    sqlite_autoincrement=True,  # an id that was acknowledged late must not be another's by then
)
