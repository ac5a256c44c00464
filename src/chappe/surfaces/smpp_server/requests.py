"""What customers ask besides submit_sm, and how results are answered.

Source: SMPP 3.4, 4.5 (submit_multi), 4.8 (query_sm), 4.9 (cancel_sm), 4.10 (replace_sm).
"""

from datetime import UTC, datetime
from typing import Final

from chappe.domain.bind_users import BindUser
from chappe.domain.bound_submits import BoundSubmit, Reason, Taken
from chappe.domain.errors import Refusal, Unavailable
from chappe.domain.lifecycle import FINAL
from chappe.pipeline.bound_changes import BoundChanges
from chappe.pipeline.bound_submit import BoundSubmitter, Result
from chappe.store.clock import now_ms
from chappe.surfaces.smpp_server import addresses, statuses
from chappe.surfaces.smpp_server.reading import REGISTERED, Wrong, read_multi, read_times
from chappe.telecom.data_coding import Coding
from chappe.telecom.smpp import commands, times, tlv
from chappe.telecom.smpp.bodies import (
    Body,
    Cancel,
    FailedDestination,
    Query,
    QueryAnswer,
    Replace,
    SubmitMulti,
    SubmitMultiAnswer,
)

_MAX_DIGITS: Final = 18
Response = tuple[int, Body | None]


def answer_of(result: Result) -> tuple[int, str]:
    """The status and the message id for a submit."""
    return (statuses.OK, str(result.ref)) if isinstance(result, Taken) else (_status_of(result), "")


def _status_of(refused: Refusal | Reason | Unavailable) -> int:
    return statuses.SYSTEM_ERROR if isinstance(refused, Unavailable) else statuses.status_of(refused)


async def respond(
    submitter: BoundSubmitter, changes: BoundChanges, user: BindUser, command: int, body: Body, version: int
) -> Response:
    """Carry out a request. Raises: Unavailable."""
    try:
        match body:
            case SubmitMulti():
                return await _submit_multi(submitter, user, body)
            case Query() if command == commands.QUERY_SM:
                return _query(changes, user, body, version)
            case Cancel():
                return await _cancel(changes, user, body)
            case Replace():
                return await _replace(changes, user, body)
            case _:
                return statuses.INVALID_COMMAND, None
    except Wrong as wrong:
        return wrong.status, None


async def _submit_multi(submitter: BoundSubmitter, user: BindUser, body: SubmitMulti) -> Response:
    [result] = await submitter.submit(user, [read_multi(user, body, now_ms())])
    if not isinstance(result, Taken):
        status = _status_of(result)
        return status, SubmitMultiAnswer("", tuple(_failure(body, i, status) for i in range(len(body.destinations))))
    failures = tuple(_failure(body, each.at, _status_of(each.reason)) for each in result.failed)
    return statuses.OK, SubmitMultiAnswer(str(result.ref), failures)


def _failure(body: SubmitMulti, at: int, status: int) -> FailedDestination:
    destination = body.destinations[at]
    return FailedDestination(destination.ton or 0, destination.npi or 0, addresses.plain(destination.address), status)


def _query(changes: BoundChanges, user: BindUser, body: Query, version: int) -> Response:
    ref = _ref(body.message_id)
    asked = changes.query(user, ref)
    if asked is None:
        raise Wrong(statuses.INVALID_MESSAGE_ID)
    found = asked.standing
    if found is None:
        return statuses.OK, QueryAnswer(str(ref), "", statuses.STATES["ENROUTE"], 0)
    is_scheduled = found.send_at > now_ms()
    state, error = statuses.state_of(found.state, found.dlr, is_scheduled=is_scheduled, version=version)
    final_date = ""
    if found.state in FINAL and found.done_at is not None:
        final_date = times.absolute(datetime.fromtimestamp(found.done_at / 1000, UTC))
    return statuses.OK, QueryAnswer(str(ref), final_date, state, error)


async def _cancel(changes: BoundChanges, user: BindUser, body: Cancel) -> Response:
    if not body.message_id:  # all between two addresses: nothing says which
        raise Wrong(statuses.CANCEL_FAILED)
    count = await changes.cancel(user, _ref(body.message_id))
    if count is None:
        raise Wrong(statuses.INVALID_MESSAGE_ID)
    return (statuses.OK if count else statuses.CANCEL_FAILED), None


async def _replace(changes: BoundChanges, user: BindUser, body: Replace) -> Response:
    if body.default_message:
        raise Wrong(statuses.NO_DEFAULT_MESSAGE)
    payload = tlv.find(body.tlvs, tlv.MESSAGE_PAYLOAD) if body.tlvs else None
    send_at, expires_at = read_times(body.schedule_delivery_time, body.validity_period, now_ms())
    source = addresses.written(body.source_ton, body.source_npi, body.source)
    text = BoundSubmit(
        source, [], None, [], Coding(user.options.alphabet), body.short_message or payload or b"",
        body.registered_delivery & REGISTERED, send_at, expires_at,
    )  # fmt: skip
    result = await changes.replace(user, _ref(body.message_id), text)
    if result is None:
        raise Wrong(statuses.INVALID_MESSAGE_ID)
    return (statuses.OK if isinstance(result, Taken) else statuses.status_of(result)), None


def _ref(message_id: str) -> int:
    """Raises: Wrong: no id of ours looks like that."""
    if not (message_id.isascii() and message_id.isdigit() and len(message_id) <= _MAX_DIGITS):
        raise Wrong(statuses.INVALID_MESSAGE_ID)
    return int(message_id)
