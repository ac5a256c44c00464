"""The wire API answers every golden exchange octet by octet, and says the same in JSON and in XML."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import time_machine

from chappe.carriers.simulator import Simulator, SimulatorOptions
from chappe.carriers.smpp_options import SmppOptions
from chappe.manage.carrier_checks import NewCarrier
from chappe.manage.carriers import Carriers
from chappe.surfaces.http.smsfactor.routes import ROUTES, match
from tests.builders import Api, on_loop, running_api
from tests.contract.exchanges import FOLDER, Given, load, steps
from tests.wire import Reply

NAMES = sorted(path.name.removesuffix(".json.http") for path in FOLDER.glob("*.json.http"))
NOW = "2031-05-16T16:02:11Z"  # 18:02:11 in Paris


async def played(folder: Path, name: str) -> list[Reply]:
    """Play a file against a fresh installation; every answer is compared with the one in the file."""
    folder.mkdir()
    replies = []
    with time_machine.travel(NOW, tick=False):
        async with running_api(folder) as api, carrier_for(name, api):
            for exchange in steps(FOLDER / name):
                if isinstance(exchange, Given):
                    await exchange.happen(api)
                    continue
                reply = await exchange.play(api.port, api.token)
                assert exchange.is_answered_by(reply), reply.body
                assert reply.status == exchange.status
                assert reply.headers["content-type"] == exchange.content_type
                replies.append(reply)
    return replies


@asynccontextmanager
async def carrier_for(name: str, api: Api) -> AsyncIterator[None]:
    """A simulated carrier that answers look-ups, for the exchanges that are about them."""
    if not name.startswith("lookup"):
        yield
        return
    async with Simulator(SimulatorOptions(port=0, control_port=0)) as simulator:
        options = SmppOptions(lookup_url=f"http://127.0.0.1:{simulator.control_port}/lookup")
        new = NewCarrier("carrier", "127.0.0.1", simulator.port, "chappe", "secret", options=options)
        await Carriers(api.store, api.ids).add(new)
        yield


@pytest.mark.parametrize("name", NAMES)
@on_loop
async def test_an_exchange_is_answered_as_written_and_alike_in_json_and_xml(name: str, tmp_path: Path) -> None:
    in_json = await played(tmp_path / "json", f"{name}.json.http")
    in_xml = await played(tmp_path / "xml", f"{name}.xml.http")
    assert [comparable(reply) for reply in in_json] == [comparable(reply) for reply in in_xml]


def comparable(reply: Reply) -> object:
    """The answer's tree without what the syntaxes are allowed to differ in."""
    if reply.headers["content-type"] == "application/pdf":
        return reply.headers["content-disposition"], reply.body
    tree = reply.tree
    if tree.get("ticket") == "null":  # a simulation says so in JSON only
        del tree["ticket"]
    if "sub-accounts" in tree:  # the vendor's XML names each by what it is
        tree["sub-account"] = tree.pop("sub-accounts")
    if "token_id" in tree:  # a new token is never the same
        del tree["token"]
    if tree["status"] in ("-2", "-6"):  # each syntax has its own status and faults
        return {"is_bad_format": True}
    return tree


def test_every_file_has_its_twin() -> None:
    assert {f"{name}.xml.http" for name in NAMES} == {path.name for path in FOLDER.glob("*.xml.http")}


def test_every_route_has_an_exchange_in_both_syntaxes() -> None:
    for syntax in ("json", "xml"):
        shown = set()
        for path in FOLDER.glob(f"*.{syntax}.http"):
            for exchange in load(path):
                found = match(exchange.method, exchange.target.partition("?")[0])
                if found and (exchange.answer.find("OK") > 0 or exchange.answer == "{pdf}"):
                    shown.add(found.route)
        assert shown == set(ROUTES)
