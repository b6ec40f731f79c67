"""Settings: the only reader of config/ and of the environment."""

from streaming.settings.cameras import Camera
from streaming.settings.channels import NotificationChannel
from streaming.settings.detection import DetectionSettings
from streaming.settings.in_force import Setting, every_setting, in_force
from streaming.settings.kafka import (
    ConsumerSettings,
    KafkaSettings,
    ProducerSettings,
    Topic,
    Topics,
)
from streaming.settings.kafka_security import KafkaSecurity
from streaming.settings.keys import (
    ApiKey,
    MinConfidence,
    PromptSettings,
    ProviderSettings,
    SchedulerSettings,
)
from streaming.settings.load import folders, load, problems
from streaming.settings.model import Settings
from streaming.settings.monitoring import AlertSettings, MonitoringSettings, Rule
from streaming.settings.redis import RedisSettings
from streaming.settings.serving import LakeSettings, ServingSettings, SimulatorSettings
from streaming.settings.silences import Silence
from streaming.settings.sources import config_folder

__all__ = [
    "AlertSettings",
    "ApiKey",
    "Camera",
    "ConsumerSettings",
    "DetectionSettings",
    "KafkaSecurity",
    "KafkaSettings",
    "LakeSettings",
    "MinConfidence",
    "MonitoringSettings",
    "NotificationChannel",
    "ProducerSettings",
    "PromptSettings",
    "ProviderSettings",
    "RedisSettings",
    "Rule",
    "SchedulerSettings",
    "ServingSettings",
    "Setting",
    "Settings",
    "Silence",
    "SimulatorSettings",
    "Topic",
    "Topics",
    "config_folder",
    "every_setting",
    "folders",
    "in_force",
    "load",
    "problems",
]
