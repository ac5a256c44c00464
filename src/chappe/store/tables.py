"""What the tables are made of."""

from sqlalchemy import BigInteger, Column, Integer, MetaData, text

metadata = MetaData()

# SQLite makes a column its row id only when the type is exactly INTEGER.
Id = BigInteger().with_variant(Integer, "sqlite")


def column(name: str, type_: object = BigInteger, **options: object) -> Column[object]:
    options.setdefault("nullable", False)
    return Column(name, type_, **options)  # type: ignore[arg-type]


def added(name: str, type_: object = BigInteger, *, default: str | None = None) -> Column[object]:
    """A column that came after the first release: old code writes rows without it."""
    return column(name, type_, nullable=default is None, server_default=None if default is None else text(default))
