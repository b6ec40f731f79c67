"""What the demo's table shows beside the topics: keys, lag, cameras, daemons, addresses."""

import json

from redis.exceptions import RedisError

from streaming import redis_keys, supervision
from streaming.demo.screen import Surroundings
from streaming.errors import TrafficmonError
from streaming.kafka import admin
from streaming.redis_client import connect
from streaming.settings import Settings
from streaming.settings.serving import http_address


class Observer:
    """Asks Redis, Kafka and the supervisor; whatever does not answer shows as unknown."""

    def __init__(self, settings: Settings) -> None:
        self._redis = connect(settings.redis)
        self.use(settings)

    def use(self, settings: Settings) -> None:
        """From now on these settings are in force: something was started, perhaps elsewhere."""
        self._settings = settings
        serving = settings.serving
        api = http_address(serving.host, serving.api.port)
        self._addresses = {
            "live wall": f"{api}/",
            "Dagster": f"{http_address(serving.dagster.host, serving.dagster.port)}/",
            "API": f"{api}/api/scheduler/stats",
            "Kafka": settings.kafka.bootstrap_servers,
        }

    def look(self) -> Surroundings:
        """One look at everything, each part bounded by its own timeout."""
        return Surroundings(
            keys=self._keys(),
            lag=self._lag(),
            camera_names={camera.id: camera.name for camera in self._settings.cameras},
            camera_states=self._camera_states(),
            daemons_down=self._daemons_down(),
            addresses=self._addresses,
        )

    def _keys(self) -> str:
        enabled = [key for key in self._settings.api_keys if key.enabled]
        kind = " simulated" if self._settings.simulated else ""
        return f"{len(enabled)}{kind}"

    def _lag(self) -> int | None:
        try:
            return sum(admin.lag(self._settings.kafka).values())
        except TrafficmonError:
            return None

    def _camera_states(self) -> dict[str, str]:
        try:
            found = self._redis.hgetall(redis_keys.CAMERAS_STATUS)
        except RedisError:
            return {}
        cameras = {k if isinstance(k, str) else k.decode(): json.loads(v) for k, v in found.items()}
        return {camera_id: str(told.get("status")) for camera_id, told in cameras.items()}

    def _daemons_down(self) -> tuple[str, ...]:
        try:
            states = supervision.status(self._settings)
        except TrafficmonError:
            return ("supervisor",)
        return tuple(s.name for s in states if s.state not in {"RUNNING", "STARTING"})
