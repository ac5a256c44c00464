"""The examples of the API's description: a successful call for each route out of the golden exchanges.

`make docs` writes them to where the product finds them.
"""

import msgspec

from chappe.surfaces.http.smsfactor.openapi import Example, Examples
from chappe.surfaces.http.smsfactor.routes import ROUTES, match
from tests.contract.exchanges import FOLDER, Exchange, load

_JWT = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"


def collect() -> Examples:
    """The first successful exchange of every route, in the order of the table."""
    found: dict[str, dict[str, Example]] = {f"{route.method} {route.path}": {} for route in ROUTES}
    for syntax in ("json", "xml"):
        for path in sorted(FOLDER.glob(f"*.{syntax}.http")):
            for exchange in load(path):
                _add(found, syntax, exchange)
    return {call: shown for call, shown in found.items() if shown}


def _add(found: Examples, syntax: str, exchange: Exchange) -> None:
    matched = match(exchange.method, exchange.target.partition("?")[0])
    is_success = '"status":1,' in exchange.answer or "<status>1</status>" in exchange.answer
    if matched is None or not (is_success or exchange.content_type.endswith("pdf")):
        return
    shown = found[f"{matched.route.method} {matched.route.path}"]
    if syntax not in shown:
        answer = exchange.answer.replace("{jwt}", _JWT) if is_success else ""
        shown[syntax] = Example(exchange.target, exchange.body.decode(), answer)


def written() -> bytes:
    return msgspec.json.format(msgspec.json.encode(collect()), indent=1) + b"\n"


if __name__ == "__main__":
    print(written().decode(), end="")
