"""All settings as one value."""

from pathlib import Path

from pydantic import Field

from streaming.settings.addresses import password_of
from streaming.settings.base import Section
from streaming.settings.cameras import Camera
from streaming.settings.detection import DetectionSettings
from streaming.settings.kafka import KafkaSettings
from streaming.settings.keys import ApiKey, PromptSettings, ProviderSettings, SchedulerSettings
from streaming.settings.monitoring import AlertSettings, MonitoringSettings
from streaming.settings.redis import RedisSettings
from streaming.settings.serving import LakeSettings, ServingSettings, SimulatorSettings
from streaming.settings.tasks import TaskSettings

FILES: dict[str, tuple[str, ...]] = {
    "kafka.yaml": ("kafka",),
    "api_keys.yaml": ("api_keys", "scheduler", "provider", "prompt"),
    "cameras.yaml": ("cameras",),
    "detection.yaml": ("detection", "tasks"),
    "serving.yaml": ("serving", "redis", "lake", "simulator"),
    "monitoring.yaml": ("alerts",),
}
_SHORTEST_SECRET = 8


class Settings(Section):
    """Everything that can be set. Read once, passed down."""

    state_dir: Path = Field(Path(".trafficmon"), description="Data of the embedded services")
    logs_dir: Path = Field(Path("logs"), description="Log files")
    reports_dir: Path = Field(Path("reports"), description="Reports")
    kafka: KafkaSettings = Field(KafkaSettings(), description="The broker and its topics")
    api_keys: tuple[ApiKey, ...] = Field((), description="The provider's keys")
    scheduler: SchedulerSettings = Field(SchedulerSettings(), description="How tasks become calls")
    provider: ProviderSettings = Field(ProviderSettings(), description="The model's endpoint")
    prompt: PromptSettings = Field(PromptSettings(), description="What the model is asked")
    cameras: tuple[Camera, ...] = Field((), description="The cameras")
    detection: DetectionSettings = Field(DetectionSettings(), description="Model and groups")
    tasks: TaskSettings = Field(TaskSettings(), description="Which groups are asked about")
    serving: ServingSettings = Field(ServingSettings(), description="Where things listen")
    redis: RedisSettings = Field(RedisSettings(), description="Redis")
    lake: LakeSettings = Field(LakeSettings(), description="The lakehouse")
    simulator: SimulatorSettings = Field(SimulatorSettings(), description="Provider simulator")
    alerts: AlertSettings = Field(AlertSettings(), description="When to raise an alert")
    simulated: bool = Field(False, description="No real key: the embedded simulator answers")
    warnings: tuple[str, ...] = Field(
        (), description="What our guarantees override, and what is open"
    )

    @property
    def monitoring(self) -> MonitoringSettings:
        """The alerts, by the name of their file."""
        return MonitoringSettings(alerts=self.alerts)

    def secrets(self) -> tuple[str, ...]:
        """Every value that no log may show; one of under 8 characters would mask innocent words."""
        found = [] if self.simulated else [key.key.get_secret_value() for key in self.api_keys]
        found += [value.get_secret_value() for value in self.provider.headers.values()]
        found += self.kafka.security.secrets()
        if self.serving.token:
            found.append(self.serving.token.get_secret_value())
        if self.lake.s3.secret:
            found.append(self.lake.s3.secret.get_secret_value())
        found += self.redis.secrets()
        addresses = [self.provider.base_url, self.provider.proxy or "", self.lake.catalog or ""]
        addresses += [camera.source for camera in self.cameras]
        if self.serving.dagster.storage:
            addresses.append(self.serving.dagster.storage.get_secret_value())
        found += [password for address in addresses if (password := password_of(address))]
        for channel in self.alerts.notification_channels:
            found += channel.secrets()
        return tuple(v for v in dict.fromkeys(map(str, found)) if len(v) >= _SHORTEST_SECRET)
