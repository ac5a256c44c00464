"""The laws of lists: whatever is done to one, its count is right and deduplicating keeps the first of each number."""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chappe.domain.contact_search import wanted
from chappe.domain.contacts import entry_of, infos_of, read_contacts
from chappe.domain.infos import SEPARATOR
from chappe.manage import list_filling, lists
from chappe.manage.exclusions import Exclusions
from chappe.manage.lists import ContactChange, Lists
from chappe.store.ids import Ids
from chappe.store.sqlite import Store
from tests.store.build import SHOP, database

NUMBERS = [str(33_612_345_600 + i) for i in range(6)]
number = st.sampled_from(NUMBERS)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00\x1f"), max_size=6)
info = st.none() | texts
infos = st.tuples(info, info, info, info)
step = st.one_of(
    st.tuples(st.just("add"), st.lists(number, max_size=9)),
    st.tuples(st.just("delete"), st.integers(0, 20)),
    st.tuples(st.just("update"), st.tuples(st.integers(0, 20), number)),
    st.tuples(st.just("deduplicate"), st.none()),
    st.tuples(st.just("exclude"), number),
    st.tuples(st.just("clear"), st.none()),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(step, max_size=12))
def test_a_list_is_what_a_simple_list_of_numbers_would_be(history: list[tuple[str, object]]) -> None:
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        for module in (list_filling, lists):
            patch.setattr(module, "CHUNK", 2)
        patch.setattr(lists, "PART", 3)
        path = Path(folder) / "chappe.db"
        database(path).close()
        asyncio.run(_play(path, history))


async def _play(path: Path, history: list[tuple[str, object]]) -> None:
    store = Store(path)
    use_case, exclusions = Lists(store, Ids()), Exclusions(store)
    list_id = (await use_case.create(SHOP, "law", NUMBERS[:2], [])).list_id
    model: list[tuple[int, str]] = [(1, NUMBERS[0]), (2, NUMBERS[1])]
    unassigned: set[str] = set()
    next_id = 3
    for what, value in history:
        match what, value:
            case "add", list() as more:
                added = await use_case.add(SHOP, list_id, more, [])
                known = {each for _, each in model}
                assert added.duplicates == len(more) - len(set(more) - known)
                model += [(next_id + i, each) for i, each in enumerate(more)]
                next_id += len(more)
            case "delete", int() as at if model:
                contact, _ = model.pop(at % len(model))
                await use_case.delete_contact(SHOP, list_id, contact)
            case "update", (int() as at, str() as new) if model:
                contact, _ = model[at % len(model)]
                model[at % len(model)] = (contact, new)
                await use_case.update_contact(SHOP, list_id, contact, ContactChange(new, (None,) * 4))
            case "deduplicate", _:
                first = {each: contact for contact, each in reversed(model)}
                kept = [(contact, each) for contact, each in model if first[each] == contact]
                assert await use_case.count_duplicates(SHOP, list_id) == len(model) - len(kept)
                assert await use_case.deduplicate(SHOP, list_id) == len(model) - len(kept)
                model = kept
            case "exclude", str() as gone:
                await exclusions.add(SHOP, "npai", [gone], [])
                unassigned.add(gone)
            case "clear", _:
                kept = [(contact, each) for contact, each in model if each not in unassigned]
                assert await use_case.clear_npai(SHOP, list_id) == len(model) - len(kept)
                model = kept
        page = await use_case.read(SHOP, list_id, "", 0, 1000)
        assert [(row.id, str(row.number)) for row in page.rows] == model
        assert page.total == use_case.get(SHOP, list_id).contacts == len(model)
    await store.close()


@given(infos)
def test_what_is_kept_of_a_person_is_what_was_given(own: tuple[str | None, ...]) -> None:
    assert infos_of(entry_of(NUMBERS[0], own)) == tuple(each or None for each in own)


@given(st.lists(infos | st.none(), min_size=1, max_size=5))
def test_people_are_read_alike_alone_and_together(people: list[tuple[str | None, ...] | None]) -> None:
    together = read_contacts(NUMBERS[:1] * len(people), people, "FR").contacts.entries
    assert together == [read_contacts(NUMBERS[:1], [own], "FR").contacts.entries[0] for own in people]
    assert all(entry.count(SEPARATOR) <= 4 for entry in together)


@given(texts)
def test_a_pattern_escapes_everything_that_is_special(typed: str) -> None:
    found = wanted(typed, "FR")
    if found is None:
        assert not typed.strip()
    else:
        plain = found.pattern[1:-1]
        for special in "%_":
            assert plain.count(special) == plain.count("\\" + special)
