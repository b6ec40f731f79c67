"""The guide's files are accepted as they stand."""

from pathlib import Path

import pytest

from streaming.settings import Settings, load

GUIDE = Path(__file__).parent / "guide"
TEXT = {path.name: path.read_text(encoding="utf-8") for path in GUIDE.glob("*.yaml")}


@pytest.fixture
def settings(configured) -> Settings:
    return load(*configured(TEXT))


def test_keys_and_scheduler(settings):
    assert [(k.id, k.qps_limit, k.rpm_limit, k.enabled) for k in settings.api_keys] == [
        ("key_1", 10, 300, True),
        ("key_2", 10, 300, True),
    ]
    assert settings.api_keys[0].key.get_secret_value() == "sk-first-of-the-guide"
    assert not settings.simulated
    assert settings.provider.base_url.startswith("https://dashscope.")
    scheduler = settings.scheduler
    assert (scheduler.max_concurrent_tasks, scheduler.key_cooldown_seconds) == (100, 30)
    assert (scheduler.min_cooldown, scheduler.max_cooldown) == (10, 120)
    assert (scheduler.timeout_seconds, scheduler.task_timeout_seconds) == (35, 40)
    assert scheduler.adaptive_cooldown


def test_kafka(settings):
    kafka = settings.kafka
    assert kafka.bootstrap_servers == "localhost:9092"
    assert [topic.name for topic in kafka.topics.all()] == [
        "detection-results",
        "assessment-tasks",
        "risk-assessment-results",
        "skipped-groups",
        "camera-control",
        "detection-results.dlq",
        "assessment-tasks.dlq",
        "risk-assessment-results.dlq",
        "skipped-groups.dlq",
        "camera-control.dlq",
    ]
    assert {topic.partitions for topic in kafka.topics.all()[:3]} == {16}
    assert (kafka.producer.batch_size, kafka.producer.buffer_memory) == (65536, 67108864)
    assert (kafka.consumer.fetch_min_bytes, kafka.consumer.max_poll_records) == (1024, 500)


def test_monitoring_in_its_fuller_form(settings):
    alerts = settings.monitoring.alerts
    assert (alerts.latency_threshold_p95, alerts.error_rate_threshold) == (2.5, 0.05)
    assert (alerts.kafka_lag_threshold, alerts.api_key_failure_threshold) == (1000, 0.2)
    assert [(r.comparison, r.duration, r.severity) for r in alerts.rules] == [
        (">", 300, "warning"),
        (">=", 60, "critical"),
    ]
    assert [c.type for c in alerts.notification_channels] == [
        "email",
        "webhook",
        "dingtalk",
        "wecom",
    ]


def test_what_our_promises_override_is_said_once_each_with_its_place_and_the_reason(
    settings, tmp_path
):
    said = [warning.removeprefix(f"{tmp_path / 'kafka.yaml'}:") for warning in settings.warnings]
    assert [text.split(":")[1].strip() for text in said] == [
        "kafka.consumer.enable_auto_commit",
        "kafka.producer.acks",
        "kafka.consumer.auto_offset_reset",
    ]
    assert all(" has no effect: " in text and ", so that " in text for text in said)


@pytest.mark.parametrize("acks", ["0", "1", '"0"', '"1"'])
def test_any_weaker_acks_is_overridden(configured, acks):
    warnings = load(*configured({"kafka.yaml": f"kafka: {{producer: {{acks: {acks}}}}}"})).warnings
    assert len(warnings) == 1


@pytest.mark.parametrize("acks", ["all", "-1", '"-1"'])
def test_full_acks_need_no_warning(configured, acks):
    text = f"kafka: {{producer: {{acks: {acks}}}}}"
    assert load(*configured({"kafka.yaml": text})).warnings == ()


def test_a_piece_of_the_kafka_file_may_stand_without_the_line_above_it(configured):
    text = """
        producer:
          batch_size: 65536
        consumer:
          max_poll_records: 100
    """
    kafka = load(*configured({"kafka.yaml": text})).kafka
    assert (kafka.producer.batch_size, kafka.consumer.max_poll_records) == (65536, 100)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("90", 90), ('"90"', 90), ("30s", 30), ("5m", 300), ("1h30m", 5400), ("500ms", 0.5)],
)
def test_a_rule_may_say_its_duration_in_units(configured, written, seconds):
    text = (
        f"alerts: {{rules: [{{name: a, metric: error_rate, threshold: 1, duration: {written}}}]}}"
    )
    assert load(*configured({"monitoring.yaml": text})).alerts.rules[0].duration == seconds


def test_the_secrets_of_channels_are_known_to_the_logs(settings):
    assert {"mail-password", "https://hooks.example.org/abc", "SECabcdefgh"} <= set(
        settings.secrets()
    )
    assert "mail.example.org" not in settings.secrets()
