"""The addresses that vendors post to: who may, what is answered, and that nothing of it is lost or logged."""

import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from chappe.domain.errors import Unavailable
from chappe.manage.carrier_checks import NewCarrier
from chappe.manage.carriers import Carriers
from chappe.manage.http_carriers import HttpCarriers, NewHttpCarrier
from chappe.manage.inbound import Inbound
from chappe.manage.replies import Replies
from chappe.store import arrived_receipts, replies
from chappe.surfaces.http.carrier_callbacks import MAX_BODY_BYTES
from tests.answering import receiver
from tests.builders import Api, on_loop, running_api
from tests.http_vendor import PLAIN
from tests.wire import Reply, call

RECEIPT = {"kind": "receipt", "id": "v-1", "to": "+33612345678", "state": "done"}
REPLY = {"kind": "reply", "from": "+33612345678", "to": "36180", "text": "Oui, à bientôt"}


class World:
    """An API with an HTTP carrier."""

    def __init__(self, api: Api, secret: str) -> None:
        self.api = api
        self.secret = secret

    async def post(self, news: object, path: str = "", method: str = "POST", **headers: str) -> Reply:
        body = news if isinstance(news, bytes) else json.dumps(news).encode()
        return await call(self.api.port, method, path or f"/carrier/vendor/{self.secret}", headers, body)

    def receipts(self) -> list[Any]:
        return [each.receipt for each in self.api.store.glance(lambda tx: arrived_receipts.oldest(tx, 1, 10))]

    def replies(self) -> list[str]:
        return [each.text for each in self.api.store.glance(lambda tx: replies.stored(tx, 10))]


@asynccontextmanager
async def world(folder: Path, template: str = PLAIN, **values: str) -> AsyncIterator[World]:
    async with running_api(folder, public_url="https://sms.example.org") as api:
        new = NewHttpCarrier("vendor", "generic", {"token": "t", **values}, template, "http://127.0.0.1:9")
        _, place = await HttpCarriers(api.store, api.ids).add(new)
        yield World(api, place.secret)


@on_loop
async def test_news_is_stored_before_it_is_answered(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        for what in ("", "/receipt", "/receipt/"):
            answer = await here.post(RECEIPT, f"/carrier/vendor/{here.secret}{what}")
            assert (answer.status, answer.body) == (200, b"")
        assert (await here.post(REPLY, f"/carrier/vendor/{here.secret}/reply")).status == 200
        assert [(each.ref, each.number, each.dlr) for each in here.receipts()] == [("v-1", 33612345678, 3)] * 3
        assert here.replies() == ["Oui, à bientôt"]


@on_loop
async def test_a_text_over_http_to_an_accounts_keyword_is_told_to_that_account(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        shop = here.api.account
        await Inbound(here.api.store).add(shop, "36180", "oui", "cli:test")
        assert (await here.post(REPLY, f"/carrier/vendor/{here.secret}/reply")).status == 200
        assert await receiver(here.api.store, here.api.ids).once() == 1
        (given,) = await Replies(here.api.store).newest(shop, 10, is_unmatched=False)
        assert (given.text, given.destination, given.account) == ("Oui, à bientôt", "36180", shop.email)


@pytest.mark.parametrize(
    ("template", "ids", "told"),
    [
        (PLAIN + 'id = "id"\n', ["m1", "m2", "m1"], 2),
        (PLAIN + 'id = "id"\n', ["", "", ""], 1),  # it has none: the same words within some seconds
        (PLAIN, ["m1", "m2", "m3"], 1),
    ],
)
def test_a_text_that_the_vendor_posts_again_counts_once(
    tmp_path: Path, template: str, ids: list[str], told: int
) -> None:
    @on_loop
    async def run() -> None:
        async with world(tmp_path, template) as here:
            shop = here.api.account
            await Inbound(here.api.store).add(shop, "36180", "oui", "cli:test")
            for id_ in ids:
                assert (await here.post({**REPLY, "id": id_})).status == 200
            assert await receiver(here.api.store, here.api.ids).once() == 3
            assert len(await Replies(here.api.store).newest(shop, 10, is_unmatched=False)) == told

    run()


@on_loop
async def test_the_answer_is_the_one_that_the_vendor_expects(tmp_path: Path) -> None:
    expects = PLAIN + '[reading]\nstatus = 202\nmedia_type = "text/xml"\nbody = "<ok/>"\n'
    async with world(tmp_path, expects) as here:
        answer = await here.post(RECEIPT)
        assert (answer.status, answer.headers["content-type"], answer.body) == (202, "text/xml", b"<ok/>")


@pytest.mark.parametrize(
    "path",
    [
        "/carrier/vendor/wrong",
        "/carrier/vendor/wrong/receipt",
        "/carrier/nobody/{secret}",
        "/carrier/vendor/",
        "/carrier/vendor/{secret}/other",
        "/carrier/vendor/{secret}/receipt/more",
        "/carrier/",
        "/carrier/../carrier/vendor/{secret}x",
        "/carrier/vendor/%00",
    ],
)
def test_who_does_not_know_the_address_finds_nothing_there(tmp_path: Path, path: str) -> None:
    @on_loop
    async def run() -> None:
        async with world(tmp_path) as here:
            answer = await here.post(RECEIPT, path.replace("{secret}", here.secret))
            assert (answer.status, answer.body) == (404, b"")
            assert here.receipts() == []

    run()


@on_loop
async def test_a_carrier_of_another_kind_and_one_that_is_gone_have_no_address(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        carriers = HttpCarriers(here.api.store, here.api.ids)
        old = here.secret
        here.secret = (await carriers.callbacks("vendor", renew=True)).secret
        assert (await here.post(RECEIPT, f"/carrier/vendor/{old}")).status == 404
        assert (await here.post(RECEIPT)).status == 200
        smpp = Carriers(here.api.store, here.api.ids)
        await smpp.add(NewCarrier("binds", "127.0.0.1", 9, "chappe", "secret"))
        assert (await here.post(RECEIPT, "/carrier/binds/")).status == 404
        await smpp.remove("vendor")
        assert (await here.post(RECEIPT)).status == 404
        assert here.receipts() == []


@on_loop
async def test_what_cannot_be_read_is_refused_and_the_vendor_may_bring_it_again(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        assert (await here.post(b"{")).status == 400
        assert (await here.post({**RECEIPT, "state": "gone fishing"})).status == 400
        assert (await here.post({**RECEIPT, "id": None})).status == 400
        assert (await here.post(b"\xff\xfe", **{"Content-Type": "application/x-www-form-urlencoded"})).status == 400
        assert (await here.post({"kind": "weather"})).status == 200
        assert (await here.post(RECEIPT, method="PUT")).status == 405
        assert (await here.post(b"x" * (MAX_BODY_BYTES + 1))).status == 413
        assert here.receipts() == []


@on_loop
async def test_what_vendors_are_answered_is_counted_for_carriers_that_there_are(tmp_path: Path) -> None:
    signed = PLAIN + '[verify]\nheader = "X-Signature"\nvalue = "{token}"\n'
    async with world(tmp_path, signed) as here:
        for _ in range(2):
            await here.post(RECEIPT, **{"X-Signature": "t"})
        await here.post(RECEIPT, **{"X-Signature": "wrong"})
        await here.post(b"{", **{"X-Signature": "t"})
        await here.post(RECEIPT, "/carrier/vendor/wrong")
        await Carriers(here.api.store, here.api.ids).add(NewCarrier("binds", "127.0.0.1", 9, "chappe", "secret"))
        for name in ("nobody", "somebody", "binds"):
            await here.post(RECEIPT, f"/carrier/{name}/secret")
        shown = (await call(here.api.port, "GET", "/metrics")).body.decode()
        assert [line for line in shown.splitlines() if line.startswith("chappe_carrier_callbacks")] == [
            'chappe_carrier_callbacks_total{answer="404",carrier="unknown"} 3.0',
            'chappe_carrier_callbacks_total{answer="200",carrier="vendor"} 2.0',
            'chappe_carrier_callbacks_total{answer="400",carrier="vendor"} 1.0',
            'chappe_carrier_callbacks_total{answer="403",carrier="vendor"} 1.0',
            'chappe_carrier_callbacks_total{answer="404",carrier="vendor"} 1.0',
        ]


@on_loop
async def test_a_wrong_signature_is_refused(tmp_path: Path) -> None:
    signed = PLAIN + '[verify]\nhmac = "sha256"\nsecret = "{token}"\nheader = "X-Signature"\n'
    async with world(tmp_path, signed) as here:
        assert (await here.post(RECEIPT, **{"X-Signature": "00"})).status == 403
        assert (await here.post(RECEIPT)).status == 403
        assert here.receipts() == []


@on_loop
async def test_a_signature_is_over_the_public_address(tmp_path: Path) -> None:
    signed = PLAIN + '[verify]\nhmac = "sha256"\nsecret = "{token}"\nheader = "X-Signature"\nover = "{url}{body}"\n'
    async with world(tmp_path, signed) as here:
        body = json.dumps(RECEIPT).encode()
        url = f"https://sms.example.org/carrier/vendor/{here.secret}/receipt?a=1".encode()
        path = f"/carrier/vendor/{here.secret}/receipt?a=1"
        good = hmac.digest(b"t", url + body, "sha256").hex()
        assert (await here.post(RECEIPT, path, **{"X-Signature": good})).status == 200
        assert (await here.post(RECEIPT, path + "2", **{"X-Signature": good})).status == 403


@on_loop
async def test_nothing_is_answered_as_stored_when_it_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with world(tmp_path) as here:

        def full(*_: object) -> None:
            raise Unavailable("the disk is full")

        monkeypatch.setattr(arrived_receipts, "insert", full)
        answer = await here.post(RECEIPT)
        assert (answer.status, answer.headers["retry-after"]) == (503, "5")


@on_loop
async def test_neither_secrets_nor_numbers_nor_texts_are_logged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with world(tmp_path) as here:
        for news in (RECEIPT, REPLY, {**RECEIPT, "state": "strange-state"}, b"garbage=%ff&33612345678"):
            await here.post(news)
        await here.post(RECEIPT, f"/carrier/vendor/{here.secret}x/receipt?n=33612345678")
        written = "".join(capsys.readouterr())
        assert "/carrier/:name/:secret/:what" in written
        for secret in (here.secret, "33612345678", "bientôt", "strange-state"):
            assert secret not in written
