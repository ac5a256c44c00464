"""Files of contacts, as people export them: CSV in any dialect and spreadsheets.

Here a file becomes rows of texts, and columns get their meaning. What a number is, and what becomes of it, is decided
elsewhere; nothing here writes to the database but through a list's `Filling`.
"""
