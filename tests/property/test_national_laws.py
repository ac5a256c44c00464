"""Laws of national tables: what is measured is what is cut is what a handset shows, in every language."""

from hypothesis import example, given
from hypothesis import strategies as st

from chappe.carriers.connection import Outgoing
from chappe.carriers.smpp_options import SmppOptions
from chappe.carriers.submits import Writer
from chappe.carriers.texts import written_for
from chappe.domain.encodings import alphabet_of, encoding_of, is_national, language_of
from chappe.domain.measure import finish_in, measurer
from chappe.telecom.alphabets import alphabets, choose
from chappe.telecom.gsm7 import DEFAULT, LANGUAGES, Language
from chappe.telecom.segments import normalise_text
from chappe.telecom.transliterate import into, losses
from tests.handset import shown

NUMBER = 33612345678
WORDS: dict[Language, str] = {"turkish": "ŞşĞğİıç", "spanish": "áíóúÁÍÓÚç", "portuguese": "ãõêâôçÃÕª∞`"}
OTHERS = "abc 12 €[]{}è¿Φ\n’…žЖ🎉"


@st.composite
def texts(draw: st.DrawFn) -> str:
    """Runs of letters of a language, of the plain alphabet and of none, around the ends of parts."""
    letters = WORDS[draw(st.sampled_from(LANGUAGES))] + draw(st.sampled_from(["", OTHERS, "a"]))
    runs = draw(st.lists(st.tuples(st.sampled_from(letters), st.integers(1, 155)), min_size=1, max_size=6))
    return "".join([character * times for character, times in runs])


languages = st.lists(st.sampled_from(LANGUAGES), min_size=1, unique=True).map(tuple)


@given(texts() | st.text(min_size=1, max_size=300), languages)
@example("ş" * 155, ("turkish",))
@example("ş" * 156, ("turkish",))
@example("ş" * 149 * 2, ("turkish",))
@example("ãÔ" * 76, ("portuguese",))
def test_what_is_measured_is_what_is_cut_and_what_a_handset_shows(text: str, known: tuple[Language, ...]) -> None:
    final, encoding, parts = measurer(False, 255, known)(text)
    message = Outgoing(7, NUMBER, final, None, encoding, parts, 60)
    bodies = Writer(SmppOptions(national_alphabets=known)).write(message).pieces
    assert len(bodies) == parts
    assert shown(bodies) == final
    assert finish_in(text, encoding) == final


@given(texts(), languages)
def test_no_other_alphabet_keeps_more_letters_and_a_plain_text_stays_plain(
    text: str, known: tuple[Language, ...]
) -> None:
    chosen = choose(text, known)
    normal = normalise_text(text)
    assert chosen.alphabet.has(chosen.text)
    assert losses(normal, chosen.alphabet) == min(losses(normal, each) for each in alphabets(frozenset(known)))
    if not losses(normal, DEFAULT):
        assert chosen.alphabet is DEFAULT
    language = language_of(encoding_of(chosen.alphabet))
    assert language is None or language in known


@given(texts(), languages)
def test_a_carrier_without_the_tables_brings_the_text_all_the_same(text: str, known: tuple[Language, ...]) -> None:
    final, encoding, parts = measurer(False, 255, known)(text)
    options = SmppOptions()
    written = written_for(options, final, encoding, parts)
    bodies = Writer(options).write(Outgoing(7, NUMBER, final, None, encoding, parts, 60)).pieces
    assert not is_national(written.encoding)
    assert bool(written.note) == is_national(encoding)
    if written.encoding == 0:
        assert len(bodies) <= parts
        assert shown(bodies) == into(final, DEFAULT).text
    else:
        assert shown(bodies) == final


@given(st.frozensets(st.sampled_from(LANGUAGES)))
def test_an_alphabet_and_its_number_lead_to_each_other(known: frozenset[Language]) -> None:
    for alphabet in alphabets(known):
        assert alphabet_of(encoding_of(alphabet)) is alphabet
