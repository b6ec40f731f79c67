"""The address in `redis.url`, read by redis-py's own parser: one server, Sentinels, a Cluster."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from inspect import signature
from typing import Any, Literal

Kind = Literal["server", "sentinel", "cluster"]

FORMS = (
    "redis://host:port/db, rediss:// for TLS, unix:///path?db=0, "
    "redis-sentinel://host:port,host:port/master/db or redis-cluster://host:port,host:port"
)
_ENCODE = "write # as %23, / as %2F, ? as %3F and @ as %40 in a password, or set redis.password"
_SCHEME = re.compile(r"(?:(?P<base>rediss?)(?:[-+](?P<kind>sentinel|cluster))?|unix)://")
_HOST = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s:/@\[\],]+)(?::(?P<port>\d{1,5}))?")
_KINDS: dict[str | None, Kind] = {None: "server", "sentinel": "sentinel", "cluster": "cluster"}
_PORTS: dict[Kind, int] = {"server": 6379, "sentinel": 26379, "cluster": 6379}


@dataclass(frozen=True, slots=True)
class RedisUrl:
    """What an address says. `options` are redis-py's, without host and port; they hold secrets."""

    kind: Kind
    tls: bool
    hosts: tuple[tuple[str, int], ...]
    """Of the server, the Sentinels, or some nodes of the Cluster; none for a Unix socket."""
    master: str = ""
    """The name by which Sentinels know the server."""
    options: dict[str, Any] = field(default_factory=dict, repr=False)


def parse(url: str) -> RedisUrl:
    """An address as redis-py will use it.

    Raises:
        ValueError: it is none; the text says how to write it and holds no part of it.
    """
    scheme = _SCHEME.match(url)
    if scheme is None or re.search(r"\s", url):
        raise ValueError(f"must be {FORMS}")
    body, _, query = url[scheme.end() :].partition("?")
    place, _, path = body.partition("/")
    if "#" in url or "@" in path or "@" in query:
        raise ValueError(f"cannot be read as an address: {_ENCODE}")
    login, at, hosts = place.rpartition("@")
    if scheme["base"] is None:
        if hosts or not path:
            raise ValueError("must be unix:///path/of/the/socket?db=0")
        return RedisUrl("server", tls=False, hosts=(), options=_options(url))
    kind = _KINDS[scheme["kind"]]
    found = [m for host in hosts.split(",") if (m := _HOST.fullmatch(host))]
    if len(found) != hosts.count(",") + 1 or (kind == "server" and len(found) > 1):
        raise ValueError(f"must be {FORMS}; {_ENCODE}")
    master, database = _path(kind, path)
    # redis-py reads addresses of one host: what is said of all is read with the first.
    options = _options(f"{scheme['base']}://{login}{at}{found[0][0]}/{database}?{query}")
    if kind == "cluster":
        options.pop("db", None)
        _require_cluster_options(options)
    addresses = tuple((m["host"].strip("[]"), int(m["port"] or _PORTS[kind])) for m in found)
    if any(not 0 < port < 65_536 for _, port in addresses):
        raise ValueError("must have ports from 1 to 65535")
    return RedisUrl(kind, scheme["base"] == "rediss", addresses, master, options)


def _path(kind: Kind, path: str) -> tuple[str, str]:
    """The master's name and the database."""
    master, _, database = path.partition("/") if kind == "sentinel" else ("", "", path)
    if kind == "sentinel" and not master:
        raise ValueError("must name the master: redis-sentinel://host:port,host:port/master/db")
    if not re.fullmatch(r"\d{0,5}", database):
        raise ValueError("must end with a database's number, as in redis://host:port/0")
    if kind == "cluster" and database.strip("0"):
        raise ValueError("must name no database: a Cluster has number 0 alone")
    return master, database


def _require_cluster_options(options: Iterable[str]) -> None:
    from redis.asyncio.cluster import RedisCluster

    if set(options) - signature(RedisCluster).parameters.keys():
        raise ValueError("has an option after ? that redis-py does not know for a Cluster")


def _options(url: str) -> dict[str, Any]:
    """What redis-py makes of an address of one host; a connection is built to try the options."""
    # Not at the top: a process that uses no Redis needs no client.
    from redis.connection import Connection, parse_url

    try:
        options: dict[str, Any] = dict(parse_url(url))  # type: ignore[no-untyped-call]
    except ValueError:
        raise ValueError(f"cannot be read as an address: {_ENCODE}") from None
    try:
        options.pop("connection_class", Connection)(**options)
    except Exception:  # noqa: BLE001 - whatever redis-py has against an option
        raise ValueError("has an option after ? that redis-py does not know") from None
    return {name: value for name, value in options.items() if name not in {"host", "port"}}
