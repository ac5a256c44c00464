"""Carriers that are reached over HTTP.

Here: what each vendor wants to be asked, how it answers, what it posts to us; and the connection that asks.
Never here: what becomes of a message by it.
"""
