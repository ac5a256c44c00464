"""Vendors described in TOML: those that come with Chappe keep their word, and others are told what is wrong."""

from pathlib import Path

import pytest

from chappe.carriers.http.examples import faults, words_of, words_of_news
from chappe.carriers.http.generic import Templated
from chappe.carriers.http.template import Template, read_template
from chappe.carriers.http.vendor import Access, Message, NotGenuine, Posted, Told
from chappe.carriers.http.vendors import ready_template, ready_templates, vendor_of, vendors
from chappe.domain.errors import BadData

SMALL = """
name = "small"
[request]
url = "https://api.example.net/sms"
"""
READ = '[reading]\nformat = "text"\n'
QUERY = '[query]\nurl = "https://e/{ref}"\nformat = "text"\nstates = { OK = "DELIVERED" }\n'
HELLO = Message("k-1", "33612345678", "Hello", "Acme", False, 1, 3600)


def small(more: str = "", url: str = "https://api.example.net/sms") -> Template:
    return read_template(SMALL.replace("https://api.example.net/sms", url) + more)


def said(template: Template, message: Message = HELLO, **values: str) -> tuple[str, str]:
    """(address, body) of the request."""
    call = Templated(template).request(Access(values, "https://x.example", ""), message)
    return call.url, call.body.decode()


def means(template: Template, body: str, status: int = 200, **headers: str) -> str:
    told = Told(status, {name.replace("_", "-"): value for name, value in headers.items()}, body.encode())
    return words_of(Templated(template).answer(Access({}), HELLO, told))


def news(template: Template, body: str, **more: object) -> list[str]:
    fields = {"what": "", "method": "POST", "url": "https://s.example/c", "headers": {}, **more}
    posted = Posted(body=body.encode(), **fields)  # type: ignore[arg-type]
    return list(map(words_of_news, Templated(template).callback(Access({"secret": "s"}), posted).items))


@pytest.mark.parametrize("name", ready_templates())
def test_a_template_that_comes_with_chappe_does_what_its_examples_say(name: str) -> None:
    template = ready_template(name)
    assert faults(template) == []
    assert (template.name, bool(template.source)) == (name, True)
    assert len(template.exchanges) >= 3
    assert len(template.news) >= 3


def test_the_template_of_the_documentation_does_what_it_says() -> None:
    page = (Path(__file__).parents[2] / "docs/http-carriers.md").read_text()
    template = read_template(page.split("```toml\n")[1].split("```")[0])
    assert faults(template) == []
    assert (len(template.exchanges), len(template.news)) == (2, 1)


def test_the_vendors_that_can_be_named_are_these() -> None:
    assert vendors() == ["46elks", "capcom6", "infobip", "kannel", "smsfactor", "twilio", "vonage"]
    with pytest.raises(BadData, match="there is no vendor 'nobody'"):
        vendor_of("nobody")


def test_an_example_that_does_not_hold_is_told() -> None:
    wrong = small(
        '[answer]\nid = "id"\n[[exchanges]]\nwhat = "one"\nrequest = "GET https://a"\n'
        'told = \'{"id":"7"}\'\nmeans = "accepted 8"\n'
    )
    assert faults(wrong) == [
        "one: the request is POST https://api.example.net/sms",
        "one: the answer means 'accepted 7'",
    ]


# -- the request
def test_a_field_with_nothing_in_it_is_left_out_and_numbers_and_truths_keep_their_kind() -> None:
    body = (
        '[request.body]\nto = "+{to}"\nfrom = "{sender}"\nu = "{unicode}"\nv = "{validity_s}"\n'
        'w = ["{sender}", "x"]\no = { s = "{sender}" }\n'
    )
    without = HELLO._replace(sender="")
    assert said(small(body), without)[1] == '{"to":"+33612345678","u":false,"v":3600,"w":["x"]}'


def test_what_a_message_says_cannot_break_out_of_its_place() -> None:
    evil = HELLO._replace(text='</t>&"{key}{"a":1}', sender="a&b=c")
    json = small('[request.body]\ntext = "{text}"\n')
    assert said(json, evil)[1] == '{"text":"</t>&\\"{key}{\\"a\\":1}"}'
    form = read_template(SMALL + 'format = "form"\n[request.body]\ntext = "{text}"\nfrom = "{sender}"\n')
    assert said(form, evil)[1] == "text=%3C%2Ft%3E%26%22%7Bkey%7D%7B%22a%22%3A1%7D&from=a%26b%3Dc"
    xml = read_template(SMALL + 'format = "xml"\nbody = "<t a=\\"{sender}\\">{text}</t>"\n')
    assert said(xml, evil)[1] == '<t a="a&amp;b=c">&lt;/t&gt;&amp;&quot;{key}{&quot;a&quot;:1}</t>'
    url = small("", url="https://api.example.net/{sender}/{to}")
    assert said(url, evil)[0] == "https://api.example.net/a%26b%3Dc/33612345678"


def test_a_value_with_a_line_break_is_no_header() -> None:
    template = read_template(SMALL + 'headers = { X-From = "{sender}" }\n')
    with pytest.raises(ValueError, match="X-From"):
        said(template, HELLO._replace(sender="a\r\nEvil: 1"))


def test_one_of_two_words_stands_for_what_is_true_or_false() -> None:
    template = read_template(
        SMALL + 'method = "GET"\n[request.query]\ntype = "{unicode|uni|gsm}"\nextra = "{unicode|1|}"\n'
    )
    assert said(template)[0] == "https://api.example.net/sms?type=gsm"
    assert said(template, HELLO._replace(is_unicode=True))[0] == "https://api.example.net/sms?type=uni&extra=1"


def test_an_address_that_is_not_complete_is_not_called() -> None:
    with pytest.raises(ValueError, match="not complete"):
        said(small("", url="https://api.example.net/{sender}"), HELLO._replace(sender=""))


# -- the answer
def test_an_answer_is_read_by_status_code_and_table() -> None:
    template = small(
        '[answer]\nid = "id"\ncode = "error.code"\n[answer.outcomes]\n7 = "permanent INVALID_SENDER"\n'
        'wait = "throttle"\nfull = "queue_full"\n"HTTP 500" = "temporary NETWORK_ERROR"\n'
        'shut = "closed"\nhm = "unclear"\n'
    )
    assert means(template, '{"id": 12}') == "accepted 12"
    assert means(template, '{"id": "a b"}', 201) == "accepted a b"
    assert means(template, '{"error":{"code":7}}', 400) == "permanent INVALID_SENDER 7"
    assert means(template, '{"error":{"code":"wait"}}', 429, retry_after="3") == "throttle wait for 3 s"
    assert means(template, '{"error":{"code":"full"}}', 200) == "queue_full REJECTED full"
    assert means(template, "oops", 500) == "temporary NETWORK_ERROR HTTP 500"
    assert means(template, '{"error":{"code":"shut"}}', 403) == "closed shut"
    assert means(template, '{"error":{"code":"hm"}}', 200) == "unclear hm"
    assert means(template, '{"error":{"code":"other"}}', 422) == "permanent REJECTED HTTP 422"


def test_what_the_table_does_not_say_the_status_does() -> None:
    template = small()
    assert means(template, "", 200) == "accepted "
    assert means(template, "", 401) == "closed HTTP 401"
    assert means(template, "", 302) == "closed HTTP 302"
    assert means(template, "", 404) == "temporary NETWORK_ERROR HTTP 404"
    assert means(template, "", 429) == "throttle HTTP 429"
    assert means(template, "", 503, retry_after="7") == "throttle HTTP 503 for 7 s"
    assert means(template, "", 503, retry_after="Fri, 13 Nov 2026 10:00:00 GMT") == "throttle HTTP 503"
    assert means(template, "", 503) == "unclear HTTP 503"
    assert means(template, "", 500) == "unclear HTTP 500"
    assert means(template, "", 200 + 4) == "unclear HTTP 204"


def test_without_the_sign_of_success_nothing_is_believed() -> None:
    template = small('[answer]\nid = "id"\nsuccess = { path = "ok", among = ["true"] }\ncode = "why"\n')
    assert means(template, '{"ok":true,"id":1}') == "accepted 1"
    assert means(template, '{"ok":false,"why":"no"}') == "temporary REJECTED no"
    assert means(template, "<html>Log in to the hotel's network</html>") == "unclear no success"


def test_ids_of_all_parts_are_taken() -> None:
    template = small('[answer]\nid = "parts.*.id"\n')
    assert means(template, '{"parts":[{"id":1},{"id":2}]}') == "accepted 1 2"


def test_texts_are_read_with_regular_expressions() -> None:
    template = small(
        "[answer]\nformat = \"text\"\nsuccess = { path = '^OK' }\nid = 'id=(\\w+)'\ncode = '^ERR (\\d+)'\n"
    )
    assert means(template, "OK id=a1b2 cost=3") == "accepted a1b2"
    assert means(template, "ERR 12 no such number") == "temporary REJECTED 12"


# -- news
RECEIPT = (
    '[receipt]\nid = "id"\nstate = "s"\nnumber = "n"\nerror = "e"\nerrors = { 9 = "INVALID_DESTINATION" }\n'
    'states = { Done = "DELIVERED", lost = "NOT_DELIVERED", on = "-" }\n'
)


def test_receipts_are_read_from_json_forms_and_queries() -> None:
    template = small(RECEIPT)
    wanted = ["receipt 7 for 33612345678: DELIVERED"]
    assert news(template, '{"id":7,"s":"DONE","n":"+33612345678"}') == wanted
    assert news(template, "id=7&s=done&n=33612345678") == wanted
    assert news(template, "", method="GET", url="https://s.example/c?id=7&s=done&n=0033612345678") == wanted
    assert news(template, '{"id":7,"s":"lost","e":9}') == ["receipt 7: INVALID_DESTINATION"]
    assert news(template, '{"id":7,"s":"lost","e":8}') == ["receipt 7: NOT_DELIVERED"]
    assert news(template, '{"id":7,"s":"on"}') == []


@pytest.mark.parametrize(
    "body", ['{"id":7,"s":"what?"}', '{"id":7}', '{"s":"done"}', "{", "[]", '{"id":{"a":1},"s":"done"}']
)
def test_a_receipt_that_says_nothing_is_refused(body: str) -> None:
    with pytest.raises(ValueError):
        news(small(RECEIPT), body)


def test_long_replies_come_in_parts() -> None:
    template = small('[reply]\nsender = "from"\ntext = "t"\npart_of = "ref"\npart = "p"\nparts = "n"\n')
    assert news(template, '{"from":"+331","t":"a","ref":"5","p":"2","n":"3"}') == [
        "reply from 331 to nobody: a (part 2 of h.5/3)"
    ]
    assert news(template, '{"from":"+331","t":"a","ref":"5","p":"9","n":"3"}') == ["reply from 331 to nobody: a"]


def test_news_is_refused_unless_it_is_the_vendors() -> None:
    password = small(RECEIPT + '[[settings]]\nname = "secret"\nsecret = true\n[verify]\nbasic = ["v", "{secret}"]\n')
    header = small(RECEIPT + '[[settings]]\nname = "secret"\n[verify]\nheader = "X-Key"\nvalue = "k{secret}"\n')
    network = small(RECEIPT + '[verify]\nnetworks = ["192.0.2.0/24", "2001:db8::/32"]\n')
    body = '{"id":7,"s":"done"}'
    assert news(password, body, headers={"authorization": "Basic djpz"})
    assert news(header, body, headers={"x-key": "ks"})
    assert news(network, body, peer="192.0.2.9")
    for template, more in (
        (password, {}),
        (password, {"headers": {"authorization": "Basic djp4"}}),
        (password, {"headers": {"authorization": "Basic \x00"}}),
        (password, {"headers": {"authorization": "Bearer djpz"}}),
        (header, {"headers": {"x-key": "ks "}}),
        (header, {}),
        (network, {"peer": "198.51.100.1"}),
        (network, {}),
    ):
        with pytest.raises(NotGenuine):
            news(template, body, **more)


def test_a_signature_may_cover_the_address_and_have_a_prefix() -> None:
    template = small(
        RECEIPT + '[[settings]]\nname = "secret"\n'
        '[verify]\nhmac = "sha1"\nsecret = "{secret}"\nheader = "X-Sig"\nprefix = "sha1="\n'
        'encoding = "base64"\nover = "{url}.{body}"\n'
    )
    # echo -n 'https://s.example/c.{"id":7,"s":"done"}' | openssl dgst -sha1 -hmac s -binary | base64
    signed = {"x-sig": "sha1=tHg3wIXBvcKOStfRHMdKxdbcJHs="}
    assert news(template, '{"id":7,"s":"done"}', headers=signed)
    with pytest.raises(NotGenuine):
        news(template, '{"id":8,"s":"done"}', headers=signed)


# -- what is wrong with a template
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("name = ", "Invalid value"),
        ('name = "x"', "missing required field `request`"),
        (SMALL + 'colour = "red"', "unknown field `colour`"),
        (SMALL + 'body = { a = "{tokn}" }', "nothing called 'tokn'"),
        (SMALL + 'format = "xml"\nbody = { a = "1" }', "must be a text"),
        (SMALL + '[answer.outcomes]\n1 = "maybe"', "'maybe' is none of"),
        (SMALL + '[answer.outcomes]\n1 = "permanent BAD"', "'BAD' is none of"),
        (SMALL + '[receipt]\nid = "a"\nstate = "b"\nstates = { x = "GONE" }', "'GONE' is none of"),
        (SMALL + '[answer]\nformat = "text"\nid = "("', "no regular expression"),
        (SMALL + READ + '[receipt]\nid = "a"\nstate = "b"\nstates = {}\nwhen.path = "("', "no regular expression"),
        (SMALL + READ + '[reply]\nsender = "a"\ntext = "b"\nwhen.path = "("', "no regular expression"),
        (SMALL + QUERY + 'state = "("', "no regular expression"),
        (SMALL + QUERY + 'state = "a"\nerror = "("', "no regular expression"),
        (SMALL + QUERY + 'state = "a"\nerrors = { X = "-" }', "'-' is none of"),
        (SMALL + QUERY + 'state = "^(a+)+$"', "repeats what repeats itself"),
        (SMALL + QUERY + 'state = "(?:a{1,50}){20}"', "repeats what repeats itself"),
        (SMALL + '[verify]\nnetworks = ["10.0.0.0/99"]', "10.0.0.0/99"),
        ("x" * 70_000, "longer than"),
    ],
)  # fmt: skip
def test_a_template_with_a_fault_says_which(text: str, reason: str) -> None:
    with pytest.raises(BadData, match=reason.replace("(", r"\(")):
        read_template(text)
