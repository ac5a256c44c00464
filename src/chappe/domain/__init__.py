"""What the product decides, as pure functions of their arguments.

Here: which recipients are accepted, what a message costs, how its state may change, when to try again.
Never here: a clock, a socket, a database, a log line, a wire format.
"""
