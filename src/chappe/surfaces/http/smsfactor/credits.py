"""GET /credits."""

from chappe.surfaces.http.smsfactor.answers import Answer
from chappe.surfaces.http.smsfactor.call import Call


async def get(call: Call) -> Answer:
    found = await call.use_cases.credits.balance(call.account)
    is_postpaid = found.postpaid_limit is not None
    return Answer(
        {
            "credits": str(found.credits),
            "postpaid": "1" if is_postpaid else "0",
            "postpaid_limit": found.postpaid_limit if is_postpaid else False,
            "unlimited": found.is_unlimited,
        }
    )
