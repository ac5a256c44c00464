"""A request as one country gets it: its sender, its STOP mention, its price."""

from typing import Final

from chappe.domain.links import SHORT
from chappe.domain.measure import Measured, finish_in, finisher, measurer
from chappe.domain.moderation import links_in
from chappe.domain.remarks import Remark
from chappe.domain.requests import SubmitRequest
from chappe.domain.rulebook import AccountRules, CountryRules
from chappe.domain.senders import Sender, choose_sender
from chappe.domain.stop_mention import STOP, has_own_mention, with_mention
from chappe.telecom.gsm7 import Language

# Senders remembered of an account: each may be as long as a request lets it be.
MAX_REMEMBERED: Final = 200


class Variant:
    """What is the same for all the recipients of a request in one country.

    Shape: `text` has the author's tags and links still in it; `final` is the same in its final letters. `languages` are
           those whose tables the country's carrier supports and the account asks for.
    """

    __slots__ = (
        "_author",
        "_common",
        "_finish",
        "_frame",
        "_needs_way_out",
        "_rules",
        "final",
        "languages",
        "measure",
        "place",
        "sender",
        "text",
    )

    def __init__(
        self,
        text: str,
        request: SubmitRequest,
        rules: AccountRules,
        code: str,
        languages: tuple[Language, ...] = (),
    ) -> None:
        self.place = place = rules.country(code)
        self.sender = _sender(request.sender, rules, place)
        self._author = text
        self._rules = rules
        self._needs_way_out = request.kind == "marketing" and self.is_name
        is_needed = place.needs_mention and self._needs_way_out
        self.text = with_mention(text, place.stop_mention, is_needed=is_needed) if is_needed or STOP in text else text
        self.languages = languages
        self._finish = finisher(request.is_unicode, languages)
        self.measure = measurer(request.is_unicode, place.max_parts, languages)
        self.final = self._finish(self.text)
        self._frame: str | None = None
        self._common: Measured | None = None

    def frame(self, no_links: tuple[str, ...]) -> str:
        """The final text with `%s` where its links stand, in the encoding that is right for it with links."""
        if self._frame is None:
            pieces = self.text.split(SHORT)
            _, encoding, _ = self.common(no_links)
            self._frame = "%s".join([finish_in(piece, encoding).replace("%", "%%") for piece in pieces])
        return self._frame

    def common(self, no_links: tuple[str, ...]) -> Measured:
        """The text of everybody, measured; for one without fields of its recipients."""
        if self._common is None:
            # Without national tables the letters are final whatever their number; with them it depends.
            text = self.text if self.languages else self.final
            if no_links:
                text = "%s".join([piece.replace("%", "%%") for piece in self.text.split(SHORT)]) % no_links
            self._common = self.measure(text)
        return self._common

    def finish(self, text: str) -> str:
        """A text of this request in its final letters."""
        return self._finish(text)

    @property
    def is_name(self) -> bool:
        """Whether people see a name, which they cannot answer: that of the message, or else of its carrier."""
        own = self.place.carrier_sender
        return self.sender.is_name or (self.sender.text is None and bool(own) and not own.isdigit())

    @property
    def has_mention(self) -> bool:
        """Whether the STOP mention of the platform is in the text."""
        return self.text != self._author

    @property
    def remarks(self) -> list[Remark]:
        """What the author should know about this country."""
        found = list(self.sender.remarks)
        if self._needs_way_out and not self.has_mention and not has_own_mention(self._author):
            shown = self.sender.text or self.place.carrier_sender
            why = f"nobody can answer {shown}: say how to opt out, or write {STOP} where it is to stand"
            found.append(Remark("no_way_out", why, "stop_mention"))
        if self.has_mention and not self.place.works_here:
            why = f"nobody in {self.place.country.name} may reach the number of {self.place.stop_mention}: set it there"
            found.append(Remark("mention_elsewhere", why, "stop_number"))
        if shorteners := links_in(self._author, self._rules.value("public_shorteners")):
            why = f"carriers refuse the links of public shorteners ({', '.join(shorteners)}): write {SHORT} instead"
            found.append(Remark("public_shortener", why, "public_shorteners"))
        return found


def _sender(asked: str | None, rules: AccountRules, place: CountryRules) -> Sender:
    """The same senders are asked for again and again: the choice is remembered with the rules it comes from."""
    key = (asked, place.country.code)
    found: Sender | None = rules.chosen_senders.get(key)
    if found is None:
        if len(rules.chosen_senders) >= MAX_REMEMBERED:
            rules.chosen_senders.clear()
        found = rules.chosen_senders[key] = choose_sender(asked, place)
    return found
