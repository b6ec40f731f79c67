"""How much happens: frames and verdicts a second, and how long a verdict takes. Pure."""

from collections import OrderedDict, deque
from dataclasses import dataclass, field

from streaming.aggregation.view import FrameView

RATE_WINDOW_S = 10.0
LATENCY_WINDOW_S = 60.0
_FRAMES_REMEMBERED = 2_000


@dataclass(slots=True)
class Pulse:
    """Rates over the last 10 s, latency over the last minute; times in seconds of any clock."""

    _frames: deque[float] = field(default_factory=deque)
    _verdicts: deque[tuple[float, float, float]] = field(default_factory=deque)
    _judged: OrderedDict[str, set[int]] = field(default_factory=OrderedDict)

    def add(self, view: FrameView, now_s: float) -> None:
        """A result, which may come several times as its groups are judged."""
        known = self._judged.get(view.message_id)
        if known is None:
            known = self._judged[view.message_id] = set()
            self._frames.append(now_s)
            if len(self._judged) > _FRAMES_REMEMBERED:
                self._judged.popitem(last=False)
        for group in view.groups:
            if group.task_id is not None and group.group_index not in known:
                known.add(group.group_index)
                if group.end_to_end_ms is not None and group.status == "assessed":
                    self._verdicts.append((now_s, group.end_to_end_ms, group.llm_ms or 0.0))

    def reading(self, now_s: float) -> dict[str, float | None]:
        """framesPerS, verdictsPerS, endToEndP50Ms, endToEndP95Ms, llmP95Ms (None: no verdict)."""
        while self._frames and now_s - self._frames[0] > RATE_WINDOW_S:
            self._frames.popleft()
        while self._verdicts and now_s - self._verdicts[0][0] > LATENCY_WINDOW_S:
            self._verdicts.popleft()
        recent = sum(1 for at_s, _, _ in self._verdicts if now_s - at_s <= RATE_WINDOW_S)
        end_to_end = sorted(ms for _, ms, _ in self._verdicts)
        return {
            "framesPerS": round(len(self._frames) / RATE_WINDOW_S, 1),
            "verdictsPerS": round(recent / RATE_WINDOW_S, 1),
            "endToEndP50Ms": quantile(end_to_end, 0.50),
            "endToEndP95Ms": quantile(end_to_end, 0.95),
            "llmP95Ms": quantile(sorted(ms for _, _, ms in self._verdicts), 0.95),
        }


def quantile(ordered: list[float], share: float) -> float | None:
    """The value below which `share` (0..1) of the sorted values lie, or None of none."""
    if not ordered:
        return None
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1)
