"""What is told, as text and as JSON."""

import json
from datetime import UTC, datetime

import msgspec
import pytest

from streaming.notify import Notice, a_test
from streaming.notify.masking import masked
from streaming.notify.notice import MOST_LINES, body, text, title
from streaming.settings import NotificationChannel

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


def notice(**fields):
    lag = Notice(
        id="kafka_lag{group=scheduling}", rule="kafka_lag", metric="kafka_consumer_lag",
        state="firing", severity="warning", labels={"group": "scheduling"}, value=1512.0,
        threshold=1000.0, comparison=">", unit="messages", message="too far behind", since=NOON,
        at=NOON, link="http://127.0.0.1:5000/#/system",
    )  # fmt: skip
    return msgspec.structs.replace(lag, **fields)


@pytest.mark.parametrize(
    ("notices", "said"),
    [
        ([notice()], "[warning] kafka_lag{group=scheduling} firing"),
        ([notice(reminder=True)], "[warning] kafka_lag{group=scheduling} still firing"),
        ([notice(state="resolved")], "[warning] kafka_lag{group=scheduling} resolved"),
        ([notice(), notice()], "Trafficmon: 2 firing"),
        ([notice(), notice(state="resolved")], "Trafficmon: 1 firing, 1 resolved"),
        ([a_test(NOON, "http://x")], "[info] notify_test test"),
    ],
)
def test_a_title_says_what_and_how(notices, said):
    assert title(notices) == said


def test_a_text_ends_after_twenty_alerts():
    lines = text([notice()] * (MOST_LINES + 30)).splitlines()
    assert lines[:2] == ["firing: too far behind", "http://127.0.0.1:5000/#/system"]
    assert lines[-1] == "and 30 more"
    assert len(lines) == 2 * MOST_LINES + 1


def test_a_webhook_is_sent_what_docs_alerts_md_shows():
    sent = json.loads(body([notice()]))
    assert sent.keys() == {"schemaVersion", "source", "state", "title", "alerts"}
    assert (sent["schemaVersion"], sent["source"], sent["state"]) == (1, "trafficmon", "firing")
    assert sent["alerts"] == [
        {
            "id": "kafka_lag{group=scheduling}",
            "rule": "kafka_lag",
            "metric": "kafka_consumer_lag",
            "state": "firing",
            "severity": "warning",
            "labels": {"group": "scheduling"},
            "value": 1512.0,
            "threshold": 1000.0,
            "comparison": ">",
            "unit": "messages",
            "message": "too far behind",
            "since": "2026-11-25T12:00:00Z",
            "at": "2026-11-25T12:00:00Z",
            "link": "http://127.0.0.1:5000/#/system",
            "reminder": False,
        }
    ]


@pytest.mark.parametrize(
    "said",
    [
        "POST https://hooks.example.org/a/T0KENPART?key=qwertz failed",
        "host hooks.example.org refused T0KENPART",
        "key qwertz, header Bearer abcdefgh",
        "a\nmany\nlined https://user:pw@elsewhere/ text",
    ],
)
def test_no_piece_of_an_address_is_repeated(said):
    config = {
        "url": "https://hooks.example.org/a/T0KENPART?key=qwertz",
        "headers": {"Authorization": "Bearer abcdefgh"},
    }
    shown = masked(said, NotificationChannel(type="webhook", config=config))
    for piece in ("hooks.example.org", "T0KENPART", "qwertz", "abcdefgh", "user:pw", "\n"):
        assert piece not in shown
