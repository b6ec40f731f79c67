"""Mail, group chats and the rest: Apprise knows their addresses and their manners."""

import logging
import threading
from collections.abc import Sequence

import apprise

from streaming.notify.deliver import NotDelivered
from streaming.notify.notice import Notice, text, title
from streaming.settings import NotificationChannel

TIMEOUT_S = 10.0
_TYPES = {
    "resolved": apprise.NotifyType.SUCCESS,
    "test": apprise.NotifyType.INFO,
    "firing": apprise.NotifyType.WARNING,
}
_LOGGER = logging.getLogger("apprise")


def send(channel: NotificationChannel, notices: Sequence[Notice]) -> None:
    """Send once.

    Raises:
        NotDelivered: with what Apprise said, not yet masked.
    """
    service = apprise.Apprise.instantiate(channel.address(), suppress_exceptions=True)
    if service is None:
        raise NotDelivered("Apprise knows no such address")
    service.socket_connect_timeout = TIMEOUT_S
    service.socket_read_timeout = TIMEOUT_S
    kind = _TYPES["firing" if any(n.state == "firing" for n in notices) else notices[0].state]
    with _Said() as said:
        delivered = service.notify(title=title(notices), body=text(notices), notify_type=kind)
    if not delivered:
        raise NotDelivered(said.last or "refused")


class _Said(logging.Handler):
    """What Apprise logs in this thread; it reaches no other log, as it may hold secrets."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.last = ""
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            self.last = record.getMessage()

    def __enter__(self) -> "_Said":
        _LOGGER.propagate = False
        _LOGGER.addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        _LOGGER.removeHandler(self)
