"""Whether something was posted by the vendor that a template describes."""

import base64
from urllib.parse import urlsplit

from chappe.carriers.http import signatures
from chappe.carriers.http.placeholders import Value, filled_or_empty
from chappe.carriers.http.template import Verification
from chappe.carriers.http.vendor import Access, NotGenuine, Posted


def verify(rule: Verification, access: Access, posted: Posted) -> None:
    """Raises: NotGenuine."""
    values: dict[str, Value] = dict(access.values)
    if rule.networks:
        signatures.check_network(posted, rule.networks)
    if rule.basic is not None:
        user, password = (filled_or_empty(text, values) for text in rule.basic)
        if password or not rule.optional:
            signatures.check_basic(posted, user, password)
    if rule.hmac is not None:
        secret = filled_or_empty(rule.secret, values)
        if secret or not rule.optional:
            _check_signature(rule, rule.hmac, secret, posted)
    elif rule.header:
        value = filled_or_empty(rule.value, values)
        if value or not rule.optional:
            signatures.check_same(posted.headers.get(rule.header.lower(), ""), value, f"the header {rule.header}")


def _check_signature(rule: Verification, digest: str, secret: str, posted: Posted) -> None:
    if not secret:
        raise NotGenuine("there is no secret to check the signature with")
    signature = signatures.mac(digest, secret, _signed(rule.over, posted))
    wanted = signature.hex() if rule.encoding == "hex" else base64.b64encode(signature).decode()
    given = posted.headers.get(rule.header.lower(), "").removeprefix(rule.prefix).strip()
    signatures.check_same(given.lower() if rule.encoding == "hex" else given, wanted, "the signature")
    if rule.time_header:
        signatures.check_age(posted.headers.get(rule.time_header.lower(), ""), posted.at_s)


def _signed(over: str, posted: Posted) -> bytes:
    """The octets that were signed: the body is put in as it came, whatever its encoding."""
    before, body, after = over.partition("{body}")
    parts: dict[str, Value] = {"url": posted.url, "query": urlsplit(posted.url).query}
    parts |= {f"header:{name}": value for name, value in posted.headers.items()}
    return (
        filled_or_empty(before, parts).encode()
        + (posted.body if body else b"")
        + filled_or_empty(after, parts).encode()
    )
