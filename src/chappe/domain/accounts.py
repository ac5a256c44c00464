"""Who is calling: the account as every decision sees it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Account:
    """A customer's account.

    Shape: `wallet_id` is the account's own id, or its parent's when it draws on the parent's credits;
           `country` is ISO 3166-1 alpha-2 and the default for numbers in national form.
    """

    id: int
    wallet_id: int
    parent_id: int | None
    email: str
    country: str
    sender: str | None

    @property
    def draws_on_parent(self) -> bool:
        return self.wallet_id != self.id
