"""Each problem is one line that names the file or variable and the setting; all are listed."""

import pytest

from streaming.detection.sources.address import kind_of
from streaming.errors import ConfigError
from streaming.settings import load, problems
from streaming.settings.cameras import SCHEMES

WRONG = [
    # names
    ("kafka.yaml", "kafka: {producer: {linger_msec: 3}}", "kafka.producer.linger_msec is not a setting; did you mean linger_ms?"),
    ("kafka.yaml", "kafka: {linger_ms: 3}", "kafka.linger_ms is not a setting; did you mean kafka.producer.linger_ms?"),
    ("kafka.yaml", "kafkaa: {}", "kafkaa is not a setting; did you mean kafka?"),
    ("kafka.yaml", "kafka: {topics: {assessment_tasks: {name: a, partition: 1}}}", "kafka.topics.assessment_tasks.partition is not a setting; did you mean partitions?"),
    ("kafka.yaml", "redis: {}", "redis does not belong here; it belongs in serving.yaml"),
    ("api_keys.yaml", "api_keys: [{key: a, rpm: 3}]", "api_keys[0].rpm is not a setting; did you mean rpm_limit?"),
    ("cameras.yaml", "cameras: [{id: 1, source: a, url: b}]", "cameras[0].url is not a setting; did you mean redis.url?"),
    ("serving.yaml", "serving: {zzz: 1}", "serving.zzz is not a setting; there are host, api, dagster, metrics, token, trusted_proxies, user_header, camera_networks, aggregation"),
    # values
    ("kafka.yaml", "kafka: {topics: {assessment_tasks: {name: a, partitions: 0}}}", "kafka.topics.assessment_tasks.partitions must be 1 or more, got 0"),
    ("kafka.yaml", "kafka: {topics: {assessment_tasks: a b}}", "kafka.topics.assessment_tasks.name must be 1 to 200 letters, digits and . _ -, got 'a b'"),
    ("kafka.yaml", "kafka: {topics: {assessment_tasks: [a]}}", "kafka.topics.assessment_tasks must be a mapping of settings, got a list"),
    ("kafka.yaml", "kafka: {bootstrap_servers: nowhere}", "kafka.bootstrap_servers must be host:port, several of them joined by commas, got 'nowhere'"),
    ("kafka.yaml", "kafka: {producer: {compression_type: brotli}}", "kafka.producer.compression_type must be one of 'none', 'gzip', 'snappy', 'lz4' or 'zstd', got 'brotli'"),
    ("kafka.yaml", "kafka: {producer: {linger_ms: true}}", "kafka.producer.linger_ms must be a number, got true"),
    ("kafka.yaml", "kafka: {producer: {linger_ms: 1.5}}", "kafka.producer.linger_ms must be a whole number, got 1.5"),
    ("kafka.yaml", "kafka: {producer: {linger_ms: }}", "kafka.producer.linger_ms must be a whole number, got nothing"),
    ("kafka.yaml", "kafka: {consumer: {enable_auto_commit: perhaps}}", "kafka.consumer.enable_auto_commit must be true or false, got 'perhaps'"),
    ("kafka.yaml", "kafka: 5", "kafka must be a mapping of settings, got 5"),
    ("api_keys.yaml", "api_keys: [{key: a}, {key: b}, {key: c, rpm_limit: -5}]", "api_keys[2].rpm_limit must be 1 or more, got -5"),
    ("api_keys.yaml", "api_keys: [{key: a, qps_limit: .nan}]", "api_keys[0].qps_limit must be a finite number, got nan"),
    ("api_keys.yaml", "api_keys: [{rpm_limit: 3}]", "api_keys[0].key is missing"),
    ("api_keys.yaml", "api_keys: [sk-abc]", "api_keys[0] must be a mapping of settings"),
    ("api_keys.yaml", "api_keys: {key: a}", "api_keys must be a list, got a mapping"),
    ("api_keys.yaml", "api_keys: [{key: 'a b'}]", "api_keys[0].key must be a key: letters, digits and signs, without spaces or line breaks"),
    ("api_keys.yaml", "api_keys: [{key: a, id: 'x y'}]", "api_keys[0].id must be 1 to 64 letters, digits and . _ -"),
    ("api_keys.yaml", "scheduler: {min_cooldown: 60, max_cooldown: 10}", "scheduler must have min_cooldown (60) no longer than max_cooldown (10)"),
    ("api_keys.yaml", "scheduler: {queue_size: .inf}", "scheduler.queue_size must be a finite number, got inf"),
    ("api_keys.yaml", "prompt: {min_confidence: {low: 0.9}}", "prompt.min_confidence must rise from low to medium to high"),
    ("api_keys.yaml", "prompt: {language: fr}", "prompt.language must be one of 'auto', 'zh' or 'en', got 'fr'"),
    ("api_keys.yaml", "provider: {base_url: 'http://127.0.0.1:1/v1'}", "provider.base_url is set and there is no key"),
    ("api_keys.yaml", "provider: {base_url: dashscope}\napi_keys: [{key: a}]", "provider.base_url must be an http or https address"),
    ("cameras.yaml", "cameras: [{id: 1, source: 'ftp://x'}]", "not ftp; a file's path and a webcam's number need no scheme"),
    ("cameras.yaml", "cameras: [{id: 1, source: 'rtsp:10.0.0.5'}]", "cameras[0].source must have // after the scheme"),
    ("cameras.yaml", "cameras: [{id: 1, source: 'rtsp://'}]", "cameras[0].source must say what to open after rtsp://"),
    ("cameras.yaml", "cameras: [{id: 1, source: 'synthetic://crossing'}]", "cameras[0].source must be synthetic://junction"),
    ("cameras.yaml", "cameras: [{id: 1, source: ''}]", "cameras[0].source must not be empty"),
    ("cameras.yaml", "cameras: [{id: 1}]", "cameras[0].source is missing"),
    ("cameras.yaml", "cameras: [{id: a/b, source: a}]", "cameras[0].id must be 1 to 64 letters, digits and . _ -, got 'a/b'"),
    ("cameras.yaml", "cameras: [{id: 1, source: a, name: [5]}]", "cameras[0].name must be text, got a list"),
    ("cameras.yaml", "cameras: [{id: 1, source: a, priority: 101}]", "cameras[0].priority must be 100 or less, got 101"),
    ("cameras.yaml", "cameras: [{id: 1, source: a, privacy_masks: [[[0, 0], [1, 1]]]}]", "cameras[0].privacy_masks[0] must have a length of 3 or more, got a list"),
    ("cameras.yaml", "cameras: [{id: 1, source: a, privacy_masks: [[[0, 0], [1, 1], [0.5, 0.5]]]}]", "cameras[0].privacy_masks polygon must enclose an area"),
    ("cameras.yaml", "cameras: [{id: 1, source: a, privacy_masks: [[[0, 0], [640, 0], [0, 1]]]}]", "cameras[0].privacy_masks[0][1][0] must be 1 or less, got 640"),
    ("cameras.yaml", "cameras: [{id: 1, source: a, zones: [{name: a, kind: runway, polygon: [[0, 0], [1, 0], [1, 1]]}]}]", "cameras[0].zones[0].kind must be one of 'lane', 'no_stopping', 'crossing' or 'parking', got 'runway'"),
    ("cameras.yaml", "cameras: [{id: 1, source: a, zones: [{name: a, kind: lane, polygon: [[0, 0], [1, 0], [1, 1]], direction: [[0, 0], [0, 0]]}]}]", "cameras[0].zones[0] direction must lead from one point to another"),
    ("cameras.yaml", "cameras: [{id: 1, source: a, homography: {image: [[0, 0], [1, 0], [1, 1], [0, 1]], ground_m: [[0, 0], [1, 1], [2, 2], [0, 9]]}}]", "cameras[0].homography ground_m must have no three points on one line"),
    ("detection.yaml", "detection: {classes: [zebra]}", "detection.classes[0] must be one of 'person',"),
    ("detection.yaml", "detection: {classes: []}", "detection.classes must not be empty"),
    ("detection.yaml", "detection: {image_size_px: 321}", "detection.image_size_px must be a multiple of 32, got 321"),
    ("detection.yaml", "detection: {reconnect_min_s: 60}", "detection must have reconnect_min_s (60) no longer than reconnect_max_s (5)"),
    ("serving.yaml", "serving: {host: 0.0.0.0}", "serving.host is 0.0.0.0, which others reach: set serving.token too"),
    ("serving.yaml", "redis: {url: 'http://r'}", "redis.url must be redis://host:port/db, rediss:// for TLS"),
    ("monitoring.yaml", "alerts: {error_rate_threshold: 5}", "alerts.error_rate_threshold must be 1 or less, got 5"),
    ("monitoring.yaml", "alerts: {rules: [{name: a, metric: error_rate, threshold: 1, duration: soon}]}", "alerts.rules[0].duration must be seconds, or a duration such as 30s, 5m, 1h, got 'soon'"),
    ("monitoring.yaml", "alerts: {notification_channels: [{type: pigeon}]}", "alerts.notification_channels[0].type must be one of 'webhook', 'email', 'dingtalk', 'wecom', 'slack' or 'apprise', got 'pigeon'"),
    # twice
    ("kafka.yaml", "kafka: {topics: {detection_results: assessment-tasks}}", "kafka.topics.detection_results is assessment-tasks, as kafka.topics.assessment_tasks is"),
    ("kafka.yaml", "kafka:\n  producer: {linger_ms: 1}\nproducer: {linger_ms: 2}\nkafka:\n", "4: kafka is there twice"),
    ("kafka.yaml", "kafka:\n  producer:\n    linger_ms: 1\n    linger_ms: 2\n", "kafka.yaml:4: linger_ms is there twice"),
    ("api_keys.yaml", "api_keys: [{key: sk-a}, {key: sk-a}]", "api_keys[1].key is the same key, as api_keys[0].key is"),
    ("api_keys.yaml", "api_keys: [{key: a, id: x}, {key: b, id: x}]", "api_keys[1].id is x, as api_keys[0].id is"),
    ("cameras.yaml", "cameras: [{id: 1, source: a}, {id: '1', source: b}]", "cameras[1].id is 1, as cameras[0].id is"),
    # files
    ("kafka.yaml", "- a\n- b", "kafka.yaml: must hold settings as `name: value`, got a list"),
    ("kafka.yaml", "kafka: [1\nb: 2", "kafka.yaml:2: not YAML: "),
    ("kafka.yaml", "kafka:\n\tproducer: 1", "kafka.yaml:2: not YAML: "),
    ("kafka.yml", "kafka: {}", "kafka.yml: is not read; its name must be kafka.yaml"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "text", "said"), WRONG, ids=[said[:60] for *_, said in WRONG])
def test_a_wrong_value_is_one_line_that_names_the_file_and_the_setting(
    configured, tmp_path, file, text, said
):
    found = problems(*configured({file: text}))
    assert len(found) == 1, found
    assert said in found[0]
    assert found[0].startswith(str(tmp_path / file))
    assert "\n" not in found[0]


@pytest.mark.parametrize(
    ("environ", "problem"),
    [
        ({"TRAFFICMON_REDIS__TIMEOUT_S": "never"}, "TRAFFICMON_REDIS__TIMEOUT_S: redis.timeout_s must be a number, got 'never'"),
        ({"TRAFFICMON_REDIS__TIMEOUT": "1"}, "TRAFFICMON_REDIS__TIMEOUT: redis.timeout is not a setting; did you mean timeout_s?"),
        ({"TRAFFICMON_REDISS__URL": "x"}, "TRAFFICMON_REDISS__URL: rediss is not a setting; did you mean redis?"),
        ({"TRAFFICMON_DETECTION__CLASSES": "[car"}, "TRAFFICMON_DETECTION__CLASSES: not YAML"),
        ({"CAMERAS": "a.mp4", "TRAFFICMON_CAMERAS__0__NAME": "x"}, "TRAFFICMON_CAMERAS__0__NAME: cameras is a list, which only a file can change"),
        ({"CAMERAS": "'a.mp4"}, "CAMERAS: no closing quotation"),
        ({"CAMERAS": "a.mp4 gopher://b"}, "CAMERAS: cameras[1].source must begin with"),
        ({"KAFKA_BOOTSTRAP_SERVERS": "here"}, "KAFKA_BOOTSTRAP_SERVERS: kafka.bootstrap_servers must be host:port"),
        ({"REDIS_URL": "redis"}, "REDIS_URL: redis.url must be redis://"),
        ({"TRAFFICMON_PROVIDER_BASE_URL": "http://x/v1"}, "TRAFFICMON_PROVIDER_BASE_URL: provider.base_url is set and there is no key"),
        ({"DASHSCOPE_API_KEY": "sk-a,sk-a"}, "DASHSCOPE_API_KEY: api_keys[1].key is the same key"),
        ({"TRAFFICMON_CONFIG_DIR": "no/such"}, "TRAFFICMON_CONFIG_DIR: there is no folder no/such"),
        ({"TRAFFICMON_SERVING__TOKEN": "short"}, "TRAFFICMON_SERVING__TOKEN: serving.token"),
    ],
)  # fmt: skip
def test_a_wrong_variable_is_named(configured, environ, problem):
    folder, environ = configured({}, **environ)
    found = problems(None if "TRAFFICMON_CONFIG_DIR" in environ else folder, environ)
    assert len(found) == 1, found
    assert found[0].startswith(problem)


def test_a_folder_that_was_asked_for_must_be_there(tmp_path):
    assert problems(tmp_path / "nope", {}) == [f"there is no folder {tmp_path / 'nope'}"]


def test_a_missing_variable_is_one_problem_with_its_place(configured, tmp_path):
    files = {
        "api_keys.yaml": 'api_keys: [{key: a}, {key: "${NOT_THERE}", rpm_limit: "${NOR_THIS}"}]'
    }
    file = tmp_path / "api_keys.yaml"
    assert problems(*configured(files)) == [
        f"{file}:1: api_keys[1].key needs the environment variable NOT_THERE, which is not set",
        f"{file}:1: api_keys[1].rpm_limit needs the environment variable NOR_THIS, which is not set",
    ]


def test_every_problem_of_every_file_and_variable_is_listed(configured):
    files = {
        "kafka.yaml": "kafka: {producer: {linger_ms: -1, batch_size: soon, acks: 7}}\nx: 1",
        "api_keys.yaml": "api_keys: [{key: a, id: b}, {key: a, id: b}]",
        "detection.yaml": "detection: {iou: 3, modell: x}",
        "serving.yaml": "a: [",
        "monitoring.yaml": 'alerts: {kafka_lag_threshold: "${LAG}"}',
    }
    with pytest.raises(ConfigError) as raised:
        load(*configured(files, TRAFFICMON_REDIS__TIMEOUT_S="never"))
    assert len(raised.value.problems) == 11, raised.value.problems
    assert str(raised.value).splitlines() == raised.value.problems


def test_one_missing_bracket_does_not_bring_a_second_problem(configured):
    found = problems(*configured({"api_keys.yaml": "api_keys: [{key: a]\nprovider: {base_url: x}"}))
    assert len(found) == 1


SECRET = "sk-0123456789abcdef"


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("api_keys.yaml", f"api_keys: [{{key: [{SECRET}]}}]"),
        ("api_keys.yaml", f"api_keys: [{{key: {SECRET}, rpm_limit: 0}}]"),
        ("api_keys.yaml", f"api_keys: [{{key: a, rpm_limit: {SECRET}}}]"),
        ("api_keys.yaml", f"api_keys: [{{key: a, enabled: {SECRET}}}]"),
        ("api_keys.yaml", f"api_keys: [{{key: a, {SECRET}: 1}}]"),
        ("api_keys.yaml", f"api_keys: [{SECRET}]"),
        ("api_keys.yaml", f"api_keys: {SECRET}"),
        ("api_keys.yaml", f"api_keys: [{{key: *{SECRET}}}]"),
        ("api_keys.yaml", f"api_keys: [{{key: !{SECRET} x}}]"),
        ("api_keys.yaml", f"api_keys: [{{key: '{SECRET} x'}}]"),
        ("api_keys.yaml", f"api_keys: [{{key: {SECRET}}}, {{key: {SECRET}}}]"),
        ("api_keys.yaml", f"provider: {{base_url: 'ftp://u:{SECRET}@h/'}}\napi_keys: [{{key: a}}]"),
        ("cameras.yaml", f"cameras: [{{id: 1, source: 'gopher://u:{SECRET}@h/'}}]"),
        ("serving.yaml", f"redis: {{url: 'http://:{SECRET}@h/'}}"),
        ("serving.yaml", f"serving: {{token: [{SECRET}]}}"),
        ("monitoring.yaml", f"alerts: {{notification_channels: [{{type: email, config: {SECRET}}}]}}"),
        ("kafka.yaml", f"kafka: {{bootstrap_servers: 'sasl://u:{SECRET}@h'}}"),
        ("kafka.yaml", 'kafka: {producer: {linger_ms: "${THE_SECRET}"}}'),
    ],
)  # fmt: skip
def test_no_problem_shows_a_secret(configured, file, text):
    found = problems(*configured({file: text}, THE_SECRET=SECRET))
    assert found
    assert SECRET not in "\n".join(found)


def test_an_error_shows_the_variable_in_place_of_what_it_held(configured):
    files = {"kafka.yaml": 'kafka: {producer: {linger_ms: "${LINGER}"}}'}
    found = problems(*configured(files, LINGER="a-secret"))
    assert found[0].endswith("kafka.producer.linger_ms must be a whole number, got ${LINGER}")


def test_the_settings_as_text_show_no_secret(configured):
    files = {
        "api_keys.yaml": f"api_keys: [{{key: {SECRET}}}]",
        "cameras.yaml": f"cameras: [{{id: 1, source: 'rtsp://u:{SECRET}@h/1'}}]",
        "serving.yaml": f"redis: {{url: 'redis://:{SECRET}@h/'}}\nserving: {{token: {SECRET}}}",
        "monitoring.yaml": f"""
            alerts: {{notification_channels: [{{type: email, enabled: false, config: {{password: {SECRET}}}}}]}}
        """,
    }
    settings = load(*configured(files))
    assert SECRET not in repr(settings) + str(settings)
    assert SECRET in settings.secrets()


def test_what_a_camera_may_be_is_what_detection_opens():
    assert all(kind_of(f"{scheme}://junction") for scheme in SCHEMES if scheme != "webcam")
    assert kind_of("webcam://2") == "webcam"
    assert kind_of("gopher://host") is None
