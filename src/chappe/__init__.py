"""Chappe, a self-hosted SMS platform."""

from importlib.metadata import version

__version__ = version("chappe")
