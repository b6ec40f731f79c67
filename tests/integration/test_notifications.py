"""Notices to real receivers on this machine."""

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from streaming.embedded import ports
from streaming.notify import a_test, deliver
from streaming.notify.deliver import Patience
from streaming.settings import NotificationChannel
from tests.receivers import MailServer, WebhookReceiver

ROOT = Path(__file__).parents[2]
NOTICE = a_test(datetime(2026, 11, 25, 12, tzinfo=UTC), "http://127.0.0.1:5000/#/system")
AT_ONCE = Patience(attempts=3, first_wait_s=0.01)


@pytest.fixture
def receiver():
    started = []

    def start(**options):
        started.append(WebhookReceiver(**options))
        return started[-1]

    yield start
    for one in started:
        one.close()


def webhook(url, **config):
    return NotificationChannel(type="webhook", config={"url": url} | config)


def test_a_webhook_gets_one_message_with_its_headers(receiver):
    hook = receiver()
    channel = webhook(hook.url, headers={"Authorization": "Bearer abcdefgh"})
    (delivery,) = deliver([channel], [NOTICE, NOTICE], AT_ONCE)
    assert (delivery.delivered, delivery.tries, delivery.error) == (True, 1, None)
    (told,) = hook.bodies
    assert [alert["rule"] for alert in told["alerts"]] == ["notify_test", "notify_test"]
    assert hook.headers[0]["Authorization"] == "Bearer abcdefgh"


def test_a_dead_channel_and_one_that_hangs_keep_nobody_waiting(receiver):
    hook, hanging = receiver(), receiver(hangs=True)
    dead = f"http://127.0.0.1:{ports.any_free()}/hooks/the-t0ken"
    channels = [webhook(dead), webhook(hanging.url), webhook(hook.url)]
    refused, silent, sent = deliver(channels, [NOTICE], Patience(3, 0.01, all_within_s=2.0))
    assert (sent.delivered, len(hook.bodies)) == (True, 1)
    assert (refused.delivered, refused.tries) == (False, 3)
    assert (silent.delivered, silent.error) == (False, "no answer in time")


@pytest.mark.parametrize("status", [301, 400, 500])
def test_what_is_no_2xx_is_tried_three_times_and_shows_no_part_of_the_address(receiver, status):
    hook = receiver(status=status)
    (delivery,) = deliver([webhook(hook.url)], [NOTICE], AT_ONCE)
    assert (delivery.delivered, delivery.tries) == (False, 3)
    assert delivery.error == f"HTTP {status}"


def test_a_mail_has_the_title_and_the_text():
    server = MailServer()
    config = {"smtp_host": "127.0.0.1", "smtp_port": server.port, "security": "insecure"}
    channel = NotificationChannel(
        type="email", config=config | {"recipients": ["ops@example.org", "duty@example.org"]}
    )
    (delivery,) = deliver([channel], [NOTICE], AT_ONCE)
    server.close()
    assert delivery.delivered, delivery.error
    assert len(server.mails) == 2
    assert all("notify_test" in mail for mail in server.mails)


def test_what_apprise_says_of_a_failure_holds_no_secret():
    config = {"smtp_host": "127.0.0.1", "smtp_port": ports.any_free(), "security": "insecure"}
    config |= {"username": "ops", "password": "the-passw0rd", "recipients": ["ops@example.org"]}
    (delivery,) = deliver([NotificationChannel(type="email", config=config)], [NOTICE], AT_ONCE)
    assert not delivery.delivered
    assert delivery.error
    assert "the-passw0rd" not in delivery.error


def test_an_address_that_apprise_does_not_know_is_told():
    with pytest.raises(ValueError, match=r"config\.url that Apprise cannot read") as caught:
        NotificationChannel(type="apprise", config={"url": "carrierpigeon://loft/secret"})
    assert "loft" not in str(caught.value)


def notify_test(folder, channels, *arguments):
    lines = "\n".join(f"    - {channel}" for channel in channels)
    text = f"alerts:\n  notification_channels:\n{lines}\n" if channels else ""
    (folder / "monitoring.yaml").write_text(text)
    return subprocess.run(
        [sys.executable, "-m", "streaming.cli", "notify", "test", *arguments],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
        env=os.environ | {"TRAFFICMON_CONFIG_DIR": str(folder), "COLUMNS": "120"},
    )  # fmt: skip


def test_the_command_tries_every_channel_or_one(receiver, tmp_path):
    hook = receiver()
    dead = f"http://127.0.0.1:{ports.any_free()}/hooks/the-t0ken"
    channels = [
        f"{{type: webhook, name: good, config: {{url: '{hook.url}'}}}}",
        f"{{type: webhook, name: dead, config: {{url: '{dead}'}}}}",
    ]
    everyone = notify_test(tmp_path, channels)
    one = notify_test(tmp_path, channels, "--channel", "good")
    assert (everyone.returncode, one.returncode) == (1, 0)
    assert hook.alerts == [("notify_test", "test")] * 2
    assert "the-t0ken" not in everyone.stdout + everyone.stderr
    assert notify_test(tmp_path, channels, "--channel", "pigeon").returncode == 1
    nobody = notify_test(tmp_path, [])
    assert nobody.returncode == 1
    assert "alerts.notification_channels" in nobody.stderr
