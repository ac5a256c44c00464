"""Connections to the networks that carry the messages, and the carrier that we simulate.

Here: sockets, reconnects, windows; a carrier's answers turned into values.
Never here: the database, a decision about a message's fate.
"""
