"""Addresses that a client library will read, read by that very library beforehand.

An error says how to write the address and holds no part of it: a password with # or / in it is
what is wrong most often.
"""

import re
from typing import Annotated

from pydantic import AfterValidator, SecretStr
from yarl import URL

_ENCODE = "in a user or a password write # as %23, / as %2F, ? as %3F and @ as %40"


def http_address(text: str) -> str:
    """An http:// or https:// address, as aiohttp's yarl reads it.

    Raises:
        ValueError: it is none.
    """
    if not re.match(r"https?://[^\s/]", text, re.IGNORECASE):
        raise ValueError("must be an http or https address")
    try:
        host = URL(text).host
    except ValueError:
        host = None
    if not host or re.search(r"\s", text):
        raise ValueError(f"cannot be read as an address; {_ENCODE}")
    return text


def base_address(text: str) -> str:
    """The same, to which a path is added; a query such as `?api-version=1` stays.

    Raises:
        ValueError: it is none.
    """
    if re.search(r"#|\?.*[?@]", text):
        raise ValueError(f"must have no # and at most one ?, after the host; {_ENCODE}")
    return http_address(text)


def proxy_address(text: str) -> str:
    """The address of an HTTP proxy, or none.

    Raises:
        ValueError: it is none.
    """
    if text == "none":
        return text
    if not re.match(r"https?://", text):
        raise ValueError("must be http://user:password@host:port, or none; SOCKS is not spoken")
    url = URL(http_address(text))
    if url.fragment or url.query_string or url.path not in {"", "/"}:
        raise ValueError(f"must be http://user:password@host:port; {_ENCODE}")
    return text


def postgres_address(text: str) -> str:
    """postgresql://…, as SQLAlchemy reads it for Dagster.

    Raises:
        ValueError: it is none.
    """
    if not re.fullmatch(r"postgres(ql)?://\S+", text):
        raise ValueError("must be postgresql://user:password@host/database")
    # Not at the top: only those need it who have a Postgres.
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        url = None
    if url is None or not url.host or "@" in url.host or not url.database or "@" in url.database:
        raise ValueError(f"must be postgresql://user:password@host/database; {_ENCODE}")
    return text


def catalog_address(text: str) -> str:
    """A file, or a Postgres as libpq reads it for DuckDB.

    Raises:
        ValueError: it is neither.
    """
    libpq = re.fullmatch(r"(?:postgres:(?!//))?(?P<words>.*)", text, re.DOTALL)
    if not text.startswith(("postgres:", "postgresql:")) or libpq is None:
        return text
    from psycopg2 import ProgrammingError  # type: ignore[import-untyped]
    from psycopg2.extensions import parse_dsn  # type: ignore[import-untyped]

    try:
        parsed = parse_dsn(libpq["words"])
    except ProgrammingError:
        raise ValueError(
            f"cannot be read as a Postgres: postgres:host=… dbname=… user=… password='…'; {_ENCODE}"
        ) from None
    if re.search("[@#]", parsed.get("host", "")) or re.search(r"[^\d,]", parsed.get("port", "")):
        raise ValueError(f"cannot be read as an address; {_ENCODE}")
    return text


def _secret_postgres(address: SecretStr) -> SecretStr:
    postgres_address(address.get_secret_value())
    return address


HttpAddress = Annotated[str, AfterValidator(http_address)]
BaseAddress = Annotated[str, AfterValidator(base_address)]
ProxyAddress = Annotated[str, AfterValidator(proxy_address)]
PostgresAddress = Annotated[SecretStr, AfterValidator(_secret_postgres)]
CatalogAddress = Annotated[str, AfterValidator(catalog_address)]
