"""The WebSocket's messages: what clients may say, and what they are told. Pure.

The names are the guide's system's; both `{type, data: {…}}` and the fields beside `type`
are read, `{type, data}` is sent.
"""

from typing import Any, Literal

import msgspec

from streaming.aggregation.merge import DANGEROUS
from streaming.aggregation.view import FrameView, GroupView

CameraState = Literal[0, 1, 2]
"""0 offline, 1 online, 2 failing."""

_encode = msgspec.json.encode
_FRAME_SLOT = b'"frame":null'


class BadRequest(Exception):
    """What a client sent is no message of the protocol."""


class Ping(msgspec.Struct, tag_field="type", tag="ping"):
    """Answered by pong."""


class StartStream(msgspec.Struct, tag_field="type", tag="start_stream", rename="camel"):
    """Run a camera; one that runs already may leave the address out."""

    camera_id: str | int
    rtsp_url: str | None = None
    camera_name: str | None = None


class StopStream(msgspec.Struct, tag_field="type", tag="stop_stream", rename="camel"):
    """Stop a camera."""

    camera_id: str | int


class CheckCamera(msgspec.Struct, tag_field="type", tag="check_camera", rename="camel"):
    """Ask whether a camera gives frames."""

    camera_id: str | int
    rtsp_url: str | None = None


class Subscribe(msgspec.Struct, tag_field="type", tag="subscribe", rename="camel"):
    """Which cameras' results (`frames` false) or pictures too (`frames` true) are wanted.

    `camera_ids` left out means all. Each of the two sets is replaced by its last subscribe.
    `system` asks for the `system` message every two seconds.
    """

    camera_ids: list[str | int] | None = None
    frames: bool = False
    system: bool | None = None


Request = Ping | StartStream | StopStream | CheckCamera | Subscribe


def read(text: str | bytes) -> Request:
    """What a client asks for.

    Raises:
        BadRequest: no JSON, an unknown type, a field missing or of the wrong type.
    """
    try:
        fields = msgspec.json.decode(text)
        if isinstance(fields, dict) and isinstance(fields.get("data"), dict):
            fields = fields["data"] | {"type": fields.get("type")}
        request: Request = msgspec.convert(fields, Request)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeError, RecursionError) as exc:
        raise BadRequest(str(exc)) from exc
    return request


def message(kind: str, data: Any) -> bytes:
    """A message to a client."""
    return _encode({"type": kind, "data": data})


def camera_status(camera_id: str, status: CameraState, text: str, **more: Any) -> bytes:
    """`camera_status`, with what else is known of the camera."""
    return message(
        "camera_status", {"cameraId": camera_id, "status": status, "message": text, **more}
    )


def error(text: str) -> bytes:
    """`error`: why a message was refused."""
    return message("error", {"message": text})


def detection_result(view: FrameView) -> bytes:
    """A camera's result; `frame` is null here, see `with_frame`. llmLatency in seconds."""
    frame = view.frame
    data = {
        "frame": None,
        "cameraId": view.camera_id,
        "messageId": view.message_id,
        "timestamp": view.captured_at,
        "frameUrl": image_url(frame.image_ref) if frame else None,
        "imageWidth": frame.width if frame else None,
        "imageHeight": frame.height if frame else None,
        "detectedObjects": [
            {
                "objectId": d.object_id,
                "class": d.class_name,
                "confidence": d.confidence,
                "bbox": d.xyxy,
                "trackId": d.track_id,
            }
            for d in view.detections
        ],
        "trafficGroups": [_group(g) for g in view.groups],
        "dangerousDrivingResults": [_danger(g) for g in view.groups if g.risk_level in DANGEROUS],
        "hasDangerousDriving": view.has_dangerous_driving,
        "maxRiskLevel": view.max_risk_level,
        "state": view.state,
        "assessedAt": view.assessed_at,
        "llmLatency": None if view.llm_ms is None else round(view.llm_ms / 1000, 3),
        "llmModel": view.llm_model,
        "endToEndMs": view.end_to_end_ms,
        "processTime": None if view.inference_ms is None else round(view.inference_ms / 1000, 4),
        "modelType": view.detection_model,
        "serverDrawEnabled": False,
    }
    return message("detection_result", data)


def with_frame(result: bytes, jpeg_base64: bytes) -> bytes:
    """The same result with its picture as a data address."""
    picture = b'"frame":"data:image/jpeg;base64,' + jpeg_base64 + b'"'
    return result.replace(_FRAME_SLOT, picture, 1)


def image_url(ref: str | None) -> str | None:
    """Where the picture can be fetched."""
    return None if ref is None else f"/api/images/{ref}.jpg"


def _group(group: GroupView) -> dict[str, Any]:
    return {
        "groupIndex": group.group_index,
        "objectCount": len(group.member_object_ids),
        "bbox": group.xyxy,
        "classes": group.classes,
        "averageConfidence": group.average_confidence,
        "riskLevel": group.risk_level,
        "memberObjectIds": group.member_object_ids,
        "confidence": group.confidence,
        "riskTypes": group.risk_types,
        "description": group.description,
        "triggerObjectIds": group.trigger_object_ids,
        "cropUrl": image_url(group.crop_ref),
        "error": group.error,
        "skipped": group.skipped,
        "carriedAgeS": group.carried_age_s,
    }


def _danger(group: GroupView) -> dict[str, Any]:
    return {
        "groupIndex": group.group_index,
        "type": group.risk_types[0] if group.risk_types else "",
        "riskLevel": group.risk_level,
        "confidence": group.confidence,
        "riskTypes": group.risk_types,
        "description": group.description,
        "dangerObjectCount": group.danger_object_count,
        "triggerObjectIds": group.trigger_object_ids,
    }
