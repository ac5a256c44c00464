"""Whatever a vendor answers or posts, its functions give a meaning or refuse, and never break."""

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chappe.carriers.http.access import access_of
from chappe.carriers.http.options import HttpOptions
from chappe.carriers.http.vendor import (
    Accepted,
    Access,
    Closed,
    Message,
    NotGenuine,
    Posted,
    Told,
    TooFast,
    Unclear,
    Vendor,
)
from chappe.carriers.http.vendors import vendor_of, vendors
from chappe.domain.lifecycle import Dlr
from chappe.domain.outcomes import ReceiptIn, ReplyIn
from chappe.domain.retry import Refused

VENDORS = [vendor_of(name) for name in vendors()]
# The words that vendors' tables know, so that the tables are met.
WORDS = st.sampled_from([
    "status", "messages", "message-id", "sid", "code", "error_code", "ticket", "sent", "state", "id", "results", "to",
    "payload", "event", "sms:delivered", "sms:received", "messageId", "MessageSid", "MessageStatus", "delivered",
    "From", "from", "text", "msisdn", "campaign_id", "destination", "message", "groupName", "DELIVERED", "concat-total",
    "1", "0", "-1", "3", "failed", "queued", "20429", "sig", "timestamp",
])  # fmt: skip
SCALARS = st.one_of(WORDS, st.text(max_size=20), st.integers(), st.booleans(), st.none(), st.floats(allow_nan=False))
TREES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(WORDS | st.text(max_size=5), inner, max_size=6)
    ),
    max_leaves=20,
)
FORMS = st.lists(st.tuples(WORDS, SCALARS), max_size=8).map(
    lambda pairs: "&".join(f"{name}={value}" for name, value in pairs).encode("utf-8", "replace")
)
BODIES = st.one_of(TREES.map(msgspec.json.encode), FORMS, st.binary(max_size=60))
HEADERS = st.dictionaries(
    st.sampled_from(["retry-after", "x-signature", "x-timestamp", "authorization", "x-twilio-signature"]),
    st.text(max_size=20),
)
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
MESSAGE = Message("k-1", "33612345678", "Hello", "Acme", False, 1, 3600)


def access(vendor: Vendor) -> Access:
    """What an operator says who gives a word for all that is asked, and no signatures: everything is read."""
    asked = {field.name: field.default if field.default is not None else "word" for field in vendor.fields}
    return access_of(
        HttpOptions(vendor=vendor.name, url="https://api.example", values=asked), "https://s.example/c/n/s"
    )


@unhurried
@given(st.sampled_from(VENDORS), st.integers(100, 599), HEADERS, BODIES)
def test_every_answer_has_a_meaning(vendor: Vendor, status: int, headers: dict[str, str], body: bytes) -> None:
    answer = vendor.answer(access(vendor), MESSAGE, Told(status, headers, body))
    assert isinstance(answer, Accepted | Refused | TooFast | Closed | Unclear)
    if isinstance(answer, Accepted):
        assert answer.refs
        assert all(isinstance(ref, str) for ref in answer.refs)
    if isinstance(answer, Refused):
        assert Dlr(answer.dlr) not in (Dlr.DELIVERED, Dlr.SENT, Dlr.NOT_SENT)
    if isinstance(answer, TooFast):
        assert answer.wait_s is None or 0 <= answer.wait_s <= 900


@unhurried
@given(st.sampled_from(VENDORS), st.integers(500, 599), BODIES)
def test_an_error_of_the_vendors_machines_is_never_taken_for_success(vendor: Vendor, status: int, body: bytes) -> None:
    assert not isinstance(vendor.answer(access(vendor), MESSAGE, Told(status, {}, body)), Accepted)


@unhurried
@given(
    st.sampled_from(VENDORS),
    st.sampled_from(["receipt", "reply", ""]),
    st.sampled_from(["GET", "POST"]),
    HEADERS,
    BODIES,
    FORMS,
)
def test_news_is_read_or_refused(
    vendor: Vendor, what: str, method: str, headers: dict[str, str], body: bytes, query: bytes
) -> None:
    url = "https://s.example/c/n/s?" + query.decode("utf-8", "replace")
    posted = Posted(what, method, url, headers, body, 1_900_000_000.0, "192.0.2.1")
    try:
        news = vendor.callback(access(vendor), posted)
    except (NotGenuine, ValueError):
        return
    for item in news.items:
        if isinstance(item, ReceiptIn):
            assert item.ref
            assert Dlr(item.dlr)
            assert item.number is None or 0 < item.number < 10**15
        else:
            assert isinstance(item, ReplyIn)
            assert item.source


@unhurried
@given(st.sampled_from(VENDORS), st.text(min_size=1, max_size=50), st.text(max_size=11), st.booleans())
def test_every_text_can_be_said_or_is_refused(vendor: Vendor, text: str, sender: str, is_unicode: bool) -> None:
    message = MESSAGE._replace(text=text, sender=sender, is_unicode=is_unicode)
    try:
        call = vendor.request(access(vendor), message)
    except ValueError:
        return
    assert call.url.startswith("https://")
    assert call.url.isascii()
    assert call.url.isprintable()
    assert all(value.isprintable() for value in call.headers.values())
