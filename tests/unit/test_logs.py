"""Every line is JSON, and no line shows a secret, wherever in the record it hides."""

import json
import logging
import sys
import threading

import pytest

from streaming.logs import JsonLines, configure, mask_url

SECRET = 'sk-"quoted"\\and/秘密'


def line_of(message="", *args, secrets=(SECRET,), exc_info=None, **extra):
    record = logging.LogRecord("camera", logging.INFO, "x.py", 1, message, args, exc_info)
    vars(record).update(extra)
    text = JsonLines(secrets).format(record)
    assert "\n" not in text
    return text


def fields_of(*args, **kwargs):
    return json.loads(line_of(*args, **kwargs))


def test_a_line_has_time_level_logger_message_and_the_extra_fields():
    fields = fields_of("frame %d of %s", 7, "东门", camera_id="3", latency_ms=1.5, online=True)
    assert fields.pop("time").endswith("+00:00")
    assert fields == {
        "level": "info",
        "logger": "camera",
        "message": "frame 7 of 东门",
        "camera_id": "3",
        "latency_ms": 1.5,
        "online": True,
    }


@pytest.mark.parametrize(
    "extra",
    [
        {"key": SECRET},
        {"request": {"headers": {"Authorization": f"Bearer {SECRET}"}}},
        {"keys": [SECRET, (SECRET, {SECRET})]},
        {SECRET: 1},
        {"by_key": {SECRET: 1}},
        {"body": SECRET.encode()},
        {"cause": ValueError(SECRET)},
    ],
)
def test_a_secret_is_masked_in_every_field(extra):
    line = line_of("calling", **extra)
    assert SECRET not in line
    assert json.dumps(SECRET, ensure_ascii=False)[1:-1] not in line
    assert "***" in line


def test_a_secret_is_masked_in_the_message_and_in_the_traceback_with_its_causes():
    def fail():
        try:
            int(SECRET)
        except ValueError as exc:
            raise OSError("rtsp://admin:pa55@10.0.0.5/1 failed") from exc

    with pytest.raises(OSError, match="failed") as raised:
        fail()
    exc_info = (raised.type, raised.value, raised.tb)
    fields = fields_of("key %s", SECRET, exc_info=exc_info, secrets=(SECRET, repr(SECRET)[1:-1]))
    assert fields["message"] == "key ***"
    assert "invalid literal for int() with base 10: '***'" in fields["traceback"]
    assert "rtsp://***@10.0.0.5/1 failed" in fields["traceback"]
    assert "pa55" not in fields["traceback"]


def test_a_secret_that_is_a_number_is_masked_as_a_number_too():
    assert fields_of("x", secrets=("12345678",), token=12345678)["token"] == "***"


def test_of_two_secrets_the_longer_goes_first():
    assert fields_of("abc-long abc", secrets=("abc", "abc-long"))["message"] == "*** ***"


def test_an_empty_secret_masks_nothing():
    assert fields_of("plain", secrets=("",))["message"] == "plain"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("rtsp://admin:pa55@10.0.0.5:554/1", "rtsp://***@10.0.0.5:554/1"),
        ("rtsp://admin:p@55@10.0.0.5/1", "rtsp://***@10.0.0.5/1"),
        ("rtsp://admin:pa/55#@10.0.0.5/1", "rtsp://***@10.0.0.5/1"),
        ("REDIS://:pa55@r:6379/0 is away", "REDIS://***@r:6379/0 is away"),
        ("http://user@host/a and http://u:p@b/", "http://***@host/a and http://***@b/"),
        ("http://127.0.0.1:8900/v1", "http://127.0.0.1:8900/v1"),
        ("http://host:80/live/me@home", "http://host:80/live/me@home"),
        ("https://hook/send?access_token=abc&x=1", "https://hook/send?access_token=***&x=1"),
        ("https://hook/send?key=abc", "https://hook/send?key=***"),
        ("postgres:host=db user=lake password=abc", "postgres:host=db user=lake password=***"),
        ("postgres:password='a b' host=db", "postgres:password=*** host=db"),
        ("mail to someone@example.org", "mail to someone@example.org"),
    ],
)
def test_addresses_are_shown_without_their_credentials(text, shown):
    assert mask_url(text) == shown


def test_a_line_whose_arguments_do_not_fit_is_not_lost():
    assert fields_of("%d frames", "many")["message"] == "%d frames ('many',)"


def test_text_that_utf_8_cannot_hold_is_not_lost():
    assert fields_of("a\ud800b")["message"] == "a\\ud800b"


@pytest.fixture
def restored_logging(monkeypatch):
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    yield
    for handler in root.handlers:
        handler.close()
    logging.captureWarnings(False)
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.usefixtures("restored_logging")
def test_lines_go_to_stderr_and_to_the_file_and_a_crash_is_one_of_them(tmp_path, capsys):
    file = tmp_path / "logs" / "app.log"
    configure(file=file, secrets=["hidden"])
    logging.getLogger("a").info("行人 %s", "hidden")
    sys.excepthook(RuntimeError, RuntimeError("hidden"), None)
    thread = threading.Thread(target=[].pop, name="reader-1")
    thread.start()
    thread.join()
    lines = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    assert [line["message"] for line in lines] == ["行人 ***", "uncaught", "thread reader-1 ended"]
    assert "RuntimeError: ***" in lines[1]["traceback"]
    assert "IndexError" in lines[2]["traceback"]
    assert capsys.readouterr().err == file.read_text("utf-8")
