"""Measure SMPP codec, receipts and sessions on this machine: `python tests/load/bench_smpp.py`.

Prints messages per second on one core; the loopback is a client and a server session in one process,
bytes handed over by reference, window 100, so it shows what both protocol ends cost together.
"""

import time
from collections.abc import Callable

from chappe.telecom import receipts
from chappe.telecom.smpp import pdu, tlv
from chappe.telecom.smpp.bodies import Bind, ShortMessage
from chappe.telecom.smpp.commands import BIND_TRANSCEIVER, DELIVER_SM, SUBMIT_SM
from chappe.telecom.smpp.events import Answers, Deliveries, Submits
from chappe.telecom.smpp.session import ClientSession, ServerSession

TEXT = b"Hello from the load generator, this is one ordinary text message of eighty chars"
MESSAGE = ShortMessage(5, 0, "CHAPPE", 1, 1, "33600000001", 0, 0, TEXT, 1, "000002000000000R")
RECEIPT = (
    b"id:0000012345 sub:001 dlvrd:001 submit date:2611230640 done date:2611230641 stat:DELIVRD err:000 "
    b"text:Hello from the load "
)
WINDOW = 100


def rate(name: str, work: Callable[[], int], seconds: float = 0.6) -> None:
    """Run `work` (which says how many messages it did) for a while and print the best run."""
    best = 0.0
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        done = work()
        best = max(best, done / (time.perf_counter() - start))
    print(f"{name:46} {best:12,.0f} /s")


def encode() -> int:
    for sequence in range(1, 2001):
        pdu.encode_short_message(SUBMIT_SM, sequence, MESSAGE)
    return 2000


def encode_from_template() -> int:
    template = pdu.SubmitTemplate(MESSAGE)
    for sequence in range(1, 2001):
        template.encode(sequence, "33600000001", TEXT)
    return 2000


def decode() -> int:
    message = MESSAGE._replace(esm_class=4, short_message=RECEIPT)
    data = pdu.encode_short_message(DELIVER_SM, 1, message)
    for _ in range(2000):
        pdu.decode_short_message(data, 16, len(data))
    return 2000


def parse_receipts(tlvs: bytes) -> int:
    for _ in range(2000):
        receipts.parse(RECEIPT, tlvs)
    return 2000


def pair() -> tuple[ClientSession[int], ServerSession[int]]:
    client, server = ClientSession[int](0.0, window=WINDOW), ServerSession[int](0.0, window=WINDOW)
    client.bind(Bind(BIND_TRANSCEIVER, "bench", "bench"), 0.0)
    server.receive(client.data_to_send(), 0.0)
    server.accept_bind(system_id="centre")
    client.receive(server.data_to_send(), 0.0)
    return client, server


def loopback(*, from_template: bool) -> int:
    """Submit, answer, take the answer; 100 in flight."""
    client, server = pair()
    template = pdu.SubmitTemplate(MESSAGE)
    done = 0
    for turn in range(100):
        if from_template:
            client.submit_from(template, [(i, "33600000001", TEXT) for i in range(WINDOW)], float(turn))
        else:
            client.submit([(i, MESSAGE) for i in range(WINDOW)], float(turn))
        for event in server.receive(client.data_to_send(), float(turn)):
            if isinstance(event, Submits):
                server.answer_submits([(sequence, 0, f"{sequence:010}") for sequence, _ in event.items])
        for answer in client.receive(server.data_to_send(), float(turn)):
            if isinstance(answer, Answers):
                done += len(answer.items)
    return done


def report() -> int:
    """Deliver receipts, acknowledge, take the acknowledgement; 100 in flight."""
    client, server = pair()
    message = MESSAGE._replace(esm_class=4, short_message=RECEIPT, validity_period="")
    done = 0
    for turn in range(100):
        server.deliver([(i, message) for i in range(WINDOW)], float(turn))
        for event in client.receive(server.data_to_send(), float(turn)):
            if isinstance(event, Deliveries):
                client.acknowledge([sequence for sequence, _ in event.items])
        for answer in server.receive(client.data_to_send(), float(turn)):
            if isinstance(answer, Answers):
                done += len(answer.items)
    return done


def answers_only() -> int:
    """What a client spends on answers."""
    client, server = pair()
    client.window = 5000
    client.submit([(i, MESSAGE) for i in range(5000)], 0.0)
    client.data_to_send()
    server.answer_submits([(sequence, 0, f"{sequence:010}") for sequence in range(2, 5002)])
    data = server.data_to_send()
    start = time.perf_counter()
    client.receive(data, 0.0)
    print(f"{'client: take an answer':46} {5000 / (time.perf_counter() - start):12,.0f} /s")
    return 5000


if __name__ == "__main__":
    rate("encode submit_sm", encode)
    rate("encode submit_sm from a template", encode_from_template)
    rate("decode deliver_sm", decode)
    rate("parse a receipt", lambda: parse_receipts(b""))
    id_and_state = [tlv.value_of("receipted_message_id", "0000012345"), tlv.value_of("message_state", 2)]
    rate("parse a receipt with TLVs", lambda: parse_receipts(tlv.encode(id_and_state)))
    rate("loopback: submit and answer, both ends", lambda: loopback(from_template=False))
    rate("loopback: the same from a template", lambda: loopback(from_template=True))
    rate("loopback: receipt and acknowledgement, both ends", report)
    answers_only()
