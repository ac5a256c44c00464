"""A fault of our own in one message, or in one of its tasks, must not stop a lane."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from chappe.domain.outcomes import Outcome, ReceiptIn
from chappe.pipeline.record import Recorded, Recorder
from chappe.store.sqlite import Tx
from tests.builders import on_loop
from tests.sending import sending_to, simulated, until


@on_loop
async def test_a_receipt_that_cannot_be_written_down_does_not_keep_the_others_from_it(
    tmp_path: Path,
) -> None:
    numbers = [f"336{i:08d}" for i in range(10_000_000, 10_000_030)]
    bad = int(numbers[7])
    record = Recorder.record

    def faulty(
        self: Recorder, tx: Tx, outcomes: Sequence[Outcome], receipts: Sequence[ReceiptIn], now: int
    ) -> Recorded:
        if any(receipt.number == bad for receipt in receipts):
            raise KeyError("a fault of ours")
        return record(self, tx, outcomes, receipts, now)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Recorder, "record", faulty)
        async with sending_to(tmp_path, simulated(receipt_delay_s=0.05)) as (sending, carrier):
            ticket = await sending.submit(*numbers)
            await until(lambda: sending.states(ticket).count("delivered") == 29, "the others are delivered")
            assert sending.states(ticket)[7] == "sent"
            await until(lambda: carrier.stats().acknowledged == 29, "the others are acknowledged")
            assert (await sending.carrier()).is_bound


@on_loop
async def test_a_fault_in_the_watch_for_new_messages_does_not_keep_lanes_from_hearing_of_them(tmp_path: Path) -> None:
    async with sending_to(tmp_path, simulated()) as (sending, _):
        usual, faults = sending.store.has_changed, [KeyError("a fault of ours")]

        def faulty() -> bool:
            if faults:
                raise faults.pop()
            return usual()

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sending.store, "has_changed", faulty)
            await until(lambda: not faults, "the fault")
            await asyncio.sleep(0.1)
            ticket = await sending.submit("33612345678")
            await sending.until_all(ticket, "delivered")
