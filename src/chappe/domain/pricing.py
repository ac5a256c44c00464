"""What a message costs.

Units: `*_mc` are thousandths of a credit, so that a country's price may be a fraction of a credit.
"""

MC = 1000  # thousandths in a credit

# One credit a part wherever it goes: the only price the copied contract documents.
PRICE_PER_PART_MC = MC


def price_mc(parts: int) -> int:
    """The price of one message of so many parts."""
    return parts * PRICE_PER_PART_MC


def cost_credits(amount_mc: int) -> int:
    """A cost as an answer prints it: whole credits, rounded up."""
    return -(-amount_mc // MC)


def balance_credits(amount_mc: int) -> int:
    """A balance as an answer prints it: whole credits, rounded down, so that it never promises too much."""
    return amount_mc // MC


def exact_credits(amount_mc: int) -> str:
    """An amount as it is: `1`, `0.8`, `2.125`."""
    whole, thousandths = divmod(amount_mc, MC)
    return f"{whole}.{thousandths:03}".rstrip("0").rstrip(".")
