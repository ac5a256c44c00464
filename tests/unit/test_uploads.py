"""How much of a body is kept, and how much is heard out."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest

from chappe.domain.errors import BadData
from chappe.surfaces.http.smsfactor.upload import DISCARD_FACTOR, Gone, Upload

LIMIT = 10


class Sender:
    """A caller who sends these chunks, one at a time, when asked to."""

    def __init__(self, *chunks: bytes, hangs_up: bool = False) -> None:
        self.chunks = list(chunks)
        self.hangs_up = hangs_up
        self.asked = 0

    async def receive(self) -> MutableMapping[str, Any]:
        self.asked += 1
        if not self.chunks:
            assert self.hangs_up, "asked for more than there is"
            return {"type": "http.disconnect"}
        chunk = self.chunks.pop(0)
        return {"type": "http.request", "body": chunk, "more_body": bool(self.chunks) or self.hangs_up}


def chunked(sender: Sender) -> Upload:
    return Upload({b"transfer-encoding": b"chunked"}, sender.receive, LIMIT)


def announced(sender: Sender, length: int, **headers: bytes) -> Upload:
    known = {name.encode(): value for name, value in headers.items()}
    return Upload({b"content-length": str(length).encode(), **known}, sender.receive, LIMIT)


def test_a_body_within_the_limit_is_read_whole() -> None:
    assert asyncio.run(announced(Sender(b"0123456789"), 10).read()) == b"0123456789"
    assert asyncio.run(chunked(Sender(b"01234", b"", b"56789")).read()) == b"0123456789"


def test_without_a_body_nobody_waits_for_one() -> None:
    sender = Sender()
    upload = Upload({}, sender.receive, LIMIT)
    assert asyncio.run(upload.read()) == b""
    asyncio.run(upload.finish())
    assert sender.asked == 0


def test_a_body_that_is_announced_too_long_is_refused_before_it_is_read() -> None:
    sender = Sender(b"0123456789", b"0")
    with pytest.raises(BadData, match=r"body: is longer than 10 bytes \(max_body_bytes\)"):
        asyncio.run(announced(sender, 11).read())
    assert sender.asked == 0


def test_a_body_that_turns_out_too_long_is_refused_at_the_limit() -> None:
    sender = Sender(b"0123456789", b"0", b"1", b"2")
    with pytest.raises(BadData, match="max_body_bytes"):
        asyncio.run(chunked(sender).read())
    assert sender.asked == 2


def test_a_single_chunk_over_the_limit_is_refused() -> None:
    with pytest.raises(BadData, match="max_body_bytes"):
        asyncio.run(chunked(Sender(b"0123456789A")).read())


def test_what_is_still_being_sent_is_heard_out_before_the_answer() -> None:
    sender = Sender(b"01234", b"56789", b"01234", b"56789")
    asyncio.run(announced(sender, 20).finish())
    assert sender.chunks == []


def test_who_never_ends_is_not_heard_out() -> None:
    sender = Sender(*[b"0123456789"] * 100)
    asyncio.run(chunked(sender).finish())
    assert sender.asked == DISCARD_FACTOR


def test_who_waits_for_leave_to_send_is_answered_at_once() -> None:
    sender = Sender(b"0123456789", b"0")
    upload = announced(sender, 11, expect=b"100-continue")
    with pytest.raises(BadData):
        asyncio.run(upload.read())
    asyncio.run(upload.finish())
    assert sender.asked == 0


def test_who_hangs_up_is_gone() -> None:
    with pytest.raises(Gone):
        asyncio.run(chunked(Sender(b"0", hangs_up=True)).read())
