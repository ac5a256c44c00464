"""Who answers CONTACT learns whose messages he gets; who answers START gets them again where the account says so."""

from pathlib import Path
from typing import Any

import pytest
import time_machine
from structlog.testing import capture_logs

from chappe.domain.accounts import Profile
from chappe.domain.outcomes import Outcome, ReplyIn
from chappe.domain.rulebook import Override
from chappe.pipeline.retain import Retainer
from chappe.store import accounts, exclusions, replies, rules
from chappe.store.exclusions import Kind, NewExclusion
from chappe.store.sqlite import Store
from tests.answering import receiver
from tests.builders import on_loop
from tests.store.build import CARRIER, CREDITS, DAY, MINUTE, NUMBER, SHOP, TO, Core, add_carrier, balance, database
from tests.store.build import top_up as credit

ANSWER = "You asked who writes to you: the messages are from Acme. Answer STOP to get no more of them."


class Shop:
    """An account whose messages somebody has, and answers."""

    def __init__(self, folder: Path, company: str | None = "Acme", lang: str = "EN") -> None:
        self.core = Core(db=database(folder / "chappe.db"))
        add_carrier(self.core.db)
        profile = Profile(company=company)
        self.core.db.write(lambda tx: accounts.update(tx, SHOP.id, None, lang, profile))
        self.core.submit(TO)
        self.leave()

    def leave(self) -> list[str]:
        """Hand over what may leave now; the texts."""
        core = self.core
        core.now += MINUTE
        claimed = core.claim()
        core.record([Outcome(m.message_id, [f"r{m.message_id}"], "accepted", 0, m.expires_at) for m in claimed])
        return [message.text for message in claimed]

    def set(self, name: str, value: str) -> None:
        self.core.db.write(lambda tx: rules.put(tx, [Override(SHOP.id, "", name, value)]))

    def exclude(self, kind: Kind) -> None:
        self.core.db.write(lambda tx: exclusions.add(tx, SHOP.id, kind, [NewExclusion(NUMBER)], self.core.now))

    def excluded(self, kind: Kind) -> bool:
        return NUMBER in self.core.db.read(lambda tx: exclusions.among(tx, SHOP.id, kind, [NUMBER]))

    async def answer(self, *texts: str) -> list[str]:
        """Somebody answers; what he gets for it."""
        core = self.core
        core.now += MINUTE
        for text in texts:
            core.db.write(lambda tx, text=text: replies.insert(tx, CARRIER, [ReplyIn(TO, "36180", text)], core.now))  # type: ignore[misc]
        store = Store(core.db.path)
        try:
            with time_machine.travel(core.now / 1000, tick=False):
                await receiver(store, core.ids).once()
        finally:
            await store.close()
        return self.leave()

    def kinds(self) -> list[Any]:
        return self.core.column("SELECT kind FROM reply ORDER BY id")


@on_loop
async def test_contact_is_answered_with_the_company_and_paid_by_the_account(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.core.listen(kind="MO")
    assert await shop.answer("Contact svp ?") == [ANSWER]
    assert shop.kinds() == ["contact"]
    assert balance(shop.core) == (CREDITS - 2, 0)
    assert not shop.excluded("blacklist")
    assert len(shop.core.column("SELECT payload FROM event")) == 1, "it is told as any reply"


@on_loop
async def test_it_is_answered_once_a_day_for_each_person(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    assert await shop.answer("CONTACT", "contact?") == [ANSWER]
    assert await shop.answer("CONTACT !") == []
    shop.core.now += DAY
    assert await shop.answer("CONTACT") == [ANSWER]


@on_loop
async def test_two_platforms_that_answer_each_other_soon_stop(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.set("contact_text", "CONTACT")
    assert await shop.answer("CONTACT") == ["CONTACT"]
    assert await shop.answer("CONTACT") == []


@pytest.mark.parametrize(
    ("lang", "words", "expected"),
    [
        (
            "FR",
            "",
            "Vous avez demandé qui vous écrit : les messages viennent de Acme. Répondez STOP pour ne plus en recevoir.",
        ),
        ("EN", "{company}, 1 Main Street {x}", "Acme, 1 Main Street {x}"),
    ],
)
@on_loop
async def test_the_answer_is_in_the_accounts_language_or_its_own_words(
    tmp_path: Path, lang: str, words: str, expected: str
) -> None:
    shop = Shop(tmp_path, lang=lang)
    if words:
        shop.set("contact_text", words)
    assert await shop.answer("CONTACT") == [expected]


@on_loop
async def test_an_account_without_a_company_is_named_by_its_sender_and_never_by_its_address(tmp_path: Path) -> None:
    shop = Shop(tmp_path, company=None)
    (nameless,) = await shop.answer("CONTACT")
    assert "from Chappe." in nameless
    shop.core.now += DAY
    shop.core.db.write(lambda tx: accounts.update(tx, SHOP.id, "MyShop", "EN", Profile()))
    (named,) = await shop.answer("CONTACT")
    assert "from MyShop." in named
    assert "@" not in nameless + named


@on_loop
async def test_it_is_not_answered_where_the_rules_say_so(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.set("contact", "no")
    assert await shop.answer("CONTACT") == []
    assert shop.kinds() == ["contact"]


@on_loop
async def test_an_account_without_credits_loses_no_reply_and_the_log_says_so(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    credit(shop.core.db, SHOP, -(CREDITS - 1))
    with capture_logs() as lines:
        assert await shop.answer("CONTACT") == []
    assert shop.kinds() == ["contact"]
    assert [line["reason"] for line in lines if line["event"] == "CONTACT is not answered"] == [
        "this costs 1 credits and the account has 0"
    ]
    credit(shop.core.db, SHOP, 5)
    assert await shop.answer("CONTACT again?", "CONTACT") == [ANSWER]


@pytest.mark.parametrize("kind", ["blacklist", "npai"])
@on_loop
async def test_who_is_not_written_to_any_more_gets_the_answer_he_asked_for_and_nothing_else(
    tmp_path: Path, kind: Kind
) -> None:
    shop = Shop(tmp_path)
    shop.exclude(kind)
    assert await shop.answer("CONTACT") == [ANSWER]
    assert shop.excluded(kind)


@on_loop
async def test_answers_are_forgotten_after_a_day(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    await shop.answer("CONTACT")
    store = Store(shop.core.db.path)
    for later, left in ((DAY - 2 * MINUTE, 1), (DAY, 0)):
        with time_machine.travel((shop.core.now + later) / 1000, tick=False):
            await Retainer(store, event_keep_days=30).once()
        assert len(shop.core.rows("SELECT 1 FROM contact_answer")) == left
    await store.close()


@on_loop
async def test_start_is_an_ordinary_reply_unless_the_account_heeds_it(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    for kind in ("blacklist", "npai"):
        shop.exclude(kind)
    await shop.answer("START")
    assert shop.excluded("blacklist")
    shop.set("start", "yes")
    shop.core.listen(kind="MO")
    await shop.answer("Start now please")
    assert shop.excluded("blacklist")
    await shop.answer("Start !")
    assert (shop.excluded("blacklist"), shop.excluded("npai")) == (False, True)
    assert shop.kinds() == ["reply", "reply", "start"]
    assert len(shop.core.column("SELECT payload FROM event")) == 2, "both are told as replies"


@pytest.mark.parametrize(("texts", "is_listed"), [(("STOP", "START"), False), (("START", "STOP"), True)])
@on_loop
async def test_the_last_word_counts_when_both_come_together(
    tmp_path: Path, texts: tuple[str, str], is_listed: bool
) -> None:
    shop = Shop(tmp_path)
    shop.set("start", "yes")
    await shop.answer(*texts)
    assert shop.excluded("blacklist") is is_listed
