"""The API's page in a browser: calls are found and tried, by keyboard and on a phone, and no other server is asked."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from chappe.surfaces.http.smsfactor.routes import ROUTES
from tests.browser import chromium
from tests.browser.chromium import Page
from tests.builders import Api, on_loop, running_api

OUTCOME = "document.querySelector('#{0} [data-outcome]').textContent"
ANSWER = "document.querySelector('#{0} [data-answer]').textContent"


@asynccontextmanager
async def opened(folder: Path, fragment: str = "") -> AsyncIterator[tuple[Page, Api]]:
    async with running_api(folder) as api, chromium.page(folder / "profile") as page:
        await page.open(f"{api.base_url}/docs{fragment}")
        yield page, api
        assert page.faults == []
        assert {url.split("/")[2] for url in page.requested if url.startswith("http")} == {f"127.0.0.1:{api.port}"}


async def send(page: Page, call: str) -> tuple[str, str]:
    """Press the button of a call and read what is shown."""
    await page.run(f"document.querySelector('#{call} button[type=submit]').click()")
    outcome = await page.until(OUTCOME.format(call))
    return str(outcome), str(await page.run(ANSWER.format(call)))


@on_loop
async def test_the_balance_is_read_and_a_campaign_simulated_in_both_syntaxes(tmp_path: Path) -> None:
    async with opened(tmp_path, "#get_credits") as (page, api):
        assert await page.run("document.getElementById('get_credits').open")
        await page.type("#token", api.token)
        outcome, answer = await send(page, "get_credits")
        assert outcome.startswith("Status 1 OK (HTTP 200, ")
        assert '"credits": "1000"' in answer
        curl = await page.run("document.querySelector('#get_credits [data-curl]').textContent")
        assert curl.startswith(f"curl '{api.base_url}/credits' -H ")
        assert '"Authorization: Bearer $TOKEN"' in curl
        assert api.token not in curl
        await page.run("location.hash = '#post_send_simulate'")
        await page.until("document.getElementById('post_send_simulate').open")
        document = '{"sms":{"message":{"text":"It is 8 o\'clock"},"recipients":{"gsm":[{"value":"33600112233"}]}}}'
        await page.type("#post_send_simulate textarea[data-syntax=json]", document)
        outcome, answer = await send(page, "post_send_simulate")
        assert outcome.startswith("Status 1 OK")
        assert '"sent": 1' in answer
        await page.run("document.getElementById('xml').click()")
        await page.run(OUTCOME.format("post_send_simulate") + " = ''")
        outcome, answer = await send(page, "post_send_simulate")
        assert outcome.startswith("Status 1 OK")
        assert "<sent>1</sent>" in answer


@on_loop
async def test_a_refusal_is_shown_with_its_reason(tmp_path: Path) -> None:
    async with opened(tmp_path, "#get_credits") as (page, _):
        outcome, answer = await send(page, "get_credits")
        assert outcome.startswith("Status -1 Authentication error: no token and no user name was given")
        assert '"status": -1' in answer


@on_loop
async def test_the_token_is_kept_for_this_tab_alone(tmp_path: Path) -> None:
    async with opened(tmp_path) as (page, api):
        await page.type("#token", api.token)
        await page.open(f"{api.base_url}/docs?again")
        assert await page.run("document.getElementById('token').value") == api.token
        assert await page.run("[localStorage.length, document.cookie]") == [0, ""]


@on_loop
async def test_calls_are_found_by_their_words(tmp_path: Path) -> None:
    shown = "[...document.querySelectorAll('details.call')].filter((one) => one.checkVisibility()).map((one) => one.id)"
    async with opened(tmp_path) as (page, _):
        assert len(await page.run(shown)) == len(ROUTES)
        await page.type("#find", "simulate LISTS")
        assert await page.run(shown) == ["post_send_lists_simulate"]
        await page.type("#find", "no such call")
        assert await page.run("document.getElementById('nothing').checkVisibility()")


@on_loop
async def test_a_call_is_opened_and_tried_by_keyboard_with_the_focus_to_be_seen(tmp_path: Path) -> None:
    focused = "document.activeElement !== document.body"
    async with opened(tmp_path) as (page, api):
        await page.type("#token", api.token)
        await page.run("document.querySelector('#get_credits > summary').focus()")
        await page.press("Enter")
        await page.until("document.getElementById('get_credits').open")
        for _ in range(20):
            await page.press("Tab")
            assert await page.run(focused)
            outline = await page.run("getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none", await page.run("document.activeElement.outerHTML.slice(0, 80)")
            if await page.run("document.activeElement.type === 'submit'"):
                break
        await page.press("Enter")
        assert str(await page.until(OUTCOME.format("get_credits"))).startswith("Status 1 OK")


@pytest.mark.parametrize("width", [360, 768, 1280])
@on_loop
async def test_nothing_has_to_be_scrolled_sideways(width: int, tmp_path: Path) -> None:
    async with opened(tmp_path) as (page, _):
        await page.resize(width, 800)
        await page.run("document.querySelectorAll('details.call').forEach((one) => { one.open = true; })")
        for syntax in ("json", "xml"):
            await page.run(f"document.getElementById('{syntax}').click()")
            assert await page.run("document.documentElement.scrollWidth") <= width


@on_loop
async def test_every_field_and_button_has_a_name_and_words_stand_out_in_light_and_dark(tmp_path: Path) -> None:
    nameless = (
        "[...document.querySelectorAll('input, select, textarea, button, nav, form, pre')].filter((one) =>"
        " !(one.getAttribute('aria-label') || one.textContent.trim() && one.tagName === 'BUTTON'"
        " || one.labels?.[0]?.textContent.trim() || !one.checkVisibility())).map((one) => one.outerHTML.slice(0, 120))"
    )
    async with opened(tmp_path, "#post_send") as (page, _):
        assert await page.run(nameless) == []
        assert await page.run("document.querySelectorAll('main, nav, header').length") == 3
        for is_dark in (False, True):
            await page.resize(1280, 900, is_dark=is_dark)
            for ink, paper in (
                ("--ink", "--paper"),
                ("--soft", "--raised"),
                ("--accent", "--paper"),
                ("--soft", "--code"),
            ):
                assert await page.run(_CONTRAST % (ink, paper)) >= 4.5, (ink, paper, is_dark)


_CONTRAST = """(() => {
  const style = getComputedStyle(document.documentElement);
  const light = (name) => {
    const hex = style.getPropertyValue(name).trim().slice(1);
    const [r, g, b] = [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255)
      .map((c) => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const [a, b] = ["%s", "%s"].map(light).sort((x, y) => y - x);
  return (a + 0.05) / (b + 0.05);
})()"""
