"""Who is calling: every way in which clients of this API have said it, newest first.

Source: the contract's table of ways to authenticate.
"""

from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

import msgspec

from chappe.surfaces.http.smsfactor.documents import RequestDocument
from chappe.surfaces.http.smsfactor.fields import Scalar, text_of


class Bearer(NamedTuple):
    """A token, wherever it was found."""

    token: str


class Login(NamedTuple):
    """An account's e-mail address and password."""

    username: str
    password: str


Credentials: TypeAlias = Bearer | Login


def in_headers(headers: Mapping[bytes, bytes]) -> Credentials | None:
    """`Authorization: Bearer …`, or the old pair `sfusername` and `sfpassword`."""
    scheme, _, token = headers.get(b"authorization", b"").strip().partition(b" ")
    if scheme.lower() == b"bearer":
        return Bearer(token.strip().decode("latin-1"))
    username = headers.get(b"sfusername")
    if username is None:
        return None
    return Login(_header_text(username), _header_text(headers.get(b"sfpassword", b"")))


def in_query(query: Mapping[str, str], *, may_log_in: bool) -> Credentials | None:
    """`token=…`; where an old client does so, `username=…&password=…`."""
    if token := query.get("token"):
        return Bearer(token.strip())
    if may_log_in and (username := query.get("username")):
        return Login(username, query.get("password", ""))
    return None


class _Pair(msgspec.Struct):
    username: Scalar = None
    password: Scalar = None
    token: Scalar = None


class _Root(msgspec.Struct):
    authentication: _Pair | None = None
    authentification: _Pair | None = None  # the French spelling of the first XML clients


class _Signed(msgspec.Struct):
    sms: _Root | None = None


def in_document(document: RequestDocument) -> Credentials | None:
    """`sms.authentication` in JSON, `<authentification>` below any root element in XML."""
    root = document.read(_Signed, root="sms").sms
    pair = root and (root.authentication or root.authentification)
    if not pair:
        return None
    if token := text_of(pair.token).strip():
        return Bearer(token)
    return Login(text_of(pair.username), text_of(pair.password))


def _header_text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")
