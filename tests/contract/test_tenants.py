"""Nobody reaches another account's things: every call that names a thing by its id says it is not there."""

from pathlib import Path

import msgspec

from chappe.surfaces.http.smsfactor.routes import ROUTES, Route
from tests.builders import Api, on_loop, running_api
from tests.wire import call

# What account 1 has, made over the API; the ids are what a stranger might guess.
OWN = {
    "/send/:id": "campaign",
    "/campaign/:id": "campaign",
    "/list/:id": "list",
    "/list/deduplicate/:id": "list",
    "/deduplicate/:id": "list",
    "/list/contact/:id": "contact",
    "/blacklist/contact/:id": "excluded",
    "/npai/contact/:id": "excluded",
    "/sender/:id": "sender",
    "/token/:id": "token",
    "/token/account/:id": "child",
    "/sub-accounts/:id": "child",
    "/account/:id": "child",
    "/webhook/:id": "webhook",
    "/account/invoice/:id": "invoice",
}
# What each kind of document needs to be understood.
BODIES = {
    "/webhook/:id": {"webhook": {"type": "DLR", "url": "https://hooks.example/"}},
    "/webhook/:id/status": {"webhook": {"status": "paused"}},
    "/token/account/:id": {"token": {"name": "mine"}},
    "/sub-accounts/:id/credits": {"credits": {"amount": 1}},
    "/list/contact/:id": {"value": "33600112299"},
}


def kind_of(route: Route) -> str:
    """What stands at the `:id` of a route; a new one must be named here."""
    head = route.path[: route.path.index(":id") + 3]
    return OWN[head]


async def ask(api: Api, token: str, method: str, path: str, tree: object = None) -> dict[str, object]:
    headers = {"Accept": "application/json", "Authorization": f"Bearer {token}"}
    reply = await call(api.port, method, path, headers, b"" if tree is None else msgspec.json.encode(tree))
    return reply.json


async def make(api: Api) -> dict[str, str]:
    """One of everything for account 1."""

    async def own(method: str, path: str, tree: object = None) -> dict[str, object]:
        answer = await ask(api, api.token, method, path, tree)
        assert answer["status"] == 1, answer
        return answer

    gsm = {"gsm": [{"value": "33600112233"}]}
    sent = await own("GET", "/send?text=Hi&to=33600112233&delay=2099-01-01+00:00:00")
    list_ = await own("POST", "/list", {"list": {"name": "Members", "contacts": gsm}})
    contact = (await own("GET", f"/list/{list_['id']}"))["list"][0]["id"]  # type: ignore[index]
    await own("POST", "/blacklist", {"blacklist": {"contacts": gsm}})
    await own("POST", "/npai", {"npai": {"contacts": gsm}})
    excluded = (await own("GET", "/blacklist"))["list"][0]["id"]  # type: ignore[index]
    hook = await own("POST", "/webhook", {"webhook": {"type": "DLR", "url": "https://hooks.example/"}})
    token = await own("POST", "/token", {"token": {"name": "second"}})
    sender = await own("POST", "/sender", {"sender": {"text": "MyClub", "country": "SG"}})
    invoices = await own("GET", "/account/invoice")
    return {
        "campaign": str(sent["ticket"]),
        "list": str(list_["id"]),
        "contact": contact,
        "excluded": excluded,
        "sender": str(sender["sender"]["id"]),  # type: ignore[index]
        "token": str(token["token_id"]),
        "child": "2",
        "webhook": str(hook["webhook"]["webhook_id"]),  # type: ignore[index]
        "invoice": str(invoices["invoices"][0]["id"]),  # type: ignore[index]
    }


@on_loop
async def test_another_accounts_things_are_not_there_for_a_stranger(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        things = await make(api)
        for route in ROUTES:
            if ":id" not in route.path:
                continue
            path = route.path.replace(":id", things[kind_of(route)])
            answer = await ask(api, api.stranger_token, route.method, path, BODIES.get(route.path))
            assert answer["status"] == -5, (route.method, path, answer)


@on_loop
async def test_the_owner_reaches_every_one_of_them(tmp_path: Path) -> None:
    """Without this the test above would pass on ids that nobody has."""
    async with running_api(tmp_path) as api:
        for route in ROUTES:
            if ":id" not in route.path or route.method == "DELETE" or route.file_type:
                continue
            things = await make(api)  # anew, because some calls take them away
            path = route.path.replace(":id", things[kind_of(route)])
            answer = await ask(api, api.token, route.method, path, BODIES.get(route.path))
            assert answer["status"] != -5, (route.method, path, answer)
