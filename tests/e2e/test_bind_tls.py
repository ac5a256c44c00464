"""Certificates of customers who bind, and ours when it is renewed: on the loop that a server runs on."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvloop
from cryptography.hazmat.primitives import serialization
from structlog.testing import capture_logs

from chappe.domain.errors import Unavailable
from chappe.surfaces.smpp_server import tls
from tests.authority import Authority
from tests.bound import PASSWORD, SYSTEM_ID, Centre, add_user, centre
from tests.esme import Esme, esme
from tests.sending import installation

BIND_FAILED = 0x0D
Run = Callable[[Coroutine[Any, Any, None]], None]


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    def to_end(work: Coroutine[Any, Any, None]) -> None:
        with asyncio.Runner(loop_factory=request.param) as runner:
            runner.run(work)

    return to_end


@asynccontextmanager
async def served(folder: Path, context: ssl.SSLContext, **options: object) -> AsyncIterator[Centre]:
    async with installation(folder) as site:
        await add_user(site.store, site.account, **options)  # type: ignore[arg-type]
        async with centre(site.store, site.ids, site.use_cases, context=context) as office:
            yield office


async def refusal(office: Centre, client: ssl.SSLContext) -> int | None:
    async with esme(office.port, SYSTEM_ID, PASSWORD, tls=client) as tried:
        assert tried.lost is None
        return tried.refused.status if tried.refused else None


def shown(bound: Esme) -> int:
    """The serial number of the certificate that the server showed."""
    return int(bound.transport.get_extra_info("peercert")["serialNumber"], 16)


async def shown_to_who_names(office: Centre, client: ssl.SSLContext, host: str) -> int:
    """The same for a client that says whom it wants; by its address it cannot."""
    client.check_hostname = False
    _, writer = await asyncio.open_connection("127.0.0.1", office.port, ssl=client, server_hostname=host)
    found = int(writer.get_extra_info("peercert")["serialNumber"], 16)
    writer.close()
    return found


@pytest.mark.parametrize(
    ("host", "has_cn", "status"),
    [
        ("shop.example", False, None),
        ("other.example", True, None),
        ("other.example", False, BIND_FAILED),
        ("a.shop.example", False, BIND_FAILED),
        ("*.example", False, BIND_FAILED),
        ("127.0.0.1", False, BIND_FAILED),
    ],
)
def test_a_customer_is_known_by_any_name_in_his_certificate_and_by_no_other(
    tmp_path: Path, run: Run, host: str, has_cn: bool, status: int | None
) -> None:
    ours, theirs = Authority(tmp_path, "ours"), Authority(tmp_path, "theirs")
    client = ours.client()
    client.load_cert_chain(*theirs.issue("shop.example", host=host, has_cn=has_cn))

    async def behave() -> None:
        context = tls.context(*ours.issue("sms.example"), theirs.file)
        async with served(tmp_path, context, certificate="shop.example") as office:
            assert await refusal(office, client) == status

    run(behave())


def test_a_renewed_certificate_is_shown_from_the_next_handshake_on_and_binds_stay(tmp_path: Path, run: Run) -> None:
    ours, theirs = Authority(tmp_path, "ours"), Authority(tmp_path, "theirs")
    certificate, key = ours.issue("sms.example")
    client = ours.client()
    client.load_cert_chain(*theirs.issue("shop.example"))

    async def behave() -> None:
        context = tls.context(certificate, key, theirs.file)
        async with served(tmp_path, context, certificate="shop.example") as office, bound(office, client) as old:
            before = shown(old)
            ours.issue("sms.example")
            async with bound(office, client) as new:
                assert shown(new) != before
                assert await shown_to_who_names(office, client, "sms.example") == shown(new)
            assert shown(old) == before
            assert old.lost is None
            # A user who needs a certificate needs it still.
            assert await refusal(office, ours.client()) == BIND_FAILED

    run(behave())


def test_customers_of_a_new_authority_are_known_from_the_next_handshake_on(tmp_path: Path, run: Run) -> None:
    ours, theirs, new = (Authority(tmp_path, name) for name in ("ours", "theirs", "new"))
    trusted = tmp_path / "trusted.pem"
    trusted.write_bytes(theirs.file.read_bytes())
    client = ours.client()
    client.load_cert_chain(*new.issue("shop.example"))

    async def behave() -> None:
        context = tls.context(*ours.issue("sms.example"), trusted)
        async with served(tmp_path, context, certificate="shop.example") as office:
            async with esme(office.port, SYSTEM_ID, PASSWORD, tls=client) as stranger:
                assert stranger.bound is None
            trusted.write_bytes(theirs.file.read_bytes() + new.file.read_bytes())
            assert await refusal(office, client) is None
            trusted.write_bytes(theirs.file.read_bytes())
            async with esme(office.port, SYSTEM_ID, PASSWORD, tls=client) as stranger:
                assert stranger.bound is None

    run(behave())


@pytest.mark.parametrize("broken", ["certificate", "key", "both gone", "other key"])
def test_files_that_cannot_be_used_leave_the_certificate_that_was_there_and_a_warning(
    tmp_path: Path, run: Run, broken: str
) -> None:
    ours = Authority(tmp_path, "ours")
    certificate, key = ours.issue("sms.example")
    kept = certificate.read_bytes(), key.read_bytes()
    client = ours.client()

    def damage() -> None:
        match broken:
            case "certificate":
                certificate.write_bytes(kept[0][:200])
            case "key":
                key.write_bytes(b"")
            case "both gone":
                certificate.unlink()
                key.unlink()
            case _:
                ours.issue("sms.example")
                certificate.write_bytes(kept[0])

    async def behave() -> None:
        async with served(tmp_path, tls.context(certificate, key, None)) as office:
            async with bound(office, client) as old:
                before = shown(old)
            damage()
            with capture_logs() as lines:
                for _ in range(3):
                    async with bound(office, client) as still:
                        assert shown(still) == before
            assert [line["log_level"] for line in lines if "certificate" in line["event"]] == ["warning"]
            ours.issue("sms.example")
            async with bound(office, client) as new:
                assert shown(new) != before

    run(behave())


def test_a_key_with_a_password_is_refused_and_nobody_is_asked_for_it(tmp_path: Path) -> None:
    certificate, key = Authority(tmp_path).issue("sms.example")
    private = serialization.load_pem_private_key(key.read_bytes(), None)
    pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    key.write_bytes(private.private_bytes(pem, form, serialization.BestAvailableEncryption(b"secret")))
    with pytest.raises(Unavailable):
        tls.context(certificate, key, None)


@asynccontextmanager
async def bound(office: Centre, client: ssl.SSLContext) -> AsyncIterator[Esme]:
    async with esme(office.port, SYSTEM_ID, PASSWORD, tls=client) as customer:
        assert customer.bound is not None
        yield customer
