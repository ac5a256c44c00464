"""Contact lists and exclusion lists as real clients use them."""

import json
from pathlib import Path
from typing import Any

import pytest

from chappe.manage.list_filling import CHUNK
from chappe.surfaces.http.smsfactor.limits import RequestLimits
from tests.builders import Api, on_loop, running_api
from tests.wire import call

NUMBER = "33600112233"


async def ask(api: Api, method: str, target: str, body: Any = None, *, token: str = "") -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {token or api.token}", "Accept": "application/json"}
    reply = await call(api.port, method, target, headers, b"" if body is None else json.dumps(body).encode())
    assert reply.status == 200
    return reply.json


async def ask_xml(api: Api, method: str, target: str, body: str) -> Any:
    headers = {"Authorization": f"Bearer {api.token}"}
    return (await call(api.port, method, target, headers, body.encode())).tree


def listing(*numbers: Any, **fields: Any) -> dict[str, Any]:
    return {"list": {**fields, "contacts": {"gsm": [{"value": number} for number in numbers]}}}


class TestFilling:
    """POST /list."""

    @on_loop
    async def test_the_vendors_test_adds_a_number_twice_and_deduplicates(self, tmp_path: Path) -> None:
        async with running_api(tmp_path) as api:
            made = await ask(api, "POST", "/list", listing(NUMBER, NUMBER, name="twice"))
            assert made["contacts"] == 2
            assert (await ask(api, "PUT", f"/list/deduplicate/{made['id']}", []))["removed"] == 1
            assert (await ask(api, "GET", f"/list/{made['id']}", []))["contacts"] == "1"

    @pytest.mark.parametrize("key", ["listId", "list_id", "list"])
    @pytest.mark.parametrize("kind", [int, str, float])
    @on_loop
    async def test_the_list_to_add_to_is_named_in_many_ways(self, key: str, kind: type, tmp_path: Path) -> None:
        async with running_api(tmp_path) as api:
            made = await ask(api, "POST", "/list", listing(NUMBER))
            added = await ask(api, "POST", "/list", listing("33600112244", **{key: kind(made["id"])}))
            assert (added["status"], added["id"], added["contacts"]) == (1, made["id"], 1)

    @pytest.mark.parametrize("gsm", [[], None, "", {}])
    @on_loop
    async def test_an_empty_list_may_be_created(self, gsm: Any, tmp_path: Path) -> None:
        async with running_api(tmp_path) as api:
            for contacts in ({"gsm": gsm}, gsm):
                made = await ask(api, "POST", "/list", {"list": {"name": "empty", "contacts": contacts}})
                assert made["status"] == 1
                assert made["contacts"] == 0
                assert (await ask(api, "GET", f"/list/{made['id']}"))["list"] == []

    @on_loop
    async def test_contacts_come_in_both_forms_of_xml(self, tmp_path: Path) -> None:
        async with running_api(tmp_path) as api:
            await ask_xml(
                api,
                "POST",
                "/list",
                "<list><contacts><gsm info1='Ana' info4='x'>0600112233</gsm>"
                "<gsm><value>0600112244</value><info2>Li</info2></gsm><gsm>0600112255</gsm></contacts></list>",
            )
            ana, li, nobody = (await ask(api, "GET", "/list/1"))["list"]
            assert (ana["info1"], ana["info4"], ana["destination"]) == ("Ana", "x", NUMBER)
            assert (li["info2"], "info1" in li) == ("Li", False)
            assert list(nobody) == ["id", "destination"]

    @on_loop
    async def test_what_a_text_of_the_database_cannot_hold_is_left_out_of_a_field(self, tmp_path: Path) -> None:
        async with running_api(tmp_path) as api:
            body = {
                "list": {
                    "name": "a\u0000b",
                    "contacts": {"gsm": {"value": NUMBER, "info1": "a\u001f\u0000b", "info2": "😀"}},
                }
            }
            assert (await ask(api, "POST", "/list", body))["status"] == 1
            found = await ask(api, "GET", "/list/1")
            assert found["name"] == "ab"
            assert (found["list"][0]["info1"], found["list"][0]["info2"]) == ("ab", "😀")

    @on_loop
    async def test_a_large_request_is_stored_in_its_order_and_counted(self, tmp_path: Path) -> None:
        count = 2 * CHUNK + 17
        numbers = [str(33_612_000_000 + i) for i in range(count)]
        async with running_api(tmp_path) as api:
            made = await ask(api, "POST", "/list", listing(*numbers, "12", numbers[0], name="large"))
            assert (made["contacts"], made["invalid"], made["duplicates"]) == (count + 1, 1, 1)
            page = await ask(api, "GET", f"/list/1?start={CHUNK - 5}&length=10")
            assert [each["destination"] for each in page["list"]] == numbers[CHUNK - 5 : CHUNK + 5]
            assert page["totalRecords"] == count + 1
            added = await ask(api, "POST", "/list", listing(*numbers, listId="1"))
            assert (added["contacts"], added["duplicates"]) == (count, count)
            assert (await ask(api, "PUT", "/list/deduplicate/1"))["removed"] == count + 1
            kept = await ask(api, "GET", f"/list/1?start={count - 1}")
            assert [each["destination"] for each in kept["list"]] == numbers[-1:]

    @on_loop
    async def test_limits_are_named(self, tmp_path: Path) -> None:
        async with running_api(tmp_path, limits=RequestLimits(max_recipients=2)) as api:
            for body, said in (
                (listing("1", "2", "3"), "list.contacts.gsm: has more than 2"),
                (listing(NUMBER, name="x" * 256), "list.name: is longer than 255"),
                ({"list": {"contacts": {"gsm": {"value": NUMBER, "info1": "x" * 1001}}}}, "has an info of more than"),
                ({"list": {"contacts": {"gsm": {"value": {}}}}}, "list.contacts"),
                ({"list": []}, "list"),
            ):  # fmt: skip
                answer = await ask(api, "POST", "/list", body)
                assert answer["status"] == -7
                assert said in answer["details"]


class TestOwnership:
    """Nobody reaches what is another account's."""

    @on_loop
    async def test_a_strangers_list_is_not_found(self, tmp_path: Path) -> None:
        async with running_api(tmp_path) as api:
            made = await ask(api, "POST", "/list", listing(NUMBER, name="mine"))
            contact = (await ask(api, "GET", "/list/1"))["list"][0]["id"]
            for method, target, body in (
                ("POST", "/list", listing(NUMBER, listId=made["id"])),
                ("GET", "/list/1", None),
                ("GET", "/list/1?search=3", None),
                ("DELETE", "/list/1", None),
                ("PUT", "/list/deduplicate/1", []),
                ("PUT", "/list/1/npai/clear", []),
                ("PUT", f"/list/contact/{contact}", {"info1": "x"}),
                ("DELETE", f"/list/contact/{contact}", None),
            ):
                answer = await ask(api, method, target, body, token=api.stranger_token)
                assert answer["status"] == -5, (method, target)
            assert (await ask(api, "GET", "/lists", token=api.stranger_token))["lists"] == []
            mine = await ask(api, "GET", "/list/1")
            assert mine["list"] == [{"id": contact, "destination": NUMBER}]

    @on_loop
    async def test_exclusions_are_the_accounts_own(self, tmp_path: Path) -> None:
        async with running_api(tmp_path) as api:
            for kind in ("blacklist", "npai"):
                await ask(api, "POST", f"/{kind}", {kind: listing(NUMBER)["list"]})
                assert (await ask(api, "GET", f"/{kind}", token=api.stranger_token))["list"] == []
                (mine,) = (await ask(api, "GET", f"/{kind}"))["list"]
                target = f"/{kind}/contact/{mine['id']}"
                assert (await ask(api, "DELETE", target, token=api.stranger_token))["status"] == -5
                assert (await ask(api, "DELETE", target))["status"] == 1


class TestExclusions:
    """POST /blacklist and /npai."""

    @on_loop
    async def test_the_vendors_tests_add_the_same_two_numbers_again_and_again(self, tmp_path: Path) -> None:
        async with running_api(tmp_path) as api:
            for kind in ("blacklist", "npai"):
                for _ in range(2):
                    body = {kind: listing(NUMBER, "33600112244")["list"]}
                    assert (await ask(api, "POST", f"/{kind}", body))["added_contacts"] == 2
                assert (await ask(api, "GET", f"/{kind}"))["totalRecords"] == 2

    @pytest.mark.parametrize("root", ["list", "blacklist"])
    @on_loop
    async def test_the_root_of_the_xml_has_two_names(self, root: str, tmp_path: Path) -> None:
        async with running_api(tmp_path) as api:
            body = f"<{root}><contacts><gsm info1='Ana'>{NUMBER}</gsm></contacts></{root}>"
            assert (await ask_xml(api, "POST", "/blacklist", body))["added_contacts"] == "1"
            (one,) = (await ask(api, "GET", "/blacklist"))["list"]
            assert (one["destination"], one["info1"]) == (NUMBER, "Ana")

    @on_loop
    async def test_who_is_on_the_blacklist_gets_nothing(self, tmp_path: Path) -> None:
        async with running_api(tmp_path) as api:
            await ask(api, "POST", "/blacklist", {"blacklist": listing(NUMBER)["list"]})
            sent = await ask(api, "GET", f"/send?to={NUMBER}&text=Hello")
            assert (sent["sent"], sent["blacklisted"]) == (0, 1)

    @on_loop
    async def test_many_at_once(self, tmp_path: Path) -> None:
        numbers = [str(33_612_000_000 + i) for i in range(5000)]
        async with running_api(tmp_path) as api:
            body = {"npai": listing(*numbers)["list"]}
            assert (await ask(api, "POST", "/npai", body))["added_contacts"] == 5000
            page = await ask(api, "GET", "/npai?start=4999&length=10")
            assert [each["destination"] for each in page["list"]] == numbers[-1:]
            assert page["totalRecords"] == page["totalDisplayRecords"] == 5000


class TestSearch:
    """GET /list/:id?search=."""

    @on_loop
    async def test_special_characters_are_searched_as_they_stand(self, tmp_path: Path) -> None:
        gsm = [
            {"value": "33600112201", "info1": "100%"}, {"value": "33600112202", "info1": "a_b"},
            {"value": "33600112203", "info1": "a\\b"}, {"value": "33600112204", "info4": "Nîmes"},
        ]  # fmt: skip
        async with running_api(tmp_path) as api:
            await ask(api, "POST", "/list", {"list": {"contacts": {"gsm": gsm}}})
            for search, found in (
                ("%25", "1"), ("_", "2"), ("%5C", "3"), ("n%C3%AEMES", "4"), ("A_B", "2"), ("%2B3360011220", "1234"),
                ("06%2000%2011%2022%2003", "3"), ("0033600112202", "2"), ("%20%20", "1234"), ("nobody", ""),
                ("%00%1F", "1234"), ("1%1Fx", ""),
            ):  # fmt: skip
                page = await ask(api, "GET", f"/list/1?search={search}")
                assert "".join(each["destination"][-1] for each in page["list"]) == found, search
                assert page["totalDisplayRecords"] == len(found)
                assert page["totalRecords"] == 4
