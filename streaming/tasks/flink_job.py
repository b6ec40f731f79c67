"""Task generation on Flink: the same plan and gate, keyed by camera, exactly once.

    detection-results -> camera and event time -> keyed by camera: plan, gate -> tasks
                                                      side outputs -> notices, dead letters

Runs in an environment of its own (`make flink`) with nothing of ours but `streaming.errors`,
`streaming.messages` and the pure modules beside this one. `streaming.tasks.flink` starts it, with
everything it must know as JSON in its one argument.

Kafka is read and written through the connector's tables: only these give Python a record's
headers, partition and offset, which tasks and dead letters carry.
"""

import json
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from pyflink.common import Configuration, Row, Types
from pyflink.common.time import Duration, Time
from pyflink.common.watermark_strategy import TimestampAssigner, WatermarkStrategy
from pyflink.datastream import (
    KeyedProcessFunction,
    OutputTag,
    RuntimeContext,
    StreamExecutionEnvironment,
)
from pyflink.datastream.functions import MapFunction
from pyflink.datastream.state import StateTtlConfig, ValueStateDescriptor
from pyflink.java_gateway import get_gateway
from pyflink.table import StreamTableEnvironment

from streaming.errors import BadMessage
from streaming.messages import HEADERS, DetectionResult, dead_letter, decode
from streaming.tasks.decide import Policy, decide, source_header
from streaming.tasks.gate import GatePolicy, Sent
from streaming.tasks.plan import PlanPolicy
from streaming.tracing import HEADER, next_traceparent

STAGE = "tasks"
LATE_S = 5
"""How far frames of a partition may be out of order before the watermark passes them."""
_SILENT_H = 1
"""A camera that sent nothing for so long is forgotten."""

_BYTES = Types.PRIMITIVE_ARRAY(Types.BYTE())
_HEADERS = Types.MAP(Types.STRING(), _BYTES)
_RECORD = Types.ROW_NAMED(
    ["camera", "at_ms", "record_key", "record_value", "place", "headers"],
    [Types.STRING(), Types.LONG(), _BYTES, _BYTES, Types.STRING(), _HEADERS],
)
_MESSAGE = Types.ROW_NAMED(["record_key", "record_value", "headers"], [_BYTES, _BYTES, _HEADERS])
NOTICES = OutputTag("notices", _MESSAGE)
DEAD = OutputTag("dead-letters", _MESSAGE)


@dataclass(frozen=True, slots=True)
class Job:
    """What the job must know. Topics by their names on the broker; times in s."""

    bootstrap_servers: str
    source: str
    target: str
    notices: str
    dead_letters: str
    group_id: str
    transactional_id_prefix: str
    policy: Policy
    flink: dict[str, str]
    """Flink's own configuration."""
    savepoint_dir: str
    security: dict[str, str] = field(default_factory=dict)
    """How Kafka's Java client signs in, by its own names."""
    security_file: str = ""
    """The same as a JSON file, which may be missing: a Kubernetes Secret."""
    detached: bool = False
    """Submit and return, instead of staying until SIGTERM stops the job with a savepoint."""
    transaction_timeout_s: int = 900
    """The broker's `transaction.max.timeout.ms`. A checkpoint that takes longer loses tasks."""

    @classmethod
    def from_json(cls, text: str) -> "Job":
        """As `streaming.tasks.flink` writes it."""
        fields = json.loads(text)
        policy = fields.pop("policy")
        file = Path(fields.get("security_file", ""))
        if file.is_file():
            fields["security"] = json.loads(file.read_text(encoding="utf-8"))
        return cls(
            policy=Policy(PlanPolicy(**policy["plan"]), GatePolicy(**policy["gate"])), **fields
        )


class _Head(msgspec.Struct, rename="camel"):
    """As much of a message as says where it belongs; the rest is looked at once it is there."""

    camera_id: str | int
    captured_at: datetime


class Place(MapFunction):  # type: ignore[misc]
    """A record with its camera and event time; empty and 0 where it has none."""

    def open(self, _context: RuntimeContext) -> None:
        self._decoder = msgspec.json.Decoder(_Head)

    def map(self, record: Row) -> Row:
        key, value, partition, offset, headers = record
        try:
            head = self._decoder.decode(value or b"")
            camera, at_ms = str(head.camera_id), int(head.captured_at.timestamp() * 1000)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, OverflowError):
            camera, at_ms = "", 0
        return Row(camera, at_ms, key, value, f"{partition}:{offset}", headers or {})


class EventTime(TimestampAssigner):  # type: ignore[misc]
    """capturedAt."""

    def extract_timestamp(self, record: Row, _record_timestamp: int) -> int:
        return int(record[1])


class PlanTasks(KeyedProcessFunction):  # type: ignore[misc]
    """A camera's messages to its tasks; what the camera has sent is keyed state."""

    def __init__(self, policy: Policy, source: str) -> None:
        self._policy = policy
        self._source = source

    def open(self, context: RuntimeContext) -> None:
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = msgspec.msgpack.Decoder(tuple[Sent, ...]).decode
        descriptor = ValueStateDescriptor("sent", _BYTES)
        ttl = StateTtlConfig.new_builder(Time.hours(_SILENT_H)).build()
        descriptor.enable_time_to_live(ttl)
        self._sent = context.get_state(descriptor)

    def process_element(self, record: Row, _context: Any) -> Iterator[Any]:
        _camera, _at_ms, key, value, place, headers = record
        partition, offset = (int(n) for n in place.split(":"))
        now = datetime.now(UTC)
        try:
            raw = value or b""
            detection = decode(raw, DetectionResult)
            before = self._sent.value() if detection.groups else None
            state = self._decode(before) if before else ()
            decided = decide(detection, raw, self._policy, state, now)
        except BadMessage as exc:
            own = dead_letter.headers(
                error=exc,
                topic=self._source,
                partition=partition,
                offset=offset,
                stage=STAGE,
                failed_at=now,
            )
            yield DEAD, Row(key, value, {**headers, **dict(own)})
            return
        if decided.state is not state:
            self._sent.update(self._encode(decided.state))
        if not detection.groups:
            return
        sent_headers = dict(
            [
                *HEADERS,
                (HEADER, next_traceparent(headers.get(HEADER))),
                source_header(partition, offset),
            ]
        )
        message_key = detection.message_id.encode()
        for task in decided.tasks:
            yield Row(message_key, task, sent_headers)
        if decided.notice is not None:
            yield NOTICES, Row(detection.camera_id.encode(), decided.notice, sent_headers)


def build(job: Job) -> tuple[StreamExecutionEnvironment, StreamTableEnvironment]:
    """The whole job, ready to be executed."""
    configuration = Configuration()
    for name, value in job.flink.items():
        configuration.set_string(name, value)
    env = StreamExecutionEnvironment.get_execution_environment(configuration)
    tables = StreamTableEnvironment.create(env)
    tables.execute_sql(_source_ddl(job))
    records = tables.to_data_stream(tables.from_path("detections"))
    watermarks = WatermarkStrategy.for_bounded_out_of_orderness(
        Duration.of_seconds(LATE_S)
    ).with_timestamp_assigner(EventTime())
    planned = (
        records.map(Place(), _RECORD)
        .uid("place")
        .assign_timestamps_and_watermarks(watermarks)
        .uid("event-time")
        .key_by(lambda record: record[0], Types.STRING())
        .process(PlanTasks(job.policy, job.source), _MESSAGE)
        .uid("plan")
        .name("plan")
    )
    sinks = tables.create_statement_set()
    outputs = {
        job.target: planned,
        job.notices: planned.get_side_output(NOTICES),
        job.dead_letters: planned.get_side_output(DEAD),
    }
    for number, (topic, stream) in enumerate(outputs.items()):
        tables.execute_sql(_sink_ddl(job, f"sink_{number}", topic))
        sinks.add_insert(f"sink_{number}", tables.from_data_stream(stream))
    sinks.attach_as_datastream()
    return env, tables


def run(job: Job) -> None:
    """Submit; unless detached, stay, and stop with a savepoint on SIGTERM or SIGINT."""
    env, _ = build(job)
    client = env.execute_async(f"trafficmon tasks ({job.group_id})")
    sys.stdout.write(f"job {client.get_job_id()}\n")
    sys.stdout.flush()
    if job.detached:
        return

    formats = get_gateway().jvm.org.apache.flink.core.execution.SavepointFormatType

    def stop(_signum: int, _frame: object) -> None:
        # pyflink's own stop_with_savepoint lacks the format, which Flink 2 asks for.
        path = client._j_job_client.stopWithSavepoint(  # noqa: SLF001
            False, job.savepoint_dir, formats.CANONICAL
        ).get()
        sys.stdout.write(f"savepoint {path}\n")
        sys.stdout.flush()

    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, stop)
    ended = client.get_job_execution_result()
    while not ended.done():
        signal.sigtimedwait([], 0.2)
    ended.result()


def _source_ddl(job: Job) -> str:
    return f"""
        CREATE TABLE detections (
          record_key BYTES,
          record_value BYTES,
          `partition` INT METADATA VIRTUAL,
          `offset` BIGINT METADATA VIRTUAL,
          headers MAP<STRING, BYTES> METADATA VIRTUAL
        ) WITH (
          {_common(job, job.source)},
          'properties.group.id' = '{job.group_id}',
          'properties.isolation.level' = 'read_committed',
          'properties.auto.offset.reset' = 'earliest',
          'scan.startup.mode' = 'group-offsets',
          'scan.topic-partition-discovery.interval' = '10 s'
        )"""


def _sink_ddl(job: Job, table: str, topic: str) -> str:
    return f"""
        CREATE TABLE {table} (
          record_key BYTES,
          record_value BYTES,
          headers MAP<STRING, BYTES> METADATA
        ) WITH (
          {_common(job, topic)},
          'sink.delivery-guarantee' = 'exactly-once',
          'sink.transactional-id-prefix' = '{job.transactional_id_prefix}-{topic}',
          'properties.transaction.timeout.ms' = '{job.transaction_timeout_s * 1000}',
          'properties.compression.type' = 'snappy',
          'properties.linger.ms' = '10'
        )"""


def _common(job: Job, topic: str) -> str:
    signing_in = "".join(
        f"""'properties.{name}' = '{value.replace("'", "''")}',
          """
        for name, value in job.security.items()
    )
    return f"""'connector' = 'kafka',
          'topic' = '{topic}',
          'properties.bootstrap.servers' = '{job.bootstrap_servers}',
          {signing_in}'key.format' = 'raw',
          'key.fields' = 'record_key',
          'value.format' = 'raw',
          'value.fields-include' = 'EXCEPT_KEY'"""


if __name__ == "__main__":
    # Under its own name, so that Flink's workers import the functions instead of unpickling
    # a copy of this module with its handles into the JVM.
    from streaming.tasks import flink_job  # noqa: PLW0406

    flink_job.run(flink_job.Job.from_json(Path(sys.argv[1]).read_text(encoding="utf-8")))
