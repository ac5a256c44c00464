"""GET /credits."""

from typing import Literal

from chappe.surfaces.http.smsfactor.answers import Answer
from chappe.surfaces.http.smsfactor.call import Call


class Balance(Answer, frozen=True):
    """The credits an account may spend. Source: the contract's credits."""

    credits: str
    postpaid: Literal["0", "1"]
    postpaid_limit: int | Literal[False]
    unlimited: bool


async def get(call: Call) -> Balance:
    """Read the balance."""
    found = await call.use_cases.credits.balance(call.account)
    is_postpaid = found.postpaid_limit is not None
    return Balance(
        credits=str(found.credits),
        postpaid="1" if is_postpaid else "0",
        postpaid_limit=found.postpaid_limit or False,
        unlimited=found.is_unlimited,
    )
