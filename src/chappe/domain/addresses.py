"""Addresses on the web that customers give us: where webhooks are posted to, where links lead."""

from typing import Final
from urllib.parse import quote, urlsplit

from chappe.domain.errors import BadData

MAX_URL: Final = 2048

# What may stand in an address as it is; the rest goes percent-encoded.
_SAFE: Final = "".join(map(chr, range(0x21, 0x7F)))


def web_address(asked: str, *, field: str) -> str:
    """An http or https address without blanks around it, when it is one that can be used.

    Whether its name leads into a private network is not asked here, because that may change at any moment.
    Raises: BadData.
    """
    url = asked.strip()
    if len(url) > MAX_URL:
        raise BadData(f"must have {MAX_URL} characters at most", field=field)
    if any(character <= " " or character == "\x7f" for character in url):
        raise BadData("must not contain spaces or control characters", field=field)
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise BadData(f"cannot be read: {error}", field=field) from None
    if parts.scheme not in ("http", "https"):
        raise BadData("must begin with http:// or https://", field=field)
    if not host or port == 0:
        raise BadData("must name a host, and no port 0", field=field)
    if "@" in parts.netloc:
        raise BadData("must not contain a user name or password", field=field)
    if "\\" in parts.netloc:
        raise BadData("must not contain a backslash before the path", field=field)
    return url


def ascii_address(url: str) -> str:
    """The same address as a header can carry it: the name in its ASCII form, the rest percent-encoded.

    Shape:  what is ASCII already is not touched.
    Raises: ValueError when its name has no such form.
    """
    if url.isascii():
        return url
    scheme, _, rest = url.partition("://")
    cut = min((rest.find(mark) for mark in "/?#" if mark in rest), default=len(rest))
    host, port = rest[:cut], ""
    if ":" in host and not host.endswith("]"):
        host, _, port = host.rpartition(":")
    name = host if host.isascii() else host.encode("idna").decode("ascii")
    return f"{scheme}://{name}{':' + port if port else ''}{quote(rest[cut:], safe=_SAFE)}"
