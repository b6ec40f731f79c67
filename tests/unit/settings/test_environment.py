"""A variable means what its setting wants, however it came to be written."""

import pytest

from streaming.embedded import discovery
from streaming.settings import folders, load, problems

KEYS = [
    "sk-a", '"sk-a"', "'sk-a'", " sk-a ", "sk-a\n", "sk-a\r\n", '"sk-a"\r\n', "\ufeffsk-a", "sk-a,",
]  # fmt: skip


@pytest.mark.parametrize("text", KEYS)
def test_a_key_is_taken_without_what_an_env_file_put_around_it(configured, text):
    for written in ({}, {"api_keys.yaml": "api_keys:\n- key: ${DASHSCOPE_API_KEY}"}):
        if written and text == "sk-a,":
            continue
        (key,) = load(*configured(written, DASHSCOPE_API_KEY=text)).api_keys
        assert key.key.get_secret_value() == "sk-a"


@pytest.mark.parametrize(
    "text", ['"sk-a,sk-b"', '"sk-a","sk-b"', "'sk-a', 'sk-b'", "sk-a\r,sk-b\r"]
)
def test_several_keys_too(configured, text):
    keys = load(*configured({}, DASHSCOPE_API_KEY=text)).api_keys
    assert [key.key.get_secret_value() for key in keys] == ["sk-a", "sk-b"]


def test_a_key_with_a_line_break_in_it_is_refused_by_name(configured):
    (problem,) = problems(*configured({}, DASHSCOPE_API_KEY="sk-0123456789\nREDIS_URL=x"))
    assert problem.startswith("DASHSCOPE_API_KEY: api_keys[0].key must be a key")
    assert "sk-0123456789" not in problem


@pytest.mark.parametrize("text", ["[::1]:9092", '"[::1]:9092"', " [::1]:9092\r\n"])
def test_an_address_in_brackets_is_text(configured, text):
    settings = load(*configured({}, KAFKA_BOOTSTRAP_SERVERS=text))
    assert settings.kafka.bootstrap_servers == "[::1]:9092"


@pytest.mark.parametrize(
    "text",
    [
        "0123456789",
        "1.10e5000",
        "[12345678",
        "{a: b}xx",
        "#comment",
        "*anchor-x",
        "yes-yes-yes",
        "!!binary",
        "2024-05-01",
    ],
)
def test_a_token_may_begin_with_any_sign(configured, text):
    token = load(*configured({}, TRAFFICMON_SERVING__TOKEN=text)).serving.token
    assert token.get_secret_value() == text


def test_quotes_that_belong_to_a_text_stay(configured):
    for text, token in (
        ('say "hello"', 'say "hello"'),
        ("'\"hello-x\"'", '"hello-x"'),
        ('"hello-xx', '"hello-xx'),
    ):
        settings = load(*configured({}, TRAFFICMON_SERVING__TOKEN=text))
        assert settings.serving.token.get_secret_value() == token


def test_numbers_switches_lists_and_mappings_are_read_as_such(configured):
    settings = load(
        *configured(
            {},
            TRAFFICMON_SERVING__API__PORT='"5001"',
            TRAFFICMON_SCHEDULER__ADAPTIVE_COOLDOWN="off\r",
            TRAFFICMON_SIMULATOR__DEAD_KEYS='"[010, 1e3]"',
            TRAFFICMON_KAFKA__TOPICS__ASSESSMENT_TASKS="{name: 007, partitions: 8}",
            TRAFFICMON_KAFKA__TOPICS__DETECTION_RESULTS="010",
            TRAFFICMON_ALERTS__RULES="[{name: 1.10, metric: error_rate, threshold: 1e-1}]",
        )
    )
    topics = settings.kafka.topics
    assert (settings.serving.api.port, settings.scheduler.adaptive_cooldown) == (5001, False)
    assert settings.simulator.dead_keys == ("010", "1e3")
    assert (topics.assessment_tasks.name, topics.assessment_tasks.partitions) == ("007", 8)
    assert topics.detection_results.name == "010"
    assert (settings.alerts.rules[0].name, settings.alerts.rules[0].threshold) == ("1.10", 0.1)


@pytest.mark.parametrize("text", ["", " ", '""', "''", "\ufeff", "\r\n", '" "'])
def test_an_empty_variable_counts_as_unset_everywhere(configured, text):
    settings = load(
        *configured(
            {"kafka.yaml": "kafka: {bootstrap_servers: 'b:1'}"},
            KAFKA_BOOTSTRAP_SERVERS=text,
            TRAFFICMON_SERVING__TOKEN=text,
            TRAFFICMON_LOGS_DIR=text,
            DASHSCOPE_API_KEY=text,
            CAMERAS=text.replace('" "', "").replace('""', "").replace("''", ""),
        )
    )
    assert settings.kafka.bootstrap_servers == "b:1"
    assert settings.simulated
    assert str(settings.logs_dir) == "logs"


def test_an_empty_variable_asks_for_no_server(tmp_path):
    settings = load(tmp_path, {})
    asked = discovery.plan  # an address that was asked for must answer: this one was not
    with discovery.ports.Reservations(tmp_path / "ports") as reserved:
        found = asked(
            settings.model_copy(update={"state_dir": tmp_path}),
            running={"kafka", "redis"},
            wanted=(),
            reserved=reserved,
            on_progress=print,
            environ={"KAFKA_BOOTSTRAP_SERVERS": "", "REDIS_URL": '""'},
        )
    assert found.external == frozenset()


def test_the_mark_of_an_encoding_at_the_first_name_hides_no_variable(configured):
    folder, environ = configured({})
    settings = load(folder, environ | {"\ufeffREDIS_URL": "redis://r:1/2"})
    assert settings.redis.url == "redis://r:1/2"


@pytest.mark.parametrize(
    "name", ["KAFKA_BOOTSTRAP_SERVERS", "REDIS_URL", "TRAFFICMON_SERVING__HOST"]
)
def test_a_line_break_in_a_value_is_told_by_the_variables_name(configured, name):
    (problem,) = problems(*configured({}, **{name: "a:1\nPASSWORD=abcdefgh"}))
    assert problem.startswith(f"{name}: ")
    assert "must be one line" in problem
    assert "abcdefgh" not in problem


def test_folders_are_read_alike(configured):
    folder, environ = configured({"detection.yaml": "detection: {iou: 0.7}"})
    quoted = {
        "TRAFFICMON_CONFIG_DIR": f'"{folder}"\r',
        "TRAFFICMON_STATE_DIR": "'s'",
        "TRAFFICMON_LOGS_DIR": "l\r",
    }
    settings = load(environ=environ | quoted)
    assert (settings.detection.iou, str(settings.state_dir), str(settings.logs_dir)) == (
        0.7,
        "s",
        "l",
    )
    assert str(folders(quoted).state_dir) == "s"


def test_cameras_keep_the_quotes_that_hold_a_path_together(configured):
    cameras = load(*configured({}, CAMERAS='"my film.mp4"\r\n')).cameras
    assert [camera.source for camera in cameras] == ["my film.mp4"]


def test_two_addresses_in_one_pair_of_quotes_are_told(configured):
    (problem,) = problems(*configured({}, CAMERAS='"rtsp://10.0.0.5/1 rtsp://10.0.0.6/1"'))
    assert problem.startswith("CAMERAS: cameras[0].source must be one address")
