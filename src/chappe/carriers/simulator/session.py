"""The centre's end of a link, with the freedom to break the rules."""

from collections.abc import Callable
from typing import TypeVar

from chappe.telecom.smpp import commands
from chappe.telecom.smpp.bodies import MessageAnswer
from chappe.telecom.smpp.commands import RESPONSE, State
from chappe.telecom.smpp.events import Event
from chappe.telecom.smpp.pdu import Pdu, encode
from chappe.telecom.smpp.session import ServerSession

T = TypeVar("T")


class CentreSession(ServerSession[T]):
    """A server session that may ignore probes, answer oddly, late or never, and say what makes no sense."""

    ignores_probe: Callable[[], bool] | None = None

    @property
    def may_answer(self) -> bool:
        """Whether an answer would still reach somebody."""
        return self._state not in (State.CLOSED, State.UNBOUND)

    def forgo(self, count: int) -> None:
        """These submits are answered some other time, or never: do not wait for that before reading on."""
        self._unacknowledged -= count

    def resume(self, count: int) -> None:
        """Submits that were forgone are about to be answered after all."""
        if self._state is not State.CLOSED:
            self._unacknowledged += count

    def answer_with_tlvs(self, sequence: int, state: int, message_id: str, tlvs: bytes) -> None:
        """Answer one submit, TLVs behind."""
        if self._state is not State.CLOSED:
            command = self.answering(sequence)
            self.say(encode(Pdu(command, state, sequence, MessageAnswer(message_id, tlvs))))

    def answering(self, sequence: int) -> int:
        """The command that answers this submit, which counts as answered."""
        self._unacknowledged -= 1
        if sequence in self._data_sm:
            self._data_sm.discard(sequence)
            return commands.DATA_SM | RESPONSE
        return commands.SUBMIT_SM | RESPONSE

    def say(self, octets: bytes) -> None:
        """Write octets as they are."""
        if self._state is not State.CLOSED:
            self._out.append(octets)

    def _handle(self, command: int, state: int, sequence: int, body: bytes) -> Event[T] | None:
        if command == commands.ENQUIRE_LINK and self.ignores_probe is not None and self.ignores_probe():
            return None
        return super()._handle(command, state, sequence, body)
