"""What the status of an HTTP answer means when the vendor's own table says nothing."""

import math
from collections.abc import Mapping

from chappe.carriers.http.vendor import Answer, Closed, Told, TooFast, Unclear
from chappe.domain.lifecycle import Dlr
from chappe.domain.retry import Refused

# A longer pause than a vendor can mean for a single message.
MAX_WAIT_S = 900.0


def by_status(told: Told) -> Answer:
    """What became of a message by the status alone, for one that says that it was not taken.

    Shape: a 5xx may come from any machine on the way, after the message was taken: unclear. Only a 503 that says when
           to come again is a refusal.
    Source: RFC 9110 15.4 to 15.6, RFC 6585 4.
    """
    status, name = told.status, f"HTTP {told.status}"
    if status == 429 or (status == 503 and "retry-after" in told.headers):
        return TooFast(name, retry_after(told.headers))
    if status in (401, 402, 407) or 300 <= status < 400:
        return Closed(name)
    if status == 403:
        return Closed(name, is_certain=False)
    if status in (404, 405, 408, 409, 410, 421, 425):
        return Refused("temporary", int(Dlr.NETWORK_ERROR), name)
    if 400 <= status < 500:
        return Refused("permanent", int(Dlr.REJECTED), name)
    return Unclear(name)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """How long the vendor asks us to wait, when it says so in seconds. Source: RFC 9110 10.2.3."""
    try:
        wait_s = float(headers.get("retry-after", ""))
    except ValueError:
        return None
    return min(max(wait_s, 0.0), MAX_WAIT_S) if math.isfinite(wait_s) else None
