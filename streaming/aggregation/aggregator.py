"""A batch of messages into Redis: frames merged, cameras' newest results and alerts written."""

from collections.abc import Sequence
from datetime import datetime

from streaming.aggregation.alerts import Alert, Step, placed, sightings
from streaming.aggregation.frame_store import Arrival, FrameParts, FrameStore
from streaming.aggregation.live_store import LiveStore, Write
from streaming.aggregation.merge import FrameState
from streaming.aggregation.view import FrameView, frame_view

_NAMES_MAX_AGE_S = 5.0


class Aggregator:
    """Everything but Kafka. A call that failed may be repeated: its effects are idempotent."""

    def __init__(
        self, frames: FrameStore, live: LiveStore, *, camera_names: dict[str, str]
    ) -> None:
        self._frames = frames
        self._live = live
        self._configured_names = camera_names
        self._names = camera_names
        self._names_read_at: datetime | None = None

    def apply(self, arrivals: Sequence[Arrival], now: datetime) -> list[FrameState]:
        """Take in messages; the states of the frames they belong to.

        Raises:
            redis.RedisError: Redis did not answer.
        """
        frames = self._frames.add(arrivals, now)
        views = {m: _view(parts, timed_out=False) for m, parts in frames.items()}
        return self._write({m: v for m, v in views.items() if v}, now)

    def give_up_due(self, now: datetime) -> list[FrameState]:
        """Close the frames whose missing groups have been waited for long enough.

        Raises:
            redis.RedisError: Redis did not answer.
        """
        due = self._frames.due(now)
        views = {m: _view(parts, timed_out=True) for m, parts in due.items()}
        states = self._write({m: v for m, v in views.items() if v}, now)
        self._frames.close(due)
        return states

    def close_alerts(self, now: datetime) -> None:
        """End the alerts of dangers that have not been seen for a while.

        Raises:
            redis.RedisError: Redis did not answer.
        """
        self._live.alerts.close_due(now)

    def _write(self, views: dict[str, FrameView], now: datetime) -> list[FrameState]:
        # Oldest first: an alert's first sighting opens it.
        ordered = sorted(views.values(), key=lambda v: (v.captured_at, v.message_id))
        alerts = self._alerts(ordered, now)
        self._live.write([Write(view, alerts.get(view.message_id, ())) for view in ordered], now)
        self._frames.close(m for m, v in views.items() if v.state == "complete")
        return [view.state for view in ordered]

    def _alerts(
        self, views: Sequence[FrameView], now: datetime
    ) -> dict[str, tuple[tuple[Alert, Step], ...]]:
        dangerous = [view for view in views if view.has_dangerous_driving]
        if not dangerous:
            return {}
        names = self._camera_names(now)
        recent = self._live.alerts.recent(view.camera_id for view in dangerous)
        found: dict[str, tuple[tuple[Alert, Step], ...]] = {}
        for view in dangerous:
            name = names.get(view.camera_id, view.camera_id)
            for sighting in sightings(view, name):
                change = placed(sighting, recent[view.camera_id])
                if change is None:
                    continue
                others = tuple(a for a in recent[view.camera_id] if a.id != change[0].id)
                recent[view.camera_id] = (change[0], *others)
                found[view.message_id] = (*found.get(view.message_id, ()), change)
        return found

    def _camera_names(self, now: datetime) -> dict[str, str]:
        read_at = self._names_read_at
        if read_at is None or (now - read_at).total_seconds() > _NAMES_MAX_AGE_S:
            self._names = self._configured_names | self._live.camera_names()
            self._names_read_at = now
        return self._names


def _view(parts: FrameParts, *, timed_out: bool) -> FrameView | None:
    """None for a frame of which nothing is left: its key ran out before its wait did."""
    if parts.detection is None and parts.notice is None and not parts.assessments:
        return None
    return frame_view(
        parts.detection,
        parts.assessments,
        timed_out=timed_out,
        notice=parts.notice,
        earlier=parts.earlier,
    )
