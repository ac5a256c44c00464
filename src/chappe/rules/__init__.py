"""Facts about the world as data files, each with its source.

Here: tables that a standard or a country sets.
Never here: code that decides with them.
"""
