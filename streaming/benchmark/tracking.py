"""How well tracks hold, how right speeds are, and whether risk rises where the truth sees danger.

On synthetic cameras: the truth's boxes, moved by a pixel or so, one in twenty left out as a
detector would miss it.
"""

import json
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from streaming.benchmark.gate import detected
from streaming.benchmark.report import Report
from streaming.detection.grouping import GroupingRules, group
from streaming.detection.pairs import still_pairs
from streaming.detection.scene import Place, SceneState, look, place_of
from streaming.detection.tracking import Tracks, follow
from streaming.errors import ServiceError
from streaming.messages import Detection, Homography
from streaming.simulator.junction import Junction, JunctionSpec, TrueObject

SCENES = ((1, 9, 5), (2, 6, 9), (3, 12, 3), (4, 5, 7), (77, 12, 8), (78, 10, 6))
"""Seed, vehicles, pedestrians."""
_SIZE = (640, 360)
_MISSED = 0.05
_GROUP_PX = 150.0
_EDGE_PX = 1.0
_PEER = Path(__file__).parent / "peers" / "bytetrack.py"
_PEER_TIMEOUT_S = 600.0
_KMH = 3.6


@dataclass(slots=True)
class Tally:
    """Over all scenes of one interval. `films` are the boxes and true ids of each frame."""

    frames: int = 0
    objects: int = 0
    sightings: int = 0
    changed: int = 0
    follow_s: float = 0.0
    whole_s: float = 0.0
    off_kmh: list[float] = field(default_factory=list)
    risks: list[tuple[bool, float, float]] = field(default_factory=list)
    films: list[list[dict[str, Any]]] = field(default_factory=list)


def measure(
    *,
    duration_s: float,
    intervals_s: Sequence[float],
    peer: Path | None = None,
    scenes: Sequence[tuple[int, int, int]] = SCENES,
) -> Report:
    """A result an interval, with a homography and without; `peer` is the Python of an
    environment that has the `trackers` package, to run its ByteTrack on the same boxes.

    Raises:
        ServiceError: that Python cannot.
    """
    results: list[dict[str, Any]] = []
    for interval_s in intervals_s:
        for metric in (False, True):
            tally = Tally()
            for scene in scenes:
                _watch(scene, interval_s, duration_s, metric, tally)
            results.append({"interval_s": interval_s, "ground": metric} | _figures(tally))
        if peer is not None:
            results.append({"interval_s": interval_s} | _peer(peer, tally.films, interval_s))
    return Report("tracking", {"scenes": scenes, "duration_s": duration_s}, results)


def _watch(
    scene: tuple[int, int, int], interval_s: float, duration_s: float, metric: bool, tally: Tally
) -> None:
    seed, vehicles, pedestrians = scene
    junction = Junction(JunctionSpec(seed, vehicles, pedestrians, near_misses=4.0))
    rng = Random(seed)  # noqa: S311 - seeded
    image, ground_m = junction.marks()
    homography = Homography(tuple(image), tuple(ground_m))  # type: ignore[arg-type]
    place = place_of((), homography, _SIZE) if metric else Place()
    state, last = SceneState(), dict[int, tuple[int, int | None]]()
    film: list[dict[str, Any]] = []
    frames: list[tuple[float, list[Detection]]] = []
    for number in range(int(duration_s / interval_s)):
        junction.advance(number * interval_s)
        truth = junction.truth()
        boxes = [d for d in detected(truth, rng) if rng.random() >= _MISSED]
        true = [truth.objects[d.object_id] for d in boxes]
        frames.append((truth.time_s, boxes))
        state, seen = look(state, boxes, truth.time_s, place)
        tally.frames += 1
        tally.objects += len(boxes)
        ids = [d.track_id for d in seen.detections]
        _count(tally, last, number, true, ids)
        film.append({"ids": [o.object_id for o in true], "boxes": [d.xyxy for d in boxes]})
        tally.off_kmh += _speed_errors(seen.detections, true) if metric else []
        dangers = [frozenset(d.object_ids) for d in truth.dangers]
        tally.risks += _risks(seen.detections, true, dangers, seen.pairs.risks)
    tally.films.append(film)
    _time(frames, place, tally)


def _time(frames: Sequence[tuple[float, Sequence[Detection]]], place: Place, tally: Tally) -> None:
    """CPU time of the tracks alone, and of everything up to the groups."""
    begun_s, tracks = time.process_time(), Tracks()
    for at_s, boxes in frames:
        tracks, _ = follow(tracks, boxes, at_s)
    followed_s, state = time.process_time(), SceneState()
    for at_s, boxes in frames:
        state, seen = look(state, boxes, at_s, place)
        group(seen.detections, _SIZE, GroupingRules(_GROUP_PX), seen)
    tally.follow_s += followed_s - begun_s
    tally.whole_s += time.process_time() - followed_s


def _count(
    tally: Tally,
    last: dict[int, tuple[int, int | None]],
    number: int,
    true: Sequence[TrueObject],
    ids: Sequence[int | None],
) -> None:
    """Whoever was seen in this or the frame but one before should have the same number."""
    for who, track_id in zip(true, ids, strict=True):
        before, old_id = last.get(who.object_id, (-9, None))
        if number - before <= 2:
            tally.sightings += 1
            tally.changed += track_id != old_id
        last[who.object_id] = (number, track_id)


def _speed_errors(detections: Sequence[Detection], true: Sequence[TrueObject]) -> list[float]:
    """km/h, of those wholly in the frame."""
    errors = []
    for found, who in zip(detections, true, strict=True):
        left, top, right, bottom = who.xyxy
        inside = min(left, top) > _EDGE_PX and right < _SIZE[0] - _EDGE_PX
        if inside and bottom < _SIZE[1] - _EDGE_PX and found.motion and found.motion.speed_kmh:
            errors.append(abs(found.motion.speed_kmh - np.hypot(*who.velocity_m_s) * _KMH))
    return errors


def _risks(
    detections: Sequence[Detection],
    true: Sequence[TrueObject],
    dangers: Sequence[frozenset[int]],
    moving: np.ndarray[Any, np.dtype[np.float64]],
) -> list[tuple[bool, float, float]]:
    """(in danger by the truth, risk with motion, risk without) of each near pair."""
    still, found = still_pairs(detections).risks, []
    for a, one in enumerate(detections):
        for b, other in enumerate(detections[:a]):
            near = np.hypot(
                one.xyxy[0] + one.xyxy[2] - other.xyxy[0] - other.xyxy[2],
                one.xyxy[1] + one.xyxy[3] - other.xyxy[1] - other.xyxy[3],
            )
            if near <= 2 * _GROUP_PX:
                pair = frozenset((true[a].object_id, true[b].object_id))
                found.append((pair in dangers, float(moving[a, b]), float(still[a, b])))
    return found


def _figures(tally: Tally) -> dict[str, Any]:
    danger, moving, still = np.array(tally.risks).T
    off = tally.off_kmh or [float("nan")]
    return {
        "objects_per_frame": round(tally.objects / tally.frames, 1),
        "tracks_cpu_ms": round(tally.follow_s / tally.frames * 1000, 3),
        "whole_cpu_ms": round(tally.whole_s / tally.frames * 1000, 3),
        "number_changed": round(tally.changed / max(1, tally.sightings), 4),
        "speed_off_kmh_p50": round(float(np.median(off)), 2) if tally.off_kmh else None,
        "speed_off_kmh_p90": round(float(np.percentile(off, 90)), 2) if tally.off_kmh else None,
        "pairs_in_danger": int(danger.sum()),
        "danger_ranked_by_motion": round(ranked(moving, danger > 0), 3),
        "danger_ranked_by_nearness": round(ranked(still, danger > 0), 3),
    }


def ranked(
    scores: np.ndarray[Any, np.dtype[np.float64]], wanted: np.ndarray[Any, np.dtype[np.bool_]]
) -> float:
    """How often one that is wanted scores higher than one that is not; ties count half.

    That is the area under the ROC curve: 0.5 for scores that know nothing. nan without both.
    """
    high, low = np.sort(scores[wanted]), np.sort(scores[~wanted])
    if not len(high) or not len(low):
        return float("nan")
    below = np.searchsorted(low, high, "left") + np.searchsorted(low, high, "right")
    return float(below.mean() / 2 / len(low))


def _peer(python: Path, films: list[list[dict[str, Any]]], interval_s: float) -> dict[str, Any]:
    asked = json.dumps({"interval_s": interval_s, "films": films})
    try:
        done = subprocess.run(
            [str(python), str(_PEER)],
            input=asked,
            capture_output=True,
            text=True,
            timeout=_PEER_TIMEOUT_S,
            check=True,
        )
    except (subprocess.SubprocessError, OSError) as exc:
        raise ServiceError(f"{python} cannot run {_PEER.name}: {exc}") from exc
    answer: dict[str, Any] = json.loads(done.stdout)
    tally = Tally(frames=answer["frames"])
    for film, numbers in zip(films, answer["numbers"], strict=True):
        last: dict[int, tuple[int, int | None]] = {}
        for number, (frame, ids) in enumerate(zip(film, numbers, strict=True)):
            for who, track_id in zip(frame["ids"], ids, strict=True):
                before, old_id = last.get(who, (-9, None))
                if number - before <= 2 and old_id is not None:
                    tally.sightings += 1
                    tally.changed += track_id != old_id
                last[who] = (number, track_id)
    return {
        "peer": answer["name"],
        "tracks_cpu_ms": round(answer["cpu_s"] / tally.frames * 1000, 3),
        "number_changed": round(tally.changed / max(1, tally.sightings), 4),
    }
