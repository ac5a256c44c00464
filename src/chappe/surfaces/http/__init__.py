"""The HTTP surface: the wire API customers call, health and metrics.

Here: what bytes mean and what bytes answer; the web framework stays inside.
Never here: a decision about a message, SQL.
"""
