"""Everything that is not a message on its way: accounts, tokens, credits, campaigns, webhooks, carriers.

Here: the use cases that every surface (HTTP, command line) calls.
Never here: SQL, a wire format, a rule that belongs to `domain`.
"""
