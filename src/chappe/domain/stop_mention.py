"""The mention that tells people how to opt out: where it stands in a text, and when."""

import re
from typing import Final

STOP: Final = "<-stop->"
# The author's own mention: the word and a number close behind it. Source: rules of France, 36xxx is for marketing.
_OWN: Final = re.compile(r"\bSTOP\b.{0,12}?\b(?:36\d{3}|\d{4,6})\b", re.IGNORECASE | re.DOTALL)


def has_own_mention(text: str) -> bool:
    """Whether the author has written how to opt out himself."""
    return _OWN.search(text) is not None


def with_mention(text: str, mention: str, *, is_needed: bool) -> str:
    """A text with the mention where its token stands, else at the end on a line of its own when it is needed.

    Shape: once at the most; a second token stands for nothing, and the first where the author has written it himself.
    """
    if STOP in text:
        if has_own_mention(text.replace(STOP, " ")):
            return text.replace(STOP, "")
        before, _, after = text.partition(STOP)
        return before + mention + after.replace(STOP, "")
    if not is_needed or has_own_mention(text):
        return text
    return f"{text.rstrip()}\n{mention}"
