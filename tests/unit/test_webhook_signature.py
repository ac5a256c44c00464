"""The signature over a webhook's body, checked as the documentation tells receivers to check it."""

import re
import time
from pathlib import Path
from typing import Any

import pytest

from chappe.domain.webhook_signature import signed

PAGE = (Path(__file__).parents[2] / "docs/webhooks.md").read_text()
BODY = '{"message":"Ça va"}'.encode()


@pytest.fixture(name="is_genuine")
def documented_check() -> Any:
    """The Python example of the documentation, as it stands there."""
    found = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert found
    names: dict[str, Any] = {}
    exec(found[1], names)
    return names["is_genuine"]


def test_a_signature_is_what_the_documentation_says_it_is(is_genuine: Any) -> None:
    assert is_genuine(signed("s3cret", int(time.time()), BODY), BODY, "s3cret")


def test_another_body_secret_or_time_is_not_genuine(is_genuine: Any) -> None:
    now = int(time.time())
    header = signed("s3cret", now, BODY)
    assert not is_genuine(header, BODY + b" ", "s3cret")
    assert not is_genuine(header, BODY, "other")
    assert not is_genuine(header.replace(f"t={now}", f"t={now + 1}"), BODY, "s3cret")
    assert not is_genuine(signed("s3cret", now - 3600, BODY), BODY, "s3cret")


def test_a_known_signature_stays_what_it_is() -> None:
    assert signed("k", 1, b"{}") == "t=1,v1=3dd49b2593d0f9a349e9e71c4bde3e2b862c2be4003fe9b4ba81332029310158"
