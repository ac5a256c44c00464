"""Links to carriers over TLS: what is verified, what we show, and why it did not work in plain words."""

import asyncio
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from chappe.carriers.connection import Address
from chappe.carriers.simulator import Simulator
from chappe.carriers.smpp_options import SmppOptions
from chappe.carriers.trial import Tried, try_binds
from chappe.domain.errors import BadData
from chappe.manage.carriers import Changes
from tests.authority import Authority
from tests.builders import on_loop
from tests.sending import installation, sending_to, simulated


@asynccontextmanager
async def behind_tls(port: int, context: ssl.SSLContext) -> AsyncIterator[int]:
    """A port that speaks TLS for a carrier that does not."""

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(pipe(reader, inner_writer), pipe(inner_reader, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def shown(certificate: Path, key: Path, *, clients: Authority | None = None, newest: bool = False) -> ssl.SSLContext:
    """What the carrier shows, and whose clients it lets in."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    if clients is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(clients.file)
    if newest:
        context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


@contextmanager
def refusing(context: ssl.SSLContext) -> Iterator[int]:
    """A port where TLS is spoken as OpenSSL's own programs do, which say why they refuse."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(10)

    def serve() -> None:
        connection, _ = listener.accept()
        connection.settimeout(5)
        with connection, suppress(OSError):
            inside, outside = ssl.MemoryBIO(), ssl.MemoryBIO()
            session = context.wrap_bio(inside, outside, server_side=True)
            while data := connection.recv(65536):
                inside.write(data)
                try:
                    session.do_handshake()
                except ssl.SSLWantReadError:
                    connection.sendall(outside.read())
                except ssl.SSLError:
                    connection.sendall(outside.read())  # the reason
                    connection.shutdown(socket.SHUT_WR)
                    while connection.recv(65536):
                        pass

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        thread.join()
        listener.close()


async def tried(context: ssl.SSLContext | None, **options: Any) -> Tried:
    """How a bind goes at a carrier that shows this."""
    async with Simulator(simulated()) as carrier:
        if context is None:
            return await tried_at(carrier.port, **options)
        async with behind_tls(carrier.port, context) as port:
            return await tried_at(port, **options)


async def tried_at(port: int, **options: Any) -> Tried:
    made = SmppOptions(bind_gap_s=0.01, bind_s=5, **options)
    (found,) = await try_binds(Address("c", "127.0.0.1", port, "chappe", "secret", tls=True), made)
    return found


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "ca")


@on_loop
async def test_messages_go_over_tls_to_a_carrier_that_knows_our_certificate(tmp_path: Path) -> None:
    ours, theirs = Authority(tmp_path, "ours"), Authority(tmp_path, "theirs")
    certificate, key = ours.issue("chappe")
    context = shown(*theirs.issue("smsc"), clients=ours, newest=True)
    options = SmppOptions(
        bind_gap_s=0.01, tls_ca_file=str(theirs.file), tls_certificate_file=str(certificate), tls_key_file=str(key),
        tls_min_version="1.3",
    )  # fmt: skip
    async with (
        Simulator(simulated()) as carrier,
        behind_tls(carrier.port, context) as port,
        installation(tmp_path) as sending,
    ):
        await sending.add_carrier(port, options=options, tls=True)
        sending.start_gateway()
        await sending.bound()
        ticket = await sending.submit("33612345678")
        await sending.until_all(ticket, "delivered")


@on_loop
async def test_why_a_carrier_is_not_reached_over_tls_stands_at_its_bind(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "ca")
    context = shown(*authority.issue("smsc", days=(-9, -2)))
    async with (
        Simulator(simulated()) as carrier,
        behind_tls(carrier.port, context) as port,
        installation(tmp_path) as sending,
    ):
        await sending.add_carrier(port, options=SmppOptions(tls_ca_file=str(authority.file)), tls=True)
        sending.start_gateway()
        deadline = asyncio.get_running_loop().time() + 10
        while not (binds := (await sending.carrier()).binds) or "has expired" not in binds[0].detail:
            assert asyncio.get_running_loop().time() < deadline, binds
            await asyncio.sleep(0.05)
        assert "cannot connect: its certificate has expired" in binds[0].detail


@pytest.mark.parametrize(
    ("issued", "options", "said"),
    [
        ({}, {}, "bound and unbound"),
        ({"days": (-9, -2)}, {}, "cannot connect: its certificate has expired"),
        ({"days": (2, 9)}, {}, "cannot connect: its certificate is not valid yet"),
        ({"host": "smsc.test"}, {}, "cannot connect: its certificate is for another address: the names do not match"),
        ({"host": "smsc.test"}, {"tls_server_name": "smsc.test"}, "bound and unbound"),
        ({"host": "smsc.test"}, {"tls_server_name": "other.test"},
         "cannot connect: its certificate is for another name: the names do not match"),
        ({"host": "smsc.test"}, {"tls_verify": "chain"}, "bound and unbound"),
        ({}, {"tls_ca_file": ""}, "cannot connect: its certificate is signed by nobody whom we trust"),
        ({"days": (-9, -2)}, {"tls_ca_file": "", "tls_verify": "none"}, "bound and unbound"),
    ],
)  # fmt: skip
def test_what_the_carrier_shows_is_verified(
    authority: Authority, issued: dict[str, Any], options: dict[str, Any], said: str
) -> None:
    @on_loop
    async def scenario() -> None:
        context = shown(*authority.issue("smsc", **issued))
        assert (await tried(context, **{"tls_ca_file": str(authority.file), **options})).said == said

    scenario()


@on_loop
async def test_a_carrier_that_wants_a_certificate_says_so(tmp_path: Path) -> None:
    theirs, ours, strangers = (Authority(tmp_path, name) for name in ("theirs", "ours", "strangers"))
    context = shown(*theirs.issue("smsc"), clients=ours)
    trusting: dict[str, Any] = {"tls_ca_file": str(theirs.file)}
    certificate, key = strangers.issue("stranger")
    stranger = {"tls_certificate_file": str(certificate), "tls_key_file": str(key)}
    for shows, said in (
        ({}, "it wants a certificate of ours"),
        (stranger, "it does not know who signed our certificate"),
    ):
        with refusing(context) as port:
            assert said in (await tried_at(port, **trusting, **shows)).said


@on_loop
async def test_versions_of_tls_that_do_not_meet_are_told(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "ca")
    context = shown(*authority.issue("smsc"))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with refusing(context) as port:
        found = await tried_at(port, tls_ca_file=str(authority.file), tls_min_version="1.3")
        assert "another version of TLS" in found.said
    assert (await tried(context, tls_ca_file=str(authority.file))).is_good


@on_loop
async def test_a_carrier_without_tls_there_is_told(tmp_path: Path) -> None:
    found = await tried(None)
    assert not found.is_good
    assert found.said.startswith("cannot connect: ")


@on_loop
async def test_files_that_cannot_be_used_are_told(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "ca")
    certificate, _ = authority.issue("one")
    _, key = authority.issue("two")
    context = shown(*authority.issue("smsc"))
    missing = await tried(context, tls_ca_file=str(tmp_path / "nobody.pem"))
    assert missing.said == f"cannot connect: there is no file {tmp_path / 'nobody.pem'}"
    other = await tried(context, tls_certificate_file=str(certificate), tls_key_file=str(key))
    assert other.said == "cannot connect: our key belongs to another certificate"
    junk = tmp_path / "junk.pem"
    junk.write_text("junk")
    assert "certificate files cannot be used" in (await tried(context, tls_ca_file=str(junk))).said


@on_loop
async def test_a_key_without_a_certificate_is_refused_at_once(tmp_path: Path) -> None:
    async with sending_to(tmp_path) as (sending, _):
        with pytest.raises(BadData, match="tls_key_file"):
            await sending.carriers.change("carrier", Changes({"tls_key_file": "/nowhere.key"}))
