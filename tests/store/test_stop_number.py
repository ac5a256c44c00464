"""Whoever starts the gateway is told when marketing would send STOP to a number that is not his."""

from pathlib import Path

from chappe.domain.rulebook import EVERYBODY, EVERYWHERE, Override
from chappe.runtime import settings as settings_table
from chappe.runtime.gateway import sends_stop_to_a_stranger
from chappe.store import rules
from tests.builders import on_loop
from tests.sending import Sending, installation


def warns(sending: Sending, folder: Path, **given: object) -> bool:
    settings = settings_table.load({}, None, data=folder, **given)
    return sending.store.glance(lambda tx: sends_stop_to_a_stranger(tx, settings))


@on_loop
async def test_the_example_is_told_once_there_is_a_carrier_and_until_a_number_is_set(tmp_path: Path) -> None:
    async with installation(tmp_path) as sending:
        assert not warns(sending, tmp_path)
        await sending.add_carrier(2775)
        assert warns(sending, tmp_path)
        assert not warns(sending, tmp_path, stop_number="36180")
        for place in ("FR", EVERYWHERE):
            rule = Override(EVERYBODY, place, "stop_number", "36180", "ours")
            await sending.store.write(lambda tx, rule=rule: rules.put(tx, [rule]))  # type: ignore[misc]
            assert not warns(sending, tmp_path)
            await sending.store.write(lambda tx, at=place: rules.remove(tx, EVERYBODY, at, "stop_number"))  # type: ignore[misc]
        assert warns(sending, tmp_path)
