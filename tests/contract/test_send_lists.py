"""POST /send/lists as real clients write it, and what they may expect back."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from chappe.surfaces.http.smsfactor.limits import RequestLimits
from tests.builders import Api, on_loop, running_api
from tests.wire import Reply, call


async def post(api: Api, path: str, body: object, *, token: str | None = None, **headers: str) -> Reply:
    encoded = body.encode() if isinstance(body, str) else msgspec.json.encode(body)
    syntax = "xml" if encoded.startswith(b"<") else "json"
    every = {"Authorization": f"Bearer {token or api.token}", "Accept": "application/json"}
    every |= {"Content-Type": f"application/{syntax}", **headers}
    return await call(api.port, "POST", path, every, encoded)


async def new_list(api: Api, *numbers: str, token: str | None = None) -> int:
    gsm = [{"value": number, "info1": f"n{i}"} for i, number in enumerate(numbers)]
    reply = await post(api, "/list", {"list": {"name": "x", "contacts": {"gsm": gsm}}}, token=token)
    return int(reply.json["id"])


def to_lists(lists: object, **message: object) -> dict[str, object]:
    return {"sms": {"message": {"text": "Hello", **message}, "lists": lists}}


@pytest.mark.parametrize(
    "lists",
    [
        [{"value": "1"}],
        [{"value": 1}],
        [{"value": 1.0}],
        {"value": "1"},
        {"value": ["1"]},
        ["1"],
        1,
        [{"value": " 1 "}, {"value": ""}],
    ],
)
@on_loop
async def test_the_id_of_a_list_may_be_written_in_many_ways(lists: object, tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        await new_list(api, "33600112233", "33600112244")
        reply = await post(api, "/send/lists", to_lists(lists))
        assert (reply.json["status"], reply.json["sent"], reply.json["ticket"]) == (1, 2, "1")


@pytest.mark.parametrize(
    ("inner", "sent", "duplicated"),
    [
        ("<lists><value>1</value></lists><lists><value>2</value></lists>", 3, 1),
        ("<lists><value>1</value><value>2</value></lists>", 3, 1),
        ("<lists>1</lists><lists>2</lists>", 3, 1),
        ("<lists><value>2</value></lists>", 2, 0),
        ("<lists><value>2</value></lists><lists><value>2</value></lists>", 2, 2),
    ],
)
@on_loop
async def test_lists_in_xml_are_repeated_elements(inner: str, sent: int, duplicated: int, tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        await new_list(api, "33600112233", "33600112244")
        await new_list(api, "33600112244", "33600112255")
        reply = await post(api, "/send/lists", f"<sms><message><text>Hello</text></message>{inner}</sms>")
        assert (reply.json["status"], reply.json["sent"], reply.json["duplicated"]) == (1, sent, duplicated)


@pytest.mark.parametrize(
    ("lists", "status", "said"),
    [
        ([{"value": "2"}], -5, "lists: there is no list 2"),
        ([{"value": "1"}, {"value": "7"}], -5, "lists: there is no list 7"),
        ([{"value": "66aa01bc0f3d5e0012ab9001"}], -5, "sms.lists: there is no such list"),
        ([{"value": "9" * 19}], -5, "sms.lists: there is no such list"),
        ([{"value": "-1"}], -5, "sms.lists: there is no such list"),
        ([], -7, "sms.lists: is missing"),
        (None, -7, "sms.lists: is missing"),
        ([{"value": None}], -7, "sms.lists: is missing"),
        ([{"value": ["1"] * 4}], -7, "sms.lists: has more than 3 lists"),
        ([{"value": {"a": 1}}], -7, "sms.lists"),
    ],
)
@on_loop
async def test_what_is_no_list_of_the_callers_is_refused(lists: object, status: int, said: str, tmp_path: Path) -> None:
    async with running_api(tmp_path, limits=RequestLimits(max_lists=3)) as api:
        await new_list(api, "33600112233")
        assert await new_list(api, "33600112244", token=api.stranger_token) == 2
        for path in ("/send/lists", "/send/lists/simulate"):
            answer = (await post(api, path, to_lists(lists))).json
            assert answer["status"] == status
            assert said in answer["details"]


@on_loop
async def test_an_empty_list_is_answered_like_one_of_which_all_were_filtered(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        empty = await new_list(api)
        answer = (await post(api, "/send/lists", to_lists([{"value": empty}]))).json
        assert (answer["status"], answer["ticket"], answer["total"], answer["sent"], answer["cost"]) == (
            1,
            "1",
            0,
            0,
            0,
        )
        blocked = await new_list(api, "33600112233")
        await post(api, "/blacklist", {"blacklist": {"contacts": {"gsm": [{"value": "33600112233"}]}}})
        answer = (await post(api, "/send/lists", to_lists([{"value": blocked}]))).json
        assert (answer["status"], answer["total"], answer["sent"], answer["blacklisted"]) == (1, 1, 0, 1)


@on_loop
async def test_a_delay_beside_the_message_and_a_bad_one_are_read_as_for_numbers(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        await new_list(api, "33600112233")
        body = to_lists([{"value": 1}])
        body["sms"]["delay"] = "2099-05-17 09:30:00"  # type: ignore[index]
        assert (await post(api, "/send/lists", body)).json["status"] == 1
        assert (await post(api, "/send/lists", to_lists([{"value": 1}], delay="soon"))).json["status"] == -4
        assert (await post(api, "/send/lists", to_lists([{"value": 1}], text=""))).json["status"] == -7
        assert (await post(api, "/send/lists", {"sms": {"lists": [{"value": 1}]}})).json["status"] == -7
        assert (await post(api, "/send/lists", "[]")).json["status"] == -7
        assert (await post(api, "/send/lists", '{"sms":')).json["status"] == -6


@on_loop
async def test_a_key_makes_a_request_that_is_sent_again_one_campaign(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        await new_list(api, "33600112233", "33600112244")
        both = [post(api, "/send/lists", to_lists([{"value": 1}]), **{"Idempotency-Key": "k"}) for _ in range(2)]
        first, second = await asyncio.gather(*both)
        assert first.body == second.body
        again = await post(api, "/send/lists", to_lists(1), **{"Idempotency-Key": "k"})
        assert again.body == first.body
        other = await post(api, "/send/lists", to_lists(1, text="Other"), **{"Idempotency-Key": "k"})
        assert other.json["status"] == -7
        assert "Idempotency-Key" in other.json["details"]


@on_loop
async def test_more_contacts_than_the_setting_allows_are_refused_with_its_name(tmp_path: Path) -> None:
    async with running_api(tmp_path, max_list_recipients=1) as api:
        await new_list(api, "33600112233", "33600112244")
        answer = (await post(api, "/send/lists", to_lists(1))).json
        assert answer["status"] == -7
        assert "max_list_recipients" in answer["details"]


@on_loop
async def test_a_sub_account_does_not_send_to_its_parents_lists(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        await new_list(api, "33600112233")
        child = (await post(api, "/token/account/2", {"token": {"name": "x"}})).json["token"]
        assert (await post(api, "/send/lists", to_lists(1), token=child)).json["status"] == -5


@on_loop
async def test_each_contact_gets_the_sender_of_his_country(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        await new_list(api, "32470123456", "33600112233", "41781234567")
        reply = await post(api, "/send/lists", to_lists([{"value": "1"}], sender="The Club"))
        assert (reply.json["status"], reply.json["sent"]) == (1, 3)
        headers = {"Authorization": f"Bearer {api.token}", "Accept": "application/json"}
        period = "date_start=2020-01-01%2000:00:00&date_end=2099-01-01%2000:00:00"
        listed = (await call(api.port, "GET", f"/messages?{period}", headers)).json["messages"]
        seen = {message["destination"]: message["sender"] for message in listed}
        assert seen == {"32470123456": "", "33600112233": "TheClub", "41781234567": "The Club"}
        campaign = (await call(api.port, "GET", "/campaign/1", headers)).json
        assert campaign["campaign"][0]["sender"] == "TheClub"
