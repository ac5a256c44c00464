"""Chappe, a self-hosted SMS platform."""

__version__: str


def __getattr__(name: str) -> str:
    """The version, looked up when it is asked for: that takes as long as a tenth of a command."""
    if name != "__version__":
        raise AttributeError(name)
    from importlib.metadata import version

    return version("chappe")
