"""The tables of customers who connect over SMPP.

Units: as in `schema.py`.
"""

from sqlalchemy import Boolean, Column, Index, LargeBinary, SmallInteger, Table, Text, text

from chappe.store.tables import Id, column, metadata

# Who may bind, and what he may do then.
bind_user = Table(
    "bind_user",
    metadata,
    Column("id", Id, primary_key=True),
    column("account_id"),
    column("system_id", Text),
    column("password_hash", Text),
    column("options", Text),  # JSON: window, rate, binds, networks, TLS, alphabet, kind of messages
    column("created_at"),
    column("removed_at", nullable=True),
    column("kicked_at", nullable=True),  # binds made before are to be ended
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

# Messages that came over SMPP, for the receipts that they want.
bound_message = Table(
    "bound_message",
    metadata,
    Column("message_id", Id, primary_key=True, autoincrement=False),
    column("bind_user_id"),
    column("refs", Text),  # the ids that the customer was told for its parts, separated by spaces
    column("registered", SmallInteger),  # registered_delivery, as he gave it
    column("source", Text),  # addresses as he wrote them, each as TON, NPI and digits separated by spaces
    column("destination", Text),
    sqlite_with_rowid=False,
)

# An id that a customer was told, and the message it leads to; several parts lead to one.
bound_ref = Table(
    "bound_ref",
    metadata,
    Column("bind_user_id", Id, primary_key=True, autoincrement=False),
    Column("ref", Id, primary_key=True, autoincrement=False),
    column("message_id", nullable=True),  # null: its other parts have not come
    sqlite_with_rowid=False,
)

# Parts of long messages, until all of them are there.
bound_part = Table(
    "bound_part",
    metadata,
    Column("bind_user_id", Id, primary_key=True, autoincrement=False),
    Column("part_of", Text, primary_key=True),  # source, destination, reference and total
    Column("part", SmallInteger, primary_key=True, autoincrement=False),
    column("ref"),  # the id that the customer was told
    column("body", LargeBinary),  # the submit as it came
    column("received_at"),
    Index("bound_part_by_age", "received_at"),
    sqlite_with_rowid=False,
)

# Receipts and replies on their way to a customer.
bound_delivery = Table(
    "bound_delivery",
    metadata,
    Column("id", Id, primary_key=True),
    column("bind_user_id"),
    column("message_id", nullable=True),
    column("body", LargeBinary),  # what the deliver_sm says, in the form of domain/bound_deliveries
    column("created_at"),
    column("expires_at"),
    column("attempts", SmallInteger),
    column("next_at"),  # not before
    Index("bound_delivery_by_user", "bind_user_id", "id"),
    Index("bound_delivery_by_message", "message_id"),
)
