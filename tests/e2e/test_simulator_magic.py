"""Magic numbers decide what becomes of their messages at the simulated carrier."""

import pytest

from chappe.domain.magic import MAGIC, PREFIX
from chappe.telecom import receipts
from chappe.telecom.smpp import status
from chappe.telecom.smpp.bodies import ShortMessage
from tests.esme import Esme, until
from tests.simulated import every_receipt, give_up, long_text, on_a_loop, playing, text


async def to_magic(customer: Esme, code: str, message: ShortMessage | None = None) -> None:
    """Submit to a magic number until it is no longer put off."""
    asked = (message or text(1))._replace(destination=f"33639{PREFIX}{code}")
    for attempt in range(2):
        customer.submit([(attempt, asked)])
        await customer.settle(attempt + 1)
        if customer.answers[attempt][0] not in (status.ESME_RTHROTTLED, status.ESME_RMSGQFUL):
            return


@pytest.mark.parametrize(
    ("code", "answers", "told"),
    [
        ("01", [0], ["DELIVRD"]),
        ("02", [0], ["DELIVRD"]),
        ("03", [0], ["UNDELIV"]),
        ("04", [0], ["EXPIRED"]),
        ("05", [0], ["UNDELIV"]),
        ("06", [0x65], []),
        ("07", [0x0A], []),
        ("08", [status.ESME_RTHROTTLED, 0], ["DELIVRD"]),
        ("09", [status.ESME_RMSGQFUL, 0], ["DELIVRD"]),
        ("11", [0], ["DELIVRD"]),
        ("12", [0], []),
        ("13", [0], ["DELIVRD"]),
        ("14", [0], ["DELIVRD", "DELIVRD"]),
        ("15", [0], ["DELIVRD"]),
        ("16", [0], ["DELIVRD", "STOP"]),
        ("17", [0], ["DELIVRD", "hello"]),
        ("18", [0], ["DELIVRD", "part", "part"]),
    ],
)
def test_a_magic_number_decides_what_becomes_of_its_messages(code: str, answers: list[int], told: list[str]) -> None:
    @on_a_loop
    async def a_magic_number_decides() -> None:
        async with playing("refuse 0x45", magic=True, speed=100) as (carrier, customer):
            await to_magic(customer, code)
            assert [customer.answers[number][0] for number in sorted(customer.answers)] == answers
            await until(lambda: carrier.stats().waiting == 0, "nothing waits")
            assert [shown(message) for message in customer.deliveries] == told
            assert carrier.messages()[-1].faults == [f"magic {code}"]
            if code == "13":
                assert customer.order.index("Deliveries") < customer.order.index("Answers")
            if code == "05":
                assert [receipt.error for receipt in customer.receipts()] == ["001"]

    a_magic_number_decides()


def shown(message: ShortMessage) -> str:
    """The state of a receipt, or the text of a reply."""
    if receipts.is_receipt(message.esm_class, message.short_message, message.tlvs):
        return receipts.parse(message.short_message, message.tlvs).state
    return "part" if message.esm_class else message.short_message.decode()


@on_a_loop
async def test_magic_numbers_may_keep_silent_or_report_one_part_only() -> None:
    async with playing("", magic=True) as (carrier, customer):
        silent = text(1)._replace(destination=f"33639{PREFIX}10")
        parts = [part._replace(destination=f"33639{PREFIX}15") for part in long_text(2)]
        customer.submit(enumerate([*parts, silent]))
        await every_receipt(customer, 1)
        await until(lambda: carrier.stats().waiting == 0, "nothing waits")
        assert sorted(customer.answers) == [0, 1]
        assert [receipt.message_id for receipt in customer.receipts()] == [customer.answers[0][1]]
        give_up(customer)


@on_a_loop
async def test_without_the_option_magic_numbers_are_numbers() -> None:
    async with playing("") as (_, customer):
        customer.submit([(int(code), text(1)._replace(destination=f"33639{PREFIX}{code}")) for code in MAGIC])
        await every_receipt(customer, len(MAGIC))
        assert {shown(message) for message in customer.deliveries} == {"DELIVRD"}
