"""Dagster's resource with settings that a test made itself."""

from streaming.settings import Settings
from trafficmon_dagster.resources import Trafficmon

_GIVEN: dict[str, Settings] = {}


class GivenTrafficmon(Trafficmon):
    """Looks the settings up under `config_dir`, which is a name here."""

    def settings(self) -> Settings:
        return _GIVEN[self.config_dir or ""]


def given(settings: Settings) -> GivenTrafficmon:
    """A resource with these settings; names of topics and all."""
    name = str(settings.state_dir)
    _GIVEN[name] = settings
    return GivenTrafficmon(config_dir=name)
