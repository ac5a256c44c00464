"""A centre that stays bound and answers no submits: when it is fed no longer, and when it is left."""

from typing import Final, Literal

# So many submits in a row without an answer, or a window of them: what is sent on would only become unknown as well.
UNANSWERED_LIMIT: Final = 10
# Submits that try such a centre, one at a time, before its link is closed.
TRIES: Final = 3
# The oddity that is counted for each submit that got no answer in time.
NEVER_ANSWERED: Final = "submit never answered"

Verdict = Literal["try", "leave"]


class Silence:
    """The answers to the submits of one link.

    Shape: `is_trying` while only one submit at a time may leave; a link that follows one to a silent centre begins so,
           and one submit decides.
    """

    def __init__(self, *, was_silent: bool) -> None:
        self.is_trying = was_silent
        self._in_a_row = 0
        self._left = 1 if was_silent else TRIES
        self._is_tried = False

    def sent(self) -> None:
        """Submits were written."""
        self._is_tried = self.is_trying

    def answered(self) -> bool:
        """A submit was answered, whatever the answer, and however late; whether that ends the trying."""
        was_trying, self.is_trying = self.is_trying, False
        self._in_a_row, self._left = 0, TRIES
        return was_trying

    def timed_out(self, count: int, window: int) -> Verdict | None:
        """Submits got no answer in time; what is to be done about it, if something changes."""
        if not self.is_trying:
            self._in_a_row += count
            if self._in_a_row < min(window, UNANSWERED_LIMIT):
                return None
            self.is_trying, self._is_tried = True, False
            return "try"
        if not self._is_tried:
            return None  # written before the trying began
        self._is_tried = False
        self._left -= 1
        return None if self._left else "leave"
