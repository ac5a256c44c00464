"""GET and POST /account, /sub-accounts, /sub-accounts/:id and its credits, /account/:id/unlock."""

from typing import ClassVar, Final, Literal

import msgspec

from chappe.domain.accounts import AccountType, Profile
from chappe.domain.errors import BadData
from chappe.domain.pricing import balance_credits
from chappe.manage.accounts import MAX_EMAIL_CHARACTERS
from chappe.manage.credits import MAX_CREDITS
from chappe.manage.profiles import AccountDetails
from chappe.surfaces.http.smsfactor.answers import Answer
from chappe.surfaces.http.smsfactor.call import Call
from chappe.surfaces.http.smsfactor.fields import (
    Scalar,
    flag,
    optional_int,
    optional_text,
    required_text,
    text_of,
    word,
)

_TYPES: Final[tuple[AccountType, ...]] = ("company", "association", "administration", "private")
# Longer than anybody's, and no place to keep a novel in.
_LENGTHS: Final = {
    "firstname": 100,
    "lastname": 100,
    "company": 200,
    "phone": 32,
    "address1": 255,
    "address2": 255,
    "zip": 20,
    "city": 100,
    "description": 1000,
}
_MAX_PASSWORD_CHARACTERS = 255


class AccountFields(msgspec.Struct, frozen=True):
    """An account as the vendor prints it: every value a text or null. Source: the contract's account."""

    client_id: str
    email: str
    firstname: str | None
    lastname: str | None
    city: str | None
    type: str | None
    company: str | None
    phone: str | None
    address1: str | None
    address2: str | None
    zip: str | None
    country: str
    country_code: str
    lang: str
    credits: str
    unlimited: Literal["0", "1"]
    description: str | None
    senderid: str
    status: Literal["0", "1"]


class SubAccountFields(msgspec.Struct, frozen=True):
    """A sub-account as the vendor prints it. Source: the contract's sub-accounts.

    Shape: a known client reads `senderid` as a number, so that it is null and never the empty text; consumption is in
           credits, of this calendar month and of the one before.
    """

    client_id: str
    email: str
    firstname: str | None
    lastname: str | None
    city: str | None
    phone: str | None
    address1: str | None
    address2: str | None
    zip: str | None
    country: str
    country_code: str
    lang: str
    credits: str
    unlimited: Literal["0", "1"]
    description: str | None
    senderid: str | None
    status: Literal["0", "1"]
    time_zone: str
    current_month_consumption: int
    previous_month_consumption: int


class Own(Answer, frozen=True):
    """The caller's account."""

    account: AccountFields


class Created(Answer, frozen=True):
    """The new account."""

    id: str
    active: Literal["1"]


class SubAccounts(Answer, frozen=True, rename={"sub_accounts": "sub-accounts"}):
    """Every sub-account, the oldest first."""

    xml_names: ClassVar[dict[str, str]] = {"sub-accounts": "sub-account"}

    sub_accounts: list[SubAccountFields]


class SubAccount(Answer, frozen=True, rename={"sub_account": "sub-account"}):
    """One sub-account."""

    sub_account: SubAccountFields


class Unlocked(Answer, frozen=True):
    """The sub-account may log in again."""

    state: Literal["unlocked"]


class Shared(Answer, frozen=True):
    """What both have after the transfer."""

    credits: str
    sub_account_credits: str


class _Account(msgspec.Struct):
    email: Scalar = None
    password: Scalar = None
    country_code: Scalar = None
    firstname: Scalar = None
    lastname: Scalar = None
    city: Scalar = None
    phone: Scalar = None
    address1: Scalar = None
    address2: Scalar = None
    zip: Scalar = None
    company: Scalar = None
    type: Scalar = None
    sender: Scalar = None
    description: Scalar = None
    isChild: Scalar = None
    unlimited: Scalar = None


class AccountDocument(msgspec.Struct):
    """The account to be created."""

    account: _Account | None = None


class _Credits(msgspec.Struct):
    amount: Scalar = None


class CreditsDocument(msgspec.Struct):
    """How many credits the sub-account is given; a negative number takes some back."""

    credits: _Credits | None = None


async def own(call: Call) -> Own:
    """Read your account."""
    found = call.use_cases.profiles.of(call.account)
    account, profile = found.row.account, found.row.profile
    return Own(
        account=AccountFields(
            client_id=str(account.id),
            email=account.email,
            firstname=profile.firstname,
            lastname=profile.lastname,
            city=profile.city,
            type=profile.type,
            company=profile.company,
            phone=profile.phone,
            address1=profile.address1,
            address2=profile.address2,
            zip=profile.zip,
            country="",
            country_code=account.country,
            lang=found.row.lang,
            credits=str(balance_credits(found.row.available_mc)),
            unlimited="1" if account.draws_on_parent else "0",
            description=profile.description,
            senderid=account.sender or "",
            status="1" if found.is_usable else "0",
        )
    )


async def create(call: Call) -> Created:
    """Create an account, or a sub-account of yours."""
    wish = call.document.read(AccountDocument).account
    if wish is None:
        raise BadData("is missing", field="account")
    is_child = flag(wish.isChild, "account.isChild")
    if not is_child and not call.limits.open_registration:
        raise BadData("must be 1: this server's operator opens main accounts himself", field="account.isChild")
    if not is_child and call.account.parent_id is not None:
        raise BadData("must be 1: a sub-account cannot open main accounts", field="account.isChild")
    if is_child and not text_of(wish.unlimited).strip():
        raise BadData("is missing: 1 spends your credits, 0 has its own", field="account.unlimited")
    country = optional_text(wish.country_code, "account.country_code", max_characters=2)
    if country is None and not is_child:
        raise BadData("is missing", field="account.country_code")
    account = await call.use_cases.accounts.create(
        required_text(wish.email, "account.email", max_characters=MAX_EMAIL_CHARACTERS),
        _password(wish.password),
        country or call.account.country,
        parent=call.account if is_child else None,
        shares_parent_credits=is_child and flag(wish.unlimited, "account.unlimited"),
        sender=optional_text(wish.sender, "account.sender", max_characters=call.limits.max_sender_characters),
        profile=_profile(wish),
    )
    return Created(id=str(account.id), active="1")


async def children(call: Call) -> SubAccounts:
    """List your sub-accounts."""
    found = await call.use_cases.profiles.children(call.account)
    return SubAccounts(sub_accounts=[_child_fields(each) for each in found])


async def child(call: Call) -> SubAccount:
    """Read one sub-account."""
    return SubAccount(sub_account=_child_fields(call.use_cases.profiles.child(call.account, call.id_of("sub-account"))))


async def unlock(call: Call) -> Unlocked:
    """Let a sub-account log in again that wrong passwords have locked."""
    await call.use_cases.accounts.unlock_child(call.account, call.id_of("sub-account"))
    return Unlocked(state="unlocked")


async def share(call: Call) -> Shared:
    """Give credits to a sub-account that has its own, or take some back with a negative amount."""
    child_id = call.id_of("sub-account")
    wish = call.document.read(CreditsDocument).credits
    if wish is None:
        raise BadData("is missing", field="credits")
    amount = optional_int(wish.amount, "credits.amount", low=-MAX_CREDITS, high=MAX_CREDITS)
    if not amount:
        raise BadData("must be a whole number and not 0", field="credits.amount")
    key = call.idempotency_key([child_id, amount])
    done = await call.use_cases.credits.share(call.account, child_id, amount, key)
    return Shared(credits=str(done.giver_credits), sub_account_credits=str(done.taker_credits))


def _password(value: Scalar) -> str:
    """As it was given: blanks around a password are part of it."""
    text = text_of(value)
    if not text:
        raise BadData("is missing", field="account.password")
    if len(text) > _MAX_PASSWORD_CHARACTERS:
        raise BadData(f"is longer than {_MAX_PASSWORD_CHARACTERS} characters", field="account.password")
    return text


def _profile(wish: _Account) -> Profile:
    texts = {
        name: optional_text(getattr(wish, name), f"account.{name}", max_characters=longest)
        for name, longest in _LENGTHS.items()
    }
    return Profile(**texts, type=word(wish.type, "account.type", _TYPES))


def _child_fields(found: AccountDetails) -> SubAccountFields:
    account, profile = found.row.account, found.row.profile
    return SubAccountFields(
        client_id=str(account.id),
        email=account.email,
        firstname=profile.firstname,
        lastname=profile.lastname,
        city=profile.city,
        phone=profile.phone,
        address1=profile.address1,
        address2=profile.address2,
        zip=profile.zip,
        country="",
        country_code=account.country,
        lang=found.row.lang,
        credits=str(balance_credits(found.row.available_mc)),
        unlimited="1" if account.draws_on_parent else "0",
        description=profile.description,
        senderid=account.sender,
        status="1" if found.is_usable else "0",
        time_zone=found.row.time_zone,
        current_month_consumption=found.spent_this_month,
        previous_month_consumption=found.spent_last_month,
    )
