"""Every endpoint of the vendor's API is there, and shown at work in both syntaxes.

The list is the contract's own, row by row, not the table of routes: an endpoint that is lost there is missed here.
"""

import pytest

from chappe.surfaces.http.smsfactor.routes import Match, match
from tests.contract.exchanges import FOLDER, load

CONTRACT = (
    ("1", "GET", "/send"),
    ("2", "POST", "/send"),
    ("3", "POST", "/send/lists"),
    ("4", "GET", "/send/simulate"),
    ("5", "POST", "/send/simulate"),
    ("6", "POST", "/send/lists/simulate"),
    ("7", "DELETE", "/send/:id"),
    ("8", "GET", "/campaigns"),
    ("9", "GET", "/campaign/:id"),
    ("10", "GET", "/campaign/:id/blacklist"),
    ("11", "GET", "/campaign/:id/npai"),
    ("12", "PUT", "/campaign/:id/npai"),
    ("13", "GET", "/campaign/:id/mo"),
    ("14", "GET", "/messages"),
    ("15", "GET", "/messages/mo"),
    ("16", "POST", "/list"),
    ("17", "GET", "/lists"),
    ("18", "GET", "/list/:id"),
    ("19", "DELETE", "/list/:id"),
    ("20", "PUT", "/list/deduplicate/:id"),
    ("21", "PUT", "/list/:id/npai/clear"),
    ("22", "PUT", "/list/contact/:id"),
    ("23", "DELETE", "/list/contact/:id"),
    ("24", "GET", "/blacklist"),
    ("25", "POST", "/blacklist"),
    ("26", "DELETE", "/blacklist/contact/:id"),
    ("27", "GET", "/npai"),
    ("28", "POST", "/npai"),
    ("29", "POST", "/token"),
    ("30", "POST", "/token/account/:id"),
    ("31", "GET", "/token"),
    ("32", "GET", "/token/:id"),
    ("33", "DELETE", "/token/:id"),
    ("34", "POST", "/webhook"),
    ("35", "GET", "/webhook"),
    ("36", "PUT", "/webhook/:id"),
    ("37", "PUT", "/webhook/:id/status"),
    ("38", "DELETE", "/webhook/:id"),
    ("39", "GET", "/credits"),
    ("40", "GET", "/account"),
    ("41", "POST", "/account"),
    ("42", "GET", "/sub-accounts"),
    ("43", "GET", "/sub-accounts/:id"),
    ("44", "GET", "/account/:id/unlock"),
    ("45", "GET", "/retention"),
    ("45", "PUT", "/retention"),
    ("46", "GET", "/notification/balance"),
    ("46", "PUT", "/notification/balance"),
    ("47", "GET", "/account/invoice"),
    ("47", "GET", "/account/invoice/:id"),
    ("47", "GET", "/account/invoice/:id/download"),
    ("48", "POST", "/lookup"),
    ("L1", "POST", "/"),
    ("L2", "POST", "/dr"),
)
ID = "17"


def test_the_list_is_whole() -> None:
    assert {row for row, _, _ in CONTRACT} == {str(number) for number in range(1, 49)} | {"L1", "L2"}


@pytest.mark.parametrize(("row", "method", "path"), CONTRACT)
def test_the_endpoint_has_a_route_of_its_own(row: str, method: str, path: str) -> None:
    found = match(method, path.replace(":id", ID))
    assert found is not None, f"row {row}"
    assert found == Match(found.route, ID if ":id" in path else "")
    assert (found.route.method, found.route.path) == (method, path)
    assert not found.route.is_ours


@pytest.mark.parametrize("syntax", ["json", "xml"])
def test_every_endpoint_is_shown_to_succeed(syntax: str) -> None:
    shown = set()
    for file in FOLDER.glob(f"*.{syntax}.http"):
        for exchange in load(file):
            found = match(exchange.method, exchange.target.partition("?")[0])
            succeeds = '"status":1,' in exchange.answer or "<status>1</status>" in exchange.answer
            if found and (succeeds or exchange.content_type == "application/pdf"):
                shown.add((found.route.method, found.route.path))
    assert [row for row, method, path in CONTRACT if (method, path) not in shown] == []
