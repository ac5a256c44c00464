"""The life of a message, one file per step: submit, dispatch, record, notify, expire.

Here: loading the facts in bulk, asking `domain` for a decision, writing it in one unit of work.
Never here: a wire format of a customer, SQL, a decision that could be a pure function.
"""
