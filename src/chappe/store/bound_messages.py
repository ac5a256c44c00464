"""Messages that came over SMPP: the ids that their customers were told, and what they wrote."""

from collections.abc import Collection, Iterable, Sequence
from functools import reduce
from operator import or_
from typing import NamedTuple

import msgspec

from chappe.domain.bound_deliveries import Told, read_told, told_text
from chappe.store.sqlite import Tx
from chappe.store.statement import Statement

_COLUMNS = "message_id, bind_user_id, refs, source, destination, accepted_at, is_replaceable"
_INSERT = Statement(
    f"INSERT INTO bound_message ({_COLUMNS}, registered)"
    " VALUES (:message, :user, :refs, :source, :destination, :at, :replaceable, :registered)"
)
_INSERT_REF = Statement("INSERT INTO bound_ref (bind_user_id, ref, message_id) VALUES (:user, :ref, :message)")
_SOME = f"SELECT {_COLUMNS} FROM bound_message WHERE message_id IN (SELECT value FROM json_each(:messages))"
_AMONG = Statement(_SOME)
# What wants a receipt, and what wants to be told as well that it is on its way.
_ASKING = Statement(f"{_SOME} AND registered & 3 > 0")
_ASKING_EARLY = Statement(f"{_SOME} AND registered & 16 > 0")
_OF_REF = Statement(
    "SELECT :ref FROM bound_message WHERE message_id = :ref AND bind_user_id = :user"
    " UNION SELECT message_id FROM bound_ref WHERE bind_user_id = :user AND ref = :ref ORDER BY 1"
)
_REPLACEABLE = Statement(
    "SELECT message_id FROM bound_message WHERE is_replaceable AND bind_user_id = :user"
    " AND destination = :destination AND source = :source ORDER BY message_id DESC LIMIT :n"
)
_STANDING = Statement(
    "SELECT m.id, m.campaign_id, m.state, m.dlr, m.done_at, m.number, c.sender, c.send_at, c.expires_at, m.client_ref"
    " FROM message m JOIN campaign c ON c.id = m.campaign_id WHERE m.id IN (SELECT value FROM json_each(:messages))"
    " ORDER BY m.id"
)
_DELETE = Statement("DELETE FROM bound_message WHERE message_id = :message")
_DELETE_REFS = Statement("DELETE FROM bound_ref WHERE bind_user_id = :user AND ref = :ref AND message_id = :message")


class BoundMessage(NamedTuple):
    """A message that came over SMPP. Units: milliseconds UTC."""

    message_id: int
    bind_user_id: int
    told: list[Told]
    source: str
    destination: str
    accepted_at: int
    is_replaceable: bool = False


class Standing(NamedTuple):
    """What became of a message. Units: milliseconds UTC."""

    id: int
    campaign_id: int
    state: int
    dlr: int
    done_at: int | None
    number: int
    sender: str | None
    send_at: int
    expires_at: int
    client_ref: str | None


def insert(tx: Tx, messages: Sequence[BoundMessage]) -> None:
    """Write down whose messages are; ids other than the message's own lead to it."""
    rows = [
        (
            m.message_id, m.bind_user_id, told_text(m.told), m.source, m.destination, m.accepted_at, m.is_replaceable,
            reduce(or_, [told.registered for told in m.told], 0),
        )
        for m in messages
    ]  # fmt: skip
    tx.many(_INSERT, rows)
    refs = [(m.bind_user_id, t.ref, m.message_id) for m in messages for t in m.told if t.ref != m.message_id]
    if refs:
        tx.many(_INSERT_REF, refs)


def among(tx: Tx, messages: Iterable[int]) -> dict[int, BoundMessage]:
    """Those of the messages that came over SMPP. Cost: about a microsecond a message."""
    return {row[0]: _message(row) for row in tx.rows(_AMONG, messages=_json(messages))}


def asking(tx: Tx, messages: Iterable[int], *, early: bool = False) -> dict[int, BoundMessage]:
    """Those whose customer wants a receipt, or with `early` to be told that they are on their way. Cost: as `among`."""
    statement = _ASKING_EARLY if early else _ASKING
    return {row[0]: _message(row) for row in tx.rows(statement, messages=_json(messages))}


def of_ref(tx: Tx, user: int, ref: int) -> list[int]:
    """The messages behind an id that a user was told: several for one of submit_multi."""
    return [row[0] for row in tx.rows(_OF_REF, user=user, ref=ref)]


def replaceable(tx: Tx, user: int, source: str, destination: str, n: int) -> list[int]:
    """The newest messages between two addresses that may be replaced, if no carrier has seen them."""
    return [row[0] for row in tx.rows(_REPLACEABLE, user=user, source=source, destination=destination, n=n)]


def standing(tx: Tx, messages: Collection[int]) -> list[Standing]:
    return [Standing._make(row) for row in tx.rows(_STANDING, messages=_json(messages))]


def delete(tx: Tx, messages: Collection[int]) -> int:
    """Forget that messages came over SMPP, with the ids that lead to them; how many did."""
    found = among(tx, messages)
    refs = [(m.bind_user_id, told.ref, m.message_id) for m in found.values() for told in m.told]
    tx.many(_DELETE_REFS, refs)
    return tx.many(_DELETE, [(message,) for message in found])


def _message(row: tuple[object, ...]) -> BoundMessage:
    message, user, refs, source, destination, at, is_replaceable = row
    told = read_told(str(refs))
    return BoundMessage(message, user, told, source, destination, at, bool(is_replaceable))  # type: ignore[arg-type]


def _json(ids: Iterable[int]) -> str:
    return msgspec.json.encode(list(ids)).decode()
