"""`chappe route` and `chappe carrier cost` as an operator types them, and a test through one carrier."""

import asyncio
import json
from pathlib import Path

from click.testing import CliRunner

from chappe.carriers.simulator import Simulator
from chappe.manage.carrier_checks import NewCarrier
from chappe.manage.routes import NewRoute
from chappe.runtime.bootstrap import opened
from chappe.runtime.cli import cli
from tests.builders import on_loop
from tests.sending import simulated
from tests.server import prepare, serving

TO = "33612345678"


class Shell:
    """The command line on an installation with a customer and two carriers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self("account", "create", "--email", "shop@example.org", "--password", "open-sesame", "--credits", "10")
        for name in ("acme", "other"):
            self("carrier", "add", name, "--smpp", "127.0.0.1:1", "--system-id", "me", "--password", "secret")

    def __call__(self, *words: str, code: int = 0) -> str:
        done = CliRunner().invoke(cli, [*words, "--data", str(self.folder)])
        assert done.exit_code == code, f"{done.output}{done.exception}"
        return f"{done.output}{done.exception or ''}"

    def candidates(self, *words: str) -> list[str]:
        told = json.loads(self("route", "explain", "--to", TO, *words, "--json"))
        return [each["carrier"] for each in told["candidates"]]


def test_routes_are_added_listed_changed_explained_and_removed(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    assert shell("route", "list").splitlines()[1].split()[:3] == ["-", "last", "acme"]
    shell("route", "add", "--carrier", "other", "--country", "fr,BE", "--kind", "marketing", "--note", "cheaper")
    shell("route", "add", "--carrier", "other", "--network", "sfr", "--account", "shop@example.org", "--rank", "50")
    listed = [line.split() for line in shell("route", "list").splitlines() if not line.startswith(" ")]
    assert [row[:3] for row in listed[1:]] == [
        ["3", "50", "other"], ["1", "100", "other"], ["2", "100", "other"], ["-", "last", "acme"],
    ]  # fmt: skip
    assert shell.candidates() == ["acme"]
    assert shell.candidates("--kind", "marketing") == ["other", "acme"]
    assert shell.candidates("--account", "shop@example.org") == ["other", "acme"]
    told = shell("route", "explain", "--to", TO)
    assert "given to SFR" in told
    assert "1. acme by no route, as the first carrier; cost not known; share 100%; ok" in told
    assert "-  other by route 3: network SFR, account 1, rank 50: is for other accounts" in told
    shell("route", "set", "1", "--kind", "none", "--weight", "3", "--carrier", "acme")
    assert "say what is to change" in shell("route", "set", "1", code=1)
    assert shell.candidates() == ["acme"]
    shell("route", "remove", "2", "3")
    assert "there is no route 3" in shell("route", "remove", "3", code=1)
    assert "is the same" in shell("route", "add", "--carrier", "acme", "--country", "FR", code=1)
    assert "chappe route networks" in shell("route", "add", "--carrier", "acme", "--network", "Nobody", code=1)
    actions = [line.split() for line in shell("audit", "list").splitlines() if "route" in line]
    assert len(actions) >= 6


def test_costs_are_loaded_from_a_file_and_the_cheapest_goes_first(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    shell("route", "add", "--carrier", "acme", "--country", "FR")
    shell("route", "add", "--carrier", "other", "--country", "FR")
    for name, text in (
        ("acme", "place,credits\nFR,0.045\n33612,0.05\ndefault,0.1\n"), ("other", "FR;0,046\n\n+33699;0,001\n"),
    ):  # fmt: skip
        (tmp_path / "costs.csv").write_text(text)
        shell("carrier", "cost", "load", name, str(tmp_path / "costs.csv"))
    assert shell.candidates() == ["other", "acme"]
    assert json.loads(shell("route", "explain", "--to", "33710000000", "--json"))["candidates"][0]["cost_mc"] == 45
    assert json.loads(shell("carrier", "cost", "list", "acme", "--json")) == {
        "33612": "0.05", "FR": "0.045", "default": "0.1",
    }  # fmt: skip
    for wrong, why in (
        ("FR,1,\nXX,1", "must be a country"), ("FR,1\nFR,2", "again"), ("FR", "no cost"), ("", "no costs"),
        ("FR,0.0001", "three decimals"), ("FR,-1", "three decimals"),
    ):  # fmt: skip
        (tmp_path / "costs.csv").write_text(wrong)
        assert why in shell("carrier", "cost", "load", "acme", str(tmp_path / "costs.csv"), code=1)
    shell("route", "add", "--carrier", "other", "--max-cost", "0.04", "--rank", "1", "--hours", "mon-sun 00:00-24:00")
    assert "it takes too much" in shell("route", "explain", "--to", TO)
    assert "0 messages have another carrier now" in shell("route", "apply")


@on_loop
async def test_one_alert_goes_through_exactly_one_carrier_that_takes_nothing_else(tmp_path: Path) -> None:
    async with Simulator(simulated()) as first, Simulator(simulated(outcomes={"rejected": 1})) as tested:
        prepared = await prepare(tmp_path, first.port)
        async with opened(prepared.settings) as chappe:
            await chappe.carriers.add(NewCarrier("new", "127.0.0.1", tested.port, "chappe", "secret"))
            await chappe.routes.add("new", NewRoute(is_test=True))
        shell = ["--data", str(prepared.settings.data)]

        async def run(*words: str) -> tuple[int, str]:
            done = await asyncio.to_thread(CliRunner().invoke, cli, [*words, *shell])
            return done.exit_code, done.output

        async with serving(prepared, tmp_path / "log"):
            code, told = await run("route", "test", "--carrier", "carrier", "--to", TO, "--timeout", "20")
            assert (code, "delivered" in told) == (0, True)
            code, told = await run("route", "test", "--carrier", "new", "--to", TO, "--timeout", "20")
            assert (code, "it is failed" in told) == (1, True)
            code, told = await run("route", "test", "--carrier", "nobody", "--to", TO)
            assert code == 1
            code, told = await run("route", "figures", "--carrier", "new", "--json")
            assert json.loads(told)["FR"]["failed"] == 1
        assert ([len(each.messages()) for each in (first, tested)]) == [1, 1]
