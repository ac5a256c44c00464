"""One message explained on the facts of an account in a database."""

from pathlib import Path

from chappe.domain.explanation import Explanation
from chappe.domain.requests import SubmitRequest
from chappe.domain.rulebook import Override
from chappe.manage.campaigns import CampaignFilter
from chappe.manage.rules import RuleSettings
from chappe.runtime.bootstrap import defaults_of
from chappe.runtime.settings import load
from tests.builders import Api, on_loop, running_api

NUMBER = "+33612345678"


async def told(api: Api, text: str = "Hello") -> Explanation:
    return await api.use_cases.explainer.explain(api.account, SubmitRequest(text, [NUMBER]))


@on_loop
async def test_who_said_stop_is_left_out(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        assert (await told(api)).is_sent
        await api.use_cases.exclusions.add(api.account, "blacklist", [NUMBER], [])
        assert (await told(api)).to.left_out == "blacklisted"


@on_loop
async def test_a_number_that_has_had_its_share_is_left_out_and_asking_is_no_message(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        settings = RuleSettings(api.store, defaults_of(load({}, data=tmp_path)))
        await settings.set([Override(api.account.id, "", "number_per_day", "1", "a test")], "test")
        for _ in range(3):
            assert (await told(api)).is_sent
        await api.use_cases.submitter.submit(api.account, SubmitRequest("Hello", [NUMBER]))
        found = await told(api)
        assert (found.to.left_out, [reason.rule for reason in found.to.because]) == (
            "flood",
            ["numbers", "number_per_day"],
        )


@on_loop
async def test_nothing_is_written(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        await told(api, "Hello")
        assert (await api.use_cases.campaigns.history(api.account, CampaignFilter())).total == 0
