"""How far the lake is behind the topics."""

from datetime import UTC, datetime

from streaming.errors import KafkaUnreachable, ServiceError
from streaming.settings import Settings
from trafficmon_dagster.defs.alerts.readers import Sight, reachable, unreachable
from trafficmon_dagster.defs.alerts.readers.broker import BROKER_TIMEOUT_S
from trafficmon_dagster.defs.alerts.states import Reading


def read(settings: Settings, now: float) -> Sight:
    """The broker being away is the other sensor's to tell. A lake that is not there yet has
    read nothing."""
    import duckdb

    from streaming.kafka.admin import wait_for_broker
    from streaming.lake import LakeUnavailable, opened
    from streaming.lake.delay import delays_s
    from streaming.lake.schema import version

    at = datetime.fromtimestamp(now, UTC)
    try:
        wait_for_broker(settings.kafka, BROKER_TIMEOUT_S)
        if _is_new(settings):
            delays = delays_s(None, settings.kafka, now=at)
        else:
            with opened(settings, read_only=True) as con:
                known = con if version(con) is not None else None
                delays = delays_s(known, settings.kafka, now=at)
    except KafkaUnreachable as exc:
        return Sight((), problem=str(exc), blind=True)
    except (LakeUnavailable, ServiceError, duckdb.Error) as exc:
        return unreachable("lake", str(exc).splitlines()[0])
    readings = [Reading("lake_delay", s, {"stream": stream}) for stream, s in delays.items()]
    return Sight((reachable("lake"), *readings))


def _is_new(settings: Settings) -> bool:
    from pathlib import Path

    from streaming.lake.catalog import catalog_address

    kind, _, place = catalog_address(settings).partition(":")
    return kind == "sqlite" and not Path(place).exists()
