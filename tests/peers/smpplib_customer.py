"""A customer made with the Python library smpplib: it blocks, so it runs in a thread."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from queue import Empty, SimpleQueue
from threading import Event
from typing import Any

import smpplib.client
import smpplib.consts
import smpplib.exceptions
import smpplib.gsm

from chappe.telecom.smpp.bodies import ShortMessage
from tests.peers.program import THROTTLED, Answer, Heard

SENDER = "LIB"
AGAIN_S = 0.2
_Submit = dict[str, Any]


class SmpplibCustomer:
    """Binds again whenever its link is lost, and submits again what was refused for its pace."""

    def __init__(self, port: int, system_id: str, password: str) -> None:
        self.heard = Heard()
        self.states: list[tuple[str, int]] = []
        self._who = {"system_id": system_id, "password": password}
        self._port = port
        self._todo: SimpleQueue[_Submit | str] = SimpleQueue()
        self._later: list[tuple[float, _Submit]] = []
        self._sent: dict[int, _Submit] = {}
        self._ending = Event()

    async def send(self, number: str, text: str) -> None:
        """Submit a text, cut by the library's own helper."""
        parts, coding, esm_class = smpplib.gsm.make_parts(text)
        for part in parts:
            self._todo.put({
                "source_addr_ton": smpplib.consts.SMPP_TON_ALNUM,
                "source_addr": SENDER,
                "dest_addr_ton": smpplib.consts.SMPP_TON_INTL,
                "dest_addr_npi": smpplib.consts.SMPP_NPI_ISDN,
                "destination_addr": number,
                "short_message": part,
                "data_coding": coding,
                "esm_class": esm_class,
                "registered_delivery": True,
            })  # fmt: skip

    def query(self, message_id: str) -> None:
        """Ask what became of a message; the answer is in `states`."""
        self._todo.put(message_id)

    def end(self) -> None:
        """Say good-bye."""
        self._ending.set()

    def run(self) -> None:
        """Live until `end`."""
        while not self._ending.is_set():
            client = self._client()
            try:
                client.connect()
                self.heard.binds.append(client.bind_transceiver(**self._who).status)
                while not self._ending.is_set():
                    self._work(client)
                client.unbind()
            except smpplib.exceptions.PDUError as error:
                self.heard.binds.append(error.args[1])
            except smpplib.exceptions.ConnectionError:
                pass
            finally:
                client.disconnect()
            self._ending.wait(AGAIN_S)

    def refusal(self) -> str:
        """Bind once, and tell how that was refused."""
        client = self._client()
        client.connect()
        try:
            client.bind_transceiver(**self._who)
        except smpplib.exceptions.PDUError as error:
            return str(error.args[0])
        finally:
            client.disconnect()
        return ""

    def _client(self) -> Any:
        client = smpplib.client.Client("127.0.0.1", self._port, allow_unknown_opt_params=True, timeout=10)
        client.set_message_sent_handler(self._answered)
        client.set_message_received_handler(self._delivered)
        client.set_query_resp_handler(self._told)
        client.set_error_pdu_handler(lambda pdu: None)  # of submits: they are answers like others
        return client

    def _work(self, client: Any) -> None:
        client.poll()
        now = time.monotonic()
        due = [submit for at, submit in self._later if at <= now]
        self._later = [each for each in self._later if each[0] > now]
        for submit in due:
            self._submit(client, submit)
        try:
            item = self._todo.get(timeout=0.01)
        except Empty:
            return
        if isinstance(item, str):
            client.query_message(message_id=item, source_addr_ton=smpplib.consts.SMPP_TON_ALNUM, source_addr=SENDER)
        else:
            self._submit(client, item)

    def _submit(self, client: Any, submit: _Submit) -> None:
        self._sent[client.send_message(**submit).sequence] = submit

    def _answered(self, pdu: Any, **_: Any) -> None:
        submit = self._sent.pop(pdu.sequence)
        message_id = "" if pdu.status else pdu.message_id.decode()
        self.heard.answers.append(Answer(submit["destination_addr"], pdu.status, message_id))
        if pdu.status == THROTTLED:
            self._later.append((time.monotonic() + AGAIN_S, submit))

    def _delivered(self, pdu: Any, **_: Any) -> int:
        self.heard.delivered(
            ShortMessage(
                pdu.source_addr_ton, pdu.source_addr_npi, pdu.source_addr.decode(), pdu.dest_addr_ton,
                pdu.dest_addr_npi, pdu.destination_addr.decode(), pdu.esm_class, pdu.data_coding,
                pdu.short_message or b"",
            )
        )  # fmt: skip
        return int(smpplib.consts.SMPP_ESME_ROK)

    def _told(self, pdu: Any, **_: Any) -> None:
        self.states.append((pdu.message_id.decode(), pdu.message_state))


@asynccontextmanager
async def smpplib_customer(port: int, system_id: str, password: str) -> AsyncIterator[SmpplibCustomer]:
    """A customer that is bound, or tries to be, and says good-bye at the end."""
    customer = SmpplibCustomer(port, system_id, password)
    living = asyncio.create_task(asyncio.to_thread(customer.run))
    try:
        yield customer
    finally:
        customer.end()
        await living
