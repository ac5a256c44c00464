"""What holds for every call of the wire API: credentials, limits, paths, faults, health, the log."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

import msgspec
import pytest
from prometheus_client import CollectorRegistry, Counter
from structlog.testing import capture_logs

from chappe.store.sqlite import Tx
from chappe.store.statement import Statement
from chappe.surfaces.http.smsfactor.limits import RequestLimits
from chappe.surfaces.http.smsfactor.routes import ROUTES
from tests.builders import EMAIL, PASSWORD, Api, on_loop, running_api
from tests.wire import Reply, call, read_reply

JSON = {"Accept": "application/json"}
SEND = "/send?text=Hi&to=33600112233"
CAMPAIGN = {"sms": {"message": {"text": "Hi"}, "recipients": {"gsm": [{"value": "33600112233"}]}}}


def signed(api: Api, **more: str) -> dict[str, str]:
    return {**JSON, "Authorization": f"Bearer {api.token}", **more}


async def post(api: Api, path: str, tree: object, **headers: str) -> Reply:
    return await call(api.port, "POST", path, signed(api, **headers), msgspec.json.encode(tree))


@on_loop
async def test_no_route_answers_an_unknown_caller(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        for route in ROUTES:
            for headers in (JSON, {**JSON, "Authorization": "Bearer no.such.token"}):
                reply = await call(api.port, route.method, route.path.replace(":id", "1"), headers)
                assert (reply.status, reply.tree["status"]) == (200, "-1"), route
                assert reply.tree["message"] == "Authentication error"
                assert reply.tree["details"]


@on_loop
async def test_every_kind_of_credentials_is_accepted(tmp_path: Path) -> None:
    login = {"username": EMAIL, "password": PASSWORD}
    user, password = quote(EMAIL), quote(PASSWORD)
    xml = (
        f"<sms><{{0}}><username>{EMAIL}</username><password>{PASSWORD}</password></{{0}}><message><text>Hi</text>"
        "</message><recipients><gsm>33600112233</gsm></recipients></sms>"
    )
    async with running_api(tmp_path) as api:
        document = {"sms": {**CAMPAIGN["sms"], "authentication": login}}
        with_token = {"sms": {**CAMPAIGN["sms"], "authentication": {"token": api.token}}}
        replies = [
            await call(api.port, "GET", "/credits", signed(api)),
            await call(api.port, "GET", f"/credits?token={api.token}", JSON),
            await call(api.port, "GET", "/credits", {**JSON, "sfusername": EMAIL.upper(), "sfpassword": PASSWORD}),
            await call(api.port, "GET", f"{SEND}&username={user}&password={password}", JSON),
            await call(api.port, "POST", "/send", JSON, msgspec.json.encode(document)),
            await call(api.port, "POST", "/send/simulate", JSON, msgspec.json.encode(with_token)),
            await call(api.port, "POST", "/send", JSON, xml.format("authentification").encode()),
            await call(api.port, "POST", "/send", JSON, xml.format("authentication").encode()),
        ]
        assert [reply.json["status"] for reply in replies] == [1] * len(replies)


@on_loop
async def test_a_wrong_password_is_refused_in_every_place(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        document = {"sms": {**CAMPAIGN["sms"], "authentication": {"username": EMAIL, "password": "wrong"}}}
        replies = [
            await call(api.port, "GET", "/credits", {**JSON, "sfusername": EMAIL, "sfpassword": "wrong"}),
            await call(api.port, "GET", "/credits", {**JSON, "sfusername": "nobody@example.org", "sfpassword": "x"}),
            await call(api.port, "GET", f"{SEND}&username={EMAIL}&password=wrong", JSON),
            await call(api.port, "POST", "/send", JSON, msgspec.json.encode(document)),
        ]
        for reply in replies:
            assert (reply.status, reply.json["status"]) == (200, -1)
            assert reply.json["details"] == "wrong user name or password"


@on_loop
async def test_a_stranger_sees_nothing_of_another_account(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        await call(api.port, "GET", SEND, signed(api))
        hook = {"webhook": {"type": "DLR", "url": "https://hooks.example/dlr"}}
        await post(api, "/webhook", hook)
        stranger = {**JSON, "Authorization": f"Bearer {api.stranger_token}"}
        for method, path in (
            ("GET", "/campaign/1"),
            ("DELETE", "/send/1"),
            ("GET", "/token/1"),
            ("DELETE", "/token/1"),
            ("POST", "/token/account/2"),
            ("DELETE", "/webhook/1"),
            ("PUT", "/webhook/1"),
        ):
            body = msgspec.json.encode({**hook, "token": {"name": "x"}}) if method in ("POST", "PUT") else b""
            reply = await call(api.port, method, path, stranger, body)
            assert reply.json["status"] == -5, path
        assert (await call(api.port, "GET", "/campaigns", stranger)).json["campaigns"] == []
        assert (await call(api.port, "GET", "/webhook", stranger)).json["webhooks"] == []
        assert (await call(api.port, "GET", "/credits", stranger)).json["credits"] == "1000"


@pytest.mark.parametrize("target", ["//send", "/send/", "//send//", "/send"])
@on_loop
async def test_doubled_and_trailing_slashes_do_not_matter(target: str, tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        reply = await call(api.port, "GET", f"{target}?text=Hi&to=33600112233", signed(api))
        assert (reply.status, reply.json["ticket"]) == (200, "1")


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "/"),
        ("GET", "/nothing"),
        ("POST", "/send/list"),
        ("PUT", "/send"),
        ("POST", "/campaigns"),
        ("DELETE", "/token"),
        ("GET", "/webhook/1/status"),
        ("GET", "/campaign/1/2/3/4/5"),
        ("GET", "/campaign/"),
        ("GET", "/:id"),
    ],
)
@on_loop
async def test_what_is_no_route_is_answered_in_the_same_form_with_http_404(
    method: str, target: str, tmp_path: Path
) -> None:
    async with running_api(tmp_path) as api:
        reply = await call(api.port, method, target, signed(api))
        assert reply.status == 404
        assert reply.json == {"status": -5, "message": "Resource not found", "details": "Unknown route"}


@pytest.mark.parametrize("place", ["abc", "0x1", "-1", "1.0", "99999999999999999999999", "٣", "%00", "1%20"])
@on_loop
async def test_an_id_that_cannot_be_one_is_not_found(place: str, tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        reply = await call(api.port, "GET", f"/campaign/{quote(place, safe='%')}", signed(api))
        assert (reply.status, reply.json["status"]) == (200, -5)


@on_loop
async def test_the_body_of_a_get_or_delete_is_ignored(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        for body in (b"[]", b"{", b"<sms>", b"x" * 300_000):
            reply = await call(api.port, "GET", "/credits", signed(api), body)
            assert reply.json["credits"] == "1000"
        assert (await call(api.port, "DELETE", "/token/2", signed(api), b"[]")).json["status"] == -5


@on_loop
async def test_a_query_that_is_not_utf_8_or_has_no_end_is_refused(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        reply = await call(api.port, "GET", "/send?text=caf%E9&to=33600112233", signed(api))
        assert reply.json["details"] == "query: must be UTF-8, percent-encoded"
        many = "&".join(f"a{n}=1" for n in range(101))
        assert (await call(api.port, "GET", f"/credits?{many}", signed(api))).json["status"] == -7


class TestLimits:
    """Too much is refused by name, and the caller gets to read the answer."""

    @on_loop
    async def test_a_body_of_50_megabytes(self, tmp_path: Path) -> None:
        async with running_api(tmp_path) as api:
            reply = await call(api.port, "POST", "/send", signed(api), b" " * 50_000_000)
            assert reply.status == 200
            assert reply.json["status"] == -7
            assert reply.json["details"] == "body: is longer than 33554432 bytes (max_body_bytes)"

    @on_loop
    async def test_a_body_of_50_megabytes_in_chunks_without_a_length(self, tmp_path: Path) -> None:
        async with running_api(tmp_path) as api:
            reply = await self.in_chunks(api, [b" " * 1_000_000] * 50)
            assert reply.json["details"] == "body: is longer than 33554432 bytes (max_body_bytes)"

    @on_loop
    async def test_the_connection_is_still_good_afterwards(self, tmp_path: Path) -> None:
        async with running_api(tmp_path, limits=RequestLimits(max_body_bytes=1000)) as api:
            reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
            head = f"Host: x\r\nAuthorization: Bearer {api.token}\r\nAccept: application/json\r\n"
            writer.write(f"POST /send HTTP/1.1\r\n{head}Content-Length: 2000\r\n\r\n".encode() + b" " * 2000)
            writer.write(f"GET /credits HTTP/1.1\r\n{head}\r\n".encode())
            assert (await read_reply(reader)).json["status"] == -7
            assert (await read_reply(reader)).json["credits"] == "1000"
            writer.close()

    @on_loop
    async def test_who_asks_for_leave_to_send_too_much_is_refused_before_he_does(self, tmp_path: Path) -> None:
        async with running_api(tmp_path) as api:
            headers = signed(api, **{"Content-Length": "50000000", "Expect": "100-continue"})
            reply = await call(api.port, "POST", "/send", headers)
            assert reply.json["status"] == -7

    @on_loop
    async def test_an_unknown_caller_is_refused_with_a_large_body_too(self, tmp_path: Path) -> None:
        async with running_api(tmp_path) as api:
            headers = {**JSON, "Authorization": "Bearer wrong", "Connection": "close"}
            reply = await call(api.port, "POST", "/send", headers, b" " * 20_000_000)
            assert reply.json["status"] == -1

    @on_loop
    async def test_100_000_recipients_fit_in_json_and_in_xml_and_one_more_does_not(self, tmp_path: Path) -> None:
        recipients = [{"value": f"3360{n:07}", "gsmsmsid": f"order-{n:026}"} for n in range(100_000)]
        document = {"sms": {"message": {"text": "Hi"}, "recipients": {"gsm": recipients}}}
        xml = "".join(f'<gsm gsmsmsid="{each["gsmsmsid"]}">{each["value"]}</gsm>' for each in recipients)
        body = f"<sms><message><text>Hi</text></message><recipients>{xml}</recipients></sms>".encode()
        async with running_api(tmp_path) as api:
            in_json = await post(api, "/send/simulate", document)
            in_xml = await call(api.port, "POST", "/send/simulate", signed(api), body)
            assert in_json.json["sent"] == 100_000
            assert in_json.json == in_xml.json
            recipients.append({"value": "33600112233", "gsmsmsid": "x"})
            too_many = await post(api, "/send/simulate", document)
            assert too_many.json["status"] == -7
            assert "100000 recipients (max_recipients)" in too_many.json["details"]

    async def in_chunks(self, api: Api, chunks: Sequence[bytes]) -> Reply:
        reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
        head = f"Host: x\r\nAuthorization: Bearer {api.token}\r\nAccept: application/json\r\n"
        writer.write(f"POST /send HTTP/1.1\r\n{head}Transfer-Encoding: chunked\r\n\r\n".encode())
        for chunk in chunks:
            writer.write(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
            await writer.drain()
        writer.write(b"0\r\n\r\n")
        try:
            return await read_reply(reader)
        finally:
            writer.close()


class TestIdempotency:
    """The same key and the same request are one send, however it was formatted."""

    XML = b"<sms>\n<message><text>Hi</text></message><recipients><gsm>33600112233</gsm></recipients></sms>"

    @on_loop
    async def test_a_repeated_request_gets_the_first_answer(self, tmp_path: Path) -> None:
        async with running_api(tmp_path) as api:
            key = {"Idempotency-Key": "order-77"}
            first = await post(api, "/send", CAMPAIGN, **key)
            again = await post(api, "/send", CAMPAIGN, **key)
            in_xml = await call(api.port, "POST", "/send", signed(api, **key), self.XML)
            assert first.json["ticket"] == "1"
            assert again.json == in_xml.json == first.json
            assert (await call(api.port, "GET", "/credits", signed(api))).json["credits"] == "999"

    @on_loop
    async def test_repeats_at_the_same_time_are_one_send(self, tmp_path: Path) -> None:
        async with running_api(tmp_path) as api:
            replies = await asyncio.gather(
                *(call(api.port, "GET", SEND, signed(api, **{"Idempotency-Key": "k"})) for _ in range(20))
            )
            assert {reply.json["ticket"] for reply in replies} == {"1"}
            assert (await call(api.port, "GET", "/credits", signed(api))).json["credits"] == "999"

    @on_loop
    async def test_another_request_under_the_same_key_is_refused(self, tmp_path: Path) -> None:
        async with running_api(tmp_path) as api:
            key = {"Idempotency-Key": "order-77"}
            await call(api.port, "GET", SEND, signed(api, **key))
            for other in (SEND + "&gsmsmsid=2", SEND.replace("Hi", "Ho")):
                reply = await call(api.port, "GET", other, signed(api, **key))
                assert reply.json["status"] == -7
                assert "Idempotency-Key" in reply.json["details"]

    @on_loop
    async def test_the_key_has_255_characters_at_most(self, tmp_path: Path) -> None:
        async with running_api(tmp_path) as api:
            longest = await call(api.port, "GET", SEND, signed(api, **{"Idempotency-Key": "k" * 255}))
            longer = await call(api.port, "GET", SEND, signed(api, **{"Idempotency-Key": "k" * 256}))
            assert (longest.json["status"], longer.json["status"]) == (1, -7)
            assert longer.json["details"] == "Idempotency-Key: is longer than 255 characters"


class TestFaults:
    """Our own faults: -99 for the caller, one traceback for the log."""

    @on_loop
    async def test_a_bug_is_status_99_and_one_traceback_and_tells_the_caller_nothing(self, tmp_path: Path) -> None:
        async with running_api(tmp_path) as api:
            await call(api.port, "GET", "/credits", signed(api))
            await api.store.write(lambda tx: tx.run(Statement("ALTER TABLE wallet RENAME TO purse")))
            with capture_logs() as logs:
                reply = await call(api.port, "GET", "/credits", signed(api))
            assert reply.status == 200
            assert reply.json == {"status": -99, "message": "Unknown error", "details": "internal error"}
            errors = [entry for entry in logs if entry["log_level"] == "error"]
            assert len(errors) == 1
            assert errors[0]["exc_info"]

    @on_loop
    async def test_a_database_that_is_away_is_status_99_without_a_traceback(self, tmp_path: Path) -> None:
        async with running_api(tmp_path) as api:

            def limit_pages(tx: Tx) -> None:
                tx.rows(Statement("PRAGMA max_page_count = 1"))

            await api.store.write(limit_pages)
            text = "x" * 1000
            with capture_logs() as logs:
                for _ in range(100):
                    reply = await call(api.port, "GET", f"/send?text={text}&to=33600112233", signed(api))
                    if reply.json["status"] != 1:
                        break
            assert reply.json["status"] == -99
            assert reply.json["details"] == "the service is not available, try again later"
            assert [entry for entry in logs if entry["log_level"] == "warning"]
            assert not [entry for entry in logs if entry.get("exc_info")]


class TestLog:
    """One line a request, without what a customer sent."""

    @on_loop
    async def test_a_request_is_one_line_that_names_route_status_and_account(self, tmp_path: Path) -> None:
        async with running_api(tmp_path) as api:
            with capture_logs() as logs:
                await call(api.port, "GET", "/campaign/1", signed(api))
            assert len(logs) == 1
            assert logs[0]["event"] == "request"
            assert (logs[0]["method"], logs[0]["path"]) == ("GET", "/campaign/:id")
            assert (logs[0]["http"], logs[0]["status"]) == (200, -5)
            assert logs[0]["account"] == api.account.id
            assert logs[0]["ms"] >= 0

    @on_loop
    async def test_numbers_texts_and_tokens_are_in_no_line(self, tmp_path: Path) -> None:
        async with running_api(tmp_path) as api:
            with capture_logs() as logs:
                await call(api.port, "GET", f"/send?text=Secret&to=33600112233&token={api.token}", JSON)
                await call(api.port, "GET", f"/send/33600112233/Secret%20text?token={api.token}", JSON)
                await post(api, "/send", {"sms": {"message": {"text": "Secret"}, "recipients": {"gsm": "33600112233"}}})
            said = str(logs)
            assert len([entry for entry in logs if entry["event"] == "request"]) == 3
            assert "33600112233" not in said
            assert "Secret" not in said
            assert api.token not in said


class TestHealth:
    """What a supervisor and a monitor ask."""

    @on_loop
    async def test_a_process_that_answers_is_live(self, tmp_path: Path) -> None:
        async with running_api(tmp_path) as api:
            reply = await call(api.port, "GET", "/health/live")
            assert (reply.status, reply.json) == (200, {"status": "live"})

    @on_loop
    async def test_a_process_without_problems_is_ready_and_one_with_problems_is_not(self, tmp_path: Path) -> None:
        found: list[str] = []

        async def problems() -> Sequence[str]:
            return found

        async with running_api(tmp_path, problems=problems) as api:
            assert (await call(api.port, "GET", "/health/ready")).status == 200
            found.append("the database does not answer")
            reply = await call(api.port, "GET", "/health/ready")
            assert reply.status == 503
            assert reply.json == {"status": "not ready", "problems": ["the database does not answer"]}

    @on_loop
    async def test_metrics_are_in_the_format_of_prometheus(self, tmp_path: Path) -> None:
        registry = CollectorRegistry()
        Counter("chappe_tests", "What tests count.", registry=registry).inc(3)
        async with running_api(tmp_path, metrics=registry) as api:
            reply = await call(api.port, "GET", "/metrics")
            assert reply.status == 200
            assert reply.headers["content-type"].startswith("text/plain")
            assert b"chappe_tests_total 3.0" in reply.body


@pytest.mark.parametrize("allowed", ["", [""], [None], [None, "127.0.0.1"], ["127.0.0.1", " "]])
@on_loop
async def test_a_restriction_of_addresses_that_names_nothing_is_refused(allowed: object, tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        reply = await post(api, "/token", {"token": {"name": "ci", "allowed_ips": allowed}})
        assert reply.json["status"] == -7
        assert "allowed_ips" in reply.json["details"]
