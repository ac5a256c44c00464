"""What a carrier's answers and receipts change about messages, decided on their facts in memory."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

from chappe.domain.lifecycle import Dlr, State, combine, final_state, may_replace, rollup
from chappe.domain.replies import Doubt
from chappe.domain.retry import Refused

NO_REF = "-"


class Outcome(NamedTuple):
    """What came of handing one message to a carrier.

    Shape: `refs` has the carrier's id for each part it took, `-` for the others. `result` is *accepted* when it took
           all, *unknown* when some part was written and never answered, *unsent* when nothing was written, or the
           refusal. `note` says what else there is to know about the try.
    """

    message_id: int
    refs: list[str]
    result: Refused | Literal["accepted", "unknown", "unsent"]
    attempts: int
    expires_at: int
    note: str = ""


class ReceiptIn(NamedTuple):
    """A receipt as the carrier sent it.

    Shape: `ref` is the id it names, `number` whom it is about (None when it does not say), `detail` its own words.
    Units: `at` is when it came, in milliseconds UTC, None for now; `done_at` is when it happened by the carrier's
           clock, None when it does not say.
    """

    ref: str
    number: int | None
    dlr: int
    is_final: bool
    detail: str
    at: int | None = None
    done_at: int | None = None


class ReplyIn(NamedTuple):
    """A text that somebody sent to a number of ours, as the carrier delivered it.

    Shape: of a long text that comes in parts, `part_of` is what its parts have in common (`reference/total`) and
           `part` the place of this one, from 1; `ref` is the carrier's own id of it, the same when it comes again;
           `at` is when it came, None for now; without an id, `doubt` says which earlier ones it may repeat.
    Units: milliseconds UTC.
    """

    source: str
    destination: str
    text: str
    part_of: str | None = None
    part: int | None = None
    ref: str | None = None
    at: int | None = None
    doubt: Doubt | None = None


@dataclass(slots=True)
class Tracked:
    """A message as the database has it, and as this batch leaves it.

    Shape: `refs` has the carrier's id of each part, `-` where none came; `part_dlrs` maps a part to its receipt;
           nothing of the message was at a carrier before `send_at`.
    Units: milliseconds UTC, thousandths of a credit.
    """

    id: int
    campaign_id: int
    account_id: int
    wallet_id: int
    number: int
    country: str
    client_ref: str | None
    parts: int
    price_mc: int
    was: int
    state: int
    dlr: int
    refs: list[str]
    submitted_at: int | None
    done_at: int | None
    part_dlrs: dict[int, int] = field(default_factory=dict)
    was_dlr: int = 0
    is_touched: bool = False
    send_at: int = 0

    @property
    def has_refs(self) -> bool:
        return any(ref != NO_REF for ref in self.refs)


class Rollup(NamedTuple):
    """How one campaign's counters move."""

    opened: int
    delivered: int
    failed: int
    expired: int
    network_error: int
    cancelled: int
    unassigned: int  # of the failed ones: nobody has the number


_UNASSIGNED: Final = Rollup._fields.index("unassigned")


def ref_of(told: str, message: int, part: int) -> str:
    """The id a part is known by: as the carrier told it, without blanks.

    A carrier that tells none is believed to have taken the part; it gets an id that no receipt will name.
    """
    ref = told.strip().replace(" ", "_")
    return ref if ref not in ("", NO_REF) else f"none.{message}.{part}"


def submitted(message: Tracked, refs: list[str], at: int) -> None:
    """The carrier took parts of the message; with the last one the message is sent.

    A carrier with longer part headers may have needed more parts than were priced, or fewer than before its settings
    were changed: what it took is what counts.
    """
    known = message.refs + [NO_REF] * (len(refs) - len(message.refs))
    message.refs = [new if new != NO_REF else old for new, old in zip(refs, known, strict=False)]
    message.submitted_at = message.submitted_at or at
    message.is_touched = True
    if message.state == State.ACCEPTED and NO_REF not in message.refs:
        message.state = State.SENT
        message.dlr = Dlr.SENT


def finish(message: Tracked, dlr: int, at: int) -> bool:
    """The last word on a message; whether it changed anything."""
    if not may_replace(message.state, message.dlr, dlr):
        return False
    message.state = final_state(dlr)
    message.dlr = dlr
    message.done_at = at
    message.is_touched = True
    return True


def cancel(message: Tracked, at: int) -> bool:
    """The owner takes the message back; only before a carrier has seen any of it."""
    if message.state != State.ACCEPTED or message.has_refs:
        return False
    message.state = State.CANCELLED
    message.dlr = Dlr.NOT_SENT
    message.done_at = at
    message.is_touched = True
    return True


def receipt(message: Tracked, seq: int, dlr: int, is_final: bool, at: int) -> bool:
    """A receipt for one part; whether the message got its final status by it. Applying it twice changes nothing."""
    if not is_final:
        return False
    known = message.part_dlrs.get(seq, 0)
    if known > Dlr.SENT and not (known in (Dlr.NETWORK_ERROR, Dlr.EXPIRED) and dlr == Dlr.DELIVERED):
        return False
    message.part_dlrs[seq] = dlr
    combined = combine(list(message.part_dlrs.values()), len(message.refs))
    return combined is not None and finish(message, combined, at)


def settled(message: Tracked, *, may_have_left: bool) -> tuple[int, int]:
    """(captured, released) of this change.

    A message settles in the moment it stops being `accepted`: its price is earned as soon as any part of it has
    left, or may have left; otherwise it goes back.
    """
    if message.was != State.ACCEPTED or message.state == State.ACCEPTED:
        return 0, 0
    if message.has_refs or may_have_left:
        return message.price_mc, 0
    return 0, message.price_mc


def rollups(messages: Iterable[Tracked]) -> dict[int, Rollup]:
    """campaign -> how its counters move by these changes."""
    moves: dict[int, list[int]] = {}
    fields = Rollup._fields
    for message in messages:
        if message.was == message.state and message.was_dlr == message.dlr:
            continue
        was_open = message.was in (State.ACCEPTED, State.SENT)
        is_open = message.state in (State.ACCEPTED, State.SENT)
        if was_open and is_open:
            continue
        move = moves.setdefault(message.campaign_id, [0] * len(fields))
        if was_open:
            move[0] -= 1
        else:
            move[fields.index(rollup(message.was, message.was_dlr))] -= 1
            move[_UNASSIGNED] -= message.was_dlr == Dlr.INVALID_DESTINATION
        move[fields.index(rollup(message.state, message.dlr))] += 1
        move[_UNASSIGNED] += message.dlr == Dlr.INVALID_DESTINATION
    return {campaign: Rollup(*move) for campaign, move in moves.items()}
