"""Schemathesis reads the API's description, makes valid and broken calls of it, and finds nothing to complain of."""

import asyncio
import os
import subprocess
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
import requests
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.openapi import from_url

from chappe.surfaces.http.smsfactor.routes import ROUTES
from tests.server import CHAPPE, READY_S, STOP_S, prepare

LOGIN = {"sfusername": "shop@example.org", "sfpassword": "open-sesame"}
CALLS_OF_EACH = {GenerationMode.POSITIVE: 9, GenerationMode.NEGATIVE: 6}
# That a broken call is refused is not checked: the API is lenient on purpose, and says no with HTTP status 200.
CHECKED = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance")


@contextmanager
def api(data: Path) -> Iterator[str]:
    """The API of a fresh installation alone, without the process that would post to the webhooks it is told of."""
    port = asyncio.run(prepare(data, 0)).settings.port
    with (data / "log").open("wb") as log:
        command = [CHAPPE, "serve", "--role", "api", "--data", str(data), "--port", str(port)]
        process = subprocess.Popen(command, env=os.environ, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + READY_S
        while not _is_live(url):
            assert time.monotonic() < deadline, (data / "log").read_text()
            time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(STOP_S)


def _is_live(url: str) -> bool:
    try:
        return requests.get(f"{url}/health/live", timeout=2).ok
    except requests.ConnectionError:
        return False


class Critic:
    """Makes one call and says what is wrong with its answer."""

    def __init__(self) -> None:
        load_all_checks()
        self._checks: list[Any] = [check for check in CHECKS.get_all() if check.__name__ in CHECKED]
        assert len(self._checks) == len(CHECKED)
        self.calls = 0
        self.faults: list[str] = []

    def __call__(self, case: Case[Any], place: str, accept: str) -> None:
        if place and "id" in case.path_parameters:
            case.path_parameters["id"] = place
        # The account's password is what no call of ours can end.
        case.headers.pop("Authorization", None)
        reply = case.call(headers={**LOGIN, "Accept": accept})
        self.calls += 1
        try:
            case.validate_response(reply, checks=self._checks)
        except FailureGroup as failures:
            self.faults.append(str(failures))
        content, kind = reply.content, reply.headers["content-type"][0]
        if kind.startswith("application/pdf"):
            return
        if _status(content, kind) in (-99, None):
            self.faults.append(f"{case.as_curl_command()}: {content[:500]!r}")


def _status(content: bytes, kind: str) -> int | None:
    if kind == "application/json; charset=utf-8":
        status: int = msgspec.json.decode(content)["status"]
        return status
    assert kind == "application/xml; charset=utf-8"
    root = ET.fromstring(content)
    assert root.tag == "response"
    text = root.findtext("status")
    return None if text is None else int(text)


def _test(strategy: st.SearchStrategy[Any], critic: Critic, calls: int) -> Any:
    bounded = settings(
        max_examples=calls,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    accepts = st.sampled_from(["application/json", "application/xml"])
    return bounded(given(strategy, st.sampled_from(["", "1", "2"]), accepts)(critic.__call__))


@pytest.mark.parametrize("mode", GenerationMode)
def test_schemathesis_finds_nothing(mode: GenerationMode, tmp_path: Path) -> None:
    critic = Critic()
    with api(tmp_path) as url:
        schema = from_url(f"{url}/openapi.json")
        schema.config.update(base_url=url)
        operations: list[Any] = [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]
        for operation in operations:
            _test(operation.as_strategy(generation_mode=mode), critic, CALLS_OF_EACH[mode])()
    assert critic.faults == []
    assert len(operations) == len(ROUTES)
    assert critic.calls >= len(operations)
