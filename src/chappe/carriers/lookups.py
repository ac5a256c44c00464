"""Look-ups as carriers offer them over HTTP: the request as octets, the answer as results.

Source: the JSON that HLR services share, {"to": [...]} answered with {"results": [...]}; see docs/carriers.md.
"""

from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

import msgspec

from chappe.domain.lookups import LookupResult, Network

# Longer words are cut: nothing in such an answer is.
MAX_CHARACTERS: Final = 200


class LookupService(NamedTuple):
    """Where a carrier answers look-ups. Shape: `token` is a bearer's, or the whole header when it names its scheme."""

    url: str
    token: str

    def __repr__(self) -> str:
        return f"LookupService({self.url!r})"


class HttpRequest(NamedTuple):
    """A POST that is yet to be made."""

    url: str
    headers: dict[str, str]
    body: bytes


class LookupFailed(Exception):
    """The carrier told nothing; why, without addresses or secrets."""


_Text = str | int | float | bool | None


class _Status(msgspec.Struct, rename="camel"):
    group_name: _Text = None
    name: _Text = None
    description: _Text = None


class _Error(msgspec.Struct, rename="camel"):
    id: int = 0
    description: _Text = None
    permanent: bool = False


class _Network(msgspec.Struct, rename="camel"):
    network_name: _Text = None
    network_prefix: _Text = None
    country_name: _Text = None
    country_prefix: _Text = None


class _Result(msgspec.Struct, rename="camel"):
    to: _Text
    status: _Status
    mcc_mnc: _Text = None
    imsi: _Text = None
    original_network: _Network | None = None
    ported: bool | None = None
    roaming: bool | None = None
    error: _Error | None = None


class _Answer(msgspec.Struct):
    results: list[msgspec.Raw]


def request(service: LookupService, numbers: Sequence[int]) -> HttpRequest:
    """The request that asks about some numbers."""
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    if service.token:
        headers["Authorization"] = service.token if " " in service.token else f"Bearer {service.token}"
    return HttpRequest(service.url, headers, msgspec.json.encode({"to": [str(number) for number in numbers]}))


def answer(body: bytes, asked: Collection[int]) -> dict[int, LookupResult]:
    """The results in an answer, by number.

    Shape:  numbers that were not asked about, and results that cannot be read, are left out.
    Raises: LookupFailed when it is none at all.
    """
    try:
        decoded = msgspec.json.decode(body, type=_Answer)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):  # a wrong shape is a DecodeError too
        raise LookupFailed("the answer has no results") from None
    found: dict[int, LookupResult] = {}
    for raw in decoded.results:
        try:
            result = msgspec.json.decode(raw, type=_Result)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue
        digits = _text(result.to).removeprefix("+")
        if digits.isascii() and digits.isdigit() and int(digits) in asked:
            found.setdefault(int(digits), _result(digits, result))
    return found


def _result(number: str, told: _Result) -> LookupResult:
    network, error = told.original_network or _Network(), told.error or _Error(description="No Error")
    name = _text(told.status.name)
    return LookupResult(
        to=number,
        # A service that knows one word only gives it as the name.
        group=_text(told.status.group_name) or name.partition("_")[0],
        status=name,
        description=_text(told.status.description),
        mcc_mnc=_text(told.mcc_mnc),
        imsi=_text(told.imsi) or None,
        network=Network(
            name=_text(network.network_name),
            prefix=_text(network.network_prefix),
            country=_text(network.country_name),
            country_prefix=_text(network.country_prefix),
        ),
        is_ported=bool(told.ported),
        is_roaming=bool(told.roaming),
        error_id=error.id,
        error=_text(error.description),
        is_permanent=error.permanent,
    )


def _text(value: _Text) -> str:
    return "" if value is None or isinstance(value, bool) else str(value).strip()[:MAX_CHARACTERS]
