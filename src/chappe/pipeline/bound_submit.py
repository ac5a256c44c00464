"""Accept what customers submit over SMPP, on the same way as what they post.

What came in one read is one unit of work, or two where parts wait for others. Parts are on the disk before they are
answered; their message is priced and sent once, when the last one is there.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final, TypeAlias

import structlog

from chappe.domain.bind_users import BindUser
from chappe.domain.bound_deliveries import Told
from chappe.domain.bound_submits import BoundSubmit, Failed, Reason, Taken, WaitingPart, reason_of, request_of
from chappe.domain.errors import Refusal, Unavailable
from chappe.domain.lifecycle import Dlr
from chappe.domain.requests import Submission, SubmitRequest
from chappe.pipeline.bound_changes import BoundChanges
from chappe.pipeline.bound_parts import Kept, give_up, keep
from chappe.pipeline.submit import CHARACTERS, Accepted, Submitter
from chappe.store import bound_messages, bound_parts
from chappe.store.bound_messages import BoundMessage
from chappe.store.bound_parts import PartSet
from chappe.store.clock import now_ms
from chappe.store.ids import Ids
from chappe.store.sqlite import Store, Tx
from chappe.telecom.data_coding import Unreadable
from chappe.telecom.numbers import normalise

_log = structlog.get_logger("chappe.binds")

Result: TypeAlias = Taken | Refusal | Reason | Unavailable

# Sets that are read, or given up, at once: some 15 ms of the loop when they are long.
_SETS: Final = 10


@dataclass(slots=True)
class _Whole:
    """A text that is complete.

    Shape: `answers` are the places of the submits that are answered with its result, `refs` the ids for them where
           they were kept; `stored` its parts then, under `of`.
    """

    parts: list[BoundSubmit]
    answers: list[int]
    refs: list[int] = field(default_factory=list)
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

        Shape: a repeat of a part gets the id of the first. Unavailable is only what is not on the disk, whatever
               happens: what was taken must not come again. A part that was kept all the same counts as a repeat then.
        """
        results: dict[int, Result] = {}
        failure = Unavailable("something failed")
        try:
            for run in _runs(submits):
                await self._submit(user, submits, run, results)
        except Unavailable as error:
            _log.error("database unavailable", reason=str(error))
            failure = error
        except Exception:
            _log.exception("bug", system_id=user.system_id)
        return [results.get(i, failure) for i in range(len(submits))]

    async def _submit(
        self, user: BindUser, submits: Sequence[BoundSubmit], run: range, results: dict[int, Result]
    ) -> None:
        wholes: list[_Whole] = []
        loose: dict[str, list[int]] = {}
        for i in run:
            submit = submits[i]
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

    def _joined_at_once(
        self, user: BindUser, submits: Sequence[BoundSubmit], loose: dict[str, list[int]]
    ) -> tuple[list[_Whole], list[int]]:
        """Texts whose parts came all together, and the places of the parts that have to be kept."""
        wholes: list[_Whole] = []
        to_keep: list[int] = []
        whole_keys = [key for key, at in loose.items() if _is_whole([submits[i] for i in at])]
        there = self._store.glance(lambda tx: bound_parts.known(tx, user.id, whole_keys)) if whole_keys else ()
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
        wholes: dict[PartSet, _Whole] = {}
        for i, each in zip(at, kept, strict=True):
            if not isinstance(each, Kept):
                results[i] = each
            elif each.is_last:  # answered when its text is sent: unanswered it comes again, and is sent then
                whole = wholes.setdefault(each.of, _Whole([], [], of=each.of))
                whole.answers.append(i)
                whole.refs.append(each.ref)
            else:
                results[i] = Taken(each.ref)
        await self._read(list(wholes.values()))
        return list(wholes.values())

    async def _read(self, wholes: Sequence[_Whole]) -> None:
        """Read the parts of sets that are whole, a few at a time."""
        for start in range(0, len(wholes), _SETS):
            some = wholes[start : start + _SETS]
            read = self._store.glance(partial(_of_sets, sets=[whole.of for whole in some if whole.of]))
            for whole, stored in zip(some, read, strict=True):
                whole.stored, whole.parts = stored, [part.body for part in stored]
            await asyncio.sleep(0)

    async def _send(self, user: BindUser, wholes: list[_Whole], results: dict[int, Result]) -> None:
        now = now_ms()
        requests: list[SubmitRequest] = []
        asked: list[_Whole] = []
        refused: list[_Whole] = []
        characters = 0
        for whole in wholes:
            try:
                requests.append(request_of(whole.parts, user.options.kind, now))
                asked.append(whole)
                characters += len(requests[-1].text)
            except (Unreadable, Refusal) as error:
                results.update(dict.fromkeys(whole.answers, error if isinstance(error, Refusal) else "unreadable"))
                refused.append(whole)
            if characters > CHARACTERS:
                characters = 0
                await asyncio.sleep(0)

        def along(tx: Tx, accepted: Sequence[tuple[int, Accepted]]) -> None:
            for at, each in accepted:
                self._bind(tx, user, asked[at], each, now)

        answers = await self._submitter.submit_all(user.account, requests, along) if requests else []
        for whole, request, answer in zip(asked, requests, answers, strict=True):
            if isinstance(answer, Accepted):
                results.update((i, Taken(ref)) for i, ref in zip(whole.answers, whole.refs, strict=True))
                if len(request.numbers) > 1:
                    failed = await self._failed(user, request, answer)
                    results.update((i, Taken(ref, failed)) for i, ref in zip(whole.answers, whole.refs, strict=True))
                continue
            result = reason_of(answer) if isinstance(answer, Submission) else answer
            results.update(dict.fromkeys(whole.answers, result))
            if not isinstance(result, Unavailable):
                refused.append(whole)
        await self._forget([whole for whole in refused if whole.of is not None])

    def _bind(self, tx: Tx, user: BindUser, whole: _Whole, accepted: Accepted, now: int) -> None:
        """Write down whose message it is, and the ids for the answers where no part was kept."""
        first = whole.parts[0]
        if whole.of is not None:
            bound_parts.delete(tx, [whole.of])
            told = [Told(part.ref, part.body.registered) for part in whole.stored]
        else:
            more = len(whole.parts) - 1
            mint = self._ids.take(tx, "message", more) if more else 0
            ids = [accepted.first, *range(mint, mint + more)]
            told = [Told(ref, part.registered) for ref, part in zip(ids, whole.parts, strict=True)]
            whole.refs = ids
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

    async def _failed(self, user: BindUser, request: SubmitRequest, accepted: Accepted) -> tuple[Failed, ...]:
        """The destinations that were left out, each with its reason; one that is named twice is sent to once."""
        by_number = _by_number(user, request.numbers)
        sent = {by_number[number] for number in accepted.planned.numbers}
        failed = []
        for i in sorted(set(by_number.values()) - sent):
            try:
                failed.append(Failed(i, reason_of(await self._submitter.simulate(user.account, _to_one(request, i)))))
            except (Refusal, Unavailable) as error:
                failed.append(Failed(i, error))
        failed += [Failed(i, "invalid") for i, number in enumerate(request.numbers) if is_invalid(user, number)]
        return tuple(sorted(failed))

    async def _forget(self, refused: Sequence[_Whole]) -> None:
        """Give up kept parts whose text was refused: whoever answers for the last one says why.

        Shape: when that fails they are given up later, as parts whose others never came.
        """
        try:
            for start in range(0, len(refused), _SETS):
                await self._store.write(partial(_reject, refused=refused[start : start + _SETS]))
        except Unavailable as error:
            _log.error("database unavailable", reason=str(error))


def _runs(submits: Sequence[BoundSubmit]) -> Iterator[range]:
    """Submits that are written together. Shape: what replaces one of the same read comes in a run behind it."""
    start = 0
    there: set[tuple[str, str]] = set()
    for i, submit in enumerate(submits):
        if submit.is_replacing:
            between = (submit.source, submit.destinations[0])
            if submit.place is None and between in there:
                yield range(start, i)
                start = i
                there.clear()
            there.add(between)
    yield range(start, len(submits))


def _of_sets(tx: Tx, sets: Sequence[PartSet]) -> list[list[WaitingPart]]:
    return [bound_parts.of_set(tx, of) for of in sets]


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
