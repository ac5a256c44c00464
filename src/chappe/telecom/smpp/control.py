"""The seldom half of a session: keep-alive answers, good-byes, refusals, oddities.

Source: SMPP 3.4, 2.2 (states), 3.3 (unknown PDUs), 4.3 (generic_nack); SMPP 5.0, 4.8 (congestion_state).
"""

from abc import abstractmethod
from typing import TypeVar

from . import commands, oddities, status, tlv
from .bodies import Body, DataSm, Empty, MessageAnswer, Raw, ShortMessage, SubmitMulti
from .commands import GENERIC_NACK, RESPONSE, State
from .engine import Engine
from .events import Event, Requested, Responded, UnbindRequested, Unbound
from .pdu import HEADER, MIN_LENGTH, decode_body
from .window import MAX_SEQUENCE

T = TypeVar("T")

# What a centre answers to a request it can read half of, by the first that holds.
_UNREADABLE = {
    oddities.TEXT_CUT: status.ESME_RINVMSGLEN,
    oddities.BODY_ENDS_EARLY: status.ESME_RINVCMDLEN,
    oddities.NO_FINAL_NUL: status.ESME_RINVCMDLEN,
    oddities.ODD_DESTINATION: status.ESME_RINVDESTFLAG,
}


class Session(Engine[T]):
    """What both roles do with PDUs that are not the day's traffic."""

    # -- requests of the peer ------------------------------------------------------------------------

    def _handle(self, command: int, state: int, sequence: int, body: bytes) -> Event[T] | None:
        if command & RESPONSE:
            return self._answered(command, state, sequence, body)
        self._odd_header(command, state, sequence)
        if command not in self.role.may_receive[self._state]:
            self._refuse(command, sequence)
            return None
        match command:
            case commands.ENQUIRE_LINK:
                self._read(command, body)
                self._answer(command, 0, sequence)
                return None
            case commands.UNBIND:
                self._read(command, body)
                self._unbind_asked(sequence)
                return UnbindRequested()
            case commands.DATA_SM:
                self._unusual_message(command, sequence, body)
                return None
            case _:
                read, odd = self._read(command, body)
                # A bind is decided on what can be read of it.
                if command not in commands.BINDS and self._refuses(command, sequence, odd):
                    return None
                return self._asked(command, sequence, read)

    def _unbind_asked(self, sequence: int) -> None:
        """The peer says good-bye: so do we."""
        self._answer(commands.UNBIND, 0, sequence)
        self._state = State.UNBOUND

    def _asked(self, command: int, sequence: int, body: Body) -> Event[T]:
        """A request that the caller has to look at."""
        return Requested(sequence, command, body)

    def _refuse(self, command: int, sequence: int) -> None:
        """Answer a request that is unknown or not legal now; the link goes on."""
        if command not in commands.NAMES:
            self._batch.note(oddities.UNKNOWN_COMMAND, commands.name(command))
            self._answer(GENERIC_NACK, status.ESME_RINVCMDID, sequence)
            return
        self._batch.note(oddities.NOT_LEGAL, f"{commands.name(command)} while {self._state.value}")
        if command in commands.UNANSWERED:
            return
        is_second_bind = command in commands.BINDS and self._state in commands.KEPT_ALIVE
        self._answer(command, status.ESME_RALYBND if is_second_bind else status.ESME_RINVBNDSTS, sequence)

    def _unusual_message(self, command: int, sequence: int, body: bytes) -> None:
        """A data_sm, or a message that bends a rule: a client takes what there is, a server refuses."""
        read, odd = self._read(command, body)
        if self._refuses(command, sequence, odd):
            return
        if isinstance(read, DataSm):
            self._data_sm.add(sequence)
            read = ShortMessage(
                *read[:8],
                b"",
                registered_delivery=read.registered_delivery,
                service_type=read.service_type,
                tlvs=read.tlvs,
            )
        if isinstance(read, ShortMessage):
            self._batch.messages.append((sequence, read))
            self._unacknowledged += 1

    def _refuses(self, command: int, sequence: int, odd: tuple[str, ...]) -> bool:
        """A centre refuses what it can read half of: doing half of it would be worse."""
        wrong = [state for name, state in _UNREADABLE.items() if name in odd] if odd else []
        if self.role.is_client or not wrong:
            return False
        self._answer(command, wrong[0], sequence)
        return True

    def _answer(self, command: int, state: int, sequence: int) -> None:
        """Queue an answer without body."""
        self._out.append(HEADER.pack(MIN_LENGTH, command | RESPONSE, state, sequence))

    # -- answers to requests of ours -----------------------------------------------------------------

    def _unusual_answer(self, token: T, state: int, body: bytes) -> None:
        command = self.role.sends | RESPONSE
        message_id = self._message_id(command, body)
        if self.role.is_client and not state and not message_id:
            self._batch.note(oddities.NO_MESSAGE_ID, commands.name(command))
        self._batch.answers.append((token, state, message_id))

    def _message_id(self, command: int, body: bytes) -> str:
        read, _ = self._read(command, body)
        if not isinstance(read, MessageAnswer):
            return ""
        self._hear_congestion(read.tlvs)
        return read.message_id

    def _answered(self, command: int, state: int, sequence: int, body: bytes) -> Event[T] | None:
        if command == commands.ENQUIRE_LINK | RESPONSE:
            return None
        window = self._requests
        if command == GENERIC_NACK and not state:
            self._batch.note(oddities.NACK_WITHOUT_REASON, f"to number {sequence}")
            state = status.ESME_RUNKNOWNERR  # whatever it means, it is no yes
        if command in (self.role.sends | RESPONSE, GENERIC_NACK):
            if sequence in window.pending:
                self._batch.answers.append((window.pending.pop(sequence), state, ""))
                return None
            if sequence in window.expired:
                message_id = "" if command == GENERIC_NACK else self._message_id(command, body)
                self._batch.late.append((window.expired.pop(sequence), state, message_id))
                return None
        waiting = self._waiting.get(sequence)
        if waiting is None:
            self._stray(command, state, sequence)
            return None
        if command not in (waiting.command | RESPONSE, GENERIC_NACK):
            self._batch.note(oddities.OTHER_ANSWER, f"{commands.name(command)} to {commands.name(waiting.command)}")
            return None
        del self._waiting[sequence]
        if waiting.token is None and waiting.command == commands.UNBIND:
            self._state = State.UNBOUND
            return Unbound(answered=True)
        read, _ = self._read(command, body)
        if not isinstance(read, Empty):
            self._hear_congestion(getattr(read, "tlvs", b""))
        if waiting.token is not None:
            return Responded(waiting.token, state, read)
        return self._bind_answered(waiting.command, state, read)

    def _stray(self, command: int, state: int, sequence: int) -> None:
        if command & ~RESPONSE not in commands.NAMES and command != GENERIC_NACK:
            self._batch.note(oddities.UNKNOWN_COMMAND, commands.name(command))
            return
        if sequence in self._requests.pending:
            self._batch.note(oddities.OTHER_ANSWER, f"{commands.name(command)} to {commands.name(self.role.sends)}")
            return
        self._batch.note(oddities.UNKNOWN_ANSWER, f"{commands.name(command)} {status.name(state)} to number {sequence}")

    def _unanswered(self, command: int) -> Event[T]:
        if command == commands.UNBIND:
            self._state = State.UNBOUND
            return Unbound(answered=False)
        return self._bind_unanswered()

    @abstractmethod
    def _bind_answered(self, command: int, state: int, body: Body) -> Event[T]:
        """The answer to a bind of ours."""

    @abstractmethod
    def _bind_unanswered(self) -> Event[T]:
        """No answer to a bind of ours."""

    # -- small things --------------------------------------------------------------------------------

    def _hear_congestion(self, tlvs: bytes) -> None:
        if not tlvs or (value := tlv.find(tlvs, tlv.CONGESTION_STATE)) is None:
            return
        percent = tlv.find_int(tlvs, tlv.CONGESTION_STATE)
        if percent is not None and percent <= 100:
            self._batch.congestion = percent
        else:  # reserved: no reason to slow down
            self._batch.note(oddities.ODD_CONGESTION, value[:8].hex())

    def _read(self, command: int, octets: bytes) -> tuple[Body, tuple[str, ...]]:
        """Read a body and name what is odd about it."""
        body, odd = decode_body(command, octets, 0, len(octets))
        for name in odd:
            self._batch.note(name, commands.name(command))
        if not isinstance(body, Raw) and body.tlvs:
            self._odd_tlvs(command, body)
        return body, odd

    def _odd_header(self, command: int, state: int, sequence: int) -> None:
        if state:
            self._batch.note(oddities.STATUS_IN_REQUEST, f"{status.name(state)} in {commands.name(command)}")
        if not 0 < sequence <= MAX_SEQUENCE:
            self._batch.note(oddities.ODD_NUMBER, f"{sequence} in {commands.name(command)}")

    def _odd_tlvs(self, command: int, body: Body) -> None:
        tags = [] if isinstance(body, Raw) else tlv.tags(body.tlvs)
        if len(tags) > 1 and len(set(tags)) < len(tags):
            for tag in tlv.ONCE.intersection(tags):
                if tags.count(tag) > 1:
                    self._batch.note(oddities.TLV_TWICE, f"{tlv.name(tag)} in {commands.name(command)}")
        if tlv.MESSAGE_PAYLOAD in tags and isinstance(body, ShortMessage | SubmitMulti) and body.short_message:
            self._batch.note(oddities.TEXT_TWICE, commands.name(command))
