"""Asking an SMPP carrier what became of a part (query_sm), and what its answer says.

Source: SMPP 3.4, 4.8 (query_sm) and 5.2.28 (message_state).
"""

from chappe.carriers.addresses import Addresses
from chappe.carriers.connection import Question
from chappe.domain.outcomes import ReceiptIn
from chappe.telecom import receipts
from chappe.telecom.receipts import Dialect
from chappe.telecom.smpp import status
from chappe.telecom.smpp.bodies import Body, Query, QueryAnswer

NO_ANSWER = "the carrier did not answer the question"


def query_of(addresses: Addresses, question: Question) -> Query:
    """The query_sm of a part. Shape: the source must be the one that the part was submitted with."""
    return Query(question.ref, *addresses.source(question.sender, question.number))


def answer_of(question: Question, state: int, body: Body, dialect: Dialect) -> ReceiptIn | str:
    """What the carrier says of a part, or why it says nothing.

    Shape: a state in which nobody knows (UNKNOWN) is no end here: whoever is asked again may know it.
    """
    if state:
        return status.lookup(state).name
    if not isinstance(body, QueryAnswer):
        return "an answer that cannot be read"
    found = receipts.of_state(body.message_state, body.error_code, dialect)
    detail = f"{found.state or f'state {body.message_state}'} err:{found.error} id:{question.ref}"
    is_final = found.is_final and found.state != receipts.UNKNOWN
    return ReceiptIn(question.ref, question.number, found.dlr_status, is_final, f"{detail}, when asked")
