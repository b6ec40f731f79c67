"""The scenes of all cameras that are tracked, each kept from frame to frame."""

from collections import OrderedDict
from dataclasses import dataclass, replace

from streaming.detection.analysed import AnalysedFrame
from streaming.detection.roster import CameraSpec
from streaming.detection.scene import Place, SceneState, look, place_of
from streaming.detection.tracking import LONGEST_INTERVAL_S, Tracks

_FORGET_S = 60.0


@dataclass(slots=True)
class _Scene:
    spec: CameraSpec
    size: tuple[int, int]
    place: Place
    state: SceneState


class Scenes:
    """Tracks what short intervals allow to track. Used by one thread.

    A camera's scene begins anew when its settings or the size of its frames change; a camera
    without frames for a minute is forgotten. Track numbers begin at the time in ms, so that no
    worker gives one that was given before: the gate takes the same numbers for the same people.
    """

    def __init__(self) -> None:
        self._scenes: OrderedDict[str, _Scene] = OrderedDict()

    def __len__(self) -> int:
        return len(self._scenes)

    def look(self, analysed: AnalysedFrame) -> AnalysedFrame:
        """The frame with tracks and what they tell; as it is where the interval is too long."""
        frame = analysed.frame
        if frame.spec is None or frame.spec.interval_s > LONGEST_INTERVAL_S:
            return analysed
        at_s = frame.captured_at.timestamp()
        height, width = frame.image.shape[:2]
        scene = self._scenes.pop(frame.camera_id, None)
        if scene is None or (scene.spec, scene.size) != (frame.spec, (width, height)):
            spec, size = frame.spec, (width, height)
            begun = SceneState(Tracks(next_id=round(at_s * 1000)))
            scene = _Scene(spec, size, place_of(spec.zones, spec.homography, size), begun)
        scene.state, seen = look(scene.state, analysed.detections, at_s, scene.place)
        self._scenes[frame.camera_id] = scene
        self._forget(at_s)
        return replace(analysed, detections=seen.detections, seen=seen)

    def _forget(self, now_s: float) -> None:
        """The scenes longest without a frame come first."""
        while now_s - next(iter(self._scenes.values())).state.at_s > _FORGET_S:
            self._scenes.popitem(last=False)
