"""XML bodies: what the guard stops, and what tree a document becomes."""

import pytest

from chappe.domain.errors import BadFormat
from chappe.surfaces.http.smsfactor.xml_in import MAX_ATTRIBUTES, MAX_DEPTH, Document, parse


def read(text: str | bytes, *, max_elements: int = 1000) -> Document:
    return parse(text.encode() if isinstance(text, str) else text, max_elements=max_elements)


def refused(text: str | bytes, *, max_elements: int = 1000) -> str:
    with pytest.raises(BadFormat) as caught:
        read(text, max_elements=max_elements)
    assert caught.value.syntax == "xml"
    return caught.value.reason


def test_a_document_type_is_refused() -> None:
    assert "document type" in refused("<!DOCTYPE sms><sms/>")


def test_a_document_type_with_an_external_subset_is_refused() -> None:
    assert "document type" in refused('<!DOCTYPE sms SYSTEM "file:///etc/hostname"><sms/>')


def test_an_external_entity_is_refused_before_it_is_opened() -> None:
    document = '<!DOCTYPE sms [<!ENTITY x SYSTEM "file:///etc/hostname">]><sms>&x;</sms>'
    assert "document type" in refused(document)


def test_a_parameter_entity_is_refused() -> None:
    assert "document type" in refused('<!DOCTYPE sms [<!ENTITY % x "y"> %x;]><sms/>')


def test_a_billion_laughs_are_refused() -> None:
    entities = '<!ENTITY a "lol">' + "".join(
        f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    )
    assert "document type" in refused(f"<!DOCTYPE sms [{entities}]><sms>&i;</sms>")


def test_a_document_type_in_another_encoding_is_refused() -> None:
    assert "document type" in refused("<!DOCTYPE sms><sms/>".encode("utf-16"))


def test_an_unknown_entity_is_refused() -> None:
    refused("<sms>&eacute;</sms>")


def test_the_depth_is_limited() -> None:
    read("<a>" * MAX_DEPTH + "</a>" * MAX_DEPTH)
    assert "deep" in refused("<a>" * (MAX_DEPTH + 1) + "</a>" * (MAX_DEPTH + 1))


def test_a_million_open_elements_are_refused_at_the_limit() -> None:
    assert "deep" in refused("<a>" * 1_000_000, max_elements=10_000_000)


def test_the_elements_are_limited() -> None:
    read("<sms>" + "<a/>" * 9 + "</sms>", max_elements=10)
    assert "10 elements" in refused("<sms>" + "<a/>" * 10 + "</sms>", max_elements=10)


def test_the_attributes_of_an_element_are_limited() -> None:
    def element(attributes: int) -> str:
        return "<sms " + " ".join(f'a{n}="1"' for n in range(attributes)) + "/>"

    read(element(MAX_ATTRIBUTES))
    assert "attributes" in refused(element(MAX_ATTRIBUTES + 1))


@pytest.mark.parametrize(
    "broken",
    ["<sms>", "<sms></message>", "<sms/><sms/>", "<sms a='1' a='2'/>", "<sms>&#0;</sms>", "<sms>\x01</sms>", "<"],
)
def test_a_document_that_is_not_well_formed_is_refused(broken: str) -> None:
    refused(broken)


@pytest.mark.parametrize("encoding", ["utf-7", "gb2312", "no-such-encoding", "rot13", "base64"])
def test_an_encoding_that_cannot_be_read_is_refused(encoding: str) -> None:
    refused(f'<?xml version="1.0" encoding="{encoding}"?><sms>x</sms>')


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1", "windows-1252"])
def test_the_encodings_of_old_clients_are_read(encoding: str) -> None:
    document = f'<?xml version="1.0" encoding="{encoding}"?><sms>café</sms>'
    assert read(document.encode(encoding)) == Document("sms", "café")


def test_an_element_with_only_text_is_its_text() -> None:
    assert read("<sms><text> Hi &amp; bye </text></sms>") == Document("sms", {"text": " Hi & bye "})


def test_an_empty_element_is_the_empty_text() -> None:
    assert read("<sms><sender/><delay></delay></sms>") == Document("sms", {"sender": "", "delay": ""})


def test_repeated_elements_are_an_array() -> None:
    assert read("<token><ip>1</ip><name>n</name><ip>2</ip><ip>3</ip></token>").tree == {
        "ip": ["1", "2", "3"],
        "name": "n",
    }


def test_repeated_elements_that_are_equal_are_all_kept() -> None:
    assert read("<r><gsm/><gsm/><gsm/></r>").tree == {"gsm": ["", "", ""]}


def test_the_text_beside_an_attribute_is_the_value() -> None:
    assert read('<r><gsm gsmsmsid="m-1">33600112233</gsm></r>').tree == {
        "gsm": {"gsmsmsid": "m-1", "value": "33600112233"}
    }


def test_child_elements_say_the_same_as_attributes() -> None:
    children = read("<r><gsm>\n  <gsmsmsid>m-1</gsmsmsid>\n  <value>33600112233</value>\n</gsm></r>")
    assert children == read('<r><gsm gsmsmsid="m-1">33600112233</gsm></r>')


def test_a_cdata_section_is_text() -> None:
    assert read("<sms><text><![CDATA[Map: <-short->]]> & more</text></sms>".replace(" & ", " &amp; ")).tree == {
        "text": "Map: <-short-> & more"
    }


def test_comments_and_instructions_are_nothing() -> None:
    assert read("<?php x?><sms><!-- a --><text>H<!-- b -->i</text></sms>").tree == {"text": "Hi"}
