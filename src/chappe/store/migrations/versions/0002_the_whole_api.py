"""The rest of the wire API: contacts, exclusions, profiles, retention, alerts, invoices, look-ups, links."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _add_tables()
    _add_columns()


def _add_tables() -> None:
    op.create_table(
        "contact_list",
        sa.Column("id", _ID, nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=False),
        sa.Column("contacts", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("contact_list_by_account", "contact_list", ["account_id", "id"], unique=False)
    op.create_table(
        "contact",
        sa.Column("list_id", _ID, autoincrement=False, nullable=False),
        sa.Column("id", _ID, autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("entry", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("list_id", "id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "exclusion",
        sa.Column("account_id", _ID, autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("number", _ID, autoincrement=False, nullable=False),
        sa.Column("infos", sa.Text(), nullable=True),
        sa.Column("campaign_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "kind", "number"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "retention",
        sa.Column("account_id", _ID, autoincrement=False, nullable=False),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("reply", sa.Text(), nullable=True),
        sa.Column("list", sa.Text(), nullable=True),
        sa.Column("campaign", sa.Text(), nullable=True),
        sa.Column("survey", sa.Text(), nullable=True),
        sa.Column("lookup", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("account_id"),
    )
    op.create_table(
        "balance_alert",
        sa.Column("account_id", _ID, autoincrement=False, nullable=False),
        sa.Column("trigger_mc", sa.BigInteger(), nullable=False),
        sa.Column("by_email", sa.Boolean(), nullable=False),
        sa.Column("by_sms", sa.Boolean(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("phone_number", sa.Text(), nullable=False),
        sa.Column("is_armed", sa.Boolean(), nullable=False),
        sa.Column("alerted_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("account_id"),
    )
    op.create_table(
        "mail",
        sa.Column("id", _ID, nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=True),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), nullable=False),
        sa.Column("state", sa.SmallInteger(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "mail_due",
        "mail",
        ["next_at"],
        unique=False,
        sqlite_where=sa.text("state = 0"),
        postgresql_where=sa.text("state = 0"),
    )
    op.create_table(
        "invoice",
        sa.Column("id", _ID, nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("unit_price", sa.Text(), nullable=False),
        sa.Column("net_cents", sa.BigInteger(), nullable=False),
        sa.Column("vat_percent", sa.Text(), nullable=False),
        sa.Column("vat_cents", sa.BigInteger(), nullable=False),
        sa.Column("total_cents", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("payment_type", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("paid_at", sa.BigInteger(), nullable=True),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("customer", sa.Text(), nullable=False),
        sa.Column("lang", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("invoice_by_account", "invoice", ["account_id", "id"], unique=False)
    op.create_index("invoice_by_name", "invoice", ["name"], unique=True)
    op.create_table(
        "lookup",
        sa.Column("id", _ID, nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("wallet_id", sa.BigInteger(), nullable=False),
        sa.Column("carrier_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("price_mc", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.SmallInteger(), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("result", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "lookup_asked",
        "lookup",
        ["asked_at"],
        unique=False,
        sqlite_where=sa.text("state = 0"),
        postgresql_where=sa.text("state = 0"),
    )
    op.create_index("lookup_by_account", "lookup", ["account_id", "asked_at"], unique=False)
    op.create_table(
        "link",
        sa.Column("campaign_id", _ID, autoincrement=False, nullable=False),
        sa.Column("position", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("first_message_id", sa.BigInteger(), nullable=False),
        sa.Column("last_message_id", sa.BigInteger(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("clicks", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("campaign_id", "position"),
        sqlite_with_rowid=False,
    )
    op.create_index("link_by_message", "link", ["first_message_id", "position"], unique=False)
    op.create_table(
        "click",
        sa.Column("id", _ID, nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("campaign_id", sa.BigInteger(), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("brand", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("os", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("click_by_message", "click", ["message_id", "position"], unique=False)


def _add_columns() -> None:
    op.add_column("account", sa.Column("firstname", sa.Text(), nullable=True))
    op.add_column("account", sa.Column("lastname", sa.Text(), nullable=True))
    op.add_column("account", sa.Column("company", sa.Text(), nullable=True))
    op.add_column("account", sa.Column("type", sa.Text(), nullable=True))
    op.add_column("account", sa.Column("phone", sa.Text(), nullable=True))
    op.add_column("account", sa.Column("address1", sa.Text(), nullable=True))
    op.add_column("account", sa.Column("address2", sa.Text(), nullable=True))
    op.add_column("account", sa.Column("zip", sa.Text(), nullable=True))
    op.add_column("account", sa.Column("city", sa.Text(), nullable=True))
    op.add_column("account", sa.Column("description", sa.Text(), nullable=True))
    op.add_column("account", sa.Column("lang", sa.Text(), nullable=False, server_default=sa.text("'EN'")))
    op.add_column(
        "account", sa.Column("time_zone", sa.Text(), nullable=False, server_default=sa.text("'Europe/Paris'"))
    )
    op.add_column("account", sa.Column("failed_logins", sa.Integer(), nullable=False, server_default=sa.text("0")))
    op.add_column("account", sa.Column("locked_at", sa.BigInteger(), nullable=True))
    op.add_column("campaign", sa.Column("lists", sa.Text(), nullable=True))
    op.add_column("campaign", sa.Column("queued_to", sa.BigInteger(), nullable=True))
    op.add_column("campaign", sa.Column("stops", sa.BigInteger(), nullable=False, server_default=sa.text("0")))
    op.add_column("campaign", sa.Column("unassigned", sa.BigInteger(), nullable=False, server_default=sa.text("0")))
    op.add_column("campaign", sa.Column("sms", sa.BigInteger(), nullable=True))
    op.add_column("campaign", sa.Column("messages_deleted_at", sa.BigInteger(), nullable=True))
    op.add_column("message", sa.Column("infos", sa.Text(), nullable=True))
    op.add_column("message", sa.Column("list_id", sa.BigInteger(), nullable=True))
    op.add_column("reply", sa.Column("state", sa.SmallInteger(), nullable=False, server_default=sa.text("0")))
    op.add_column("reply", sa.Column("kind", sa.Text(), nullable=True))
    op.add_column("reply", sa.Column("part_of", sa.Text(), nullable=True))
    op.add_column("reply", sa.Column("part", sa.SmallInteger(), nullable=True))
    op.add_column("reply", sa.Column("account_id", sa.BigInteger(), nullable=True))
    op.add_column("reply", sa.Column("campaign_id", sa.BigInteger(), nullable=True))
    op.add_column("reply", sa.Column("message_id", sa.BigInteger(), nullable=True))
    op.create_index("account_by_parent", "account", ["parent_id", "id"], unique=False)
    op.create_index(
        "campaign_delayed",
        "campaign",
        ["send_at"],
        unique=False,
        sqlite_where=sa.text("send_at > created_at"),
        postgresql_where=sa.text("send_at > created_at"),
    )
    op.create_index(
        "campaign_unqueued",
        "campaign",
        ["id"],
        unique=False,
        sqlite_where=sa.text("queued_to IS NOT NULL"),
        postgresql_where=sa.text("queued_to IS NOT NULL"),
    )
    op.create_index("reply_by_account", "reply", ["account_id", "received_at"], unique=False)
    op.create_index("reply_by_campaign", "reply", ["campaign_id", "message_id"], unique=False)
    op.create_index(
        "reply_stored",
        "reply",
        ["id"],
        unique=False,
        sqlite_where=sa.text("state = 0"),
        postgresql_where=sa.text("state = 0"),
    )
    op.create_index(
        "ledger_captures",
        "ledger",
        ["account_id", "at", "amount_mc"],
        unique=False,
        sqlite_where=sa.text("kind = 'capture'"),
        postgresql_where=sa.text("kind = 'capture'"),
    )
