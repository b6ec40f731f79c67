"""The same plan on Quix Streams, exactly once; runs in an environment of its own."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from quixstreams import Application
from quixstreams.models import BytesDeserializer, BytesSerializer

from streaming.messages import DetectionResult, decode
from streaming.tasks.plan import PlanPolicy, plan
from streaming.tasks.write import write


def main(job: dict[str, Any]) -> None:
    """Until SIGTERM."""
    policy = PlanPolicy(**job["policy"])
    app = Application(
        broker_address=job["bootstrap_servers"],
        consumer_group=job["group"],
        auto_offset_reset="earliest",
        processing_guarantee="exactly-once",
        auto_create_topics=False,
        state_dir=job["state_dir"],
        # Its default would make tasks visible after 5 s; this is as soon as it keeps its rate.
        commit_interval=0.5,
    )
    source = app.topic(job["source"], value_deserializer=BytesDeserializer())
    target = app.topic(job["target"], key_serializer=BytesSerializer(), value_serializer=Value())

    def tasks(value: bytes) -> list[tuple[bytes, bytes]]:
        detection = decode(value, DetectionResult)
        key = detection.message_id.encode()
        planned = plan(detection, policy)
        return [(key, task) for task in write(detection, value, planned, datetime.now(UTC))]

    frame = app.dataframe(source).apply(tasks, expand=True)
    frame.to_topic(target, key=lambda pair: pair[0])
    app.run()


class Value(BytesSerializer):  # type: ignore[misc]
    """The second of (key, value)."""

    def __call__(self, value: tuple[bytes, bytes], ctx: Any) -> bytes:
        return value[1]


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
