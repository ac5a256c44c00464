"""A request as one country gets it: its sender, its STOP mention, its price."""

from functools import cached_property

from chappe.domain.links import SHORT
from chappe.domain.measure import Measured, finisher, measurer
from chappe.domain.remarks import Remark
from chappe.domain.requests import SubmitRequest
from chappe.domain.rulebook import AccountRules
from chappe.domain.senders import choose_sender
from chappe.domain.stop_mention import STOP, has_own_mention, with_mention


class Variant:
    """What is the same for all the recipients of a request in one country.

    Shape: `text` has the author's tags and links still in it; `final` is the same in its final letters.
    """

    def __init__(self, text: str, request: SubmitRequest, rules: AccountRules, code: str) -> None:
        self.place = place = rules.country(code)
        self.sender = choose_sender(request.sender, rules, place)
        self._author = text
        self._needs_way_out = request.kind == "marketing" and self.sender.is_name
        self.text = with_mention(text, place.stop_mention, is_needed=place.needs_mention and self._needs_way_out)
        self._finish = finisher(request.is_unicode)
        self.measure = measurer(request.is_unicode, place.max_parts)
        self.final = self._finish(self.text)

    @cached_property
    def frame(self) -> str:
        """The final text with `%s` where its links stand."""
        return "%s".join([self._finish(piece).replace("%", "%%") for piece in self.text.split(SHORT)])

    def common(self, no_links: tuple[str, ...]) -> Measured:
        """The text of everybody, measured; for one without fields of its recipients."""
        return self.measure(self.frame % no_links)

    def finish(self, text: str) -> str:
        """A text of this request in its final letters."""
        return self._finish(text)

    @property
    def has_mention(self) -> bool:
        """Whether the STOP mention of the platform is in the text."""
        return self.text != self._author

    @property
    def remarks(self) -> list[Remark]:
        """What the author should know about this country."""
        found = list(self.sender.remarks)
        if self._needs_way_out and not self.has_mention and not has_own_mention(self._author):
            why = f"nobody can answer {self.sender.text}: say how to opt out, or write {STOP} where it is to stand"
            found.append(Remark("no_way_out", why, "stop_mention"))
        return found
