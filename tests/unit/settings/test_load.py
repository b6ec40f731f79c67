"""Defaults, files, running embedded services, environment: each has its say in this order."""

import json

import pytest

from streaming.settings import load


def test_the_shipped_files_load_without_a_word():
    settings = load(environ={})
    assert settings.warnings == ()
    assert settings.simulated
    assert [(camera.id, camera.name) for camera in settings.cameras] == [
        ("1", "Harbour Road"),
        ("2", "Station Square"),
        ("3", "Mill Bridge"),
        ("4", "School Lane"),
    ]
    assert len({camera.source for camera in settings.cameras}) == 4


def test_the_shipped_files_say_nothing_but_the_defaults_besides_the_cameras(configured):
    shipped, bare = load(environ={}), load(*configured())
    left_out = {"cameras", "state_dir"}
    assert shipped.model_dump(exclude=left_out) == bare.model_dump(exclude=left_out)


def test_a_missing_file_means_defaults(configured):
    settings = load(*configured())
    assert settings.kafka.bootstrap_servers == "localhost:9092"
    assert settings.detection.interval_s == 1.8
    assert settings.cameras == ()
    assert settings.kafka.consumer.auto_offset_reset == "earliest"


def test_an_empty_file_and_an_empty_section_mean_defaults(configured):
    files = {"kafka.yaml": "", "detection.yaml": "# nothing\n", "serving.yaml": "serving:\n"}
    assert load(*configured(files)).serving.api.port == 5000


def test_a_topic_is_a_name_or_a_mapping_and_keeps_its_own_defaults(configured):
    text = """
        kafka:
          topics:
            assessment_tasks: {name: tasks-of-mine, partitions: 32}
            risk_assessment_results: verdicts
            camera_control: {retention_ms: 3600000}
    """
    topics = load(*configured({"kafka.yaml": text})).kafka.topics
    tasks = topics.assessment_tasks
    assert (tasks.name, tasks.partitions, tasks.retention_ms) == ("tasks-of-mine", 32, 7_200_000)
    assert topics.risk_assessment_results.name == "verdicts"
    assert topics.camera_control.compacted
    letters = [t for t in topics.all() if t.name.endswith(".dlq")]
    assert [(t.name, t.partitions, t.retention_ms) for t in letters][1:3] == [
        ("tasks-of-mine.dlq", 4, 604_800_000),
        ("verdicts.dlq", 4, 604_800_000),
    ]


@pytest.mark.parametrize(
    ("environ", "read", "value"),
    [
        ({"KAFKA_BOOTSTRAP_SERVERS": "a:1, b:2"}, lambda s: s.kafka.bootstrap_servers, "a:1,b:2"),
        ({"KAFKA_BOOTSTRAP_SERVERS": " "}, lambda s: s.kafka.bootstrap_servers, "localhost:9092"),
        ({"REDIS_URL": "redis://r:1/2"}, lambda s: s.redis.url, "redis://r:1/2"),
        ({"TRAFFICMON_LAKE_CATALOG": "postgres:dbname=x"}, lambda s: s.lake.catalog, "postgres:dbname=x"),
        ({"TRAFFICMON_DETECTION__INTERVAL_S": "0.5"}, lambda s: s.detection.interval_s, 0.5),
        ({"TRAFFICMON_SERVING__API__PORT": "5001"}, lambda s: s.serving.api.port, 5001),
        ({"TRAFFICMON_SCHEDULER__ADAPTIVE_COOLDOWN": "no"}, lambda s: s.scheduler.adaptive_cooldown, False),
        ({"TRAFFICMON_SIMULATOR__DEAD_KEYS": "[sim-1]"}, lambda s: s.simulator.dead_keys, ("sim-1",)),
        ({"TRAFFICMON_SERVING__TOKEN": "0123456789"}, lambda s: s.serving.token.get_secret_value(), "0123456789"),
        ({"TRAFFICMON_LAKE__CATALOG": "null"}, lambda s: s.lake.catalog, None),
        ({"TRAFFICMON_STATE_DIR": "elsewhere"}, lambda s: str(s.state_dir), "elsewhere"),
        ({"TRAFFICMON_LOGS_DIR": "l", "TRAFFICMON_REPORTS_DIR": "r"}, lambda s: (str(s.logs_dir), str(s.reports_dir)), ("l", "r")),
    ],
)  # fmt: skip
def test_the_environment_has_the_last_word(configured, environ, read, value):
    files = {
        "detection.yaml": "detection: {interval_s: 9}",
        "serving.yaml": "serving: {api: {port: 9}}",
    }
    assert read(load(*configured(files, **environ))) == value


def test_a_variable_changes_one_value_and_leaves_its_neighbours(configured):
    files = {"kafka.yaml": "kafka: {producer: {linger_ms: 3, batch_size: 2048}}"}
    producer = load(*configured(files, TRAFFICMON_KAFKA__PRODUCER__LINGER_MS="5")).kafka.producer
    assert (producer.linger_ms, producer.batch_size) == (5, 2048)


def test_the_folder_may_come_from_the_environment(configured):
    folder, environ = configured({"detection.yaml": "detection: {iou: 0.7}"})
    assert load(environ=environ | {"TRAFFICMON_CONFIG_DIR": str(folder)}).detection.iou == 0.7


# --- ${VARIABLES} in files ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environ", "linger_ms"), [({}, 7), ({"LINGER": ""}, 7), ({"LINGER": "9"}, 9)]
)
def test_a_variable_in_a_file_may_have_a_default_and_takes_the_settings_type(
    configured, environ, linger_ms
):
    files = {"kafka.yaml": 'kafka: {producer: {linger_ms: "${LINGER:-7}"}}'}
    assert load(*configured(files, **environ)).kafka.producer.linger_ms == linger_ms


def test_a_variable_may_be_a_part_of_a_value_at_any_depth(configured):
    files = {
        "cameras.yaml": """
            cameras:
              - id: 1
                source: rtsp://${CAMERA_USER}:${CAMERA_PASSWORD}@${CAMERA_HOST:-10.0.0.5}/1
        """
    }
    settings = load(*configured(files, CAMERA_USER="u", CAMERA_PASSWORD="0123456789"))
    assert settings.cameras[0].source == "rtsp://u:0123456789@10.0.0.5/1"
    assert settings.secrets() == ("0123456789",)


def test_a_key_from_a_variable_may_look_like_a_number(configured):
    files = {"api_keys.yaml": 'api_keys: [{key: "${A}"}, {key: 12345678}]'}
    keys = load(*configured(files, A="007")).api_keys
    assert [key.key.get_secret_value() for key in keys] == ["007", "12345678"]


# --- keys and the simulator ---------------------------------------------------------------------


def test_without_a_key_the_simulator_answers(configured):
    settings = load(*configured({}, TRAFFICMON_SIMULATOR__PORT="8910"))
    assert settings.simulated
    assert settings.provider.base_url == "http://127.0.0.1:8910/v1"
    assert [(k.id, k.key.get_secret_value(), k.qps_limit, k.rpm_limit) for k in settings.api_keys] == [
        ("sim-1", "sim-1", 10, 300),
        ("sim-2", "sim-2", 10, 300),
        ("sim-3", "sim-3", 10, 300),
    ]  # fmt: skip
    assert settings.secrets() == ()


@pytest.mark.parametrize("file", [None, "api_keys: []", "api_keys:"])
def test_keys_from_the_environment_serve_where_the_file_has_none(configured, file):
    files = {"api_keys.yaml": file} if file else {}
    settings = load(*configured(files, DASHSCOPE_API_KEY="sk-aaaaaaaa, sk-bbbbbbbb,"))
    assert [key.id for key in settings.api_keys] == ["key_1", "key_2"]
    assert not settings.simulated
    assert settings.secrets() == ("sk-aaaaaaaa", "sk-bbbbbbbb")


def test_keys_of_the_file_come_before_those_of_the_environment(configured):
    files = {"api_keys.yaml": "api_keys: [{key: sk-file, id: a, account: x}, {key: sk-other}]"}
    settings = load(*configured(files, DASHSCOPE_API_KEY="sk-env"))
    assert [(key.id, key.account) for key in settings.api_keys] == [("a", "x"), ("key_2", None)]


def test_a_provider_of_ones_own_is_asked_with_ones_own_key(configured):
    settings = load(
        *configured({}, TRAFFICMON_PROVIDER_BASE_URL="http://vllm:8000/v1", DASHSCOPE_API_KEY="x")
    )
    assert settings.provider.base_url == "http://vllm:8000/v1"
    assert not settings.simulated


# --- cameras ------------------------------------------------------------------------------------


def test_cameras_of_the_environment_replace_the_files(configured):
    files = {"cameras.yaml": "cameras: [{id: 9, source: a.mp4}]"}
    sources = 'films/junction.mp4 rtsp://u:p@10.0.0.5/1 synthetic://junction?seed=1 0 "my film.mp4"'
    cameras = load(*configured(files, CAMERAS=sources)).cameras
    assert [(c.id, c.name, c.source) for c in cameras] == [
        ("1", "junction", "films/junction.mp4"),
        ("2", "10.0.0.5 2", "rtsp://u:p@10.0.0.5/1"),
        ("3", "junction 3", "synthetic://junction?seed=1"),
        ("4", "Camera 4", "0"),
        ("5", "my film", "my film.mp4"),
    ]


def test_a_camera_needs_an_id_and_a_source_only_and_numbers_will_do(configured):
    files = {"cameras.yaml": "cameras: [{id: 7, source: 0}, {id: gate-2, source: /dev/video1}]"}
    cameras = load(*configured(files)).cameras
    assert [(c.id, c.name, c.source, c.enabled, c.priority) for c in cameras] == [
        ("7", "Camera 7", "0", True, 50),
        ("gate-2", "Camera gate-2", "/dev/video1", True, 50),
    ]


# --- running embedded services ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "environ", "expected"),
    [
        ({}, {}, "127.0.0.1:9099"),
        ({"kafka.yaml": 'kafka: {bootstrap_servers: "localhost:9092"}'}, {}, "127.0.0.1:9099"),
        ({"kafka.yaml": 'kafka: {bootstrap_servers: "mine:9092"}'}, {}, "mine:9092"),
        ({}, {"KAFKA_BOOTSTRAP_SERVERS": "theirs:1"}, "theirs:1"),
        ({}, {"KAFKA_BOOTSTRAP_SERVERS": "localhost:9092"}, "localhost:9092"),
    ],
)
def test_a_running_embedded_broker_is_found_unless_another_was_asked_for(
    configured, tmp_path, files, environ, expected
):
    folder, environ = configured(files, **environ)
    (tmp_path / "state").mkdir()
    endpoints = {"kafka.bootstrap_servers": "127.0.0.1:9099", "simulator.port": 8999}
    (tmp_path / "state" / "endpoints.json").write_text(json.dumps(endpoints))
    settings = load(folder, environ)
    assert settings.kafka.bootstrap_servers == expected
    assert settings.provider.base_url == "http://127.0.0.1:8999/v1"


@pytest.mark.parametrize(
    "note", ["", "[1]", "null", '{"redis.url": 5, "simulator.port": "x", "scheduler": {}}', "\xff"]
)
def test_a_note_of_endpoints_that_makes_no_sense_is_passed_over(configured, tmp_path, note):
    folder, environ = configured()
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "endpoints.json").write_text(note, encoding="latin-1")
    assert load(folder, environ).redis.url == "redis://127.0.0.1:6379/0"


@pytest.mark.parametrize(
    ("written", "mode"),
    [("on", "on"), ("off", "off"), ("auto", "auto"), ('"on"', "on"), ("schema", "schema")],
)
def test_a_bare_on_or_off_is_a_word_where_words_are_meant(configured, written, mode):
    files = {"api_keys.yaml": f"provider: {{json_mode: {written}}}"}
    assert load(*configured(files)).provider.json_mode == mode


def test_the_simulator_is_asked_where_it_listens():
    settings = load(environ={"TRAFFICMON_SIMULATOR__HOST": "simulator"})
    assert settings.simulated
    assert settings.provider.base_url == "http://simulator:8900/v1"
