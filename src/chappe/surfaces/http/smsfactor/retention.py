"""GET and PUT /retention."""

from typing import Final

import msgspec

from chappe.domain.retention import What
from chappe.surfaces.http.smsfactor.answers import Answer
from chappe.surfaces.http.smsfactor.call import Call
from chappe.surfaces.http.smsfactor.fields import Scalar, optional_text

_MAX_PERIOD_CHARACTERS = 16
# The wire's words for what is kept.
_WORDS: Final[dict[What, str]] = {
    "message": "message",
    "list": "list",
    "survey": "survey",
    "campaign": "campaign",
    "reply": "mo",
    "lookup": "lookup",
}


class _Periods(msgspec.Struct):
    message: Scalar = None
    list: Scalar = None
    survey: Scalar = None
    campaign: Scalar = None
    mo: Scalar = None
    lookup: Scalar = None


class RetentionDocument(msgspec.Struct):
    retention: _Periods | None = None


class KeptFields(msgspec.Struct, frozen=True):
    """The periods as they are read.

    Source: the contract's data retention; the last four names are those that an old client looks for.
    """

    mts_retention: str
    lists_retention: str
    surveys_retention: str
    mos_retention: str
    campaigns_retention: str
    lookups_retention: str
    message: str
    list: str
    survey: str
    campaign: str


class ChangedFields(msgspec.Struct, frozen=True):
    """The periods as they are set."""

    message: str
    list: str
    survey: str
    campaign: str
    mo: str
    lookup: str


class Kept(Answer, frozen=True):
    """For how long everything is kept: a number and d for days or m for months, -1 for ever."""

    data_retention: KeptFields


class Changed(Answer, frozen=True):
    """For how long everything is kept now."""

    retention: ChangedFields


async def get(call: Call) -> Kept:
    """Read for how long data is kept."""
    kept = call.use_cases.retentions.read(call.account)
    return Kept(
        data_retention=KeptFields(
            mts_retention=str(kept.message),
            lists_retention=str(kept.list),
            surveys_retention=str(kept.survey),
            mos_retention=str(kept.reply),
            campaigns_retention=str(kept.campaign),
            lookups_retention=str(kept.lookup),
            message=str(kept.message),
            list=str(kept.list),
            survey=str(kept.survey),
            campaign=str(kept.campaign),
        )
    )


async def update(call: Call) -> Changed:
    """Set for how long data is kept; what is not named stays as it is."""
    asked = call.document.read(RetentionDocument).retention or _Periods()
    fields = {what: f"retention.{word}" for what, word in _WORDS.items()}
    wanted: dict[What, str] = {}
    for what, word in _WORDS.items():
        text = optional_text(getattr(asked, word), fields[what], max_characters=_MAX_PERIOD_CHARACTERS)
        if text is not None:
            wanted[what] = text
    kept = await call.use_cases.retentions.change(call.account, wanted, fields=fields)
    return Changed(
        retention=ChangedFields(
            message=str(kept.message),
            list=str(kept.list),
            survey=str(kept.survey),
            campaign=str(kept.campaign),
            mo=str(kept.reply),
            lookup=str(kept.lookup),
        )
    )
