"""What is checked of an HTTP carrier before it is kept."""

import re
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

from chappe.carriers.http.options import HttpOptions
from chappe.carriers.http.vendor import Field
from chappe.carriers.http.vendors import vendor_of
from chappe.domain.errors import BadData

MAX_VALUE: Final = 4000
# A name that can be looked up, perhaps of a machine in the operator's own network, where underscores are seen.
# Source: RFC 1035 2.3.4: labels of at most 63 octets, 253 in all.
_LABEL: Final = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_NAME: Final = re.compile(rf"(?=.{{1,253}}\.?\Z){_LABEL}(?:\.{_LABEL})*\.?")


def check_http(options: HttpOptions) -> None:
    """Raises: BadData that names what cannot be."""
    vendor = vendor_of(options.vendor, options.template)
    if options.url or not vendor.place:
        _check_url(options.url)
    _check_values({**options.values, **options.secrets}, vendor.fields, vendor.name)


def _check_values(values: Mapping[str, str], fields: Sequence[Field], vendor: str) -> None:
    known = {field.name: field for field in fields}
    for name, value in values.items():
        if name not in known:
            told = f"it asks for {', '.join(known)}" if known else "it asks for nothing"
            raise BadData(f"{vendor} has no such option: {told}", field=name)
        if len(value) > MAX_VALUE or not (value.isprintable() or not value):
            raise BadData(f"must have at most {MAX_VALUE} printable characters", field=name)
    for field in fields:
        if field.default is None and not values.get(field.name):
            how = "--secret" if field.is_secret else "--option"
            raise BadData(f"is missing: {how} {field.name}=... ({field.help or 'see the template'})", field=field.name)


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        is_good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is none
        is_good = False
    is_plain = url.isascii() and url.isprintable() and " " not in url
    if not is_good or not is_plain or "?" in url or "#" in url or "@" in url:
        raise BadData("must say where the API is, like https://sms.example.net/api", field="url")
    host = parts.hostname or ""
    if "[" not in parts.netloc and not _NAME.fullmatch(host):
        raise BadData(
            f"names no host that can be looked up: {host!r}; --url is like https://sms.example.net/api", field="url"
        )
