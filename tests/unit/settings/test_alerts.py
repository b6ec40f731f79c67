"""Rules, silences and channels of config/monitoring.yaml."""

import json
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from streaming.settings import NotificationChannel, Silence, load, problems

SHANGHAI = ZoneInfo("Asia/Shanghai")
SECRET = "a-secret-of-somebody"


def alerts(configured, text):
    return load(*configured({"monitoring.yaml": text})).alerts


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("{name: a, metric: consumer_lag, threshold: 1}", "rules[0].metric is not a metric; did you mean kafka_consumer_lag?, got 'consumer_lag'"),
        ("{name: a, metric: error_rat, threshold: 1}", "rules[0].metric is not a metric; did you mean error_rate?, got 'error_rat'"),
        ("{name: a, metric: zzz, threshold: 1}", "rules[0].metric is not a metric; there are end_to_end_latency_p95, "),
        ("{name: a, metric: error_rate}", "rules[0].threshold is missing"),
        ("{name: a, metric: error_rate, threshold: 1, comparison: about}", "rules[0].comparison must be one of"),
        ("{name: a, metric: error_rate, threshold: 1, severity: bad}", "rules[0].severity must be one of"),
        ("{name: a, metric: error_rate, threshold: 1, labels: {key: k}}", "rules[0] must not have the label key: error_rate has none"),
        ("{name: a, metric: kafka_consumer_lag, threshold: 1, labels: {camera: 1}}", "rules[0] must not have the label camera: kafka_consumer_lag has group, topic"),
        ("{name: a, metric: error_rate, threshold: 1, duration_s: -1}", "rules[0].duration must be 0 or more, got -1"),
    ],
)  # fmt: skip
def test_a_wrong_rule_is_told_by_the_field_it_is_in(configured, rule, expected):
    (problem,) = problems(*configured({"monitoring.yaml": f"alerts: {{rules: [{rule}]}}"}))
    assert expected in problem


def test_two_rules_of_one_name_are_a_mistake(configured):
    rule = "{name: a, metric: error_rate, threshold: 1}"
    (problem,) = problems(*configured({"monitoring.yaml": f"alerts: {{rules: [{rule}, {rule}]}}"}))
    assert "alerts.rules[1].name is a, as alerts.rules[0].name is" in problem


def test_a_duration_has_two_names(configured):
    rule = "{name: a, metric: error_rate, threshold: 1, duration_s: 90}"
    assert alerts(configured, f"alerts: {{rules: [{rule}]}}").rules[0].duration == 90


def test_a_number_as_a_label_is_a_text(configured):
    rule = "{name: a, metric: camera_offline, threshold: 0, labels: {camera: 3}}"
    assert alerts(configured, f"alerts: {{rules: [{rule}]}}").rules[0].labels == {"camera": "3"}


@pytest.mark.parametrize(
    ("channel", "expected"),
    [
        ({"type": "webhook"}, "needs config.url"),
        ({"type": "webhook", "config": {"url": f"ftp://{SECRET}"}}, "needs config.url"),
        ({"type": "webhook", "config": {"addres": "x"}}, "has no config.addres for webhook"),
        ({"type": "webhook", "config": {"url": "https://h/", "headers": {"A": f"{SECRET}\nB: c"}}}, "config.headers"),
        ({"type": "email", "config": {"recipients": ["a@b.c"]}}, "needs config.smtp_host"),
        ({"type": "email", "config": {"smtp_host": "h", "recipients": [SECRET]}}, "config.recipients"),
        ({"type": "email", "config": {"smtp_host": "h", "smtp_port": "x", "recipients": ["a@b.c"]}}, "config.smtp_port"),
        ({"type": "dingtalk", "config": {"webhook_url": f"https://example.org/robot/send?access_token={SECRET}"}}, "https://oapi.dingtalk.com/robot/send"),
        ({"type": "dingtalk", "config": {"webhook_url": "https://oapi.dingtalk.com/robot/send"}}, "access_token"),
        ({"type": "wecom"}, "needs config.webhook_url"),
        ({"type": "slack", "config": {"webhook_url": f"https://hooks.slack.com/{SECRET}"}}, "https://hooks.slack.com/services/"),
        ({"type": "apprise", "config": {"url": SECRET}}, "needs config.url"),
    ],
)  # fmt: skip
def test_a_channel_that_cannot_work_is_told_by_its_field_and_no_secret_is(
    configured, channel, expected
):
    files = {"monitoring.yaml": f"alerts: {{notification_channels: [{json.dumps(channel)}]}}"}
    found = problems(*configured(files))
    assert len(found) == 1
    assert "alerts.notification_channels[0]" in found[0]
    assert expected in found[0]
    assert SECRET not in found[0]


def test_one_that_is_off_may_be_a_template():
    assert not NotificationChannel(type="wecom", enabled=False, config={"foo": 1}).enabled


@pytest.mark.parametrize(
    ("channel", "address"),
    [
        ({"type": "webhook", "config": {"url": "https://h/x"}}, "https://h/x"),
        ({"type": "dingtalk", "config": {"webhook_url": "https://oapi.dingtalk.com/robot/send?access_token=abc", "secret": "SEC1"}}, "dingtalk://SEC1@abc/"),
        ({"type": "dingtalk", "config": {"webhook_url": "https://oapi.dingtalk.com/robot/send?access_token=abc"}}, "dingtalk://abc/"),
        ({"type": "apprise", "config": {"url": "tgram://123456789:abcdefghijklmnopqrstuvwxyz0123456789/12315544"}}, "tgram://123456789:abcdefghijklmnopqrstuvwxyz0123456789/12315544"),
        ({"type": "email", "config": {"smtp_host": "mail.example.org", "username": "o@example.org", "password": "p/w@:", "recipients": "a@b.c"}},
         "mailtos://o%40example.org:p%2Fw%40%3A@mail.example.org:587/?smtp=mail.example.org&from=o%40example.org&to=a%40b.c&mode=starttls"),
    ],
)  # fmt: skip
def test_a_channel_becomes_an_address(channel, address):
    assert NotificationChannel(**channel).address() == address


@pytest.mark.parametrize(
    ("silence", "moment", "silent"),
    [
        ({"daily": "22:00-06:00"}, "2026-11-25T15:00+00:00", True),  # 23:00 in Shanghai
        ({"daily": "22:00-06:00"}, "2026-11-25T21:59+00:00", True),  # 05:59
        ({"daily": "22:00-06:00"}, "2026-11-25T22:00+00:00", False),  # 06:00
        ({"daily": "22:00-06:00"}, "2026-11-25T13:59+00:00", False),
        ({"daily": "09:00-17:30"}, "2026-11-25T09:29+00:00", True),
        ({"daily": "09:00-17:30"}, "2026-11-25T09:30+00:00", False),
        ({"until": "2026-11-25T10:00"}, "2026-11-25T01:59+00:00", True),  # 09:59
        ({"until": "2026-11-25T10:00"}, "2026-11-25T02:00+00:00", False),
        ({"until": "2026-11-25T10:00Z"}, "2026-11-25T09:59+00:00", True),
        ({"since": "2026-11-25T09:00", "until": "2026-11-25T10:00"}, "2026-11-25T00:59+00:00", False),
        ({"since": "2026-11-26T00:00", "daily": "00:00-23:59"}, "2026-11-25T01:00+00:00", False),
    ],
)  # fmt: skip
def test_a_silence_lasts_as_it_says_in_its_time_zone(silence, moment, silent):
    assert Silence(**silence).covers(datetime.fromisoformat(moment), SHANGHAI) is silent


@pytest.mark.parametrize(
    ("silence", "expected"),
    [
        ("{}", "silences[0] must have `until` or `daily`"),
        ("{daily: 8-9}", "silences[0].daily must be hours such as 22:00-06:00"),
        ("{daily: '08:00-08:00'}", "silences[0].daily must be hours such as 22:00-06:00"),
        ("{daily: '25:00-26:00'}", "silences[0].daily must be hours such as 22:00-06:00"),
    ],
)
def test_a_silence_without_an_end_hides_alerts_and_is_a_mistake(configured, silence, expected):
    found = problems(*configured({"monitoring.yaml": f"alerts: {{silences: [{silence}]}}"}))
    assert expected in "\n".join(found)


def test_a_time_zone_is_one(configured):
    (problem,) = problems(
        *configured({"serving.yaml": "serving: {dagster: {time_zone: Mars/Olympus}}"})
    )
    assert "serving.dagster.time_zone must be a time zone such as UTC or Asia/Shanghai" in problem
