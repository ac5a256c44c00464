"""The tables of carriers: who they are, which messages they get, how they are doing.

Units: as in `schema.py`.
"""

from sqlalchemy import Boolean, Column, Index, SmallInteger, Table, Text, text

from chappe.store.tables import Id, added, column, metadata

carrier = Table(
    "carrier",
    metadata,
    Column("id", Id, primary_key=True),
    column("name", Text),
    added("kind", Text, default="'smpp'"),  # smpp, http or sandbox
    added("profile", Text),  # name of the profile its options began with
    column("host", Text),
    column("port"),
    column("system_id", Text),
    column("password", Text),
    column("tls", Boolean),
    column("binds"),
    column("window"),
    column("rate"),  # submits per second, 0 for no limit
    column("options", Text),  # JSON, of the options of its kind: addressing, long messages, policies
    column("created_at"),
    column("removed_at", nullable=True),
    added("paused_at"),  # since when nothing is handed to it; null: it is served
    added("rebind_at"),  # when its operator last asked for new connections
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
    column("state", Text),
    column("detail", Text),
    column("in_flight"),
    column("submitted"),
    column("since_at"),
    column("seen_at"),
    added("oddities", Text),  # JSON: how often the carrier bent which rule; null: never
    added("mode", Text),  # what it is bound as: transceiver, transmitter or receiver
    added("version", Text),  # of SMPP, as the centre says
    added("answer_ms"),  # how long the carrier takes to answer; null: not known
)

# How fast a lane is, and what keeps it from being faster, as its gateway measures.
lane_pace = Table(
    "lane_pace",
    metadata,
    Column("carrier_id", Id, primary_key=True, autoincrement=False),
    column("limited_by", Text),
    column("per_s"),  # parts a second, over the last seconds
    column("allowed_per_s", nullable=True),  # what the rate, or the carrier's complaints, leave; null: no limit
    column("answer_ms", nullable=True),
    column("congestion", nullable=True),  # percent, as the carrier last said; null: it does not
    column("seen_at"),
    sqlite_with_rowid=False,
)

route = Table(
    "route",
    metadata,
    Column("id", Id, primary_key=True),
    column("carrier_id", Id),
    column("country", Text, nullable=True),  # null: every country that has no route of its own
    column("created_at"),
    added("conditions", Text),  # JSON of the other conditions of domain/routing; null: none
    added("rank", default="100"),  # lower is tried first
    added("weight"),  # its share among equals; null: none was said, 0: only when the others cannot
    added("is_test", Boolean, default="FALSE"),  # it takes nothing but tests
    added("note", Text, default="''"),
    added("removed_at"),
)

# What a carrier takes for a part, where the operator told us.
carrier_cost = Table(
    "carrier_cost",
    metadata,
    Column("carrier_id", Id, primary_key=True, autoincrement=False),
    Column("place", Text, primary_key=True),  # alpha-2 of a country, or the first digits of numbers; empty: the rest
    column("cost_mc"),
    sqlite_with_rowid=False,
)

# How a lane is doing, as its gateway judges: who decides where messages go reads it.
lane_health = Table(
    "lane_health",
    metadata,
    Column("lane_id", Id, primary_key=True, autoincrement=False),
    Column("country", Text, primary_key=True),  # alpha-2; empty: whatever the country
    column("state", Text),  # ok, throttled, bad, unproven or down
    column("reason", Text),
    column("since_at"),
    sqlite_with_rowid=False,
)

# What became of messages, by carrier, country and five minutes: its quality, and its statistics.
carrier_figure = Table(
    "carrier_figure",
    metadata,
    Column("carrier_id", Id, primary_key=True, autoincrement=False),
    Column("slot_at", Id, primary_key=True, autoincrement=False),
    Column("country", Text, primary_key=True),
    column("sent"),  # messages, as all of these
    column("refused"),
    column("unknown"),
    column("delivered"),
    column("failed"),
    column("faults"),  # of the refused and failed ones, those that speak against the carrier
    column("delay_ms"),  # from submit to receipt, summed over the delivered ones
    # of these, how many came within so many seconds, and not within fewer
    column("within_5s"),
    column("within_15s"),
    column("within_60s"),
    column("within_300s"),
    column("within_3600s"),
    sqlite_with_rowid=False,
)

# What happened to messages whose outcome was unknown, counted.
unknown_count = Table(
    "unknown_count",
    metadata,
    Column("carrier_id", Id, primary_key=True, autoincrement=False),
    Column("what", Text, primary_key=True),  # of store/unknowns.WHAT
    column("count"),
    sqlite_with_rowid=False,
)

# Messages that a carrier took and that it is asked about unless their receipt comes. A row is looked at when its time
# has come and never before: a receipt touches none.
open_question = Table(
    "open_question",
    metadata,
    Column("carrier_id", Id, primary_key=True, autoincrement=False),
    Column("ask_at", Id, primary_key=True, autoincrement=False),
    Column("message_id", Id, primary_key=True, autoincrement=False),
    column("asked", SmallInteger),  # how often it has been asked
    sqlite_with_rowid=False,
)

# Receipts that came over HTTP, for the gateway that owns the carrier's lane to record.
arrived_receipt = Table(
    "arrived_receipt",
    metadata,
    Column("id", Id, primary_key=True),
    column("carrier_id"),
    column("ref", Text),
    column("number", nullable=True),
    column("dlr", SmallInteger),
    column("is_final", Boolean),
    column("detail", Text),
    column("received_at"),
    Index("arrived_receipt_by_carrier", "carrier_id", "id"),
)

# Numbers and keywords at which people reach an account.
inbound_number = Table(
    "inbound_number",
    metadata,
    Column("number", Text, primary_key=True),  # digits: a long number with its country code, or a short code
    Column("keyword", Text, primary_key=True),  # the first word, upper case; empty: whatever else comes in
    column("account_id"),
    column("created_at"),
    Index("inbound_number_by_account", "account_id"),
    sqlite_with_rowid=False,
)

receipt_rule = Table(
    "receipt_rule",
    metadata,
    Column("carrier_id", Id, primary_key=True, autoincrement=False),
    Column("rule", Text, primary_key=True),  # how this carrier's receipts name the messages
    column("hits"),
    sqlite_with_rowid=False,
)

unmatched_receipt = Table(
    "unmatched_receipt",
    metadata,
    Column("id", Id, primary_key=True),
    column("carrier_id"),
    column("ref", Text),
    column("number", nullable=True),
    column("dlr", SmallInteger),
    column("is_final", Boolean),
    column("detail", Text),
    column("received_at"),
    Index("unmatched_receipt_by_carrier", "carrier_id", "id"),
)
