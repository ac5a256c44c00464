"""Mails as octets, their servers as URLs, and the texts that customers are sent."""

import string
from email import message_from_bytes, policy
from email.headerregistry import Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chappe.domain.errors import BadData
from chappe.domain.mails import RETRY_S, mail_address, mail_octets, mail_sender, mail_server, next_try_ms
from chappe.domain.notices import balance_notice
from chappe.domain.webhooks import balance_payload
from chappe.telecom.segments import segments
from chappe.telecom.transliterate import to_gsm7

AT = 1_937_000_000_000
SENDER = Address("Acme", addr_spec="sms@acme.example")


def octets(recipient: str = "ops@example.org", subject: str = "Hello", body: str = "Text\n") -> bytes:
    return mail_octets(SENDER, recipient, subject, body, id_="7.1", at=AT)


def test_a_mail_has_every_header_that_it_needs() -> None:
    mail = message_from_bytes(
        octets(subject="Crédits : il en reste 3", body="Il reste 3 crédits.\n"), policy=policy.default
    )
    assert mail["From"] == "Acme <sms@acme.example>"
    assert mail["To"] == "ops@example.org"
    assert mail["Subject"] == "Crédits : il en reste 3"
    assert mail["Message-ID"] == "<7.1@acme.example>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Date"].datetime.timestamp() * 1000 == AT
    assert mail.get_content_type() == "text/plain"
    assert mail.get_payload(decode=True) == b"Il reste 3 cr\xc3\xa9dits.\r\n"


def test_a_mail_is_ascii_lines_that_every_server_takes() -> None:
    written = octets(subject="é" * 300, body="è" * 5000 + "\n")
    assert written.isascii()
    assert max(map(len, written.split(b"\r\n"))) <= 998
    assert b"\n" not in written.replace(b"\r\n", b"")


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\r\n\r\n", "\u2028", "\x0b"])
def test_nobody_writes_a_header_by_way_of_another(end: str) -> None:
    with pytest.raises(BadData):
        octets(recipient=f"ops@example.org{end}Bcc: all@example.org")
    with pytest.raises(BadData):
        octets(subject=f"Hello{end}Bcc: all@example.org")
    with pytest.raises(BadData):
        octets(subject=f"Hello{end}")


@given(st.text(), st.text(alphabet=string.printable))
def test_whatever_stands_in_subject_and_body_the_headers_are_ours(subject: str, body: str) -> None:
    try:
        written = octets(subject=subject, body=body)
    except (BadData, UnicodeEncodeError):
        return
    mail = message_from_bytes(written, policy=policy.default)
    assert sorted(name.lower() for name in mail.keys()) == [  # noqa: SIM118 - a mail has one key for each header
        "auto-submitted", "content-transfer-encoding", "content-type", "date", "from", "message-id", "mime-version",
        "subject", "to",
    ]  # fmt: skip
    assert mail["To"] == "ops@example.org"


@pytest.mark.parametrize(
    "text", ["ops@example.org", "o'neil+sms@example.org", "root@localhost", " ops@mail.example-1.org ", "1@2.3"]
)
def test_an_address_is_taken_without_the_blanks_around_it(text: str) -> None:
    assert mail_address(text, field="email") == text.strip()


@pytest.mark.parametrize(
    "text",
    [
        "", "@", "ops", "ops@", "@example.org", "a@b@c", "ops@example..org", "ops@-example.org", "a b@example.org",
        "ops@example.org,all@example.org", "<ops@example.org>", "Ops <ops@example.org>",
        "ops@exam\nple.org", "ops\r@example.org", "ops@example.org>\r\nDATA", "é@example.org",
        "a" * 65 + "@example.org", "a@" + "b." * 126 + "org",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused_by_name(text: str) -> None:
    with pytest.raises(BadData) as refused:
        mail_address(text, field="notification.email")
    assert refused.value.field == "notification.email"


def test_a_url_names_the_mail_server() -> None:
    server = mail_server("smtp://me%40acme.example:p%3Ass@mail.acme.example", "Acme <sms@acme.example>", "/ca.pem")
    assert (server.host, server.port, server.is_tls) == ("mail.acme.example", 587, False)
    assert (server.user, server.password, server.ca_file) == ("me@acme.example", "p:ss", "/ca.pem")
    assert server.sender == SENDER
    assert mail_server("smtps://mail.acme.example", "a@b.c").port == 465
    assert mail_server("smtps://mail.acme.example", "a@b.c").is_tls
    assert mail_server("smtp://127.0.0.1:2525/", "a@b.c").port == 2525


@pytest.mark.parametrize(
    "url",
    ["mail.acme.example", "http://mail.acme.example", "smtp://", "smtp://a:99999", "smtp://a/b", "smtp://a?tls=no"],
)
def test_what_names_no_mail_server_is_refused(url: str) -> None:
    with pytest.raises(ValueError):
        mail_server(url, "a@b.c")


@pytest.mark.parametrize("text", ["", "Acme", "sms@", "a@b.c\nBcc: d@e.f", "A <a@b.c>\r\n", "Acme <>"])
def test_a_sender_is_one_address(text: str) -> None:
    with pytest.raises(ValueError):
        mail_sender(text)


def test_a_mail_is_tried_for_two_days_and_no_longer() -> None:
    waits = [next_try_ms(attempts) for attempts in range(1, len(RETRY_S) + 2)]
    assert waits[0] == 60_000
    assert waits[-1] is None
    assert waits[:-1] == sorted(w for w in waits if w is not None)
    assert 1.5 * 86_400 < sum(RETRY_S) < 2.5 * 86_400


@pytest.mark.parametrize(
    ("lang", "begins"), [("EN", "Hello"), ("fr", "Bonjour"), ("IT", "Buongiorno"), ("DE", "Hello"), ("", "Hello")]
)
def test_a_customer_is_written_to_in_his_language(lang: str, begins: str) -> None:
    notice = balance_notice(lang, "shop@example.org", 159, 500, AT)
    assert notice.body.startswith(begins)
    for text in (notice.body, notice.sms):
        for value in ("shop@example.org", "159", "500"):
            assert value in text
    assert "2031-05-20 01:33:20" in notice.body
    assert "159" in notice.subject
    assert "{" not in notice.subject + notice.body + notice.sms


def test_a_balance_alert_by_text_message_costs_one_part() -> None:
    for lang in ("EN", "FR", "IT"):
        notice = balance_notice(lang, "someone.with.a.name@example.org", 999_999, 1_000_000, AT)
        assert to_gsm7(notice.sms).text == notice.sms
        assert len(segments(notice.sms).parts) == 1, notice.sms


def test_account_names_are_values_and_no_markup() -> None:
    assert "{balance}@example.org" in balance_notice("EN", "{balance}@example.org", 1, 2, AT).body


def test_the_webhook_says_the_balance_in_texts() -> None:
    assert balance_payload(159, 500, AT) == '{"balance":"159","trigger":"500","date":"2031-05-20 01:33:20"}'
