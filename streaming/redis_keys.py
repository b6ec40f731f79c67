"""Every name in Redis, in one place. `{…}` in a key is Redis Cluster's hash tag."""

ALERTS_STREAM = "alerts"
"""Stream of all alerts, capped."""

CAMERAS_STATUS = "cameras:status"
"""Hash: camera id to JSON {status, since, error, workerId, name, source}."""

DAEMONS_SEEN = "daemons:seen"
"""Hash: a daemon in no consumer group (`api`) to when it last said that it lives, Unix s."""


def camera_latest(camera_id: str) -> str:
    """String, 5 min TTL: the newest merged result of a camera, as JSON."""
    return f"camera:{camera_id}:latest"


def camera_channel(camera_id: str) -> str:
    """Pub/sub channel that carries each merged result of a camera."""
    return f"camera:{camera_id}"


def camera_alerts(camera_id: str) -> str:
    """List: a camera's newest 100 alerts, newest first."""
    return f"alerts:{camera_id}"


def image(ref: str) -> str:
    """String with a TTL: JPEG bytes."""
    return f"image:{ref}"


def assessed(task_id: str) -> str:
    """String with a TTL: this task has ended, and need not be billed again."""
    return f"assessed:{task_id}"


def key_pool(pool: str, part: str) -> str:
    """Some part of a key pool's state; all parts of one pool share a hash slot."""
    return f"keys:{{{pool}}}:{part}"


def key_stats(pool: str) -> str:
    """What `/api/scheduler/stats` shows of a pool."""
    return key_pool(pool, "stats")
