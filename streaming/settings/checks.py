"""What no single setting can know: names and keys used twice, an address open to everybody."""

from collections.abc import Iterable, Iterator

from streaming.settings import kafka_security_problems
from streaming.settings.draft import Draft, Place, spelled
from streaming.settings.kafka import Topics
from streaming.settings.model import Settings
from streaming.settings.serving import is_loopback


def nothing_twice(draft: Draft) -> None:
    """Every name, id and key that must be unique is used once. Works on values not yet valid."""
    _once(draft, _items(draft, ("cameras",), "id"))
    _once(draft, _items(draft, ("api_keys",), "id"))
    _once(draft, _items(draft, ("api_keys",), "key"), secret=True)
    _once(draft, _topic_names(draft))
    _once(draft, _items(draft, ("alerts", "rules"), "name"))


def not_open_to_all(draft: Draft, settings: Settings) -> None:
    """Listening on anything but this machine's own address needs a token."""
    host = settings.serving.host
    if settings.serving.token is None and not is_loopback(host):
        draft.problem(
            ("serving", "host"),
            f"is {host}, which others reach: set serving.token too, or anyone sees every camera",
        )


def without_a_login(draft: Draft, settings: Settings) -> Iterator[str]:
    """A warning for each address that others reach and that asks nobody who they are."""
    dagster, simulator = settings.serving.dagster, settings.simulator
    if not is_loopback(dagster.host):
        where = draft.where(("serving", "dagster", "host"))
        yield (
            f"{where}: serving.dagster.host is {dagster.host}: Dagster has no login, whoever"
            " reaches it may run and delete anything; let a proxy ask who it is (docs/security.md)"
        )
    if settings.simulated and not is_loopback(simulator.host):
        yield (
            f"{draft.where(('simulator', 'host'))}: simulator.host is {simulator.host}: whoever"
            " reaches the simulator may switch its faults"
        )


def kafka_can_be_reached(draft: Draft, settings: Settings) -> None:
    """What `kafka.security` says goes together, and its files are there."""
    for name, text in kafka_security_problems.problems(settings.kafka.security):
        draft.problem(("kafka", "security", name), text)


def _items(draft: Draft, section: Place, name: str) -> list[tuple[Place, object]]:
    items = draft.get(section)
    return [
        ((*section, index, name), item[name])
        for index, item in enumerate(items if isinstance(items, list) else [])
        if isinstance(item, dict) and name in item
    ]


def _topic_names(draft: Draft) -> list[tuple[Place, object]]:
    found: list[tuple[Place, object]] = []
    for field, default in Topics():
        place: Place = ("kafka", "topics", field)
        given = draft.get(place)
        if isinstance(given, dict):
            place, given = (*place, "name"), given.get("name")
        found.append((place, given or default.name))
    # A default name gives way: the one that was chosen is the one to change.
    return sorted(found, key=lambda item: draft.sets(item[0]))


def _once(draft: Draft, named: Iterable[tuple[Place, object]], *, secret: bool = False) -> None:
    first: dict[str, Place] = {}
    for place, value in named:
        if not value or not isinstance(value, str | int):
            continue
        if str(value) in first and place not in draft.broken:
            what = "the same key" if secret else str(value)
            draft.problem(place, f"is {what}, as {spelled(first[str(value)])} is")
        first.setdefault(str(value), place)
