"""The page that describes the API, as it is sent."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from chappe.surfaces.http.smsfactor.routes import ROUTES
from tests.builders import on_loop, running_api
from tests.wire import Reply, call


class Tags(HTMLParser):
    """What the page loads, where it leads, and what could run."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.inline: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.loaded += [given[name] for name in ("src", "srcset") if name in given]
        if tag == "link":
            self.loaded.append(given["href"])
        if tag == "a":
            self.links.append(given["href"])
        if "id" in given:
            self.ids.append(given["id"])
        self.inline += [name for name in given if name.startswith("on") or name == "style"]
        if tag == "style" or (tag == "script" and "src" not in given):
            self.inline.append(tag)


async def page(folder: Path) -> Reply:
    async with running_api(folder) as api:
        return await call(api.port, "GET", "/docs")


@on_loop
async def test_every_call_is_on_the_page_and_every_link_leads_somewhere(tmp_path: Path) -> None:
    tags = Tags((await page(tmp_path)).body.decode())
    assert len(set(tags.ids)) == len(tags.ids)
    for route in ROUTES:
        name = "_".join([route.method.lower(), *re.findall(r"[\w-]+", route.path)]).replace("-", "_")
        assert name in tags.ids or route.path == "/", name
    for link in tags.links:
        assert link == "/openapi.json" or link[1:] in tags.ids, link


@on_loop
async def test_nothing_is_loaded_from_elsewhere_and_nothing_runs_that_stands_in_the_page(tmp_path: Path) -> None:
    reply = await page(tmp_path)
    tags = Tags(reply.body.decode())
    assert sorted(tags.loaded) == ["/docs/icon.svg", "/docs/script.js", "/docs/style.css"]
    assert tags.inline == []
    policy = reply.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert "http" not in policy


@pytest.mark.parametrize(
    ("path", "media_type"), [("/docs/style.css", "text/css"), ("/docs/script.js", "text/javascript")]
)
@on_loop
async def test_what_it_loads_is_there(path: str, media_type: str, tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        reply = await call(api.port, "GET", path)
        assert (reply.status, reply.headers["content-type"]) == (200, f"{media_type}; charset=utf-8")
        assert not re.search(rb"https?://|@import|[ :]url\(", reply.body)
        assert (await call(api.port, "GET", "/docs/pages.py")).status == 404
