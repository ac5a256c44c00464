"""Chappe."""
