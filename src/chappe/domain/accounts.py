"""Who is calling: the account as every decision sees it."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Account:
    """A customer's account.

    Shape: `wallet_id` is the account's own id, or its parent's when it draws on the parent's credits;
           `country` is ISO 3166-1 alpha-2 and the default for numbers in national form; what one that `is_sandbox`
           sends goes to nobody.
    """

    id: int
    wallet_id: int
    parent_id: int | None
    email: str
    country: str
    sender: str | None
    is_sandbox: bool = False

    @property
    def draws_on_parent(self) -> bool:
        return self.wallet_id != self.id


# What mails and invoices can be written in.
LANGUAGES = ("EN", "FR", "IT")

AccountType = Literal["company", "association", "administration", "private"]


@dataclass(frozen=True, slots=True)
class Profile:
    """Who is behind an account, as far as he says. Shape: None where nothing was said."""

    firstname: str | None = None
    lastname: str | None = None
    company: str | None = None
    type: AccountType | None = None
    phone: str | None = None
    address1: str | None = None
    address2: str | None = None
    zip: str | None = None
    city: str | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True)
class LockRule:
    """When wrong passwords lock an account, and for how long.

    Shape: `most_failures` in a row lock it, 0 for never. Units: milliseconds.
    """

    most_failures: int = 10
    lock_ms: int = 15 * 60 * 1000

    def is_locked(self, locked_at: int | None, now: int) -> bool:
        """Whether a lock set at that time still holds."""
        return locked_at is not None and now < locked_at + self.lock_ms
