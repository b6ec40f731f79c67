"""Notices to channels: each in a thread of its own, with a few tries and an end to its patience."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from streaming.errors import TrafficmonError
from streaming.notify.masking import masked
from streaming.notify.notice import Notice
from streaming.settings import NotificationChannel

ATTEMPTS = 3
ALL_WITHIN_S = 60.0
_FIRST_WAIT_S = 1.0


class NotDelivered(TrafficmonError):
    """A channel did not take a notice."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a channel is tried, the first wait between tries (doubling), and the end of it."""

    attempts: int = ATTEMPTS
    first_wait_s: float = _FIRST_WAIT_S
    all_within_s: float = ALL_WITHIN_S


@dataclass(slots=True)
class Delivery:
    """How it went with one channel; `error` holds no part of its address."""

    channel: str
    kind: str
    delivered: bool = False
    tries: int = 0
    error: str | None = "no answer in time"
    took_s: float = field(default=0.0)


def deliver(
    channels: Sequence[NotificationChannel],
    notices: Sequence[Notice],
    patience: Patience | None = None,
) -> list[Delivery]:
    """One message with all the notices to every channel, a delivery for each; it never raises.

    A channel that hangs is left behind after `all_within_s`: the others were not kept waiting.
    """
    patience = patience or Patience()
    deadline = time.monotonic() + patience.all_within_s
    tasks = [(channel, Delivery(channel.shown, channel.type)) for channel in channels]
    threads = []
    for channel, delivery in tasks:
        thread = threading.Thread(
            target=_deliver_one, args=(channel, notices, delivery, patience), daemon=True
        )
        thread.start()
        threads.append(thread)
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    # A copy: a thread left behind must not change what is reported.
    return [Delivery(d.channel, d.kind, d.delivered, d.tries, d.error, d.took_s) for _, d in tasks]


def _deliver_one(
    channel: NotificationChannel,
    notices: Sequence[Notice],
    delivery: Delivery,
    patience: Patience,
) -> None:
    started = time.monotonic()
    send = _sender(channel)
    attempts = Retrying(
        retry=retry_if_exception_type(NotDelivered),
        stop=stop_after_attempt(patience.attempts),
        wait=wait_exponential(multiplier=patience.first_wait_s, max=20.0),
        reraise=True,
    )

    def once() -> None:
        delivery.tries += 1
        send(channel, notices)

    try:
        attempts(once)
    except Exception as exc:  # noqa: BLE001 - whatever a vendor's plugin raises is this one's failure
        said = str(exc) if isinstance(exc, NotDelivered) else type(exc).__name__
        delivery.error = masked(said, channel)
    else:
        delivery.delivered, delivery.error = True, None
    delivery.took_s = time.monotonic() - started


def _sender(
    channel: NotificationChannel,
) -> Callable[[NotificationChannel, Sequence[Notice]], None]:
    if channel.type == "webhook":
        from streaming.notify.webhook import send as send_json

        return send_json
    from streaming.notify.by_apprise import send

    return send
