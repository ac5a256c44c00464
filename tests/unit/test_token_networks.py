"""From where a token may be used."""

import pytest

from chappe.domain.errors import BadData
from chappe.domain.tokens import MAX_ALLOWED_IPS, may_come_from, networks


@pytest.mark.parametrize(
    ("allowed", "client", "may"),
    [
        ((), "203.0.113.7", True),
        ((), None, True),
        (("192.0.2.0/24",), "192.0.2.200", True),
        (("192.0.2.0/24",), "192.0.3.1", False),
        (("192.0.2.7",), "192.0.2.7", True),
        (("192.0.2.7/24",), "192.0.2.9", True),
        (("2001:db8::/32",), "2001:db8:1::1", True),
        (("2001:db8::1",), "2001:db8::2", False),
        (("192.0.2.0/24",), "::ffff:192.0.2.9", True),
        (("2001:db8::/32", "192.0.2.0/24"), "192.0.2.9", True),
        (("192.0.2.0/24",), None, False),
        (("0.0.0.0/0",), "unix", False),
    ],
)
def test_a_token_is_good_from_its_networks(allowed: tuple[str, ...], client: str | None, may: bool) -> None:
    assert may_come_from(networks(allowed), client) is may


@pytest.mark.parametrize("wrong", ["localhost", "192.0.2.0/33", "192.0.2", "", "1.2.3.4, 5.6.7.8", "2001:db8::/200"])
def test_what_is_no_address_and_no_network_is_refused(wrong: str) -> None:
    with pytest.raises(BadData, match="allowed_ips"):
        networks(("192.0.2.1", wrong))


def test_the_number_of_networks_is_limited() -> None:
    assert len(networks(("192.0.2.1",) * MAX_ALLOWED_IPS)) == MAX_ALLOWED_IPS
    with pytest.raises(BadData, match="allowed_ips"):
        networks(("192.0.2.1",) * (MAX_ALLOWED_IPS + 1))
