"""A carrier over HTTP by itself, against a vendor on a real socket: when it takes messages again, and what it says."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from chappe.carriers.connection import Acknowledge, Address, Outgoing, Question
from chappe.carriers.http.connection import HttpCarrier
from chappe.carriers.http.options import HttpOptions
from chappe.carriers.http.template import read_template
from chappe.domain.outcomes import ReceiptIn, ReplyIn
from chappe.domain.retry import Refused
from tests.builders import on_loop
from tests.http_vendor import PLAIN, Answers, Asked, Behaviour, Says, Vendor, taken, vendor
from tests.server import free_port


@dataclass(slots=True)
class Heard:
    """A lane that only listens. Shape: of each token, what was said last."""

    said: dict[str, str] = field(default_factory=dict)

    def answered(self, items: list[tuple[str, Refused | None, str]], *, late: bool) -> None:
        self.said.update({token: refused.name if refused else "taken" for token, refused, _ in items})

    def unknown(self, tokens: list[str]) -> None:
        self.said.update(dict.fromkeys(tokens, "unknown"))

    def unsent(self, tokens: list[str]) -> None:
        self.said.update(dict.fromkeys(tokens, "unsent"))

    def delivered(self, acknowledge: Acknowledge, items: list[tuple[int, ReceiptIn | ReplyIn]]) -> None:
        """Receipts of such carriers are posted elsewhere."""

    def told(self, answers: list[tuple[Question, ReceiptIn | str]]) -> None:
        """Nothing is asked here."""

    def congested(self, percent: int) -> None:
        """Such carriers do not say."""

    def changed(self) -> None:
        """Looked at in the carrier itself."""


@dataclass(slots=True)
class World:
    carrier: HttpCarrier[str]
    vendor: Vendor
    heard: Heard
    url: str

    def send(self, *tokens: str) -> None:
        for token in tokens:
            message = Outgoing(1, 33612345678, token, "Acme", 0, 1, 3600.0)
            self.carrier.submit([(token, self.carrier.cut(message).pieces[0])])

    def now_with(self, **changes: str) -> None:
        """The operator changes the token or the address."""
        self.carrier.reconfigure(ADDRESS, options(**{"url": self.url, **changes}))

    @property
    def state(self) -> str:
        return self.carrier.states[0].state

    async def until(self, holds: Callable[[], object]) -> None:
        async with asyncio.timeout(5):
            while not holds():
                await asyncio.sleep(0.01)


ADDRESS = Address("vendor", "127.0.0.1", 0, "", "", window=20)


def options(url: str, token: str = "old", **more: Any) -> HttpOptions:
    return HttpOptions(vendor="generic", template=read_template(PLAIN), url=url, secrets={"token": token}, **more)


@asynccontextmanager
async def world(answers: Answers, url: str = "") -> AsyncIterator[World]:
    async with vendor(answers) as served:
        heard = Heard()
        carrier = HttpCarrier(ADDRESS, options(url or served.url), heard)
        carrier.start()
        try:
            yield World(carrier, served, heard, url or served.url)
        finally:
            await carrier.stop()


def by_token(asked: Asked) -> Behaviour:
    return taken(asked) if asked.headers["authorization"] == "Bearer new" else Says(401)


@on_loop
async def test_mended_credentials_are_tried_at_once() -> None:
    async with world(by_token) as here:
        here.send("first")
        await here.until(lambda: here.heard.said == {"first": "unsent"})
        assert (here.state, here.carrier.free) == ("refused", 0)
        here.now_with(token="new")
        assert (here.state, here.carrier.free) == ("trying", 1)
        here.send("again")
        await here.until(lambda: here.state == "ready")
        assert here.heard.said["again"] == "taken"


@on_loop
async def test_a_mended_address_is_tried_at_once() -> None:
    async with world(taken, f"http://127.0.0.1:{free_port()}") as here:
        here.send("first")
        await here.until(lambda: here.state == "down")
        here.now_with(url=here.vendor.url)
        here.send("again")
        await here.until(lambda: here.heard.said.get("again") == "taken")
        assert here.state == "ready"


@on_loop
async def test_what_has_nothing_to_do_with_the_vendor_ends_no_pause() -> None:
    async with world(by_token) as here:
        here.send("first")
        await here.until(lambda: here.state == "refused")
        here.carrier.reconfigure(replace(ADDRESS, window=5), options(here.url, sender="Acme"))
        assert here.state == "refused"


@on_loop
async def test_pauses_begin_anew_with_other_credentials() -> None:
    async with world(lambda _: Says(401)) as here:
        for token in ("b", "c", "d"):
            here.send("message")
            await here.until(lambda: here.state == "refused")
            wait_s = float(here.carrier.states[0].detail.split()[-2])
            assert wait_s < 100, here.carrier.states[0].detail
            here.now_with(token=token)
            assert here.state == "trying"


@on_loop
async def test_answers_to_the_old_credentials_say_nothing_of_the_new_ones() -> None:
    def answers(asked: Asked) -> Behaviour:
        return Says(401, after_s=0.3) if asked.json["text"] == "slow" else by_token(asked)

    async with world(answers) as here:
        here.send("fast", "slow")
        await here.until(lambda: here.state == "refused")
        here.now_with(token="new")
        await here.until(lambda: "slow" in here.heard.said)
        assert (here.heard.said["slow"], here.state) == ("unsent", "trying")
        here.send("again")
        await here.until(lambda: here.state == "ready")


@on_loop
async def test_a_carrier_that_stopped_is_not_tried_again() -> None:
    async with world(by_token) as here:
        here.send("first")
        await here.until(lambda: here.state == "refused")
        await here.carrier.stop()
        here.now_with(token="new")
        assert here.state == "closed"


@on_loop
async def test_a_carrier_that_was_told_when_to_come_again_says_that_it_is_held_back_until_then() -> None:
    async with world(lambda _: Says(429, "", {"Retry-After": "1"})) as here:
        assert not here.carrier.is_held_back
        here.send("first")
        await here.until(lambda: here.heard.said == {"first": "HTTP 429"})
        assert (here.carrier.is_bound, here.carrier.is_held_back, here.carrier.free) == (True, True, 0)
        await here.until(lambda: here.carrier.free)
        assert not here.carrier.is_held_back
