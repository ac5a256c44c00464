"""Accept what customers submit over SMPP, on the same way as what they post.

What came in one read is one unit of work, or two where parts wait for others. Parts are on the disk before they are
answered; their message is priced and sent once, when the last one is there.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeAlias

from chappe.domain.bind_users import BindUser
from chappe.domain.bound_deliveries import Told
from chappe.domain.bound_submits import BoundSubmit, Failed, Reason, Taken, WaitingPart, reason_of, request_of
from chappe.domain.errors import Refusal
from chappe.domain.lifecycle import Dlr
from chappe.domain.requests import Submission, SubmitRequest
from chappe.pipeline.bound_changes import BoundChanges
from chappe.pipeline.bound_parts import give_up, keep
from chappe.pipeline.submit import Accepted, Submitter
from chappe.store import bound_messages, bound_parts
from chappe.store.bound_messages import BoundMessage
from chappe.store.bound_parts import PartSet
from chappe.store.clock import now_ms
from chappe.store.ids import Ids
from chappe.store.sqlite import Store, Tx
from chappe.telecom.data_coding import Unreadable
from chappe.telecom.numbers import normalise

Result: TypeAlias = Taken | Refusal | Reason


@dataclass(slots=True)
class _Whole:
    """A text that is complete.

    Shape: `answers` are the places of the submits that are answered with its result; `stored` its parts, when they
           were kept, under `of`.
    """

    parts: list[BoundSubmit]
    answers: list[int]
    stored: list[WaitingPart] = field(default_factory=list)
    of: PartSet | None = None


class BoundSubmitter:
    """What accepts submits. One call for a user at a time: his parts come one after the other."""

    def __init__(self, store: Store, ids: Ids, submitter: Submitter, changes: BoundChanges) -> None:
        self._store = store
        self._ids = ids
        self._submitter = submitter
        self._changes = changes

    async def submit(self, user: BindUser, submits: Sequence[BoundSubmit]) -> list[Result]:
        """What becomes of each; what is taken is on the disk when this returns.

        Shape:  a repeat of a part gets the id of the first.
        Raises: Unavailable: nothing is answered for then, and a part that was kept counts as a repeat the next time.
        """
        results: dict[int, Result] = {}
        wholes: list[_Whole] = []
        loose: dict[str, list[int]] = {}
        for i, submit in enumerate(submits):
            if submit.place is None:
                replaced = await self._changes.submit_in_place(user, submit) if submit.is_replacing else None
                if replaced is None:
                    wholes.append(_Whole([submit], [i]))
                else:
                    results[i] = replaced
            elif is_invalid(user, submit.numbers[0]):
                results[i] = "invalid"
            else:
                loose.setdefault(submit.part_of, []).append(i)
        if loose:
            joined, at = self._joined_at_once(user, submits, loose)
            wholes += joined
            if at:
                wholes += await self._keep(user, submits, at, results)
        if wholes:
            await self._send(user, wholes, results)
        return [results[i] for i in range(len(submits))]

    def _joined_at_once(
        self, user: BindUser, submits: Sequence[BoundSubmit], loose: dict[str, list[int]]
    ) -> tuple[list[_Whole], list[int]]:
        """Texts whose parts came all together, and the places of the parts that have to be kept."""
        wholes: list[_Whole] = []
        to_keep: list[int] = []
        whole_keys = [key for key, at in loose.items() if _is_whole([submits[i] for i in at])]
        there = self._store.glance(lambda tx: bound_parts.waiting(tx, user.id, whole_keys)) if whole_keys else {}
        for key, at in loose.items():
            if key in whole_keys and key not in there:
                ordered = sorted(at, key=lambda i: submits[i].place or ())
                wholes.append(_Whole([submits[i] for i in ordered], ordered))
            else:
                to_keep += at
        return wholes, sorted(to_keep)

    async def _keep(
        self, user: BindUser, submits: Sequence[BoundSubmit], at: Sequence[int], results: dict[int, Result]
    ) -> list[_Whole]:
        """Keep parts; the texts that they complete."""
        parts = [submits[i] for i in at]
        kept = await self._store.write(lambda tx: keep(tx, self._ids, user, parts, now_ms()))
        if kept is None:
            results.update(dict.fromkeys(at, "too_many_parts"))
            return []
        wholes: dict[PartSet, _Whole] = {}
        for i, each in zip(at, kept, strict=True):
            results[i] = Taken(each.ref)
            if each.whole is not None:
                bodies = [part.body for part in each.whole]
                wholes.setdefault(each.of, _Whole(bodies, [], each.whole, each.of)).answers.append(i)
        return list(wholes.values())

    async def _send(self, user: BindUser, wholes: list[_Whole], results: dict[int, Result]) -> None:
        for whole, (result, refs) in zip(wholes, await self._sent(user, wholes), strict=True):
            if not isinstance(result, Taken):
                results.update(dict.fromkeys(whole.answers, result))
            elif whole.of is None:  # what was kept has its ids already
                results.update((i, result._replace(ref=ref)) for i, ref in zip(whole.answers, refs, strict=True))

    async def _sent(self, user: BindUser, wholes: list[_Whole]) -> list[tuple[Result, list[int]]]:
        """The result of each text, and the ids for its answers."""
        now = now_ms()
        found: list[tuple[Result, list[int]]] = [("unreadable", [])] * len(wholes)
        requests: list[SubmitRequest] = []
        places: list[int] = []
        for i, whole in enumerate(wholes):
            try:
                requests.append(request_of(whole.parts, user.options.kind, now))
                places.append(i)
            except Unreadable:
                continue
        refs: dict[int, list[int]] = {}

        def along(tx: Tx, accepted: Sequence[tuple[int, Accepted]]) -> None:
            for at, each in accepted:
                refs[places[at]] = self._bind(tx, user, wholes[places[at]], each, now)

        answers = await self._submitter.submit_all(user.account, requests, along) if requests else []
        for at, answer in zip(places, answers, strict=True):
            if isinstance(answer, Accepted):
                failed = await self._failed(user, requests[places.index(at)], answer)
                found[at] = (Taken(answer.first, failed), refs[at])
            else:
                found[at] = (reason_of(answer) if isinstance(answer, Submission) else answer, [])
        await self._forget(wholes, found)
        return found

    def _bind(self, tx: Tx, user: BindUser, whole: _Whole, accepted: Accepted, now: int) -> list[int]:
        """Write down whose message it is; the ids for the answers."""
        first = whole.parts[0]
        if whole.of is not None:
            bound_parts.delete(tx, [whole.of])
            told = [Told(part.ref, part.body.registered) for part in whole.stored]
        else:
            more = len(whole.parts) - 1
            mint = self._ids.take(tx, "message", more) if more else 0
            ids = [accepted.first, *range(mint, mint + more)]
            told = [Told(ref, part.registered) for ref, part in zip(ids, whole.parts, strict=True)]
        if len(first.numbers) == 1:
            destinations = first.destinations
        else:
            by_number = _by_number(user, first.numbers)
            destinations = [first.destinations[by_number[number]] for number in accepted.planned.numbers]
        bound_messages.insert(
            tx,
            [
                BoundMessage(accepted.first + i, user.id, told, first.source, destination, now, first.is_replacing)
                for i, destination in enumerate(destinations)
            ],
        )
        return [each.ref for each in told] if whole.of is None else []

    async def _failed(self, user: BindUser, request: SubmitRequest, accepted: Accepted) -> tuple[Failed, ...]:
        """The destinations that were left out, each with its reason; one that is named twice is sent to once."""
        if len(request.numbers) == 1:
            return ()
        by_number = _by_number(user, request.numbers)
        sent = {by_number[number] for number in accepted.planned.numbers}
        failed = []
        for i in sorted(set(by_number.values()) - sent):
            alone = await self._submitter.simulate(user.account, _to_one(request, i))
            failed.append(Failed(i, reason_of(alone)))
        failed += [Failed(i, "invalid") for i, number in enumerate(request.numbers) if is_invalid(user, number)]
        return tuple(sorted(failed))

    async def _forget(self, wholes: Sequence[_Whole], found: Sequence[tuple[Result, list[int]]]) -> None:
        """Give up kept parts whose text was refused: whoever answers for the last one says why."""
        refused = [
            whole for whole, (result, _) in zip(wholes, found, strict=True)
            if whole.of is not None and not isinstance(result, Taken)
        ]  # fmt: skip
        if refused:
            await self._store.write(partial(_reject, refused=refused))


def _reject(tx: Tx, refused: Sequence[_Whole]) -> None:
    now = now_ms()
    for whole in refused:
        if whole.of is not None:
            last = max(whole.stored, key=lambda part: (part.received_at, part.ref))
            give_up(tx, whole.of, [part for part in whole.stored if part is not last], Dlr.REJECTED, now)
            bound_parts.delete(tx, [whole.of])


def is_invalid(user: BindUser, number: str) -> bool:
    """Whether nobody can be sent a message under a number."""
    return normalise([number], user.account.country).problem[0] is not None


def _by_number(user: BindUser, numbers: Sequence[str]) -> dict[int, int]:
    """The numbers that are some, each with its first place."""
    found: dict[int, int] = {}
    read = normalise(numbers, user.account.country)
    for i, (number, problem) in enumerate(zip(read.e164, read.problem, strict=True)):
        if number is not None and problem is None:
            found.setdefault(int(number), i)
    return found


def _to_one(request: SubmitRequest, at: int) -> SubmitRequest:
    return replace(request, numbers=[request.numbers[at]], client_refs=[])


def _is_whole(parts: Sequence[BoundSubmit]) -> bool:
    """Whether these are all parts of a text, each once."""
    places = [part.place for part in parts if part.place]
    return sorted(place.part for place in places) == list(range(1, places[0].total + 1))
