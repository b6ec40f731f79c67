"""Dagster's time zone and storage."""

import pytest

from streaming.errors import ConfigError
from streaming.settings import load

ZONE, STORAGE = "TRAFFICMON_SERVING__DAGSTER__TIME_ZONE", "TRAFFICMON_SERVING__DAGSTER__STORAGE"


@pytest.mark.parametrize("zone", ["UTC", "Asia/Shanghai", "America/St_Johns"])
def test_a_time_zone_is_one_that_is_known(tmp_path, zone):
    assert load(tmp_path, {ZONE: zone}).serving.dagster.time_zone == zone


@pytest.mark.parametrize("zone", ["Mars", "../etc/passwd", "+08:00"])
def test_any_other_is_refused(tmp_path, zone):
    with pytest.raises(ConfigError, match="must be a time zone such as"):
        load(tmp_path, {ZONE: zone})


def test_the_storages_password_is_in_no_message_and_no_log(tmp_path):
    settings = load(tmp_path, {STORAGE: "postgresql://dagster:a-long-password@db:5432/dagster"})
    with pytest.raises(ConfigError) as refused:
        load(tmp_path, {STORAGE: "mysql://dagster:a-long-password@db/dagster"})

    assert "a-long-password" in settings.secrets()
    assert "a-long-password" not in f"{settings!r}{refused.value}"
