"""POST and GET /lookup."""

from typing import Final

import msgspec
from msgspec import UNSET, UnsetType

from chappe.domain.errors import BadData
from chappe.domain.lookups import LookupResult
from chappe.manage.lookups import Lookup, LookupFilter
from chappe.surfaces.http.smsfactor.answers import Answer
from chappe.surfaces.http.smsfactor.call import Call
from chappe.surfaces.http.smsfactor.fields import Scalar, date_of, date_text, optional_text, page_of, text_of
from chappe.surfaces.http.smsfactor.query import PAGE, QueryField, period

QUERY: Final = (
    *period("Asked", is_required=False),
    QueryField("number", "Whose number contains these digits."),
    *PAGE,
)
MAX_NUMBER_CHARACTERS: Final = 64


class _Lookup(msgspec.Struct):
    to: list[Scalar] | Scalar = None


class LookupDocument(msgspec.Struct):
    lookup: _Lookup | None = None


class NetworkFields(msgspec.Struct, frozen=True):
    """The network that a number was first given to."""

    networkName: str
    networkPrefix: str
    countryName: str
    countryPrefix: str


class StatusFields(msgspec.Struct, frozen=True):
    """Whether the phone can be reached."""

    name: str
    description: str
    detailed: str


class ErrorFields(msgspec.Struct, frozen=True):
    """Why not; 0 is no error."""

    id: int
    description: str
    permanent: bool


class ResultFields(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a number; without `imsi` when it was not reached. Source: the contract's look-ups."""

    to: str
    mccMnc: str
    imsi: str | UnsetType = UNSET
    originalNetwork: NetworkFields
    ported: bool
    roaming: bool
    status: StatusFields
    error: ErrorFields


class ListedFields(ResultFields, frozen=True, kw_only=True):
    """A look-up of the past, when it was asked and what it cost."""

    date: str
    cost: int


class Response(msgspec.Struct, frozen=True):
    """The results, in the order of the request."""

    lookup: list[ResultFields]


class LookedUp(Answer, frozen=True):
    """What is known of the numbers, what that cost, and the balance afterwards."""

    cost: int
    credits: int
    response: Response


class Found(Answer, frozen=True):
    """A page of look-ups, the newest first."""

    totalRecords: int
    totalDisplayRecords: int
    lookups: list[ListedFields]


async def ask(call: Call) -> LookedUp:
    """Look numbers up: network, whether ported, whether reachable. Costs one credit for each that is answered."""
    asked = call.document.read(LookupDocument).lookup
    if asked is None or asked.to is None:
        raise BadData("is missing", field="lookup" if asked is None else "lookup.to")
    given = asked.to if isinstance(asked.to, list) else [asked.to]
    done = await call.use_cases.lookups.look_up(call.account, list(filter(None, map(_number, given))))
    return LookedUp(
        cost=done.cost, credits=done.credits, response=Response([_fields(result) for result in done.results])
    )


async def find(call: Call) -> Found:
    """List past look-ups."""
    start, length = page_of(call.query)
    number = optional_text(call.query.get("number"), "number", max_characters=MAX_NUMBER_CHARACTERS)
    page = await call.use_cases.lookups.find(
        call.account,
        LookupFilter(
            from_at=date_of(call.query, "date_start", end="first"),
            to_at=date_of(call.query, "date_end", end="last"),
            number=number.lstrip("+") if number else None,
            start=start,
            length=length,
        ),
    )
    return Found(
        totalRecords=page.total,
        totalDisplayRecords=page.matching,
        lookups=[_listed(row) for row in page.rows],
    )


def _number(value: Scalar) -> str:
    text = text_of(value).strip()
    if len(text) > MAX_NUMBER_CHARACTERS:
        raise BadData(f"has a number of more than {MAX_NUMBER_CHARACTERS} characters", field="lookup.to")
    return text


def _fields(result: LookupResult) -> ResultFields:
    return ResultFields(**_values(result))  # type: ignore[arg-type]


def _listed(row: Lookup) -> ListedFields:
    return ListedFields(**_values(row.result), date=date_text(row.asked_at), cost=row.cost)  # type: ignore[arg-type]


def _values(result: LookupResult) -> dict[str, object]:
    network = result.network
    return {
        "to": result.to,
        "mccMnc": result.mcc_mnc,
        "imsi": UNSET if result.imsi is None else result.imsi,
        "originalNetwork": NetworkFields(network.name, network.prefix, network.country, network.country_prefix),
        "ported": result.is_ported,
        "roaming": result.is_roaming,
        "status": StatusFields(result.group, result.description, result.status),
        "error": ErrorFields(result.error_id, result.error, result.is_permanent),
    }
