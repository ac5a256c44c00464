"""Carriers and customers over SMPP: routes, costs, health, bind users, parts and deliveries."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _add_carrier_tables()
    _add_bind_tables()
    _add_columns()
    _write_policies_anew()
    _rank_routes()


def _add_carrier_tables() -> None:
    op.create_table(
        "carrier_cost",
        sa.Column("carrier_id", _ID, autoincrement=False, nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("cost_mc", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("carrier_id", "place"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "lane_health",
        sa.Column("lane_id", _ID, autoincrement=False, nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("since_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("lane_id", "country"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "lane_pace",
        sa.Column("carrier_id", _ID, autoincrement=False, nullable=False),
        sa.Column("limited_by", sa.Text(), nullable=False),
        sa.Column("per_s", sa.BigInteger(), nullable=False),
        sa.Column("allowed_per_s", sa.BigInteger(), nullable=True),
        sa.Column("answer_ms", sa.BigInteger(), nullable=True),
        sa.Column("congestion", sa.BigInteger(), nullable=True),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("carrier_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "carrier_figure",
        sa.Column("carrier_id", _ID, autoincrement=False, nullable=False),
        sa.Column("slot_at", _ID, autoincrement=False, nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("sent", sa.BigInteger(), nullable=False),
        sa.Column("refused", sa.BigInteger(), nullable=False),
        sa.Column("unknown", sa.BigInteger(), nullable=False),
        sa.Column("delivered", sa.BigInteger(), nullable=False),
        sa.Column("failed", sa.BigInteger(), nullable=False),
        sa.Column("faults", sa.BigInteger(), nullable=False),
        sa.Column("delay_ms", sa.BigInteger(), nullable=False),
        *[
            sa.Column(f"within_{seconds}s", sa.BigInteger(), nullable=False)
            for seconds in ("5", "15", "60", "300", "3600")
        ],
        sa.PrimaryKeyConstraint("carrier_id", "slot_at", "country"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "unknown_count",
        sa.Column("carrier_id", _ID, autoincrement=False, nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("carrier_id", "what"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "open_question",
        sa.Column("carrier_id", _ID, autoincrement=False, nullable=False),
        sa.Column("ask_at", _ID, autoincrement=False, nullable=False),
        sa.Column("message_id", _ID, autoincrement=False, nullable=False),
        sa.Column("asked", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("carrier_id", "ask_at", "message_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "arrived_receipt",
        sa.Column("id", _ID, nullable=False),
        sa.Column("carrier_id", sa.BigInteger(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=True),
        sa.Column("dlr", sa.SmallInteger(), nullable=False),
        sa.Column("is_final", sa.Boolean(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("arrived_receipt_by_carrier", "arrived_receipt", ["carrier_id", "id"], unique=False)
    op.create_table(
        "inbound_number",
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("keyword", sa.Text(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number", "keyword"),
        sqlite_with_rowid=False,
    )
    op.create_index("inbound_number_by_account", "inbound_number", ["account_id"], unique=False)


def _add_bind_tables() -> None:
    op.create_table(
        "bind_user",
        sa.Column("id", _ID, nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("system_id", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("options", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("removed_at", sa.BigInteger(), nullable=True),
        sa.Column("kicked_at", sa.BigInteger(), nullable=True),
        sa.Column("expired", sa.BigInteger(), nullable=False, server_default=sa.text("0")),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("bind_user_by_account", "bind_user", ["account_id"], unique=False)
    op.create_index(
        "bind_user_by_system_id",
        "bind_user",
        ["system_id"],
        unique=True,
        sqlite_where=sa.text("removed_at IS NULL"),
        postgresql_where=sa.text("removed_at IS NULL"),
    )
    op.create_table(
        "bind_session",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("bind_user_id", sa.BigInteger(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("version", sa.SmallInteger(), nullable=False),
        sa.Column("is_tls", sa.Boolean(), nullable=False),
        sa.Column("in_flight", sa.BigInteger(), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("refused", sa.BigInteger(), nullable=False),
        sa.Column("delivered", sa.BigInteger(), nullable=False),
        sa.Column("oddities", sa.Text(), nullable=True),
        sa.Column("bound_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "bound_message",
        sa.Column("message_id", _ID, autoincrement=False, nullable=False),
        sa.Column("bind_user_id", sa.BigInteger(), nullable=False),
        sa.Column("refs", sa.Text(), nullable=False),
        sa.Column("registered", sa.SmallInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("accepted_at", sa.BigInteger(), nullable=False),
        sa.Column("is_replaceable", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("message_id"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "bound_message_replaceable",
        "bound_message",
        ["bind_user_id", "destination"],
        unique=False,
        sqlite_where=sa.text("is_replaceable"),
        postgresql_where=sa.text("is_replaceable"),
    )
    op.create_table(
        "bound_ref",
        sa.Column("bind_user_id", _ID, autoincrement=False, nullable=False),
        sa.Column("ref", _ID, autoincrement=False, nullable=False),
        sa.Column("message_id", _ID, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("bind_user_id", "ref", "message_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "bound_part",
        sa.Column("bind_user_id", _ID, autoincrement=False, nullable=False),
        sa.Column("part_of", sa.Text(), nullable=False),
        sa.Column("set_no", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("part", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("ref", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("bind_user_id", "part_of", "set_no", "part"),
        sqlite_with_rowid=False,
    )
    op.create_index("bound_part_by_age", "bound_part", ["received_at"], unique=False)
    op.create_index("bound_part_by_ref", "bound_part", ["bind_user_id", "ref"], unique=False)
    op.create_table(
        "bound_delivery",
        sa.Column("id", _ID, nullable=False),
        sa.Column("bind_user_id", sa.BigInteger(), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=True),
        sa.Column("is_receipt", sa.Boolean(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("bound_delivery_by_message", "bound_delivery", ["message_id"], unique=False)
    op.create_index("bound_delivery_by_user", "bound_delivery", ["bind_user_id", "next_at", "id"], unique=False)


def _add_columns() -> None:
    op.add_column("carrier", sa.Column("kind", sa.Text(), nullable=False, server_default=sa.text("'smpp'")))
    op.add_column("carrier", sa.Column("profile", sa.Text(), nullable=True))
    op.add_column("carrier", sa.Column("paused_at", sa.BigInteger(), nullable=True))
    op.add_column("carrier", sa.Column("rebind_at", sa.BigInteger(), nullable=True))
    # The option has become one of three values.
    op.execute(
        """UPDATE carrier SET options = replace(options, '"sends_validity":false', '"validity":"none"')"""
        """ WHERE options LIKE '%sends_validity%'"""
    )
    op.add_column("bind_state", sa.Column("oddities", sa.Text(), nullable=True))
    op.add_column("bind_state", sa.Column("mode", sa.Text(), nullable=True))
    op.add_column("bind_state", sa.Column("version", sa.Text(), nullable=True))
    op.add_column("bind_state", sa.Column("answer_ms", sa.BigInteger(), nullable=True))
    op.add_column("route", sa.Column("conditions", sa.Text(), nullable=True))
    op.add_column("route", sa.Column("rank", sa.BigInteger(), nullable=False, server_default=sa.text("100")))
    op.add_column("route", sa.Column("weight", sa.BigInteger(), nullable=True))
    op.add_column("route", sa.Column("is_test", sa.Boolean(), nullable=False, server_default=sa.text("FALSE")))
    op.add_column("route", sa.Column("note", sa.Text(), nullable=False, server_default=sa.text("''")))
    op.add_column("route", sa.Column("removed_at", sa.BigInteger(), nullable=True))
    op.add_column("dispatch", sa.Column("tried", sa.Text(), nullable=True))
    op.add_column("dispatch", sa.Column("resends", sa.SmallInteger(), nullable=False, server_default=sa.text("0")))
    op.add_column("reply", sa.Column("joined", sa.Text(), nullable=True))
    op.add_column("reply", sa.Column("missing", sa.SmallInteger(), nullable=True))
    op.add_column("reply", sa.Column("ref", sa.Text(), nullable=True))
    op.add_column("reply", sa.Column("doubt_since", sa.BigInteger(), nullable=True))
    op.add_column("reply", sa.Column("doubt_until", sa.BigInteger(), nullable=True))
    op.create_index("reply_by_source", "reply", ["source", "received_at"], unique=False)
    op.add_column("account", sa.Column("is_sandbox", sa.Boolean(), nullable=False, server_default=sa.text("FALSE")))


def _write_policies_anew() -> None:
    """`unknown: resend` with `resend_s` becomes a policy for each kind. Only SQLite has carriers of before."""
    if op.get_context().dialect.name != "sqlite":
        return
    after = "COALESCE(json_extract(options, '$.resend_s'), 60)"
    policy = f"json_object('does', 'resend', 'after_s', {after}, 'times', 2)"
    op.execute(
        f"UPDATE carrier SET options = json_set(options, '$.unknown', json_object('alert', {policy},"
        f" 'marketing', {policy})) WHERE json_extract(options, '$.unknown') = 'resend'"
    )
    op.execute(
        "UPDATE carrier SET options = json_remove(options, '$.unknown') WHERE json_type(options, '$.unknown') = 'text'"
    )
    op.execute("UPDATE carrier SET options = json_remove(options, '$.resend_s')")


def _rank_routes() -> None:
    """The newest route of a country was the only one that counted: the older ones stand behind it now."""
    newer = (
        "SELECT COUNT(*) FROM route AS newer JOIN carrier ON carrier.id = newer.carrier_id"
        " WHERE carrier.removed_at IS NULL AND newer.id > route.id"
        " AND COALESCE(newer.country, '') = COALESCE(route.country, '')"
    )
    op.execute(sa.text(f"UPDATE route SET rank = 100 + 100 * ({newer})"))
