"""What the outside sees: each surface translates its own language to use cases and back.

Here: parsing, rendering, authentication of a request.
Never here: a decision about a message, SQL.
"""
