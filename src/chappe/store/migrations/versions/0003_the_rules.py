"""The rules: overrides, audit, senders, limits, moderation."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _add_tables()
    _add_columns()


def _add_tables() -> None:
    op.create_table(
        "rule",
        sa.Column("account_id", _ID, autoincrement=False, nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("set_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "country", "name"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "audit",
        sa.Column("id", _ID, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "sender",
        sa.Column("id", _ID, nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("state", sa.SmallInteger(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "sender_asked",
        "sender",
        ["id"],
        unique=False,
        sqlite_where=sa.text("state = 0"),
        postgresql_where=sa.text("state = 0"),
    )
    op.create_index("sender_by_account", "sender", ["account_id", "text", "country"], unique=True)
    op.create_table(
        "usage",
        sa.Column("account_id", _ID, autoincrement=False, nullable=False),
        sa.Column("measure", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "measure", "period"),
        sqlite_with_rowid=False,
    )
    op.create_index("usage_by_period", "usage", ["period"], unique=False)
    op.create_table(
        "recent_send",
        sa.Column("account_id", _ID, autoincrement=False, nullable=False),
        sa.Column("number", _ID, autoincrement=False, nullable=False),
        sa.Column("message_id", _ID, autoincrement=False, nullable=False),
        sa.Column("digest", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "number", "message_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("recent_send_by_age", "recent_send", ["at"], unique=False)
    op.create_table(
        "contact_answer",
        sa.Column("account_id", _ID, autoincrement=False, nullable=False),
        sa.Column("number", _ID, autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "number"),
        sqlite_with_rowid=False,
    )
    op.create_index("contact_answer_by_age", "contact_answer", ["at"], unique=False)


def _add_columns() -> None:
    op.add_column("campaign", sa.Column("held_because", sa.Text(), nullable=True))
    op.add_column("campaign", sa.Column("decided_at", sa.BigInteger(), nullable=True))
    op.add_column("message", sa.Column("sender", sa.Text(), nullable=True))
    op.create_index(
        "dispatch_alerts",
        "dispatch",
        ["lane_id", "ready_at"],
        unique=False,
        sqlite_where=sa.text("state = 3 AND priority < 2"),
        postgresql_where=sa.text("state = 3 AND priority < 2"),
    )
    op.create_index(
        "campaign_moderation",
        "campaign",
        ["id"],
        unique=False,
        sqlite_where=sa.text("state = 3"),
        postgresql_where=sa.text("state = 3"),
    )
