"""A new table or column cannot be forgotten when a person is exported or erased."""

from typing import Final

import pytest

from chappe.store import schema
from chappe.store.privacy import COVERED, EMPTIED, WITHOUT_PERSONS

TABLES = schema.metadata.tables
# Of the rows that an erasure leaves, the columns that stay as they are: none says who it was, or what he was told.
KEPT: Final = {
    "campaign": (
        "id account_id wallet_id kind sender created_at send_at expires_at state first_message_id last_message_id"
        " cost_mc total sent blacklisted duplicated npai invalid not_allowed flood country_limit open delivered failed"
        " expired network_error cancelled lists queued_to stops sms unassigned messages_deleted_at decided_at"
    ),
    "exclusion": "account_id kind number campaign_id created_at",
    "link": "campaign_id position account_id first_message_id last_message_id clicks",
    "message": (
        "id campaign_id account_id country encoding parts price_mc state dlr carrier_id carrier_refs submitted_at"
        " done_at list_id"
    ),
}


def test_every_table_is_erased_or_has_a_reason_why_it_has_nothing_of_recipients() -> None:
    named = [*COVERED, *WITHOUT_PERSONS]
    assert sorted(named) == sorted(TABLES), (
        "name the new table in chappe/store/privacy.py, and erase it if it has people"
    )
    assert all(COVERED.values())
    assert all(WITHOUT_PERSONS.values())


def test_what_sounds_like_personal_data_is_covered_or_belongs_to_customers() -> None:
    personal = {
        "number",
        "destination",
        "source",
        "text",
        "payload",
        "infos",
        "entry",
        "result",
        "detail",
        "client_ref",
    }
    suspicious = {name for name, table in TABLES.items() if personal & set(table.columns.keys())}
    without = {"arrived_receipt", "audit", "bind_state", "inbound_number", "sender"}
    assert suspicious - COVERED.keys() == without, "people are not named in these, or only for a moment"


@pytest.mark.parametrize("table", sorted(EMPTIED))
def test_every_column_of_a_row_that_stays_is_emptied_or_says_nothing_of_the_person(table: str) -> None:
    assert sorted([*EMPTIED[table], *KEPT[table].split()]) == sorted(TABLES[table].columns.keys())


def test_rows_of_the_other_covered_tables_are_deleted() -> None:
    assert all("deleted" in COVERED[table] for table in COVERED.keys() - EMPTIED.keys())
