"""Following a short link: where it leads, what it never does, and what is kept and told of it."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from chappe.domain.links import ALPHABET
from chappe.store.sqlite import Row
from chappe.store.statement import Statement
from tests.builders import Api, on_loop, running_api
from tests.wire import Reply, call

OFFER, MAP = "https://shop.example/o?a=1&b=é", "https://shop.example/map"
PHONE = "Mozilla/5.0 (Linux; Android 14; SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/116.0 Mobile"
HOSTS: dict[str, Any] = {"short_url": "https://sms.example", "public_url": "https://api.example"}


def rows(api: Api, sql: str) -> list[Row]:
    return api.store.glance(lambda tx: tx.rows(Statement(sql)))


async def send(api: Api, text: str = "Offers: <-short-> map: <-short->", **recipient: str) -> list[str]:
    """Send a text with two links to one number; the paths of its links."""
    gsm = {"value": "33600112233", "gsmsmsid": "m-3", "info1": "Ana", **recipient}
    document = {"sms": {"message": {"text": text, "links": [OFFER, MAP]}, "recipients": {"gsm": [gsm]}}}
    headers = {"Accept": "application/json", "Authorization": f"Bearer {api.token}"}
    reply = await call(api.port, "POST", "/send", headers, msgspec.json.encode(document))
    assert reply.json["status"] == 1, reply.json
    ((sent,),) = rows(api, "SELECT text FROM message ORDER BY id DESC LIMIT 1")
    return ["/" + word.rpartition("/")[2] for word in sent.split() if "/" in word]


async def listen(api: Api) -> None:
    await api.use_cases.webhooks.create(api.account, type="CLICKER", url="https://hooks.example/c", signature=None)


def told(api: Api) -> list[dict[str, Any]]:
    return [json.loads(payload) for (payload,) in rows(api, "SELECT payload FROM event ORDER BY id")]


async def until(holds: Callable[[], bool]) -> None:
    for _ in range(1000):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not happen in time")


def is_page(reply: Reply) -> bool:
    return reply.status == 404 and reply.headers["content-type"] == "text/html; charset=utf-8"


@on_loop
async def test_a_link_leads_to_its_address_and_its_owner_is_told_who_followed_it(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        await listen(api)
        offer, place = await send(api)
        reply = await call(api.port, "GET", offer, {"User-Agent": PHONE})
        assert (reply.status, reply.body) == (302, b"")
        assert reply.headers["location"] == "https://shop.example/o?a=1&b=%C3%A9"
        assert reply.headers["cache-control"] == "no-store"
        assert reply.headers["referrer-policy"] == "no-referrer"
        assert (await call(api.port, "GET", place)).headers["location"] == MAP
        await until(lambda: len(told(api)) == 2)
        first, second = told(api)
        assert list(first) == [
            "campaign_id", "gsmsid", "date", "long_url", "short_url", "brand", "model", "os",
            "info1", "info2", "info3", "info4", "clicks_on_link",
        ]  # fmt: skip
        assert (first["campaign_id"], first["gsmsid"], first["long_url"], first["short_url"]) == (
            "1", "m-3", OFFER, offer[1:],
        )  # fmt: skip
        assert (first["brand"], first["model"], first["os"]) == ("Samsung", "SM-S918B", "Android")
        assert (first["info1"], first["info2"], first["clicks_on_link"]) == ("Ana", "", "1")
        assert (second["short_url"], second["brand"], second["clicks_on_link"]) == (place[1:], "", "1")


@on_loop
async def test_a_second_click_of_a_recipient_is_his_second_whoever_else_clicks(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        await listen(api)
        mine, _ = await send(api)
        yours, _ = await send(api, value="33600112244", gsmsmsid="m-4")
        for path in (mine, yours, mine):
            await call(api.port, "GET", path)
        await until(lambda: len(told(api)) == 3)
        assert [(each["gsmsid"], each["clicks_on_link"]) for each in told(api)] == [
            ("m-3", "1"), ("m-4", "1"), ("m-3", "2"),
        ]  # fmt: skip
        await call(api.port, "GET", mine)
        await until(lambda: len(told(api)) == 4)
        assert told(api)[3]["clicks_on_link"] == "3"
        assert rows(api, "SELECT campaign_id, position, clicks FROM link ORDER BY 1, 2") == [
            (1, 0, 3), (1, 1, 0), (2, 0, 1), (2, 1, 0),
        ]  # fmt: skip


@on_loop
async def test_head_is_answered_like_get_and_is_no_click(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        offer, _ = await send(api)
        reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
        writer.write(f"HEAD {offer} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        head = (await reader.read()).decode()
        writer.close()
        assert head.startswith("HTTP/1.1 302")
        assert "location: https://shop.example/o" in head
        await call(api.port, "GET", offer)
        await until(lambda: rows(api, "SELECT COUNT(*) FROM click") == [(1,)])
        assert rows(api, "SELECT clicks FROM link WHERE position = 0") == [(1,)]


@pytest.mark.parametrize("path", ["/22222222", "/abcdefgh", "/ZZZZzzzz", "/abcdefgh?to=https://evil.example"])
@on_loop
async def test_a_code_of_nobodys_is_a_page_that_says_so(path: str, tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        assert is_page(await call(api.port, "GET", path))  # before there is any link
        await send(api)
        reply = await call(api.port, "GET", path)
        assert is_page(reply)
        assert b"leads nowhere" in reply.body
        assert b"http" not in reply.body  # nothing is loaded from elsewhere
        assert "location" not in reply.headers


@on_loop
async def test_a_position_that_the_message_has_no_link_at_is_nobodys(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        shortener = await api.use_cases.links.shortener()
        await send(api)
        (third,) = shortener.links(3, 1, 1)[2]
        (before,) = shortener.links(1, 0, 1)[0]
        (after,) = shortener.links(1, 2, 1)[0]
        for link in (third, before, after):
            assert is_page(await call(api.port, "GET", "/" + link.rpartition("/")[2]))


@pytest.mark.parametrize("path", ["/abcdefg", "/abcdefgh9", "/abcdefg0", "/nothing", "/abcd/fgh", "/campaign", "/"])
@on_loop
async def test_what_has_no_form_of_a_code_is_left_to_the_api(path: str, tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        reply = await call(api.port, "GET", path, {"Accept": "application/json"})
        assert reply.headers["content-type"].startswith("application/json")


@on_loop
async def test_a_route_that_has_the_form_of_a_code_stays_a_route(tmp_path: Path) -> None:
    assert set("messages") <= set(ALPHABET)
    async with running_api(tmp_path) as api:
        for path in ("/messages", "/messages/", "//messages"):
            reply = await call(api.port, "GET", path, {"Accept": "application/json"})
            assert reply.json["status"] == -1, path
        offer, _ = await send(api)
        reply = await call(api.port, "POST", offer, {"Accept": "application/json"})
        assert (reply.status, reply.json["details"]) == (404, "Unknown route")


@pytest.mark.parametrize("after", [".", ",", ")", "/", "..."])
@on_loop
async def test_what_ends_the_sentence_is_not_taken_for_the_link(after: str, tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        offer, _ = await send(api)
        assert (await call(api.port, "GET", offer + after)).status == 302


@on_loop
async def test_the_short_domain_serves_links_and_nothing_else(tmp_path: Path) -> None:
    async with running_api(tmp_path, **HOSTS) as api:
        offer, _ = await send(api)
        assert rows(api, "SELECT text LIKE 'Offers: https://sms.example/________ map: %' FROM message") == [(1,)]
        short = {"Host": "SMS.example:8000"}
        assert (await call(api.port, "GET", offer, short)).status == 302
        assert (await call(api.port, "GET", offer)).status == 302
        for path in ("/", "/credits", "/health/ready", "/metrics", "/messages", "/robots.txt"):
            assert is_page(await call(api.port, "GET", path, short)), path
        refused = await call(api.port, "POST", "/send", short, b"{}")
        assert (refused.status, refused.headers["allow"]) == (405, "GET, HEAD")
        assert (await call(api.port, "GET", "/health/live")).status == 200


@on_loop
async def test_a_domain_that_is_the_apis_own_too_goes_on_serving_the_api(tmp_path: Path) -> None:
    alike: list[dict[str, Any]] = [{"short_url": "sms.example"}, HOSTS | {"public_url": "https://sms.example"}]
    for settings in alike:
        (folder := tmp_path / str(len(settings))).mkdir()
        async with running_api(folder, **settings) as api:
            offer, _ = await send(api)
            assert (await call(api.port, "GET", offer, {"Host": "sms.example"})).status == 302
            reply = await call(api.port, "GET", "/credits", {"Host": "sms.example", "Accept": "application/json"})
            assert reply.json["status"] == -1


@on_loop
async def test_a_link_outlives_its_message_and_is_only_counted_then(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        await listen(api)
        offer, _ = await send(api)
        await api.store.write(lambda tx: tx.run(Statement("DELETE FROM message")))
        assert (await call(api.port, "GET", offer)).status == 302
        await until(lambda: rows(api, "SELECT clicks FROM link WHERE position = 0") == [(1,)])
        assert rows(api, "SELECT COUNT(*) FROM click") == [(0,)]
        assert told(api) == []
        await api.store.write(lambda tx: tx.run(Statement("DELETE FROM link")))
        assert is_page(await call(api.port, "GET", offer))


@on_loop
async def test_a_simulation_takes_no_ids_and_counts_the_same_parts(tmp_path: Path) -> None:
    async with running_api(tmp_path, short_url="sms.example") as api:
        headers = {"Accept": "application/json", "Authorization": f"Bearer {api.token}"}
        for filler, cost in ((140, 1), (141, 2)):
            message = {"text": "a" * filler + "<-short->", "links": [OFFER]}
            document = {"sms": {"message": message, "recipients": {"gsm": [{"value": "33600112233"}]}}}
            body = msgspec.json.encode(document)
            simulated = await call(api.port, "POST", "/send/simulate", headers, body)
            sent = await call(api.port, "POST", "/send", headers, body)
            assert simulated.json["cost"] == sent.json["cost"] == cost
        assert rows(api, "SELECT next FROM id_block WHERE kind = 'message'") == [(3,)]


@on_loop
async def test_who_cannot_pay_uses_no_ids_up(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        headers = {"Accept": "application/json", "Authorization": f"Bearer {api.token}"}
        gsm = [{"value": str(33600000000 + i)} for i in range(1001)]
        document = {"sms": {"message": {"text": "<-short->", "links": [OFFER]}, "recipients": {"gsm": gsm}}}
        reply = await call(api.port, "POST", "/send", headers, msgspec.json.encode(document))
        assert reply.json["status"] == -3
        assert rows(api, "SELECT next FROM id_block WHERE kind = 'message'") == []


@on_loop
async def test_a_repeated_request_gets_the_first_answer_and_makes_no_more_links(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        headers = {"Accept": "application/json", "Authorization": f"Bearer {api.token}", "Idempotency-Key": "k"}
        message = {"text": "<-short->", "links": [OFFER]}
        body = msgspec.json.encode({"sms": {"message": message, "recipients": {"gsm": [{"value": "33600112233"}]}}})
        replies = [await call(api.port, "POST", "/send", headers, body) for _ in range(2)]
        assert replies[0].body == replies[1].body
        assert rows(api, "SELECT next FROM id_block WHERE kind = 'message'") == [(2,)]
        assert rows(api, "SELECT COUNT(*) FROM link") == [(1,)]


@on_loop
async def test_messages_show_the_links_and_campaigns_what_was_written(tmp_path: Path) -> None:
    async with running_api(tmp_path, short_url="sms.example") as api:
        offer, place = await send(api)
        headers = {"Accept": "application/json", "Authorization": f"Bearer {api.token}"}
        query = "date_start=2020-01-01%2000:00:00&date_end=2099-01-01%2000:00:00"
        (message,) = (await call(api.port, "GET", f"/messages?{query}", headers)).json["messages"]
        assert message["message"] == f"Offers: sms.example{offer} map: sms.example{place}"
        (campaign,) = (await call(api.port, "GET", "/campaign/1", headers)).json["campaign"]
        assert campaign["text"] == "Offers: <-short-> map: <-short->"


@on_loop
async def test_clicks_that_wait_are_written_when_the_process_stops(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        offer, _ = await send(api)
        await call(api.port, "GET", offer)
        await api.use_cases.clicks.close()
        assert rows(api, "SELECT clicks FROM link WHERE position = 0") == [(1,)]
