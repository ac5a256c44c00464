"""Standards of the telecom world as pure functions: numbers, alphabets, segments, receipts, SMPP.

Here: what a document of 3GPP, the ITU or the SMPP forum says, with its source.
Never here: a decision of the product, a clock, a socket, a database.
"""
