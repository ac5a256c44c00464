"""A client and a server session bound to each other, and what they say, for tests without sockets."""

from chappe.telecom.smpp import commands, pdu
from chappe.telecom.smpp.bodies import Bind, MessageAnswer, ShortMessage
from chappe.telecom.smpp.commands import RESPONSE
from chappe.telecom.smpp.events import BindRequested, Bound
from chappe.telecom.smpp.pdu import Pdu, encode
from chappe.telecom.smpp.session import ClientSession, ServerSession

TEXT = ShortMessage(5, 0, "CHAPPE", 1, 1, "33612345678", 0, 0, b"Hello", 1)
RECEIPT = ShortMessage(1, 1, "33612345678", 5, 0, "CHAPPE", 4, 0, b"id:1 stat:DELIVRD err:000")
TRX = Bind(commands.BIND_TRANSCEIVER, "user", "secret")

Client = ClientSession[str]
Server = ServerSession[str]


def bound(bind: Bind = TRX, **options: float) -> tuple[Client, Server]:
    """A client and a server at time 0, bound to each other."""
    client, server = Client(0.0, **options), Server(0.0)  # type: ignore[arg-type]
    client.bind(bind, 0.0)
    assert server.receive(client.data_to_send(), 0.0) == [BindRequested(bind)]
    server.accept_bind(system_id="centre")
    assert client.receive(server.data_to_send(), 0.0) == [Bound("centre", 0x34)]
    return client, server


def sent(session: Client | Server) -> list[Pdu]:
    """What a session wrote since the last look, decoded."""
    data, found = session.data_to_send(), []
    while data:
        length = int.from_bytes(data[:4], "big")
        found.append(pdu.decode(data[:length])[0])
        data = data[length:]
    return found


def answer(sequence: int, message_id: str = "id", state: int = 0) -> bytes:
    return encode(Pdu(commands.SUBMIT_SM | RESPONSE, state, sequence, MessageAnswer(message_id)))


def numbers_of(pdus: list[Pdu], command: int) -> list[int]:
    return [found.sequence for found in pdus if found.command == command]
