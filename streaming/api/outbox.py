"""What waits to be sent to one WebSocket client. Pure."""

from collections import OrderedDict, deque

MAX_RESULTS = 128
MAX_NOTICES = 2_000


class Outbox:
    """Notices (alerts, answers, states) before results; both bounded.

    Of each camera only the newest frame and the newest judged frame wait: older ones that were
    not sent yet tell a slow client nothing. Beyond `MAX_RESULTS` the oldest is dropped. Notices
    are never dropped: `overflowed` says that the client is too far behind to be kept.
    """

    def __init__(self) -> None:
        self._notices: deque[bytes] = deque()
        self._results: OrderedDict[tuple[str, bool], bytes] = OrderedDict()
        self.dropped = 0
        self.overflowed = False

    def __len__(self) -> int:
        return len(self._notices) + len(self._results)

    def put_notice(self, message: bytes) -> None:
        """Something that must arrive."""
        if len(self._notices) >= MAX_NOTICES:
            self.overflowed = True
            return
        self._notices.append(message)

    def put_result(self, camera_id: str, message: bytes, *, judged: bool = False) -> None:
        """A camera's newest result, in the place of one of its kind that still waits."""
        slot = (camera_id, judged)
        if self._results.pop(slot, None) is not None:
            self.dropped += 1
        self._results[slot] = message
        if len(self._results) > MAX_RESULTS:
            self._results.popitem(last=False)
            self.dropped += 1

    def take(self) -> bytes | None:
        """The next message to send, or None."""
        if self._notices:
            return self._notices.popleft()
        if self._results:
            return self._results.popitem(last=False)[1]
        return None
