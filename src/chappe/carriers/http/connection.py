"""A carrier over HTTP: as many requests at a time as its window allows; its answers say how it is."""

import asyncio
import random
from collections.abc import Coroutine, Sequence
from typing import Any, Final, Generic, NamedTuple, TypeVar, assert_never

import structlog

from chappe.carriers.connection import BETWEEN_REFS, Address, Cut, LinkState, Listener, Outgoing, Question
from chappe.carriers.http.access import access_of
from chappe.carriers.http.client import HttpClient, Lost, Unsent
from chappe.carriers.http.options import HttpOptions
from chappe.carriers.http.texts import written_for
from chappe.carriers.http.vendor import Accepted, Access, Answer, Call, Closed, Message, Told, TooFast, Unclear
from chappe.carriers.http.vendors import vendor_of
from chappe.carriers.questions import NO_ANSWER
from chappe.domain.encodings import UCS2
from chappe.domain.lifecycle import Dlr
from chappe.domain.outcomes import ReceiptIn
from chappe.domain.retry import Refused
from chappe.domain.sender_shape import one_of, pool_of

T = TypeVar("T")
_log = structlog.get_logger("chappe.carrier")

# Seconds until a carrier that could not be reached is tried again, and one that refused us; as for binds.
RECONNECT_S: Final = (1, 2, 5, 10, 30, 60)
REFUSED_S: Final = (60, 300, 900)
JITTER: Final = 0.3
# Where the vendor knows our keys, a message whose answer was lost is handed over again after so long.
ASK_AGAIN_S: Final = (1.0, 5.0, 20.0)
# So many unclear answers in a row: what is sent on would only become unknown as well.
UNCLEAR_LIMIT: Final = 3
# What is in flight is waited for so long at the end.
CLOSE_S: Final = 8.0
# How many oddities a carrier is counted by, for it says the HTTP status itself; and the name of the rest.
NAMES_MOST: Final = 40
OTHERS: Final = "others"


class Piece(NamedTuple):
    """A message as the request that hands it over."""

    message: Message
    call: Call
    access: Access


class HttpCarrier(Generic[T]):
    """A vendor as a lane's carrier.

    Nothing is asked before there is a message. A carrier that refused us or could not be reached takes nothing for a
    while; then one message tries it, and the others follow when that got an answer.
    """

    def __init__(self, address: Address, options: HttpOptions, listener: Listener[T]) -> None:
        self._name = address.name
        self._listener = listener
        self._client: HttpClient | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._paused_until = 0.0
        self._failures = self._refusals = self._unclear = 0
        self._is_stopping = self._has_answered = False
        self._report = LinkState()
        self.states = [self._report]
        self._take(address, options)

    # -- Connection
    @property
    def is_bound(self) -> bool:
        return self._report.state in ("ready", "trying")

    @property
    def is_served(self) -> bool:
        state = self._report.state
        return state == "ready" or (state == "trying" and self._failures + self._refusals < 2)

    @property
    def is_unproven(self) -> bool:
        return self.is_bound and not self._has_answered

    @property
    def free(self) -> int:
        if not self.is_bound or asyncio.get_running_loop().time() < self._paused_until:
            return 0
        window = 1 if self._report.state == "trying" else self.capacity
        return max(0, window - len(self._tasks))

    @property
    def is_held_back(self) -> bool:
        return asyncio.get_running_loop().time() < self._paused_until

    def in_flight(self, bind: int) -> int:
        return len(self._tasks)

    def start(self) -> None:
        try:
            self._client = HttpClient(timeout_s=self._options.timeout_s, tls_ca_file=self._options.tls_ca_file)
        except OSError as error:
            self._now("refused", f"{self._options.tls_ca_file}: {error.strerror or error}")
            return
        self._now("ready", "")
        self._listener.changed()

    def reconfigure(self, address: Address, options: HttpOptions) -> None:
        """Speak to the vendor by other settings from the next message on; time limits and certificates stay.

        A carrier that is shut is tried at once when it was told who we are, or where the vendor is, anew.
        """
        before = self._access, self._options.template
        self._take(address, options)
        is_shut = self._report.state in ("refused", "down")
        if is_shut and self._timer is not None and (self._access, options.template) != before:
            self._timer.cancel()
            self._failures = self._refusals = 0
            self._try()

    def _take(self, address: Address, options: HttpOptions) -> None:
        self._options, self.capacity = options, address.window
        self._vendor = vendor_of(options.vendor, options.template)
        self._access = access_of(options, address.callbacks)
        self._senders = pool_of(options.sender)

    def cut(self, message: Outgoing) -> Cut:
        """The message as one request: the vendor cuts it."""
        text, encoding, note = written_for(message.text, message.encoding, message.parts)
        said = Message(
            key=f"{self._options.seed}-{message.message_id}",
            to=str(message.number),
            text=text,
            sender=message.sender or one_of(self._senders, message.number),
            is_unicode=encoding == UCS2,
            parts=message.parts,
            validity_s=int(message.validity_s),
            is_alert=message.is_alert,
        )
        return Cut([Piece(said, self._vendor.request(self._access, said), self._access)], note)

    def submit(self, items: Sequence[tuple[T, Piece]]) -> list[tuple[T, str]]:
        """Make the requests of at most `free` messages."""
        for token, piece in items:
            self._begin(self._hand_over(token, piece))
        self._report.submitted += len(items)
        return []

    @property
    def can_query(self) -> bool:
        return self._vendor.can_query

    def query(self, questions: Sequence[Question]) -> None:
        """Ask what became of messages, in the window that hand-overs have."""
        for question in questions:
            self._begin(self._ask_about(question))

    async def stop(self) -> None:
        """Wait for the answers a while; what has none then is unknown."""
        self._is_stopping = True
        if self._timer is not None:
            self._timer.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=CLOSE_S)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._client is not None:
            await self._client.close()
            self._client = None
        self._now("closed", "")

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("bug", carrier=self._name, exc_info=error)

    # -- one message
    async def _hand_over(self, token: T, piece: Piece) -> None:
        try:
            answer = await self._ask(piece)
        except asyncio.CancelledError:
            self._listener.unknown([token])
            raise
        except Exception:  # a vendor's table has a fault: the message was written
            _log.exception("bug", carrier=self._name)
            answer = Unclear("a fault of ours")
        # Gone from the window before the lane is told that there is room.
        if (task := asyncio.current_task()) is not None:
            self._tasks.discard(task)
        if isinstance(answer, Closed | Unsent) and piece.access != self._access:
            # It is about who we were, or where the vendor was: the message leaves by what was said since.
            self._listener.unsent([token])
            return
        self._tell(token, answer)

    async def _ask(self, piece: Piece) -> Answer | Unsent:
        """Make the request; where the key makes it harmless, again until it is clear what became of it."""
        answer = await self._once(piece)
        for wait_s in ASK_AGAIN_S if self._options.is_idempotent else ():
            if not isinstance(answer, Unclear) or self._is_stopping:
                return answer
            await asyncio.sleep(wait_s * random.uniform(1 - JITTER, 1 + JITTER))
            again = await self._once(piece)
            # That the second request was not written or not wanted says nothing of the first.
            answer = again if isinstance(again, Accepted | Refused) else answer
        return answer

    async def _once(self, piece: Piece) -> Answer | Unsent:
        if self._client is None:
            return Unsent("stopped")
        told = await self._client.make(piece.call)
        match told:
            case Unsent():
                return told
            case Lost(reason):
                self._count(reason)
                return Unclear(reason)
            case _:
                answer = self._vendor.answer(self._access, piece.message, told)
                if not isinstance(answer, Accepted):
                    self._count(f"HTTP {told.status}")
                return answer

    def _tell(self, token: T, answer: Answer | Unsent) -> None:
        """Tell the lane what became of a message, and draw the conclusions about the carrier."""
        match answer:
            case Accepted(refs):
                self._is_heard()
                self._listener.answered([(token, None, BETWEEN_REFS.join(refs))], late=False)
            case Refused():
                self._is_heard()
                self._listener.answered([(token, answer, "")], late=False)
            case TooFast(name, wait_s):
                self._is_heard()
                self._pause(wait_s)
                self._listener.answered([(token, Refused("throttle", int(Dlr.REJECTED), name), "")], late=False)
            case Closed(reason, is_certain):
                was_tried = self._report.state == "trying"
                self._shut("refused", reason)
                if is_certain or not was_tried:
                    self._listener.unsent([token])
                else:  # it may be this message that is not wanted: another one tries next
                    refused = Refused("temporary", int(Dlr.NOT_ALLOWED), reason)
                    self._listener.answered([(token, refused, "")], late=False)
            case Unclear(reason):
                self._unclear += 1
                if self._unclear >= UNCLEAR_LIMIT or self._report.state == "trying":
                    self._shut("down", reason)
                self._listener.unknown([token])
            case Unsent(reason):
                self._shut("down", reason)
                self._listener.unsent([token])
            case _:
                assert_never(answer)

    async def _ask_about(self, question: Question) -> None:
        """What the vendor says of a message; that it says nothing is no sign of trouble with the others."""
        told: ReceiptIn | str = NO_ANSWER
        try:
            call = self._vendor.question(self._access, question.ref)
            if call is not None and self._client is not None:
                answer = await self._client.make(call)
                if isinstance(answer, Told):
                    told = self._vendor.state(self._access, question.ref, answer)
                else:
                    told = answer.reason
        except asyncio.CancelledError:
            pass
        except Exception:
            _log.exception("bug", carrier=self._name)
        if (task := asyncio.current_task()) is not None:
            self._tasks.discard(task)
        self._listener.told([(question, told)])

    # -- the carrier
    def _is_heard(self) -> None:
        """The carrier answers us."""
        self._failures = self._refusals = self._unclear = 0
        self._has_answered = True
        if self._report.state == "trying":
            self._now("ready", "")
            _log.info("ready", carrier=self._name)
            self._listener.changed()

    def _pause(self, wait_s: float | None) -> None:
        loop = asyncio.get_running_loop()
        if wait_s and not self._is_stopping:
            self._paused_until = max(self._paused_until, loop.time() + wait_s)
            loop.call_later(wait_s, self._listener.changed)

    def _shut(self, state: str, reason: str) -> None:
        """Take nothing for a while. Several answers of one window count once."""
        if self._is_stopping or not self.is_bound:
            return
        self._has_answered = False
        if state == "refused":
            delay = REFUSED_S[min(self._refusals, len(REFUSED_S) - 1)]
            self._refusals += 1
        else:
            delay = RECONNECT_S[min(self._failures, len(RECONNECT_S) - 1)]
            self._failures += 1
        wait_s = delay * random.uniform(1 - JITTER, 1 + JITTER)
        self._now(state, f"{reason}; next try in {wait_s:.0f} s")
        _log.warning("not served", carrier=self._name, state=state, reason=reason, wait_s=round(wait_s, 1))
        self._timer = asyncio.get_running_loop().call_later(wait_s, self._try)
        self._listener.changed()

    def _try(self) -> None:
        self._has_answered = False  # what was asked before says nothing of now
        self._now("trying", f"one message tries it after: {self._report.detail.partition(';')[0]}")
        self._listener.changed()

    def _now(self, state: str, detail: str) -> None:
        self._report.state, self._report.detail = state, detail
        self._report.since = asyncio.get_running_loop().time()

    def _count(self, name: str) -> None:
        known = self._report.oddities
        name = name if name in known or len(known) < NAMES_MOST else OTHERS
        known[name] = known.get(name, 0) + 1
