"""Text is what was written, whatever number or date it looks like; a number is YAML 1.2's."""

import json
import math

import pytest

from streaming.settings import load, problems
from streaming.settings.scalars import Plain, as_wanted

AS_TEXT = [
    "010", "1e3", "0x1F", "0o17", "0b11", "1_000", "12:30:45", "1.10", "+5", "1.", ".5", "-0", "00",
    "yes", "no", "on", "off", "y", "True", "FALSE", "2024-05-01", "null", "Null", "nan", ".inf",
    "1,000", "9" * 30,
]  # fmt: skip
IDS = [text for text in AS_TEXT if "," not in text and ":" not in text and "+" not in text]


@pytest.mark.parametrize("text", IDS)
def test_an_id_is_what_was_written(configured, text):
    files = {
        "cameras.yaml": f"cameras: [{{id: {text}, source: a.mp4}}]",
        "api_keys.yaml": f"api_keys: [{{id: {text}, key: {text}, account: a{text}}}]",
    }
    settings = load(*configured(files))
    (camera,), (key,) = settings.cameras, settings.api_keys
    assert (camera.id, camera.name) == (text, f"Camera {text}")
    assert (key.id, key.key.get_secret_value(), key.account) == (text, text, f"a{text}")


@pytest.mark.parametrize("text", AS_TEXT)
def test_so_is_every_text_wherever_it_stands(configured, text):
    files = {
        "cameras.yaml": f"cameras:\n  - id: 1\n    name: {text}\n    source: {text}\n    notes: {text}\n",
        "detection.yaml": f"detection: {{model: '{text}'}}",
        "serving.yaml": f"lake: {{s3: {{region: x, key_id: k{text.replace(',', '')}}}}}\nsimulator:\n  dead_keys:\n  - {text}\n",
        "monitoring.yaml": f"alerts:\n  notification_channels:\n  - type: email\n    enabled: false\n    config:\n      password: {text}\n  rules:\n  - name: {text}\n    metric: camera_offline\n    threshold: 0\n    labels:\n      camera: {text}\n",
    }
    settings = load(*configured(files))
    (camera,), (rule,) = settings.cameras, settings.alerts.rules
    assert (camera.name, camera.source, camera.notes) == (text, text, text)
    assert settings.detection.model == text
    assert settings.simulator.dead_keys == (text,)
    # A channel's config takes anything, nothing too.
    password = None if text.lower() == "null" else text
    assert settings.alerts.notification_channels[0].config == {"password": password}
    assert (rule.name, rule.labels) == (text, {"camera": text})


@pytest.mark.parametrize("text", ["12345678", "00000010", "1.100000", "0x1F0000", "2024-05-01"])
def test_a_token_keeps_its_zeros(configured, text):
    token = load(*configured({"serving.yaml": f"serving: {{token: {text}}}"})).serving.token
    assert token.get_secret_value() == text


def test_ids_that_were_one_number_are_two_texts(configured):
    files = {
        "cameras.yaml": "cameras: [{id: 10, source: a}, {id: 010, source: b}, {id: 8, source: c}]"
    }
    assert [camera.id for camera in load(*configured(files)).cameras] == ["10", "010", "8"]


def test_a_topic_may_have_a_number_for_a_name(configured):
    text = "kafka: {topics: {detection_results: 007, assessment_tasks: {name: 1.10}}}"
    topics = load(*configured({"kafka.yaml": text})).kafka.topics
    assert (topics.detection_results.name, topics.assessment_tasks.name) == ("007", "1.10")


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("10", 10), ("010", 10), ("0x1F", 31), ("0o17", 15), ("1_000", 1000), ("1e1", 10),
        ('"20"', 20), ("+7", 7),
    ],
)  # fmt: skip
def test_a_whole_number_is_read_as_people_read_it(configured, text, number):
    files = {"kafka.yaml": f"kafka: {{producer: {{linger_ms: {text}}}}}"}
    assert load(*configured(files)).kafka.producer.linger_ms == number


@pytest.mark.parametrize("text", ["12:30", "0b11", "ten", "1.5", "2024-05-01", "1 000"])
def test_what_is_no_number_is_refused_as_it_was_written(configured, text):
    (problem,) = problems(
        *configured(
            {"kafka.yaml": f"kafka: {{connect_timeout_s: 5, producer: {{linger_ms: {text}}}}}"}
        )
    )
    assert "kafka.yaml:1: kafka.producer.linger_ms must be a whole number, got" in problem
    assert text in problem


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("true", True), ("True", True), ("yes", True), ("on", True), ("Yes", True), ("1", True),
        ("false", False), ("no", False), ("off", False), ("OFF", False), ("0", False),
        ('"yes"', True),
    ],
)  # fmt: skip
def test_yes_and_no_are_still_true_and_false_where_these_are_wanted(configured, text, meant):
    files = {"detection.yaml": f"tasks: {{gate: {{enabled: {text}}}}}"}
    assert load(*configured(files)).tasks.gate.enabled is meant


@pytest.mark.parametrize("text", ["", "~", "null", "NULL"])
def test_nothing_is_nothing_where_a_setting_may_be_unset(configured, text):
    files = {
        "serving.yaml": f"serving: {{token: {text}}}\nlake: {{catalog: {text}}}",
        "api_keys.yaml": f"scheduler: {text}\nprovider: {{read_timeout_s: {text}}}",
    }
    settings = load(*configured(files))
    assert (settings.serving.token, settings.lake.catalog) == (None, None)
    assert settings.provider.read_timeout_s is None


@pytest.mark.parametrize("text", ["", "~"])
def test_nothing_is_no_id(configured, text):
    (problem,) = problems(*configured({"cameras.yaml": f"cameras: [{{id: {text}, source: a}}]"}))
    assert problem.endswith("cameras[0].id must be text, got nothing")


def test_anchors_and_merges_work_and_lines_are_those_of_the_value(configured):
    text = """
        cameras:
          - &first
            id: 001
            source: a.mp4
            priority: 7
          - <<: *first
            id: 002
            priority: 700
    """
    (problem,) = problems(*configured({"cameras.yaml": text}))
    assert "cameras.yaml:9: cameras[1].priority must be 100 or less, got 700" in problem


def test_three_levels_of_merges_hold_no_name_twice(configured):
    text = """
        cameras:
          - &a {id: 1, source: a, priority: 1}
          - &b {<<: *a, id: 2, priority: 2}
          - {<<: *b, id: 3, priority: 3}
    """
    cameras = load(*configured({"cameras.yaml": text})).cameras
    assert [(c.id, c.source, c.priority) for c in cameras] == [
        ("1", "a", 1),
        ("2", "a", 2),
        ("3", "a", 3),
    ]


@pytest.mark.parametrize(
    "text", ["cameras: &a [*a]", "cameras: [{{id: 1}: 2}]", "cameras: [!!python/name:os.system x]"]
)
def test_yaml_that_is_a_trap_is_one_problem(configured, text):
    (problem,) = problems(*configured({"cameras.yaml": text}))
    assert "not YAML" in problem


def test_a_name_that_is_there_twice_is_shown_only_if_it_is_one_of_ours(configured):
    text = "api_keys:\n  - sk-0123456789abcdef: 1\n    sk-0123456789abcdef: 2\n"
    found = problems(*configured({"api_keys.yaml": text}))
    assert "api_keys.yaml:3: a name is there twice" in found[0]
    assert "0123456789abcdef" not in "".join(found)


def test_the_numbers_of_the_core_schema():
    read = [as_wanted(Plain(text), float) for text in (".inf", "-.inf", "1e3", ".5", "1.", "7")]
    assert read == [math.inf, -math.inf, 1000.0, 0.5, 1.0, 7]
    assert math.isnan(as_wanted(Plain(".nan"), float))
    assert as_wanted(Plain("9" * 5000), int) == "9" * 5000


def test_a_port_of_a_mail_server_may_be_a_number_or_text(configured):
    config = {"smtp_host": "h", "recipients": ["a@b"], "smtp_port": 2525}
    for port in (2525, "2525"):
        channel = {"type": "email", "config": config | {"smtp_port": port}}
        text = f"alerts: {{notification_channels: [{json.dumps(channel)}]}}"
        (made,) = load(*configured({"monitoring.yaml": text})).alerts.notification_channels
        assert ":2525/" in made.address()


@pytest.mark.parametrize("kind", [tuple[str, ...], list[str], frozenset[str], list[str] | None])
def test_a_list_of_texts_of_any_kind_holds_texts(kind):
    assert as_wanted([Plain("010"), Plain("1.10")], kind) == ["010", "1.10"]


def test_nothing_is_nothing_where_anything_goes(configured):
    text = (
        "alerts: {notification_channels: [{type: email, enabled: false, config: {password: null}}]}"
    )
    (channel,) = load(*configured({"monitoring.yaml": text})).alerts.notification_channels
    assert channel.config == {"password": None}
