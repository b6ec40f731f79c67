"""ByteTrack of the `trackers` package on boxes that come in as JSON; numbers and CPU time out.

Runs in an environment that has `trackers` and nothing of ours. Generalised IoU, because plain
IoU knows nothing of boxes that do not overlap, as they do not at half a second a frame.
"""

import json
import sys
import time
from importlib.metadata import version
from typing import Any

import numpy as np
import supervision as sv
from trackers import ByteTrackTracker
from trackers.utils.iou import GIoU


def main() -> None:
    """Every film with a tracker of its own."""
    asked = json.load(sys.stdin)
    interval_s, cpu_s, frames, numbers = asked["interval_s"], 0.0, 0, []
    for film in asked["films"]:
        tracker = ByteTrackTracker(
            frame_rate=1 / interval_s,
            lost_track_buffer=45,
            minimum_consecutive_frames=1,
            iou=GIoU(),
            minimum_iou_threshold=-0.5,
        )
        answers = []
        for number, frame in enumerate(film):
            boxes = np.array(frame["boxes"], float).reshape(-1, 4)
            begun_s = time.process_time()
            answers.append(_numbers(tracker, boxes, number * interval_s))
            cpu_s += time.process_time() - begun_s
            frames += 1
        numbers.append(answers)
    name = f"trackers {version('trackers')} ByteTrack"
    json.dump({"name": name, "cpu_s": cpu_s, "frames": frames, "numbers": numbers}, sys.stdout)


def _numbers(tracker: Any, boxes: Any, at_s: float) -> list[int | None]:
    """A number for each box; None where it gives none yet."""
    order = {"order": np.arange(len(boxes))}
    given = sv.Detections(xyxy=boxes, confidence=np.full(len(boxes), 0.9), data=order)
    found = tracker.update(given, timestamp=at_s)
    ids: list[int | None] = [None] * len(boxes)
    for place, track_id in zip(found.data.get("order", []), found.tracker_id, strict=True):
        ids[int(place)] = int(track_id) if track_id >= 0 else None
    return ids


if __name__ == "__main__":
    main()
