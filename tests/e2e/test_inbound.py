"""Texts to numbers and keywords, in parts that come in any order, from the carrier to their owners."""

import asyncio
import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from click.testing import CliRunner

from chappe.carriers.simulator.account import Outgoing
from chappe.carriers.simulator.replies import parts_of
from chappe.runtime.cli import cli
from chappe.telecom.smpp import tlv
from chappe.telecom.smpp.bodies import ShortMessage
from tests.builders import on_loop
from tests.e2e.test_replies import TO, World, serving_world
from tests.sending import until

LONG_TEXT = "Promo: I bring " + "a friend and " * 30 + "cake 🎉"


def deliver(world: World, bodies: Sequence[ShortMessage]) -> None:
    """Let handsets send these, in this order."""
    world.simulator._intake.account("chappe").push([Outgoing(body) for body in bodies])


def said(world: World) -> list[str]:
    return [body["message"] for _, body in world.told()]


def in_fields(body: ShortMessage, place: int, total: int) -> ShortMessage:
    """The same part, its place in fields beside the text, and the text in message_payload."""
    fields = [
        tlv.value_of("sar_msg_ref_num", 77), tlv.value_of("sar_total_segments", total),
        tlv.value_of("sar_segment_seqnum", place), tlv.value_of("message_payload", body.short_message[6:]),
    ]  # fmt: skip
    return body._replace(esm_class=0, short_message=b"", tlvs=tlv.encode(fields))


def with_port(body: ShortMessage, *, is_wide: bool) -> ShortMessage:
    """The same part with an element for a port before its place, and the reference in 16 bits perhaps."""
    header, text = body.short_message[1:6], body.short_message[6:]
    place = bytes((0x08, 4, 0, header[2], *header[3:])) if is_wide else header
    elements = bytes((0x05, 4, 0x0B, 0x84, 0x23, 0xF0)) + place
    return body._replace(short_message=bytes((len(elements),)) + elements + text)


async def _chappe(data: Path, *arguments: str) -> str:
    """What a command prints; it has a loop of its own."""
    done = await asyncio.to_thread(CliRunner().invoke, cli, [*arguments, "--data", str(data)])
    assert done.exit_code == 0, done.output
    return done.output


@on_loop
async def test_parts_in_any_order_and_form_are_one_text_and_what_comes_twice_counts_once(tmp_path: Path) -> None:
    async with serving_world(tmp_path) as world:
        await world.api("GET", f"/send?text=Coming%3F&to={TO}&gsmsmsid=m-1")
        await world.until_delivered("1")
        parts = parts_of(TO, "36180", LONG_TEXT, 7)
        assert len(parts) > 3
        deliver(world, [*reversed(parts), parts[1], parts[-1]])
        await until(lambda: said(world) == [LONG_TEXT], "the text")
        deliver(world, [in_fields(part, place, len(parts)) for place, part in [*enumerate(parts, 1)][::-1]])
        again = parts_of(TO, "36180", LONG_TEXT.upper(), 9)
        deliver(world, [with_port(part, is_wide=place % 2 == 0) for place, part in enumerate(again)][::-1])
        await until(lambda: len(said(world)) == 3, "all three")
        assert said(world) == [LONG_TEXT, LONG_TEXT, LONG_TEXT.upper()]


@on_loop
async def test_the_operator_gives_numbers_and_keywords_to_accounts_and_what_is_nobodys_away(tmp_path: Path) -> None:
    async with serving_world(tmp_path) as world:
        chappe = partial(_chappe, tmp_path / "data")
        given = await chappe("number", "add", "36180", "--account", "shop@example.org", "--keyword", "promo")
        assert given == "PROMO at 36180 is shop@example.org's now.\n"
        deliver(world, parts_of(TO, "36180", LONG_TEXT, 7)[::-1])
        await until(lambda: said(world) == [LONG_TEXT], "the text with the keyword")
        (kind, body), *_ = world.told()
        assert (kind, body["from"], body["last_message_id"]) == ("MO", TO, "")
        deliver(world, parts_of(TO, "36999", "STOP", 8))
        while "STOP" not in await chappe("reply", "list", "--unmatched"):
            await asyncio.sleep(0.2)
        (unmatched,) = json.loads(await chappe("reply", "list", "--unmatched", "--json"))
        assert (unmatched["state"], unmatched["destination"]) == ("nobody's", "36999")
        await chappe("reply", "assign", str(unmatched["id"]), "--account", "shop@example.org")
        await until(lambda: said(world) == [LONG_TEXT, "STOP"], "the opt-out")
        listed = await world.api("GET", "/messages/mo?date_start=2020-01-01%2000:00:00&date_end=2099-01-01%2000:00:00")
        assert [(each["message"], each["campaign_id"]) for each in listed["replies"]] == [("STOP", ""), (LONG_TEXT, "")]
        both = await world.api("GET", "/messages?date_start=2020-01-01%2000:00:00&date_end=2099-01-01%2000:00:00")
        assert [(each["type"], each["campaign_id"]) for each in both["messages"]] == [("sms_mo", 0)] * 2
        assert [each["destination"] for each in (await world.api("GET", "/blacklist"))["list"]] == [TO]
        assert "PROMO" in await chappe("number", "list")
        await chappe("number", "remove", "36180", "--keyword", "PROMO")
        assert json.loads(await chappe("number", "list", "--json")) == []
