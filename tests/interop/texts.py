"""Texts that are awkward to some program: two-octet letters of GSM-7, parts, emojis of two UTF-16 units."""

SHORT = "Bonjour à tous, prix 10 € [promo] @ {ici}"
LONG = "Chappe carries long texts in parts: " + "0123456789 " * 25 + "fin, 5 €"
WIDE = "Привет 👋 " + "мир " * 40
"""In UCS-2, as all that GSM-7 has no letters for."""
