"""The description of the API says what the API does."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema_rs
import msgspec
import pytest
import time_machine

from chappe.surfaces.http.smsfactor import endpoint
from chappe.surfaces.http.smsfactor.answers import Answer, File
from chappe.surfaces.http.smsfactor.call import Call
from chappe.surfaces.http.smsfactor.limits import RequestLimits
from chappe.surfaces.http.smsfactor.meanings import MEANINGS, REQUIRED
from chappe.surfaces.http.smsfactor.openapi import answer_of, describe, examples
from chappe.surfaces.http.smsfactor.openapi_schemas import spoken
from chappe.surfaces.http.smsfactor.query import query_of
from chappe.surfaces.http.smsfactor.routes import ROUTES, Route, match
from tests.builders import on_loop, running_api
from tests.contract import examples as golden
from tests.contract.exchanges import FOLDER, Exchange, load
from tests.contract.test_exchanges import NOW
from tests.wire import call

DESCRIPTION = describe(ROUTES, RequestLimits(), "https://sms.example")
OF_AUTHENTICATION = {"token", "username", "password"}


def operation(route: Route) -> dict[str, Any]:
    found: dict[str, Any] = DESCRIPTION["paths"][route.path.replace(":id", "{id}")][route.method.lower()]
    return found


def exchanges() -> Iterator[tuple[Route, Exchange]]:
    for path in sorted(FOLDER.glob("*.json.http")):
        for exchange in load(path):
            if found := match(exchange.method, exchange.target.partition("?")[0]):
                yield found.route, exchange


class Recorder(dict[str, str]):
    """A query that remembers which of its fields were asked for."""

    def __init__(self, query: Mapping[str, str], asked: set[str]) -> None:
        super().__init__(query)
        self.asked = asked

    def get(self, name: str, default: Any = None) -> Any:
        self.asked.add(name)
        return super().get(name, default)

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        return super().__getitem__(name)

    def __contains__(self, name: object) -> bool:
        self.asked.add(str(name))
        return super().__contains__(name)


def test_every_call_of_the_table_is_described_and_nothing_else() -> None:
    described = {(method, path) for path, methods in DESCRIPTION["paths"].items() for method in methods}
    assert described == {(route.method.lower(), route.path.replace(":id", "{id}")) for route in ROUTES}


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_every_handler_says_what_it_is_for_and_what_it_answers(route: Route) -> None:
    title, _ = spoken(route.handler.__doc__)
    assert re.fullmatch(r"[A-Z][^\n]{8,150}\.", title), title
    answer = answer_of(route)
    assert answer is File or issubclass(answer, Answer)
    assert (answer is File) == bool(route.file_type)
    assert all(field.meaning.endswith(".") for field in route.query)


def test_every_field_has_a_meaning() -> None:
    silent = [
        f"{name}.{field}"
        for name, schema in DESCRIPTION["components"]["schemas"].items()
        for field, inner in schema.get("properties", {}).items()
        if not inner.get("description")
    ]
    assert silent == [], "say what they mean in surfaces/http/smsfactor/meanings.py"


def test_every_operation_has_a_name_of_its_own() -> None:
    names = [operation(route)["operationId"] for route in ROUTES]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z_0-9]+", name) for name in names)


def test_what_is_ours_is_marked() -> None:
    for route in ROUTES:
        assert route.is_ours == ("x-chappe-extension" in operation(route))
        assert route.is_ours == ("Chappe's own" in operation(route)["description"])


@on_loop
async def test_a_call_describes_just_the_query_fields_and_the_key_that_it_reads(tmp_path: Path) -> None:
    with_key: set[str] = set()
    read_key = Call.idempotency_key
    asked: dict[str, set[str]] = {}
    current = ""

    def recording(query_string: bytes) -> dict[str, str]:
        return Recorder(query_of(query_string), asked.setdefault(current, set()))

    def recording_key(self: Call, asked_for: Any) -> Any:
        with_key.add(current)
        return read_key(self, asked_for)

    with pytest.MonkeyPatch.context() as patch, time_machine.travel(NOW, tick=False):
        patch.setattr(endpoint, "query_of", recording)
        patch.setattr(Call, "idempotency_key", recording_key)
        for number, path in enumerate(sorted(FOLDER.glob("*.json.http"))):
            folder = tmp_path / str(number)
            folder.mkdir()
            async with running_api(folder) as api:
                for exchange in load(path):
                    found = match(exchange.method, exchange.target.partition("?")[0])
                    current = f"{found.route.method} {found.route.path}" if found else ""
                    await exchange.play(api.port, api.token)
    for route in ROUTES:
        read = asked[f"{route.method} {route.path}"] - OF_AUTHENTICATION
        assert read == {field.name for field in route.query}, f"{route.method} {route.path}"
        assert route.takes_key == (f"{route.method} {route.path}" in with_key), f"{route.method} {route.path}"


def test_the_answers_of_all_golden_exchanges_fit_their_schemas() -> None:
    checked = 0
    for route, exchange in exchanges():
        if not exchange.content_type.startswith("application/json"):
            continue
        schema = operation(route)["responses"]["200"]["content"]["application/json"]["schema"]
        whole = {**schema, "components": DESCRIPTION["components"]}
        jsonschema_rs.Draft202012Validator(whole).validate(
            msgspec.json.decode(exchange.answer.replace("{jwt}", "a.b.c"))
        )
        checked += 1
    assert checked > 60


def test_successful_requests_of_the_golden_exchanges_fit_their_schemas() -> None:
    checked = 0
    for route, exchange in exchanges():
        if not exchange.body.startswith(b"{") or '"status":1,' not in exchange.answer or route.document is None:
            continue
        schema = operation(route)["requestBody"]["content"]["application/json"]["schema"]
        whole = {**schema, "components": DESCRIPTION["components"]}
        jsonschema_rs.Draft202012Validator(whole).validate(msgspec.json.decode(exchange.body))
        checked += 1
    assert checked > 15


def test_schemas_refuse_what_is_no_answer() -> None:
    schema = operation(next(route for route in ROUTES if route.path == "/credits"))["responses"]["200"]["content"]
    whole = {**schema["application/json"]["schema"], "components": DESCRIPTION["components"]}
    validator = jsonschema_rs.Draft202012Validator(whole)
    answer = {
        "status": 1,
        "message": "OK",
        "credits": "1",
        "postpaid": "0",
        "postpaid_limit": False,
        "unlimited": False,
    }
    assert validator.is_valid(answer)
    assert validator.is_valid({"status": -1, "message": "Authentication error", "details": "no"})
    for wrong in ({**answer, "credits": 1}, {**answer, "status": "1"}, {"status": -1, "message": "x"}, {"status": 2}):
        assert not validator.is_valid(wrong), wrong


def test_the_examples_are_the_golden_exchanges() -> None:
    assert examples() == golden.collect(), "run `make docs`"
    for route in ROUTES:
        assert set(examples()[f"{route.method} {route.path}"]) == {"json", "xml"}, f"{route.method} {route.path}"


@on_loop
async def test_the_description_is_served_to_everybody_with_the_public_address(tmp_path: Path) -> None:
    async with running_api(tmp_path, public_url="https://sms.example") as api:
        reply = await call(api.port, "GET", "/openapi.json")
        assert (reply.status, reply.headers["content-type"]) == (200, "application/json")
        assert reply.json["openapi"] == "3.1.0"
        assert reply.json["servers"] == [{"url": "https://sms.example"}]
        assert reply.json["paths"].keys() == DESCRIPTION["paths"].keys()
        packed = await call(api.port, "GET", "/openapi.json", {"Accept-Encoding": "gzip"})
        assert packed.headers["content-encoding"] == "gzip"
        assert len(packed.body) * 4 < len(reply.body)


def test_no_meaning_is_of_a_field_that_is_gone() -> None:
    fields = {
        (place, type_name, field)
        for name, schema in DESCRIPTION["components"]["schemas"].items()
        for place, _, type_name in [name.rpartition(".")]
        for field in schema.get("properties", {})
    }
    known = {field for _, _, field in fields} | {f"{type_name}.{field}" for _, type_name, field in fields}
    assert MEANINGS.keys() - known == set()
    assert REQUIRED - known - {f"{place}.{type_name}.{field}" for place, type_name, field in fields} == set()
