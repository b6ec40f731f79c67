"""Messages onto topics, topics into the lake, and a column of what is there."""

from datetime import UTC, datetime, timedelta

from confluent_kafka import Producer

from streaming.lake import ask, opened
from streaming.lake.ingest import ingest
from streaming.lake.schema import ensure_schema
from streaming.messages import encode
from tests.builders import detection_result

START = datetime(2026, 11, 23, 12, tzinfo=UTC)


def send(settings, topic, values):
    producer = Producer({"bootstrap.servers": settings.kafka.bootstrap_servers})
    for n, value in enumerate(values):
        producer.produce(topic.name, value, key=str(n % 10))
        producer.poll(0)
    assert producer.flush(30) == 0


def frames(first, last):
    return [
        encode(
            detection_result(
                message_id=f"m{n}",
                camera_id=str(n % 10),
                captured_at=START + timedelta(minutes=n),
            )
        )
        for n in range(first, last)
    ]


def bring(settings, *streams):
    with opened(settings) as con:
        ensure_schema(con)
        return [ingest(con, settings.kafka, stream) for stream in streams]


def column(settings, query):
    return [row[0] for row in ask(settings, query).rows]
